"""Frozen routing state: what an organisation may call, and how to reach it.

A snapshot is built outside the data path and swapped whole; nothing in it changes.
"""

from typing import Literal, Protocol

import msgspec
from typing_extensions import override

from trunkline.gateway.exchange.destination import Quirks, Traits
from trunkline.gateway.exchange.parts import Family
from trunkline.gateway.guarding.guard import Guard
from trunkline.gateway.metering.price import Price
from trunkline.gateway.policy import (
    DEFAULT_ROUTE,
    NO_CACHE_POLICY,
    CachePolicy,
    Route,
    TargetState,
)


class Origin(msgspec.Struct, frozen=True):
    """Scheme, host and port of a provider: the unit by which connections are pooled."""

    scheme: str
    host: str
    port: int

    @override
    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.scheme}://{host}:{self.port}"


class Signer(Protocol):
    """Makes the credential of each single request, where a header that never changes is not one."""

    async def headers(
        self, method: bytes, host: str, target: bytes, body: bytes
    ) -> tuple[tuple[bytes, bytes], ...]:
        """The headers that prove who sends this request.

        Raises:
            UpstreamFailed: the credential cannot be had; code ``upstream_credentials``.
        """
        ...


class Credential(msgspec.Struct, frozen=True):
    """One of the secrets of a connection, ready to be sent; its text is never logged.

    Attributes:
        id: unique in the connection and safe to log, such as ``1``.
        headers: what proves who asks, where that never changes.
        signer: makes the proof where it differs from request to request.
    """

    id: str
    headers: tuple[tuple[bytes, bytes], ...] = ()
    signer: Signer | None = None

    @override
    def __repr__(self) -> str:
        return f"Credential({self.id!r})"


NO_CREDENTIAL = Credential("none")


class Connection(msgspec.Struct, frozen=True):
    """An account with a provider, ready to be called.

    Attributes:
        id: identifies the connection; in ``provider/model`` names, ``name`` stands for it.
        name: unique in the organisation, such as ``openai``.
        provider: id of the row in the provider registry.
        wires: the API formats that it speaks, such as ``openai_chat``, the preferred ones first,
            and what precedes each one's own path, such as ``/v1``; no trailing slash.
        origin: where to connect.
        headers: sent with each request, beside those of a credential; never logged.
        cancels_on_close: whether closing the connection stops the provider's bill. Where it does
            not, the answer is drained after the caller has left, to learn the true usage.
        private: whether the operator allows private and loopback addresses for it.
        output_limit_field: the request member in which the provider takes an output ceiling.
        query: added to each path, such as ``api-version=2024-10-21``.
        credentials: used in turn; one that the provider refuses or limits is left alone for a
            while. There is always one, be it empty.
        quirks: how the provider's dialect of its wires differs.
    """

    id: str
    name: str
    provider: str
    wires: dict[str, str]
    origin: Origin
    headers: tuple[tuple[bytes, bytes], ...]
    cancels_on_close: bool = True
    private: bool = False
    output_limit_field: str = "max_tokens"
    query: str = ""
    credentials: tuple[Credential, ...] = (NO_CREDENTIAL,)
    quirks: Quirks = Quirks()

    @override
    def __repr__(self) -> str:
        return f"Connection({self.name!r}, {list(self.wires)}, {self.origin})"


class Target(msgspec.Struct, frozen=True):
    """A model at a connection.

    Attributes:
        model: the upstream id.
        price: None when nobody knows what it costs.
        max_output_tokens: the model's own maximum, the output bound when the request names none.
        context_window: the most tokens that it reads, or None when unknown.
        bytes_per_token: for estimates when the provider gives no count.
        label: computed: ``provider/model`` as a header shows it.
        traits: what the model cannot do.
        family: whose signatures it can read.
        weight: its part of the requests, for ``weighted``.
        state: whether it takes requests.
        key: names what its calls are counted under, for circuits and health: the place, unless an
            organisation judges a shared place by terms of its own.
        place: computed: connection and model, the same for every alias of it.
        measure: computed: all of it that bounds what a request can use and cost.
    """

    connection: Connection
    model: str
    price: Price | None
    max_output_tokens: int = 32_768
    context_window: int | None = None
    bytes_per_token: float = 4.0
    label: bytes = b""
    traits: Traits = Traits()
    family: Family = ""
    weight: int = 1
    state: TargetState = "active"
    key: str = ""
    place: str = ""
    measure: tuple[object, ...] = ()

    def __post_init__(self) -> None:
        """Compute what every answer needs once."""
        place = f"{self.connection.id}/{self.model}"
        msgspec.structs.force_setattr(self, "place", place)
        # A copy at another connection is not counted under the old one.
        if not self.key.startswith(place):
            msgspec.structs.force_setattr(self, "key", place)
        measure = (
            self.price,
            self.context_window,
            self.bytes_per_token,
            self.max_output_tokens,
            self.connection.output_limit_field,
        )
        msgspec.structs.force_setattr(self, "measure", measure)
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
        on_unsupported: whether what a target cannot do is left out with a note, or refused.
        route: how one of the targets is chosen, and what follows a failure.
        cache: what is done about answers that were given before.
        guards: guardrails in the order in which they look at a text.
        as_written: computed: whether every request has its targets in the order of their writing,
            whatever it asks for and however they fare.
    """

    name: str
    targets: tuple[Target, ...]
    kind: str = "chat"
    created: int = 0
    max_tokens: int | None = None
    hold_headers: float = 10.0
    on_unsupported: Literal["drop", "refuse"] = "drop"
    route: Route = DEFAULT_ROUTE
    cache: CachePolicy = NO_CACHE_POLICY
    guards: tuple[Guard, ...] = ()
    as_written: bool = False

    def __post_init__(self) -> None:
        """Find out once what most aliases spare every request."""
        route, targets = self.route, self.targets
        ordered = route.strategy == "ordered" or len(targets) == 1
        active = all(target.state == "active" for target in targets)
        msgspec.structs.force_setattr(self, "as_written", not route.rules and ordered and active)


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
