"""Connections ready to be called, from the rows that describe them and the secrets behind these."""

from collections.abc import Callable
from typing import NamedTuple

from trunkline.connections.addresses import Address, parse_base_url
from trunkline.connections.rows import ConnectionRow
from trunkline.connections.secrets import check_header_secret, is_document
from trunkline.gateway.providers.aws import AwsSigner, read_access_key, region_of
from trunkline.gateway.providers.google import GoogleTokens, read_service_account
from trunkline.gateway.providers.provider import Provider
from trunkline.gateway.providers.registry import find_provider
from trunkline.gateway.snapshot import NO_CREDENTIAL, Connection, Credential, Signer
from trunkline.gateway.wire.registry import WIRES
from trunkline.kit.clock import Clock, SystemClock

Headers = tuple[tuple[bytes, bytes], ...]


class Account(NamedTuple):
    """A connection's row and the secrets behind it.

    Attributes:
        secrets: in the order of their numbers, None for one that cannot be had; empty where none
            is needed.
    """

    row: ConnectionRow
    secrets: tuple[str | None, ...] = ()


class Credentials:
    """Turns secrets into what proves who asks: headers that stay, or a signer of each request.

    Its state is the tokens that it was given. Without them the connections of a service account
    have no signer, as is enough where nothing will be sent.
    """

    def __init__(self, tokens: GoogleTokens | None = None, clock: Clock | None = None) -> None:
        self._tokens = tokens
        self._clock = clock or SystemClock()

    def of(
        self, provider: Provider, address: Address, secret: str, *, private: bool
    ) -> tuple[Headers, Signer | None]:
        """The headers and the signer of a connection.

        Raises:
            ValueError: the secret is not what the provider takes; its value is not told.
        """
        if provider.auth == "google":
            account = read_service_account(secret)
            tokens = self._tokens
            return (), None if tokens is None else tokens.signer(account, private=private)
        if provider.auth == "aws" and is_document(secret):
            key = read_access_key(secret)
            region = key.region or region_of(address.origin.host)
            if region is None:
                raise ValueError(f"{address.origin.host} names no region: put it into the secret")
            return (), AwsSigner(key, region, self._clock)
        check_header_secret(secret)
        if provider.auth in {"bearer", "aws"}:
            return ((b"authorization", f"Bearer {secret}".encode()),), None
        return ((provider.auth.encode(), secret.encode()),), None


def connected(
    account: Account,
    credentials: Credentials | None = None,
    tell: Callable[[str], None] = lambda _: None,
) -> Connection:
    """The connection as the data path calls it.

    Of several secrets those that cannot be used are left out, and ``tell`` gets a sentence.

    Raises:
        ValueError: its provider is unknown, or its address or all of its secrets cannot be used.
    """
    row = account.row
    provider = find_provider(row.provider)
    if provider is None:
        raise ValueError(f"there is no provider {row.provider!r}")
    address = parse_base_url(row.base_url or provider.base_url)
    headers = [(name.encode(), value.encode()) for name, value in row.headers.items()]
    headers += [pair for pair in provider.default_headers if pair[0].decode() not in row.headers]
    proofs = _proofs(account, provider, address, credentials or Credentials(), tell)
    cancels = row.cancels_on_close
    return Connection(
        id=row.id,
        name=row.name,
        provider=provider.id,
        wires=_wires(provider, address.path_prefix),
        origin=address.origin,
        headers=tuple(headers),
        cancels_on_close=provider.cancels_on_close if cancels is None else cancels,
        private=row.private,
        output_limit_field=provider.output_limit_field,
        query=address.query,
        credentials=proofs or (NO_CREDENTIAL,),
        quirks=provider.quirks,
    )


def _proofs(
    account: Account,
    provider: Provider,
    address: Address,
    credentials: Credentials,
    tell: Callable[[str], None],
) -> tuple[Credential, ...]:
    """Each secret keeps its number, whatever becomes of the others."""
    row, found = account.row, [secret for secret in account.secrets if secret is not None]
    proofs: list[Credential] = []
    for number, secret in enumerate(account.secrets, 1):
        if secret is not None:
            try:
                headers, signer = credentials.of(provider, address, secret, private=row.private)
            except ValueError as error:
                if len(found) == 1:
                    raise
                tell(f"the connection {row.name!r} does without its secret {number}: {error}")
            else:
                proofs.append(Credential(str(number), headers, signer))
    if found and not proofs:
        raise ValueError("none of its secrets can be used")
    return tuple(proofs)


def _wires(provider: Provider, prefix: str) -> dict[str, str]:
    """The provider's wires, and what stands before each one's own path.

    OpenAI's SDK takes its base address with the version, Anthropic's without; people write either,
    and a connection that speaks both has only one.
    """
    bare = prefix.removesuffix("/v1")
    other = dict(provider.prefixes)
    return {
        wire: bare + other[wire] if wire in other else bare if WIRES[wire].versioned else prefix
        for wire in provider.wires
    }
