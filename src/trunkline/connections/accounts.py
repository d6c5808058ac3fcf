"""Connections ready to be called, from rows of the database and from the environment's keys."""

from collections.abc import Iterator
from typing import NamedTuple

from pydantic import SecretStr

from trunkline.connections.addresses import ollama_base_url, parse_base_url
from trunkline.connections.rows import ConnectionRow
from trunkline.connections.secrets import check_secret
from trunkline.gateway.providers.registry import PROVIDERS, Provider, find_provider
from trunkline.gateway.snapshot import Connection
from trunkline.gateway.wire.registry import WIRES
from trunkline.settings import Settings


class Account(NamedTuple):
    """A connection's row and the secret behind it; the secret is None where none is needed."""

    row: ConnectionRow
    secret: str | None


def environment_accounts(settings: Settings) -> Iterator[Account]:
    """One account for each provider whose setting is set, in the order of the registry."""
    for provider in PROVIDERS:
        value = getattr(settings, provider.setting) if provider.setting else None
        if isinstance(value, SecretStr) and value.get_secret_value():
            yield Account(_environment_row(provider, None), value.get_secret_value().strip())
        elif isinstance(value, str) and value:
            yield Account(_environment_row(provider, ollama_base_url(value)), None)


def environment_names(settings: Settings) -> frozenset[str]:
    """The names of the connections that the environment makes."""
    return frozenset(account.row.name for account in environment_accounts(settings))


def _environment_row(provider: Provider, base_url: str | None) -> ConnectionRow:
    return ConnectionRow(
        id=f"environment/{provider.id}",
        org_id=None,
        name=provider.id,
        provider=provider.id,
        base_url=base_url,
        secret=None,
        headers={},
        cancels_on_close=None,
        private=True,
    )


def connected(account: Account) -> Connection:
    """The connection as the data path calls it.

    Raises:
        ValueError: its provider is unknown, or its address or secret cannot be used.
    """
    row = account.row
    provider = find_provider(row.provider)
    if provider is None:
        raise ValueError(f"there is no provider {row.provider!r}")
    address = parse_base_url(row.base_url or provider.base_url)
    headers = [(name.encode(), value.encode()) for name, value in row.headers.items()]
    headers += [pair for pair in provider.default_headers if pair[0].decode() not in row.headers]
    if account.secret is not None:
        headers.append(_credential(provider, check_secret(account.secret)))
    cancels = row.cancels_on_close
    return Connection(
        id=row.id,
        name=row.name,
        provider=provider.id,
        wires={wire: _prefix(provider, wire, address.path_prefix) for wire in provider.wires},
        origin=address.origin,
        headers=tuple(headers),
        cancels_on_close=provider.cancels_on_close if cancels is None else cancels,
        private=row.private,
        output_limit_field=provider.output_limit_field,
        quirks=provider.quirks,
    )


def _prefix(provider: Provider, wire: str, prefix: str) -> str:
    """What stands before the wire's own path.

    OpenAI's SDK takes its base address with the version, Anthropic's without; people write either,
    and a connection that speaks both has only one.
    """
    other = dict(provider.prefixes).get(wire)
    if other is not None:
        return prefix.removesuffix("/v1") + other
    return prefix.removesuffix("/v1") if WIRES[wire].versioned else prefix


def _credential(provider: Provider, secret: str) -> tuple[bytes, bytes]:
    if provider.auth == "x-api-key":
        return b"x-api-key", secret.encode()
    return b"authorization", f"Bearer {secret}".encode()
