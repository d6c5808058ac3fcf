"""A request as it arrives, whoever brings it: a socket, the chat workspace, the worker."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Protocol

import msgspec
from typing_extensions import override

from trunkline.gateway.caller import Caller
from trunkline.gateway.wire.contract import NOWHERE, Place


class Client(Protocol):
    """The other end of a request.

    The pipeline sets ``on_gone``, called at most once, on the event loop, when the client leaves
    before its answer is complete, and ``on_deadline``, called when the process must end now.
    """

    accepted_ns: int
    """Unix time in nanoseconds at which the head of the request was complete."""
    started: float
    """``time.perf_counter`` at the same moment."""
    gone: bool
    on_gone: Callable[[], None] | None
    on_deadline: Callable[[], None] | None
    task: asyncio.Task[None] | None
    """The task that runs the request; it is cancelled when the request must end."""


class Arrival(msgspec.Struct):
    """What came in.

    Attributes:
        url: path and query with secrets scrubbed; safe to log.
        route: template of the path, safe as a metric label.
        headers: by lower-case name; the last one counts where a name is repeated.
        pairs: the headers as they came.
        read_body: reads the whole body, within the server's bounds.
        waits: whether the body had not arrived with the head, so that reading it takes a while.
        client_request_id: from ``x-request-id``, or made up.
        place: what the path and the query say beside the body.
        caller: who asks, where the process asks itself in the name of a caller whom it has
            identified; None lets the credential in the headers tell.
    """

    method: str
    path: str
    url: str
    route: str
    headers: dict[bytes, bytes]
    pairs: list[tuple[bytes, bytes]]
    read_body: Callable[[], Awaitable[bytes]]
    client: Client
    client_request_id: str
    place: Place = NOWHERE
    waits: bool = False
    caller: Caller | None = None

    @override
    def __repr__(self) -> str:
        """Without the headers, which carry credentials."""
        return f"<Arrival {self.method} {self.route}>"

    def elapsed_ms(self) -> float:
        """Milliseconds since the head of the request was complete."""
        return (time.perf_counter() - self.client.started) * 1000
