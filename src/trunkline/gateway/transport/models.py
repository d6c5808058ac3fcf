"""What goes into the transport and what it tells about itself."""

import msgspec

from trunkline.gateway.snapshot import Origin


class UpstreamRequest(msgspec.Struct, frozen=True):
    """One request to a provider.

    Attributes:
        target: path and query, already percent-encoded.
        headers: in the order in which they are sent; neither ``host`` nor framing headers such as
            ``content-length``, ``transfer-encoding`` and ``connection``: the client adds its own.
        body: sent with its ``content-length``.
        private: the operator configured this connection for a private address. The address must
            lie in the allowed networks as well.
    """

    method: bytes
    origin: Origin
    target: bytes
    headers: tuple[tuple[bytes, bytes], ...] = ()
    body: bytes = b""
    private: bool = False


class Timeouts(msgspec.Struct, frozen=True):
    """How long each stage of a request may take, in seconds.

    Attributes:
        connect: name look-up, connection, tunnel and TLS handshake together.
        pool: wait for a free connection.
        first_byte: from the last progress in sending the request to the complete response head.
        idle: silence inside a body while somebody waits for more of it.
        total: from the call of ``open`` to the last byte of the body.
    """

    connect: float = 10.0
    pool: float = 10.0
    first_byte: float = 300.0
    idle: float = 120.0
    total: float = 900.0


class OriginStats(msgspec.Struct, frozen=True):
    """The connections of one origin at this moment, and totals since it was first used.

    Attributes:
        private: whether these are the connections of requests marked ``private``.
        idle: open and free.
        busy: carrying a request, or being dialled for one.
        waiting: requests in the queue.
        opened: connections opened in all.
        reused: requests sent in all on a connection that had carried one before.
    """

    origin: Origin
    private: bool
    idle: int
    busy: int
    waiting: int
    opened: int
    reused: int


class PoolStats(msgspec.Struct, frozen=True):
    """All origins of a pool; one that has no connection may be forgotten when there are many."""

    origins: tuple[OriginStats, ...]

    @property
    def idle(self) -> int:
        """Open and free connections."""
        return sum(origin.idle for origin in self.origins)

    @property
    def busy(self) -> int:
        """Connections that carry a request or are being dialled for one."""
        return sum(origin.busy for origin in self.origins)

    @property
    def waiting(self) -> int:
        """Requests that wait for a connection."""
        return sum(origin.waiting for origin in self.origins)
