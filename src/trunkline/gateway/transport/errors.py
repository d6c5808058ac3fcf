"""What can go wrong between us and a provider, as one tree.

Each error knows whether a byte of the request may have reached the provider, because only that
decides whether the attempt may have been billed and whether it may be made again.
"""

from typing import ClassVar


class TransportError(Exception):
    """A request to a provider that brought no whole answer.

    Attributes:
        code: stable machine-readable word for logs and metrics.
        sent: False only if certainly no byte of the request reached the provider.
    """

    code: ClassVar[str] = "transport_error"

    def __init__(self, message: str, *, sent: bool = False) -> None:
        super().__init__(message)
        self.sent = sent


class NameNotResolved(TransportError):
    """The name of the provider or of the proxy has no address."""

    code = "name_not_resolved"


class AddressRefused(TransportError):
    """The address guard does not allow any address of the provider."""

    code = "address_refused"


class ConnectFailed(TransportError):
    """No address accepted a connection, or the proxy refused the tunnel."""

    code = "connect_failed"


class ConnectTimeout(TransportError):
    """Name, connection, tunnel and TLS handshake took longer than allowed."""

    code = "connect_timeout"


class TLSFailed(TransportError):
    """The handshake failed; most often the certificate is not one that we trust."""

    code = "tls_failed"


class PoolTimeout(TransportError):
    """All connections to the provider stayed busy for longer than allowed."""

    code = "pool_timeout"


class FirstByteTimeout(TransportError):
    """The head of the response was not there in time."""

    code = "first_byte_timeout"


class IdleTimeout(TransportError):
    """The provider stayed silent inside a body."""

    code = "idle_timeout"


class TotalTimeout(TransportError):
    """The request as a whole, its wait for a connection included, took too long."""

    code = "total_timeout"


class ConnectionLost(TransportError):
    """The connection ended before the response did: cut body, reset or early end."""

    code = "connection_lost"


class ProtocolViolation(TransportError):
    """The provider sent what HTTP/1.1 does not allow, or what two readers may differ on."""

    code = "protocol_violation"


class HeadTooLarge(TransportError):
    """Status line and headers are longer, or more, than allowed."""

    code = "head_too_large"


class BodyTooLarge(TransportError):
    """The decoded body is longer than the reader allows."""

    code = "body_too_large"


class DecodingFailed(TransportError):
    """The content encoding is unknown, broken, cut short, or expands beyond reason."""

    code = "decoding_failed"
