"""From what is written to what the data path asks. Done once for each snapshot."""

import hashlib
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

from trunkline import __version__
from trunkline.gateway.guarding.analysis import Task
from trunkline.gateway.guarding.guard import Guard
from trunkline.guardrails.personal import national, numbers, secrets, words
from trunkline.guardrails.personal.entity import Entity
from trunkline.guardrails.personal.guard import PersonalGuard
from trunkline.guardrails.presidio.guard import PresidioGuard
from trunkline.guardrails.schemas import (
    EntityKind,
    GuardrailSpec,
    PiiOptions,
    PresidioOptions,
    read_spec,
)
from trunkline.guardrails.scripts import SCRIPTS, ScriptGuard, scripts_of
from trunkline.guardrails.sizes import Ceilings, SizeGuard
from trunkline.guardrails.topics import TopicGuard
from trunkline.guardrails.written import Heading

_ENTITIES: Final[Mapping[EntityKind, Callable[[PiiOptions], tuple[Entity, ...]]]] = {
    "private_key": lambda _: (secrets.private_key(),),
    "url_credentials": lambda _: (words.url_credentials(),),
    "api_key": lambda _: (secrets.api_key(),),
    "email": lambda _: (words.email(),),
    "iban": lambda _: (numbers.iban(),),
    "credit_card": lambda _: (numbers.credit_card(),),
    "us_ssn": lambda _: (numbers.us_ssn(),),
    "national_id": lambda _: (national.national_id(),),
    "ip_address": lambda options: (
        words.ipv4_address(options.addresses),
        words.ipv6_address(options.addresses),
    ),
    "phone": lambda _: (numbers.phone(),),
}


def compile_guard(name: str, spec: Mapping[str, Any]) -> Guard:
    """The guard of a guardrail; it never changes.

    Args:
        name: of the guardrail.
        spec: what is written, without the name.

    Raises:
        InvalidRequest: the spec is none.
    """
    return guard_of(read_spec({**spec, "name": name}))


def guard_of(spec: GuardrailSpec) -> Guard:
    """The guard of a guardrail that was checked."""
    heading = _heading(spec)
    if spec.topics is not None:
        return TopicGuard(heading, spec.topics.deny)
    if spec.size is not None:
        size = spec.size
        ceilings = Ceilings(size.characters, size.tokens, size.messages, size.message_characters)
        return SizeGuard(heading, ceilings)
    if spec.language is not None:
        allowed, denied = scripts_of(spec.language.allow), scripts_of(spec.language.deny)
        unwanted = denied or frozenset(SCRIPTS) - allowed
        return ScriptGuard(heading, unwanted, spec.language.least)
    if spec.presidio is not None:
        return _presidio(heading, spec.presidio)
    return _personal(heading, spec.pii or PiiOptions())


def _presidio(heading: Heading, options: PresidioOptions) -> Guard:
    return PresidioGuard(
        heading,
        Task(options.language, options.model, options.entities, options.threshold),
        _stand_ins(options.placeholder, options.entities),
        timeout=options.timeout,
        when_down=options.when_down,
        restored=options.restore,
    )


def _personal(heading: Heading, options: PiiOptions) -> Guard:
    entities = tuple(
        entity
        for kind, make in _ENTITIES.items()
        if kind in options.entities
        for entity in make(options)
    )
    instead = _stand_ins(options.placeholder, options.entities)
    return PersonalGuard(heading, entities, instead, restored=options.restore)


def _stand_ins(placeholder: str, kinds: Iterable[str]) -> dict[str, str]:
    return {kind: placeholder.replace("{kind}", kind.upper()) for kind in kinds}


def _heading(spec: GuardrailSpec) -> Heading:
    # What patterns find changes with the software, too.
    written = f"{__version__} {spec.model_dump_json()}"
    digest = hashlib.blake2b(written.encode(), digest_size=16).hexdigest()
    return Heading(spec.name, spec.way != "out", spec.way != "in", spec.action, digest)
