"""Builds routing states without holding the event loop."""

import asyncio
from collections.abc import Iterable, Mapping

from trunkline.catalog.capabilities import Capabilities
from trunkline.catalog.reader import Catalog
from trunkline.connections.accounts import Account, Credentials, connected
from trunkline.connections.building import State, Step, inherit, publish_catalog, publish_rows
from trunkline.connections.environment import environment_accounts
from trunkline.connections.guards import GuardMaker, Written
from trunkline.connections.header_secrets import with_header_secrets
from trunkline.connections.price_book import PriceBook
from trunkline.connections.rows import AliasRow, ConnectionRow, OwnedRows, PriceOverride
from trunkline.connections.secrets import Secrets
from trunkline.connections.settling import settle
from trunkline.kit.clock import Clock
from trunkline.settings import Settings

TURN_SECONDS = 0.0005


class Builder:
    """What it builds depends on its parts and on the time.

    It has no state of its own but the guards that are in use.
    """

    def __init__(
        self,
        settings: Settings,
        secrets: Secrets,
        catalog: Catalog,
        capabilities: Capabilities,
        clock: Clock,
        credentials: Credentials | None = None,
        guards: GuardMaker | None = None,
    ) -> None:
        self._settings = settings
        self._secrets = secrets
        self._catalog = catalog
        self._capabilities = capabilities
        self._clock = clock
        self._credentials = credentials or Credentials()
        self._guards = guards or GuardMaker()

    async def shared(self, rows: OwnedRows) -> State:
        """What the operator shares with all: environment, catalogue, and its own rows."""
        guards = await self._guards.make(_named(rows.aliases, rows.guardrails))
        book = self._book(shared=rows.prices)
        state = State({}, {}, book, [], rows.guardrails, guards, {})
        pacer = _Pacer(self._clock)
        for account in environment_accounts(self._settings):
            whole = account if account.secrets else await self._account(account.row, state)
            self._connect(state, [whole])
        hold = self._settings.hold_headers
        await pacer.run(publish_catalog(state, self._catalog, self._capabilities, hold))
        self._connect(state, [await self._account(row, state) for row in rows.connections])
        await pacer.run(_rebind(state))
        await pacer.run(publish_rows(state, rows.aliases, hold))
        await pacer.run(settle(state))
        return state

    async def own(
        self, rows: OwnedRows, shared: State, shared_prices: Iterable[PriceOverride]
    ) -> State:
        """What one organisation may call: what is shared, and its own rows before it."""
        book = self._book(shared=shared_prices, own=rows.prices) if rows.prices else shared.book
        guardrails = {**shared.guardrails, **rows.guardrails}
        guards = await self._guards.make(_named(rows.aliases, guardrails))
        connections = dict(shared.connections)
        state = State(connections, {}, book, [], guardrails, guards, rows.teams)
        pacer = _Pacer(self._clock)
        self._connect(state, [await self._account(row, state) for row in rows.connections])
        await pacer.run(inherit(state, shared.aliases))
        await pacer.run(publish_rows(state, rows.aliases, self._settings.hold_headers))
        await pacer.run(settle(state))
        return state

    def _book(
        self, *, shared: Iterable[PriceOverride], own: Iterable[PriceOverride] = ()
    ) -> PriceBook:
        now = self._clock.now()
        return PriceBook(self._catalog, self._capabilities, now, shared=shared, own=own)

    async def _account(self, row: ConnectionRow, state: State) -> Account:
        """The row with its secrets. Without any it stays: its calls fail by its own name."""
        row = await with_header_secrets(row, self._secrets, state.problems)
        secrets: list[str | None] = []
        for reference in row.references:
            try:
                secrets.append(await self._secrets.resolve(reference))
            except ValueError as error:
                secrets.append(None)
                number = f"secret {len(secrets)}" if row.further_secrets else "secret"
                state.problems.append(f"the connection {row.name!r} has no {number}: {error}")
        return Account(row, tuple(secrets))

    def _connect(self, state: State, accounts: Iterable[Account]) -> None:
        for account in accounts:
            try:
                connection = connected(account, self._credentials, state.problems.append)
            except ValueError as error:
                state.problems.append(f"the connection {account.row.name!r} is left out: {error}")
            else:
                state.connections[connection.name] = connection


class _Pacer:
    """Gives the event loop a turn whenever a step ends half a millisecond after the last one."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._since = clock.monotonic()

    async def run(self, steps: Step) -> None:
        for _ in steps:
            if self._clock.monotonic() - self._since >= TURN_SECONDS:
                await asyncio.sleep(0)
                self._since = self._clock.monotonic()


def _rebind(state: State) -> Step:
    """Give models of the environment's connections to shared ones that took their names."""
    yield from inherit(state, dict(state.aliases))


def _named(rows: Iterable[AliasRow], guardrails: Mapping[str, Written]) -> dict[str, Written]:
    """The guardrails that models name."""
    names = dict.fromkeys(name for row in rows for name in row.guardrails)
    return {name: guardrails[name] for name in names if name in guardrails}
