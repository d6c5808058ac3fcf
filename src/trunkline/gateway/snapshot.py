"""Frozen routing state: what an organisation may call, and how to reach it.

A snapshot is built outside the data path and swapped whole; nothing in it changes.
"""

import msgspec
from typing_extensions import override

from trunkline.gateway.metering.price import Price


class Origin(msgspec.Struct, frozen=True):
    """Scheme, host and port of a provider: the unit by which connections are pooled."""

    scheme: str
    host: str
    port: int

    @override
    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.scheme}://{host}:{self.port}"


class Connection(msgspec.Struct, frozen=True):
    """An account with a provider, ready to be called.

    Attributes:
        id: identifies the connection; in ``provider/model`` names, ``name`` stands for it.
        name: unique in the organisation, such as ``openai``.
        provider: id of the row in the provider registry.
        wire: the API format that it speaks, such as ``openai_chat``.
        origin: where to connect.
        path_prefix: what precedes the wire's own path, such as ``/v1``; no trailing slash.
        headers: sent with each request, credential included; never logged.
        cancels_on_close: whether closing the connection stops the provider's bill. Where it does
            not, the answer is drained after the caller has left, to learn the true usage.
        private: whether the operator allows private and loopback addresses for it.
        output_limit_field: the request member in which the provider takes an output ceiling.
    """

    id: str
    name: str
    provider: str
    wire: str
    origin: Origin
    path_prefix: str
    headers: tuple[tuple[bytes, bytes], ...]
    cancels_on_close: bool = True
    private: bool = False
    output_limit_field: str = "max_tokens"

    @override
    def __repr__(self) -> str:
        return f"Connection({self.name!r}, {self.wire!r}, {self.origin})"


class Target(msgspec.Struct, frozen=True):
    """A model at a connection.

    Attributes:
        model: the upstream id.
        price: None when nobody knows what it costs.
        max_output_tokens: the model's own maximum, the output bound when the request names none.
        context_window: the most tokens that it reads, or None when unknown.
        bytes_per_token: for estimates when the provider gives no count.
        label: computed: ``provider/model`` as a header shows it.
    """

    connection: Connection
    model: str
    price: Price | None
    max_output_tokens: int = 32_768
    context_window: int | None = None
    bytes_per_token: float = 4.0
    label: bytes = b""

    def __post_init__(self) -> None:
        """Compute what every answer needs once."""
        shown = f"{self.connection.provider}/{self.model}"
        if shown.isprintable():
            msgspec.structs.force_setattr(self, "label", shown.encode("ascii", "replace"))


class Alias(msgspec.Struct, frozen=True):
    """A public model name and the targets behind it, in the order in which they are tried.

    Attributes:
        kind: ``chat`` or what else the model is for; chat models are listed first.
        created: Unix seconds for the models list.
        max_tokens: ceiling of the output tokens that a request may ask for, or None.
        hold_headers: seconds without content after which the caller gets headers and keep-alives.
    """

    name: str
    targets: tuple[Target, ...]
    kind: str = "chat"
    created: int = 0
    max_tokens: int | None = None
    hold_headers: float = 10.0


class Snapshot(msgspec.Struct, frozen=True):
    """All that the data path knows about one organisation.

    Attributes:
        version: sequence number of the change that it contains.
        aliases: by public name.
        connections: by name, for ``provider/model`` names that no alias publishes.
    """

    org_id: str
    version: int
    aliases: dict[str, Alias]
    connections: dict[str, Connection]
