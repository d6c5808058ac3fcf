"""What every owner may have: connections, guardrails, prices and models."""

from collections.abc import Sequence
from typing import NamedTuple, Protocol

from sqlalchemy.ext.asyncio import AsyncConnection

from trunkline.configuration.collecting import Collector
from trunkline.connections.schemas import ConnectionSpec, ModelSpec, PriceSpec
from trunkline.connections.service import ConnectionService
from trunkline.guardrails.schemas import GuardrailSpec
from trunkline.guardrails.service import ensure_guardrail, list_guardrails, remove_guardrail
from trunkline.kit.clock import Clock


class Owner(Protocol):
    """A section of the file that has these four lists."""

    @property
    def connections(self) -> Sequence[ConnectionSpec]:
        """Accounts with providers."""
        ...

    @property
    def guardrails(self) -> Sequence[GuardrailSpec]:
        """What models may name to look at texts."""
        ...

    @property
    def prices(self) -> Sequence[PriceSpec]:
        """Prices set by hand."""
        ...

    @property
    def models(self) -> Sequence[ModelSpec]:
        """Published models."""
        ...


class Owned(NamedTuple):
    """One owner's sections on their way into the database.

    Attributes:
        org_id: None for what is shared with all.
        path: what precedes the paths of the sections, such as ``organisations[0].``.
    """

    conn: AsyncConnection
    service: ConnectionService
    clock: Clock
    org_id: str | None
    owner: Owner
    path: str
    collector: Collector

    async def apply(self) -> None:
        """Make them be as the section says; models last, for they name the others."""
        for number, connection in enumerate(self.owner.connections):
            with self.collector.at(f"{self.path}connections[{number}]"):
                # The file belongs to the operator, who may point into his own networks.
                await self.service.ensure_connection(
                    self.conn, self.org_id, connection, private=True
                )
        for number, guardrail in enumerate(self.owner.guardrails):
            with self.collector.at(f"{self.path}guardrails[{number}]"):
                await ensure_guardrail(self.conn, self.org_id, guardrail, clock=self.clock)
        for number, price in enumerate(self.owner.prices):
            with self.collector.at(f"{self.path}prices[{number}]"):
                await self.service.ensure_price(self.conn, self.org_id, price)
        for number, model in enumerate(self.owner.models):
            at = f"{self.path}models[{number}]."
            with self.collector.at(at):
                await self.service.ensure_model(self.conn, self.org_id, model, at=at)

    async def prune(self) -> None:
        """Remove what the section does not name; models first, for they use the others."""
        conn, org_id, service = self.conn, self.org_id, self.service
        models = {model.name for model in self.owner.models}
        with self.collector.at(f"{self.path}models"):
            going = [row.name for row in await service.models(conn, org_id)]
            await service.delete_models(conn, org_id, [n for n in going if n not in models])
        guardrails = {guardrail.name for guardrail in self.owner.guardrails}
        for row in await list_guardrails(conn, org_id):
            if row.name not in guardrails:
                with self.collector.at(f"{self.path}guardrails"):
                    await remove_guardrail(conn, org_id, row.name)
        prices = {(p.provider, p.connection, p.model, p.since_ms) for p in self.owner.prices}
        for price in await service.prices(conn, org_id):
            if (price.provider, price.connection, price.model, price.since_ms) not in prices:
                await service.delete_price(conn, org_id, price.id)
        connections = {connection.name for connection in self.owner.connections}
        for connection in await service.connections(conn, org_id):
            if connection.name not in connections:
                with self.collector.at(f"{self.path}connections"):
                    await service.delete_connection(conn, org_id, connection.name)

    async def check_routes(self) -> None:
        """Note what models name and is not there, once everything is as it shall be."""
        problems = await self.service.route_problems(self.conn, self.org_id)
        at = {m.name: f"{self.path}models[{n}]." for n, m in enumerate(self.owner.models)}
        self.collector.add_routes(problems, at)
