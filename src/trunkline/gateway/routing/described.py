"""A request that is only described: what people ask about without sending one."""

import random
from typing import Final, get_args

import msgspec

from trunkline.errors import InvalidRequest
from trunkline.gateway.caller import Caller
from trunkline.gateway.policy import Need
from trunkline.gateway.ports import Routes
from trunkline.gateway.routing.explain import Case, explain
from trunkline.gateway.routing.explanation import Explanation
from trunkline.gateway.routing.facts import TYPICAL_OUTPUT_TOKENS, StatedFacts
from trunkline.gateway.routing.length import output_tokens_of
from trunkline.gateway.routing.resolve import resolve
from trunkline.gateway.routing.view import HealthView
from trunkline.gateway.wire.contract import Inbound, Wire
from trunkline.gateway.wire.registry import WIRES

NEEDS: Final[tuple[Need, ...]] = get_args(Need)


class Described(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of a request; who would send it is told by the caller.

    Attributes:
        wire: the format in which it comes; None for the most usual one of the model's kind.
        max_tokens: the output ceiling that it names, or None.
        tags: those that the request itself carries.
        goes_on: whether its conversation has an answer already.
    """

    model: str
    wire: str | None = None
    input_tokens: int = 0
    max_tokens: int | None = None
    needs: frozenset[Need] = frozenset()
    tags: tuple[tuple[str, str], ...] = ()
    user: str | None = None
    conversation: str | None = None
    goes_on: bool = False


def explain_described(
    described: Described,
    caller: Caller,
    routes: Routes,
    view: HealthView | None,
    rng: random.Random,
) -> Explanation:
    """Which target would serve such a request of this caller, and why.

    Raises:
        NotFound: nobody publishes the model.
        Forbidden: the caller may not use it.
        InvalidRequest: there is no such wire.
    """
    snapshot = routes.snapshot(caller.org_id)
    alias = resolve(snapshot, caller, described.model, routes.target_for)
    wire = _usual(alias.kind) if described.wire is None else _named(described.wire)
    operation = alias.kind if alias.kind in wire.operations else min(wire.operations)
    request = Inbound(
        fields={},
        model=described.model,
        size=0,
        stream="stream" in described.needs,
        max_tokens=described.max_tokens,
    )
    facts = StatedFacts(
        team_id=caller.team_id,
        tags=caller.tags + described.tags,
        user=described.user or caller.user_id or caller.key_id,
        conversation=None if described.conversation is None else described.conversation.encode(),
        goes_on=described.goes_on,
        input_tokens=described.input_tokens,
        output_tokens=output_tokens_of(request, operation, TYPICAL_OUTPUT_TOKENS),
        needs=described.needs,
    )
    return explain(Case(alias, snapshot.aliases, wire, operation, request, facts, view), rng)


def read_needs(names: str | None) -> frozenset[Need]:
    """Needs as people write them, separated by commas.

    Raises:
        InvalidRequest: there is no such need.
    """
    found: set[Need] = set()
    for name in (names or "").split(","):
        plain = name.strip()
        if not plain:
            continue
        need = next((need for need in NEEDS if need == plain), None)
        if need is None:
            raise InvalidRequest(
                f"There is no need '{plain[:100]}'.",
                param="needs",
                hint=f"The needs are {', '.join(NEEDS)}.",
            )
        found.add(need)
    return frozenset(found)


def read_tag(text: str) -> tuple[str, str]:
    """A tag as people write it: ``name=value``.

    Raises:
        InvalidRequest: it has no name, or no equals sign.
    """
    name, sign, value = text.partition("=")
    if not name or not sign:
        raise InvalidRequest(
            f"'{text[:100]}' is not a tag.", param="tag", hint="Write name=value, such as env=prod."
        )
    return name, value


def _usual(kind: str) -> Wire:
    """The wire in which most clients ask for this kind of model: OpenAI's where there is one."""
    able = [wire for wire in WIRES.values() if kind in wire.operations]
    openai = (wire for wire in able if wire.name.startswith("openai"))
    return next(openai, able[0] if able else WIRES["openai_chat"])


def _named(name: str) -> Wire:
    wire = WIRES.get(name)
    if wire is None:
        raise InvalidRequest(
            f"There is no wire '{name[:100]}'.",
            param="wire",
            hint=f"The wires are {', '.join(WIRES)}.",
        )
    return wire
