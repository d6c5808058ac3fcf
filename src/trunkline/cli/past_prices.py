"""Prices of the past, for computing costs again."""

import msgspec
from typing_extensions import override

from trunkline.catalog.capabilities import Capabilities
from trunkline.catalog.reader import Catalog
from trunkline.cli.session import Session
from trunkline.connections.price_book import PriceBook
from trunkline.connections.rows import PriceOverride
from trunkline.connections.service import ConnectionService
from trunkline.gateway.metering.price import Price
from trunkline.gateway.snapshot import Connection, Origin
from trunkline.ledger.repricing import Prices

NOWHERE = Origin("https", "", 443)


class _Owned(msgspec.Struct, frozen=True):
    """What one owner has set.

    Attributes:
        names: of connections by identifier.
    """

    prices: list[PriceOverride]
    names: dict[str, str]


class PastPrices(Prices):
    """Finds prices as the data path does, at any moment.

    Its state is what was read of each organisation, once; a command builds it and drops it.
    """

    def __init__(self, session: Session) -> None:
        self._session = session
        self._connections = ConnectionService(clock=session.clock)
        self._catalog = Catalog()
        self._capabilities = Capabilities()
        self._owned: dict[str | None, _Owned] = {}

    @override
    async def price_at(
        self, org_id: str, connection_id: str, provider: str, model: str, at_ms: int
    ) -> Price | None:
        own, shared = await self._owner(org_id), await self._owner(None)
        # A connection of the environment, or one that has gone, is told by its provider.
        name = own.names.get(connection_id) or shared.names.get(connection_id) or provider
        connection = Connection(connection_id, name, provider, {}, NOWHERE, ())
        book = PriceBook(
            self._catalog,
            self._capabilities,
            at_ms / 1000,
            shared=shared.prices,
            own=own.prices,
        )
        return book.target(connection, model).price

    async def _owner(self, org_id: str | None) -> _Owned:
        if org_id not in self._owned:
            async with self._session.database.read(None) as conn:
                prices = await self._connections.prices(conn, org_id)
                rows = await self._connections.connections(conn, org_id)
            self._owned[org_id] = _Owned(prices, {row.id: row.name for row in rows})
        return self._owned[org_id]
