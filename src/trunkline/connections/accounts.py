"""Connections ready to be called, from the rows that describe them and the secrets behind these."""

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
    """A connection's row and the secret behind it; the secret is None where none is needed."""

    row: ConnectionRow
    secret: str | None


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


def connected(account: Account, credentials: Credentials | None = None) -> Connection:
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
    proven = NO_CREDENTIAL
    if account.secret is not None:
        found = credentials or Credentials()
        proof, signer = found.of(provider, address, account.secret, private=row.private)
        proven = Credential("1", proof, signer)
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
        credentials=(proven,),
        quirks=provider.quirks,
    )


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
