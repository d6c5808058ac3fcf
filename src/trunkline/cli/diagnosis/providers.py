"""Whether the providers can be reached, as far as that costs nothing: a connection and TLS."""

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import closing
from functools import partial

from typing_extensions import override

from trunkline.cli.diagnosis.finding import Finding
from trunkline.connections.accounts import Account, connected
from trunkline.connections.environment import environment_accounts
from trunkline.connections.header_secrets import with_header_secrets
from trunkline.connections.secrets import Secrets
from trunkline.connections.service import ConnectionService
from trunkline.gateway.snapshot import Connection
from trunkline.gateway.transport import (
    AddressGuard,
    AddressRefused,
    Proxies,
    Resolver,
    TransportError,
)
from trunkline.gateway.transport.connection import Owner, UpstreamConnection
from trunkline.gateway.transport.connector import Connector
from trunkline.identity.service.organisations import list_organisations
from trunkline.kit.clock import Clock
from trunkline.settings import Settings, read_variable
from trunkline.storage.engine import Database

_MAX_HEAD = 65_536


class _NoPool(Owner):
    """Owns a connection that carries nothing and is closed at once."""

    @override
    def released(self, connection: UpstreamConnection) -> None:
        connection.close()

    @override
    def lost(self, connection: UpstreamConnection) -> None:
        del connection


async def check_providers(
    settings: Settings, database: Database | None, clock: Clock
) -> list[Finding]:
    """One finding for each provider that is configured, in the environment or the database."""
    findings: list[Finding] = []
    connections: list[Connection] = []
    accounts = list(environment_accounts(settings))
    if database is not None:
        accounts += [account async for account in _stored(database, clock, findings)]
    for account in accounts:
        try:
            connections.append(connected(account, tell=partial(_tell, findings)))
        except ValueError as error:
            findings.append(_unusable(account.row.name, error))
    findings += await _reach_all(settings, connections)
    if not findings:
        findings.append(
            Finding(
                "providers",
                "warn",
                "No provider is configured.",
                "Set a provider's key, such as OPENAI_API_KEY, or apply a configuration file.",
            )
        )
    return findings


async def _stored(
    database: Database, clock: Clock, findings: list[Finding]
) -> AsyncIterator[Account]:
    service = ConnectionService(clock=clock)
    secrets = Secrets(read_variable)
    async with database.read(None) as conn:
        owners = [None, *(org.id for org in await list_organisations(conn))]
        rows = [row for owner in owners for row in await service.connections(conn, owner)]
    for row in rows:
        problems: list[str] = []
        await with_header_secrets(row, secrets, problems)
        for problem in problems:
            _tell(findings, problem)
        try:
            yield Account(row, tuple([await secrets.resolve(name) for name in row.references]))
        except ValueError as error:
            findings.append(_unusable(row.name, error))


def _tell(findings: list[Finding], sentence: str) -> None:
    told = f"{sentence[:1].upper()}{sentence[1:]}."
    findings.append(Finding("providers", "fail", told, "Correct it, or remove it."))


def _unusable(name: str, error: ValueError) -> Finding:
    return Finding(
        "providers",
        "fail",
        f"The connection {name} cannot be used: {error}.",
        "Correct it, or remove it.",
    )


async def _reach_all(settings: Settings, connections: Iterable[Connection]) -> list[Finding]:
    with closing(Resolver()) as resolver:
        connector = Connector(
            guard=AddressGuard(settings.allowed_networks),
            proxies=Proxies(
                http=settings.http_proxy, https=settings.https_proxy, no_proxy=settings.no_proxy
            ),
            resolver=resolver,
            ca_file=settings.ca_file,
        )
        return list(
            await asyncio.gather(
                *(_reach(connector, settings.connect_timeout, each) for each in connections)
            )
        )


async def _reach(connector: Connector, timeout: float, connection: Connection) -> Finding:  # noqa: ASYNC109 - told in the answer
    """Dial as the data path dials: same guard, proxy and authorities; then hang up."""
    origin = connection.origin
    hint = "Check the address, the firewall, TRUNKLINE_HTTPS_PROXY and TRUNKLINE_CA_FILE."
    make = partial(
        UpstreamConnection,
        _NoPool(),
        str(origin),
        loop=asyncio.get_running_loop(),
        max_head_bytes=_MAX_HEAD,
        idle_keep=1.0,
    )
    try:
        route = connector.route(origin)
        async with asyncio.timeout(timeout):
            dialled = await connector.dial(route, private=connection.private, make=make)
    except TimeoutError:
        reason = f"no connection within {timeout:g} s"
    except AddressRefused as error:
        reason, hint = str(error), "Add its network to TRUNKLINE_ALLOWED_NETWORKS, if it is yours."
    except TransportError as error:
        reason = str(error)
    else:
        dialled.close()
        await dialled.gone
        proxy = " through the proxy" if route.proxy is not None else ""
        return Finding("providers", "ok", f"{connection.name} is reached at {origin}{proxy}.")
    return Finding(
        "providers",
        "fail",
        f"{connection.name} is not reached at {origin}: {reason}.",
        hint,
    )
