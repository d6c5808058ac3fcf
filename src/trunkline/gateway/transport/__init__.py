"""The pooled HTTP/1.1 client that reaches providers.

``UpstreamPool.open`` sends a request and gives an ``UpstreamResponse``; every failure is a
``TransportError`` that knows whether anything was sent. Inside, from the socket up: ``connector``
opens, ``connection`` carries, ``parser`` reads, ``response`` gives out, ``origin_pool`` decides who
gets which connection, ``pool`` is the door.
"""

from trunkline.gateway.transport.errors import (
    AddressRefused,
    BodyTooLarge,
    ConnectFailed,
    ConnectionLost,
    ConnectTimeout,
    DecodingFailed,
    FirstByteTimeout,
    HeadTooLarge,
    IdleTimeout,
    NameNotResolved,
    PoolTimeout,
    ProtocolViolation,
    TLSFailed,
    TotalTimeout,
    TransportError,
)
from trunkline.gateway.transport.guard import AddressGuard
from trunkline.gateway.transport.models import OriginStats, PoolStats, Timeouts, UpstreamRequest
from trunkline.gateway.transport.pool import UpstreamPool
from trunkline.gateway.transport.proxies import Proxies
from trunkline.gateway.transport.resolver import Resolver
from trunkline.gateway.transport.response import UpstreamResponse

__all__ = [
    "AddressGuard",
    "AddressRefused",
    "BodyTooLarge",
    "ConnectFailed",
    "ConnectTimeout",
    "ConnectionLost",
    "DecodingFailed",
    "FirstByteTimeout",
    "HeadTooLarge",
    "IdleTimeout",
    "NameNotResolved",
    "OriginStats",
    "PoolStats",
    "PoolTimeout",
    "ProtocolViolation",
    "Proxies",
    "Resolver",
    "TLSFailed",
    "Timeouts",
    "TotalTimeout",
    "TransportError",
    "UpstreamPool",
    "UpstreamRequest",
    "UpstreamResponse",
]
