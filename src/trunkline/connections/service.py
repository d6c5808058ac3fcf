"""Makes, lists and removes connections, published models and prices.

Every method runs in the unit of work of its caller and tells the other processes what changed.
``ensure`` is idempotent: what is already as wanted is left alone, and nothing is told. ``org_id``
None stands for what the operator shares with all organisations.
"""

from collections.abc import Mapping
from typing import Any, Self

import msgspec
from sqlalchemy import Table
from sqlalchemy.ext.asyncio import AsyncConnection

from trunkline.catalog.capabilities import Capabilities
from trunkline.catalog.reader import Catalog
from trunkline.connections import repository
from trunkline.connections.builder import Builder
from trunkline.connections.header_secrets import KEPT
from trunkline.connections.model_service import ModelService
from trunkline.connections.rows import (
    FREE_RATES,
    ConnectionRow,
    OwnedRows,
    PriceOverride,
)
from trunkline.connections.schemas import ConnectionSpec, PriceSpec
from trunkline.connections.secrets import Secrets
from trunkline.errors import Conflict, InvalidRequest, NotFound
from trunkline.kit.clock import Clock
from trunkline.kit.ids import new_id
from trunkline.settings import Settings
from trunkline.storage.changes import append_change
from trunkline.storage.tables.connections import connection, price_override


class ConnectionService(ModelService):
    """Connections and prices, and the models of ``ModelService``. Has no state of its own.

    Args:
        environment: names of the connections that the environment makes, which targets may use.
        published: the models that it publishes: what each is for, by name.
    """

    @classmethod
    async def from_settings(cls, settings: Settings, *, clock: Clock) -> Self:
        """The service of an installation, which knows what its environment offers."""
        secrets = Secrets(lambda _: None)
        builder = Builder(settings, secrets, Catalog(), Capabilities(), clock)
        offered = await builder.shared(OwnedRows())
        return cls(
            environment=frozenset(offered.connections),
            published={name: alias.kind for name, alias in offered.aliases.items()},
            clock=clock,
        )

    async def connections(self, conn: AsyncConnection, org_id: str | None) -> list[ConnectionRow]:
        """Connections by name; the secret is a reference."""
        return [row async for row in repository.connections(conn, (org_id,))]

    async def prices(self, conn: AsyncConnection, org_id: str | None) -> list[PriceOverride]:
        """Prices set by hand, in the order in which they were made."""
        return [row async for row in repository.prices(conn, (org_id,))]

    async def ensure_connection(
        self,
        conn: AsyncConnection,
        org_id: str | None,
        wanted: ConnectionSpec,
        *,
        private: bool = False,
    ) -> bool:
        """Make the connection of this name be as wanted; true when something changed.

        ``private`` lets it lead into the networks that the settings allow; only the operator may
        say so. A header may be ``KEPT`` as it is.

        Raises:
            InvalidRequest: a header is to be kept and is not there.
        """
        present = await self._connection(conn, org_id, wanted.name)
        first, *further = wanted.references or (None,)
        row = ConnectionRow(
            id=present.id if present else new_id(),
            org_id=org_id,
            name=wanted.name,
            provider=wanted.provider,
            base_url=wanted.address,
            secret=first,
            headers=_kept(wanted.headers, {} if present is None else present.headers),
            cancels_on_close=wanted.cancels_on_close,
            private=private,
            further_secrets=tuple(filter(None, further)),
        )
        return await self._put(conn, connection, "connection", row, present)

    async def ensure_price(
        self, conn: AsyncConnection, org_id: str | None, wanted: PriceSpec
    ) -> bool:
        """Set a price by hand; one for the same models from the same day is replaced.

        Raises:
            InvalidRequest: it names a connection that this owner does not have.
        """
        if wanted.connection is not None:
            await self._check_connections(conn, org_id, {"connection": wanted.connection})
        present = await self._price(conn, org_id, wanted)
        row = PriceOverride(
            id=present.id if present else new_id(),
            org_id=org_id,
            provider=wanted.provider,
            connection=wanted.connection,
            model=wanted.model,
            since_ms=wanted.since_ms,
            rates=FREE_RATES if wanted.free else wanted.rates,
            request_nano=wanted.request,
        )
        return await self._put(conn, price_override, "price_override", row, present)

    async def delete_connection(self, conn: AsyncConnection, org_id: str | None, name: str) -> None:
        """Remove a connection.

        Raises:
            NotFound: there is none of this name.
            Conflict: a published model has a target at it, and nothing else of this name remains.
        """
        present = await self._connection(conn, org_id, name)
        if present is None:
            raise NotFound(f"There is no connection {name!r}.", code="connection_not_found")
        shared = None if org_id is None else await self._connection(conn, None, name)
        remains = name in self._environment or shared is not None
        if not remains and (users := await repository.models_at(conn, org_id, name)):
            raise Conflict(
                f"The connection {name!r} is used by {', '.join(users)}.",
                code="connection_in_use",
                hint="Give these models other targets first.",
            )
        await self._remove(conn, connection, "connection", present)

    async def delete_price(self, conn: AsyncConnection, org_id: str | None, price_id: str) -> None:
        """Remove a price set by hand.

        Raises:
            NotFound: there is none of this id.
        """
        rows = await self.prices(conn, org_id)
        present = next((row for row in rows if row.id == price_id), None)
        if present is None:
            raise NotFound(f"There is no price {price_id!r}.", code="price_not_found")
        await self._remove(conn, price_override, "price_override", present)

    async def _connection(
        self, conn: AsyncConnection, org_id: str | None, name: str
    ) -> ConnectionRow | None:
        found = [row async for row in repository.connections(conn, (org_id,), name=name)]
        return found[0] if found else None

    async def _price(
        self, conn: AsyncConnection, org_id: str | None, wanted: PriceSpec
    ) -> PriceOverride | None:
        key = (wanted.provider, wanted.connection, wanted.since_ms)
        rows = repository.prices(conn, (org_id,), model=wanted.model)
        found = [row async for row in rows if (row.provider, row.connection, row.since_ms) == key]
        return found[0] if found else None

    async def _put(
        self,
        conn: AsyncConnection,
        table: Table,
        kind: str,
        row: ConnectionRow | PriceOverride,
        present: ConnectionRow | PriceOverride | None,
    ) -> bool:
        if row == present:
            return False
        values: dict[str, Any] = msgspec.structs.asdict(row)
        if present is None:
            values["created_ms"] = self._now_ms()
        await repository.put(conn, table, values, new=present is None)
        await append_change(conn, row.org_id, kind, row.id)
        return True


def _kept(wanted: Mapping[str, str], present: Mapping[str, str]) -> dict[str, str]:
    """The headers as wanted, each that is to be kept with the value that it has."""
    for name, value in wanted.items():
        if value == KEPT and name not in present:
            raise InvalidRequest(
                f"The connection has no header {name} that could be kept.",
                code="header_missing",
                param=f"headers.{name}",
                hint="Write its value, or where that is found, such as env:NAME.",
            )
    return {name: present[name] if value == KEPT else value for name, value in wanted.items()}
