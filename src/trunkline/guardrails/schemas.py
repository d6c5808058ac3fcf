"""What may be written as a guardrail, checked field by field."""

import re
from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
    model_validator,
)

from trunkline.errors import InvalidRequest
from trunkline.guardrails.personal.words import Addresses
from trunkline.guardrails.scripts import LANGUAGES, SCRIPTS

EntityKind = Literal[
    "private_key",
    "url_credentials",
    "api_key",
    "email",
    "iban",
    "credit_card",
    "us_ssn",
    "national_id",
    "ip_address",
    "phone",
]
"""In the order in which they win where two begin at the same place."""

DEFAULT_ENTITIES: tuple[EntityKind, ...] = (
    *("private_key", "url_credentials", "api_key", "email"),
    *("iban", "credit_card", "us_ssn", "national_id", "phone"),
)
DEFAULT_PLACEHOLDER = "[{kind}]"
_PLACES = re.compile(r"\{([^{}]*)\}")
_KNOWN_PLACES = {"kind", "n"}
_MOST_CHARACTERS = 100_000_000
_RESTORED = {("redact", "in"), ("redact", "both")}
# Presidio takes these names also where nothing can find them: they come from a model of a language.
_OF_MODELS = frozenset({"AGE", "EMAIL", "ID", "LOCATION", "NRP", "ORGANIZATION", "PERSON"})


def _slug(value: str) -> str:
    if not re.fullmatch(r"[a-z0-9][a-z0-9._-]{0,62}", value):
        raise ValueError("1 to 63 small letters, digits, dots, dashes and underscores")
    return value


def _phrase(value: str) -> str:
    if not any(character.isalnum() for character in value):
        raise ValueError("a phrase has at least one letter or digit")
    if not value.isprintable():
        raise ValueError("a phrase has no control characters")
    if value.count("*") > 4:
        raise ValueError("a phrase has at most four asterisks")
    return value


def _placeholder(value: str) -> str:
    if not value.isprintable():
        raise ValueError("a placeholder has no control characters")
    if unknown := set(_PLACES.findall(value)) - _KNOWN_PLACES:
        raise ValueError(f"a placeholder has {{kind}} and {{n}}, not {{{min(unknown)}}}")
    return value


def _entity(value: str) -> str:
    if not re.fullmatch(r"[A-Z][A-Z0-9_]{1,63}", value):
        raise ValueError("Presidio's names are capitals, digits and underscores")
    return value


def _language(value: str) -> str:
    if not re.fullmatch(r"[a-z]{2,3}", value):
        raise ValueError("a language is two or three small letters, such as en")
    return value


def _model(value: str) -> str:
    if not re.fullmatch(r"[a-z]{2,3}_[a-z0-9_]{1,60}", value):
        raise ValueError("a model is the name of a package, such as en_core_web_lg")
    return value


def _check_restore(placeholder: str, *, restore: bool) -> None:
    if restore and not {"kind", "n"} <= set(_PLACES.findall(placeholder)):
        raise ValueError("restore needs a placeholder with {kind} and {n}")


def _script(value: str) -> str:
    if value not in SCRIPTS and value not in LANGUAGES:
        raise ValueError(
            f"{value!r} cannot be told by its script; there are {', '.join((*SCRIPTS, *LANGUAGES))}"
        )
    return value


Slug = Annotated[str, AfterValidator(_slug)]
Phrase = Annotated[str, Field(min_length=2, max_length=100), AfterValidator(_phrase)]
Placeholder = Annotated[str, Field(min_length=1, max_length=64), AfterValidator(_placeholder)]
Script = Annotated[str, AfterValidator(_script)]
Entity = Annotated[str, AfterValidator(_entity)]
Count = Annotated[int, Field(ge=1, le=_MOST_CHARACTERS, strict=True)]


class Strict(BaseModel):
    """Unknown fields are refused, never ignored; values do not change after they were checked."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class PiiOptions(Strict):
    """Personal data and secrets.

    Attributes:
        entities: what is looked for.
        placeholder: what stands instead, with ``{kind}`` in capitals and ``{n}`` for a number that
            is the same for equal texts of one request.
        restore: whether the answer gets the texts back that were replaced in its request.
        addresses: which network addresses count, for ``ip_address``.
    """

    entities: Annotated[tuple[EntityKind, ...], Field(min_length=1)] = DEFAULT_ENTITIES
    placeholder: Placeholder = DEFAULT_PLACEHOLDER
    restore: bool = False
    addresses: Addresses = "public"

    @model_validator(mode="after")
    def _can_be_restored(self) -> Self:
        _check_restore(self.placeholder, restore=self.restore)
        return self


class TopicOptions(Strict):
    """Phrases by the name of a topic. ``*`` stands for the rest of a word."""

    deny: Annotated[
        dict[Slug, Annotated[tuple[Phrase, ...], Field(min_length=1, max_length=2000)]],
        Field(min_length=1, max_length=100),
    ]


class SizeOptions(Strict):
    """Ceilings; tokens are estimated. An answer has no messages, only characters and tokens.

    Attributes:
        characters: of all texts together.
        tokens: of all texts together.
        messages: how many turns.
        message_characters: of the longest single text.
    """

    characters: Count | None = None
    tokens: Count | None = None
    messages: Count | None = None
    message_characters: Count | None = None

    @model_validator(mode="after")
    def _has_a_ceiling(self) -> Self:
        if not self.model_dump(exclude_none=True):
            raise ValueError("give at least one ceiling")
        return self


class LanguageOptions(Strict):
    """Scripts, or languages that have one of their own, of which others are refused.

    Attributes:
        allow: only these; or
        deny: all but these.
        least: so many letters in a row count.
    """

    allow: tuple[Script, ...] = ()
    deny: tuple[Script, ...] = ()
    least: Annotated[int, Field(ge=1, le=100, strict=True)] = 3

    @model_validator(mode="after")
    def _says_one_thing(self) -> Self:
        if bool(self.allow) == bool(self.deny):
            raise ValueError("give either allow or deny")
        return self


class PresidioOptions(Strict):
    """What Presidio looks for, in a process of its own.

    Attributes:
        entities: by Presidio's names.
        language: of the texts.
        model: name of an installed package of spaCy's; without it only patterns are searched for.
        threshold: findings of which Presidio is less sure do not count.
        timeout: seconds that a request waits.
        when_down: what follows where nobody looked in time.
        placeholder, restore: as for personal data.
    """

    entities: Annotated[tuple[Entity, ...], Field(min_length=1, max_length=50)]
    language: Annotated[str, AfterValidator(_language)] = "en"
    model: Annotated[str, AfterValidator(_model)] | None = None
    threshold: Annotated[float, Field(ge=0, le=1)] = 0.4
    timeout: Annotated[float, Field(ge=0.05, le=30)] = 2.0
    when_down: Literal["pass", "refuse"] = "refuse"
    placeholder: Placeholder = DEFAULT_PLACEHOLDER
    restore: bool = False

    @model_validator(mode="after")
    def _can_be_found(self) -> Self:
        if self.model is None and (unseen := _OF_MODELS.intersection(self.entities)):
            raise ValueError(f"{min(unseen)} has no pattern: name a model that finds it")
        return self

    @model_validator(mode="after")
    def _can_be_restored(self) -> Self:
        _check_restore(self.placeholder, restore=self.restore)
        return self


KINDS = ("pii", "topics", "size", "language", "presidio")
Kind = Literal["pii", "topics", "size", "language", "presidio"]


class GuardrailSpec(Strict):
    """A guardrail that published models can name.

    Attributes:
        kind: what it looks for; the options stand under the same name.
        way: whether it looks at requests, at answers, or at both.
        action: whether a finding is replaced, stops the request, or is only noted. Only personal
            data, by ``pii`` or ``presidio``, can be replaced.
    """

    name: Slug
    kind: Kind
    way: Literal["in", "out", "both"] = "both"
    action: Literal["redact", "refuse", "note"] = "refuse"
    pii: PiiOptions | None = None
    topics: TopicOptions | None = None
    size: SizeOptions | None = None
    language: LanguageOptions | None = None
    presidio: PresidioOptions | None = None

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        for kind in KINDS:
            given = getattr(self, kind) is not None
            if given and kind != self.kind:
                raise ValueError(f"a guardrail of kind {self.kind} has no options of {kind}")
            if not given and kind == self.kind != "pii":
                raise ValueError(f"a guardrail of kind {kind} needs its options under {kind!r}")
        if self.action == "redact" and self.kind not in {"pii", "presidio"}:
            raise ValueError(f"{self.kind} can be refused or noted, not redacted")
        self._check_ways()
        return self

    def _check_ways(self) -> None:
        if self.presidio is not None and self.way != "in":
            raise ValueError("presidio looks at requests only: write 'way: in'")
        options = self.presidio or self.pii
        if options is not None and options.restore and (self.action, self.way) not in _RESTORED:
            raise ValueError("only what is redacted in a request can be restored")
        size = self.size if self.way == "out" else None
        if size is not None and size.characters is None and size.tokens is None:
            raise ValueError("an answer is measured in characters or tokens")


def read_spec(values: Mapping[str, Any], at: str = "") -> GuardrailSpec:
    """Check what somebody wrote.

    Args:
        values: as decoded from JSON or YAML.
        at: the place of the input, such as ``guardrails.0.``, put in front of the field's path.

    Raises:
        InvalidRequest: with the path of the first offending field in ``param``.
    """
    try:
        return GuardrailSpec.model_validate(dict(values))
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        path = at + ".".join(str(part) for part in first["loc"])
        message = first["msg"].removeprefix("Value error, ")
        message = message.replace("Input should be", "this must be", 1)
        raise InvalidRequest(
            f"{path}: {message}." if path else f"{message[:1].upper()}{message[1:]}.",
            code="invalid_value",
            param=path.rstrip(".") or None,
        ) from None
