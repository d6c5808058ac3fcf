"""What may be written: connections, published models and prices, each checked field by field."""

import re
from collections.abc import Mapping
from datetime import date
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from trunkline.connections.addresses import filled, parse_base_url, places_in
from trunkline.connections.fields import ModelName, Reference, Slug, Strict, UpstreamId, each_once
from trunkline.connections.route_schemas import CacheSpec, RouteSpec
from trunkline.gateway.policy import TargetState
from trunkline.gateway.providers.provider import Provider
from trunkline.gateway.providers.registry import PROVIDERS, find_provider
from trunkline.kit.money import NANO_PER_USD, parse_usd

EVERY_MODEL = "*"
MAX_PRICE_NANO = 10**9 * NANO_PER_USD
# Searches and requests are counted singly, but their prices are listed by the thousand.
PER_THOUSAND = 1_000
# What the gateway sets itself, such as every header that carries a secret of its own, or what
# belongs to the connection between two hosts only.
RESERVED_HEADERS = frozenset({
    "authorization", "x-api-key", "api-key", "x-goog-api-key", "cookie", "host",
    "content-length", "transfer-encoding", "connection", "accept-encoding", "te", "trailer",
    "upgrade", "keep-alive", "expect", "proxy-authorization", "x-amz-date",
    "x-amz-security-token",
})  # fmt: skip

DAY_MS = 86_400_000
MAX_SECRETS = 50
MAX_WEIGHT = 1_000
WEIGHTS = {"minimum": 1, "maximum": MAX_WEIGHT}

# What the file of a configuration is made of as well.
__all__ = [
    "EVERY_MODEL",
    "CacheSpec",
    "ConnectionSpec",
    "ModelSpec",
    "PriceSpec",
    "RouteSpec",
    "Strict",
    "TargetSpec",
]

_EPOCH = date(1970, 1, 1)
_HEADER_NAME = re.compile(r"[a-z0-9!#$%&'*+.^_`|~-]+")


def _headers(value: Mapping[str, str]) -> dict[str, str]:
    headers = {name.lower(): text for name, text in value.items()}
    for name, text in headers.items():
        if not _HEADER_NAME.fullmatch(name):
            raise ValueError(f"{name!r} is no name of a header")
        if name in RESERVED_HEADERS:
            raise ValueError(f"{name} is set by the gateway itself")
        if not (text.isascii() and text.isprintable()):
            raise ValueError(f"the value of {name} has characters that a header cannot carry")
    return headers


def _base_url(value: str) -> str:
    parse_base_url(value)
    return value


def _weight(value: int) -> int:
    if not 1 <= value <= MAX_WEIGHT:
        raise ValueError(
            f"a weight is from 1 to {MAX_WEIGHT}; nothing goes to a target with state: disabled"
        )
    return value


def money(value: object) -> int:
    """Nano-dollars of a decimal string of dollars; numbers with a point lose digits in YAML."""
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    if not isinstance(value, str):
        raise ValueError('write the amount in quotes, such as "2.50"')  # noqa: TRY004 - pydantic
    amount = parse_usd(value)
    if amount < 0:
        raise ValueError("an amount of money is not negative")
    if amount > MAX_PRICE_NANO:
        raise ValueError("an amount of money is at most a billion dollars")
    return amount


Usd = Annotated[int, BeforeValidator(money, json_schema_input_type=str | int)]


class ConnectionSpec(Strict):
    """An account with a provider.

    Attributes:
        region, project, resource: places of the provider's own address, where it has them, such as
            ``eu-central-1`` for Bedrock; not beside a ``base_url``, which says everything.
        secrets: several of them in place of ``secret``, all used in turn.
        headers: sent with each request. Where a name tells of a secret the value may be a
            reference to it, or ``kept:here`` for the value that the connection has.
    """

    name: Slug
    provider: str
    base_url: Annotated[str, Field(max_length=500), AfterValidator(_base_url)] | None = None
    region: Annotated[str, Field(max_length=63)] | None = None
    project: Annotated[str, Field(max_length=100)] | None = None
    resource: Annotated[str, Field(max_length=63)] | None = None
    secret: Reference | None = None
    secrets: Annotated[tuple[Reference, ...], Field(max_length=MAX_SECRETS)] = ()
    headers: Annotated[dict[str, str], AfterValidator(_headers)] = Field(default_factory=dict)
    cancels_on_close: bool | None = None

    @property
    def kind(self) -> Provider:
        """The row of the registry."""
        found = find_provider(self.provider)
        if found is None:
            known = ", ".join(row.id for row in PROVIDERS)
            raise ValueError(f"unknown provider {self.provider!r}; there are {known}")
        return found

    @property
    def address(self) -> str | None:
        """The base address with its places filled in; None for the provider's own."""
        places = self._places()
        return filled(self.kind.base_url, **places) if places else self.base_url

    @property
    def references(self) -> tuple[str, ...]:
        """Where its secrets are found, in the order in which they are numbered."""
        return self.secrets if self.secret is None else (self.secret,)

    def _places(self) -> dict[str, str]:
        named = {"region": self.region, "project": self.project, "resource": self.resource}
        return {name: place for name, place in named.items() if place is not None}

    @model_validator(mode="after")
    def _says_each_secret_once(self) -> Self:
        if self.secret is not None and self.secrets:
            raise ValueError("write either secret or secrets, and all of them there")
        if len(set(self.secrets)) < len(self.secrets):
            raise ValueError("secrets names one of them twice")
        return self

    @model_validator(mode="after")
    def _is_complete(self) -> Self:
        base, places = self.kind.base_url, self._places()
        if not base and self.base_url is None:
            raise ValueError(f"a connection to {self.provider} needs a base_url")
        wanted = () if self.base_url is not None else places_in(base)
        if missing := [name for name in wanted if name not in places]:
            raise ValueError(
                f"a connection to {self.provider} needs a {' and a '.join(missing)}, or a base_url"
            )
        if stray := [name for name in places if name not in wanted]:
            raise ValueError(
                f"the base_url says everything, so there is no place for a {stray[0]}"
                if self.base_url is not None
                else f"the address of {self.provider} has no place for a {stray[0]}"
            )
        parse_base_url(self.address or base)
        return self


class TargetSpec(Strict):
    """A model at a connection.

    Attributes:
        weight: its part of the requests, for the policy ``weighted``.
        state: ``draining`` takes requests only when no active target is left; ``disabled`` none.
    """

    connection: Slug
    model: UpstreamId
    weight: Annotated[int, AfterValidator(_weight), Field(json_schema_extra=WEIGHTS)] = 1
    state: TargetState = "active"

    @property
    def name(self) -> str:
        """As rules write it."""
        return f"{self.connection}/{self.model}"


class ModelSpec(Strict):
    """A published model: a public name and the targets behind it.

    Attributes:
        guardrails: their names, in the order in which they look at a text.
        on_unsupported: what becomes of the parts of a request that a target cannot do: they are
            left out and named in a header of the answer, or the target is not asked.
    """

    name: ModelName
    kind: Literal[
        "chat",
        "completion",
        "embedding",
        "image",
        "speech",
        "transcription",
        "rerank",
        "moderation",
    ] = "chat"
    targets: Annotated[tuple[TargetSpec, ...], Field(min_length=1, max_length=20)]
    max_tokens: Annotated[int, Field(ge=1, le=10_000_000)] | None = None
    hold_headers: Annotated[float, Field(gt=0, le=3600)] | None = None
    on_unsupported: Literal["drop", "refuse"] = "drop"
    route: RouteSpec | None = None
    cache: CacheSpec | None = None
    guardrails: Annotated[tuple[Slug, ...], Field(max_length=20), AfterValidator(each_once)] = ()


class PriceSpec(Strict):
    """A price that replaces the bundled one whole.

    Buckets are dollars for a million tokens, ``searches`` for a thousand, ``request`` for each.
    A bucket left out falls back as in the catalogue: cached and audio input to ``input``,
    reasoning and audio output to ``output``; nothing else is assumed.
    """

    provider: str | None = None
    connection: Slug | None = None
    model: UpstreamId = EVERY_MODEL
    since: date = _EPOCH
    free: bool = False
    input: Usd | None = None
    cache_read: Usd | None = None
    cache_write: Usd | None = None
    cache_write_5m: Usd | None = None
    cache_write_1h: Usd | None = None
    audio_input: Usd | None = None
    output: Usd | None = None
    reasoning: Usd | None = None
    audio_output: Usd | None = None
    searches: Usd | None = None
    request: Usd = 0

    @property
    def since_ms(self) -> int:
        """Unix milliseconds of the beginning of its first day, UTC."""
        return (self.since - _EPOCH).days * DAY_MS

    @property
    def rates(self) -> dict[str, int]:
        """The given buckets in nano-dollars for a million."""
        given = self.model_dump(include=set(_BUCKETS), exclude_none=True)
        return {
            bucket: nano * PER_THOUSAND if bucket == "searches" else nano
            for bucket, nano in given.items()
        }

    @model_validator(mode="after")
    def _says_one_thing(self) -> Self:
        if (self.provider is None) == (self.connection is None):
            raise ValueError("name either a provider or a connection")
        if self.provider is not None and find_provider(self.provider) is None:
            raise ValueError(f"unknown provider {self.provider!r}")
        if self.free and (self.rates or self.request):
            raise ValueError("what is free has no other price")
        if not self.free and not self.rates and not self.request:
            raise ValueError("give at least one price, or free: true")
        return self


_BUCKETS = (
    "input", "cache_read", "cache_write", "cache_write_5m", "cache_write_1h", "audio_input",
    "output", "reasoning", "audio_output", "searches",
)  # fmt: skip
