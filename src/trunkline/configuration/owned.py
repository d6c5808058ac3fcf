"""Connections, prices and models of one owner: of an organisation, or shared with all."""

from collections.abc import Sequence
from typing import Protocol

from sqlalchemy.ext.asyncio import AsyncConnection

from trunkline.configuration.collecting import Collector
from trunkline.connections.schemas import ConnectionSpec, ModelSpec, PriceSpec
from trunkline.connections.service import ConnectionService


class Owner(Protocol):
    """A section of the file that has these three lists."""

    @property
    def connections(self) -> Sequence[ConnectionSpec]:
        """Accounts with providers."""
        ...

    @property
    def prices(self) -> Sequence[PriceSpec]:
        """Prices set by hand."""
        ...

    @property
    def models(self) -> Sequence[ModelSpec]:
        """Published models."""
        ...


async def apply_owned(
    conn: AsyncConnection,
    service: ConnectionService,
    org_id: str | None,
    owner: Owner,
    path: str,
    collector: Collector,
) -> None:
    """Make them be as the section says; connections first, for the others name them."""
    for number, connection in enumerate(owner.connections):
        with collector.at(f"{path}connections[{number}]"):
            # The file belongs to the operator, who may point into his own networks.
            await service.ensure_connection(conn, org_id, connection, private=True)
    for number, price in enumerate(owner.prices):
        with collector.at(f"{path}prices[{number}]"):
            await service.ensure_price(conn, org_id, price)
    for number, model in enumerate(owner.models):
        with collector.at(f"{path}models[{number}]"):
            await service.ensure_model(conn, org_id, model)


async def prune_owned(
    conn: AsyncConnection,
    service: ConnectionService,
    org_id: str | None,
    owner: Owner,
    path: str,
    collector: Collector,
) -> None:
    """Remove what the section does not name; models first, for they use connections."""
    models = {model.name for model in owner.models}
    for row in await service.models(conn, org_id):
        if row.name not in models:
            await service.delete_model(conn, org_id, row.name)
    prices = {(p.provider, p.connection, p.model, p.since_ms) for p in owner.prices}
    for price in await service.prices(conn, org_id):
        if (price.provider, price.connection, price.model, price.since_ms) not in prices:
            await service.delete_price(conn, org_id, price.id)
    connections = {connection.name for connection in owner.connections}
    for connection in await service.connections(conn, org_id):
        if connection.name not in connections:
            with collector.at(f"{path}connections"):
                await service.delete_connection(conn, org_id, connection.name)
