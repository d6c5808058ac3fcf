"""Which price a model has at a connection: set by hand, free by rule, or from the catalogue."""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from trunkline.catalog.capabilities import Capabilities
from trunkline.catalog.reader import FOREVER, Catalog, Dated
from trunkline.catalog.rows import Model
from trunkline.connections.rows import FREE_RATES, PriceOverride
from trunkline.connections.schemas import EVERY_MODEL
from trunkline.gateway.metering.price import Price
from trunkline.gateway.policy import TargetState
from trunkline.gateway.providers.families import family_of
from trunkline.gateway.providers.provider import Provider
from trunkline.gateway.providers.registry import PROVIDERS, find_provider
from trunkline.gateway.snapshot import Connection, Target

# Self-hosted models cost exactly nothing, which is not the same as a price that nobody knows.
SELF_HOSTED = tuple(
    PriceOverride(
        id=f"self-hosted/{provider.id}",
        org_id=None,
        provider=provider.id,
        connection=None,
        model=EVERY_MODEL,
        since_ms=0,
        rates=FREE_RATES,
        request_nano=0,
    )
    for provider in PROVIDERS
    if provider.self_hosted
)


class _Key(NamedTuple):
    """What an override is for: one connection, or all those to one provider; a model or all."""

    scope: str
    name: str
    model: str


class _Level:
    """The overrides of one owner, by what they are for, each list ascending by date."""

    def __init__(self, overrides: Iterable[PriceOverride]) -> None:
        self._dated: dict[_Key, list[tuple[float, Price]]] = {}
        for override in sorted(overrides, key=lambda row: row.since_ms):
            scope = "provider" if override.connection is None else "connection"
            key = _Key(scope, override.connection or override.provider or "", override.model)
            dated = (override.since_ms / 1000, override.price)
            self._dated.setdefault(key, []).append(dated)

    def touches(self, connection: Connection) -> bool:
        """Whether any override is about this connection or its provider."""
        about = {("connection", connection.name), ("provider", connection.provider)}
        return any((key.scope, key.name) in about for key in self._dated)

    def price_at(self, connection: Connection, model: str, at: float) -> Dated:
        """The newest price that has begun, of the most specific rule that has one.

        ``until`` tells when a later one begins, also where none has begun yet.
        """
        until = FOREVER
        for key in _most_specific_first(connection, model):
            begun: Price | None = None
            for since, price in self._dated.get(key, ()):
                if since <= at:
                    begun = price
                else:
                    until = min(until, since)
                    break
            if begun is not None:
                return Dated(begun, until)
        return Dated(None, until)


def _most_specific_first(connection: Connection, model: str) -> Iterator[_Key]:
    for scope, name in (("connection", connection.name), ("provider", connection.provider)):
        yield _Key(scope, name, model)
        yield _Key(scope, name, EVERY_MODEL)


class PriceBook:
    """Makes targets with the prices of one moment.

    An organisation's own prices come first, then those that the operator set for all, then the
    free rule of self-hosted providers, then the catalogue.

    Its only state is ``until``: the Unix second at which the first of the prices that it gave out
    ends. Whoever holds the targets makes a new book then.
    """

    def __init__(
        self,
        catalog: Catalog,
        capabilities: Capabilities,
        at: float,
        *,
        shared: Iterable[PriceOverride] = (),
        own: Iterable[PriceOverride] = (),
    ) -> None:
        self._catalog = catalog
        self._capabilities = capabilities
        self._at = at
        self._own = _Level(own)
        self._levels = (self._own, _Level(shared), _Level(SELF_HOSTED))
        self.until = FOREVER

    def is_special_for(self, connection: Connection) -> bool:
        """Whether the organisation itself set any price that may apply at this connection."""
        return self._own.touches(connection)

    def target(
        self,
        connection: Connection,
        model: str,
        *,
        weight: int = 1,
        state: TargetState = "active",
    ) -> Target:
        """A model at a connection, with its price, limits and traits as far as they are known."""
        provider = find_provider(connection.provider)
        listed, row = self._listed(provider, model)
        price: Price | None = None
        for level in self._levels:
            price = self._noted(level.price_at(connection, model, self._at))
            if price is not None:
                break
        else:
            if row is not None:
                price = self._noted(self._catalog.price_at(listed, row, self._at))
        context = row.context_window if row else None
        return Target(
            connection=connection,
            model=model,
            price=price,
            max_output_tokens=self._capabilities.max_output_tokens(model, context),
            context_window=context,
            bytes_per_token=self._capabilities.bytes_per_token(model),
            traits=self._capabilities.traits(connection.provider, model),
            family=family_of(provider, model),
            weight=weight,
            state=state,
        )

    def _listed(self, provider: Provider | None, model: str) -> tuple[str, Model | None]:
        """The first list that has the model, and its row there."""
        if provider is not None and provider.price_provider is not None:
            for listed in (provider.price_provider, *provider.price_fallbacks):
                row = self._catalog.find(listed, model)
                if row is not None:
                    return listed, row
        return "", None

    def _noted(self, dated: Dated) -> Price | None:
        self.until = min(self.until, dated.until)
        return dated.price
