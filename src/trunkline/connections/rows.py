"""What the database holds of connections, models and prices, as plain records."""

from typing import Any, Literal, NamedTuple

import msgspec

from trunkline.gateway.metering.price import FREE, Price, Rates
from trunkline.gateway.policy import TargetState


class ConnectionRow(msgspec.Struct, frozen=True):
    """A connection; ``org_id`` is None where the operator shares it with all.

    Attributes:
        further_secrets: references to more secrets, used in turn with the first.
    """

    id: str
    org_id: str | None
    name: str
    provider: str
    base_url: str | None
    secret: str | None
    headers: dict[str, str]
    cancels_on_close: bool | None
    private: bool
    further_secrets: tuple[str, ...] = ()

    @property
    def references(self) -> tuple[str, ...]:
        """Where its secrets are found, in the order in which they are numbered."""
        return () if self.secret is None else (self.secret, *self.further_secrets)


class TargetRow(NamedTuple):
    """A target of a published model: the name of a connection, and an upstream id."""

    connection: str
    model: str
    weight: int = 1
    state: TargetState = "active"

    @property
    def name(self) -> str:
        """As rules write it."""
        return f"{self.connection}/{self.model}"


class AliasRow(msgspec.Struct, frozen=True):
    """A published model with its targets in order.

    Attributes:
        route, cache: as they are written; None for the defaults.
        guardrails: names, in order.
    """

    id: str
    org_id: str | None
    name: str
    kind: str
    max_tokens: int | None
    hold_headers: float | None
    on_unsupported: Literal["drop", "refuse"]
    created_ms: int
    targets: tuple[TargetRow, ...]
    route: dict[str, Any] | None = None
    cache: dict[str, Any] | None = None
    guardrails: tuple[str, ...] = ()


class GuardrailRow(msgspec.Struct, frozen=True):
    """A guardrail; what it looks for is as it is written."""

    org_id: str | None
    name: str
    spec: dict[str, Any]


class PriceOverride(msgspec.Struct, frozen=True):
    """A price set by hand, for a provider or for one connection, from a moment on.

    Attributes:
        rates: nano-dollars for a million of each bucket that was given.
        request_nano: nano-dollars for each request.
    """

    id: str
    org_id: str | None
    provider: str | None
    connection: str | None
    model: str
    since_ms: int
    rates: dict[str, int]
    request_nano: int

    @property
    def price(self) -> Price:
        """The whole price, buckets left out filled as the catalogue does it."""
        rates = complete(self.rates)
        return Price(f"override/{self.id}", rates, fixed=self.request_nano)


class OwnedRows(msgspec.Struct):
    """All rows of one owner.

    Attributes:
        guardrails: what each looks for and does, by name.
        teams: ids by slug, of the teams that rules speak of.
    """

    connections: list[ConnectionRow] = msgspec.field(default_factory=list)
    aliases: list[AliasRow] = msgspec.field(default_factory=list)
    prices: list[PriceOverride] = msgspec.field(default_factory=list)
    guardrails: dict[str, dict[str, Any]] = msgspec.field(default_factory=dict)
    teams: dict[str, str] = msgspec.field(default_factory=dict)


FREE_RATES: dict[str, int] = msgspec.structs.asdict(FREE)


def complete(given: dict[str, int]) -> Rates:
    """Rates with the fall-backs of the catalogue: to input, to output, and no further."""
    incoming, outgoing = given.get("input"), given.get("output")
    written = given.get("cache_write", incoming)
    return Rates(
        input=incoming,
        cache_read=given.get("cache_read", incoming),
        cache_write=written,
        cache_write_5m=given.get("cache_write_5m", written),
        cache_write_1h=given.get("cache_write_1h", written),
        audio_input=given.get("audio_input", incoming),
        output=outgoing,
        reasoning=given.get("reasoning", outgoing),
        audio_output=given.get("audio_output", outgoing),
        searches=given.get("searches"),
    )
