"""What all connections of one server share: its state, what it holds, and when it ends."""

import asyncio
import time
from email.utils import formatdate
from typing import Literal

from trunkline.errors import Unavailable
from trunkline.gateway.serving.client import ClientConnection
from trunkline.gateway.serving.edges import Edges

State = Literal["starting", "serving", "draining", "stopped"]

_ALWAYS_SERVED = (b"/health", b"/metrics")


class Lifecycle:
    """The server's state, made by the composition root before the server and read by health.

    Attributes:
        state: ``serving`` is the only one in which the process is ready for traffic.
        active: requests whose handler runs, including those whose answer is already over.
        body_bytes: bytes of the bodies of the active and waiting requests.
        reuse: whether connections stay open for another request.
        date: the line of the Date header, renewed every second.
    """

    def __init__(self) -> None:
        self.state: State = "starting"
        self.active: set[ClientConnection] = set()
        self.body_bytes = 0
        self.reuse = True
        self.date = ""
        self._changed = asyncio.Event()
        self.renew_date()

    @property
    def in_flight(self) -> int:
        """Requests whose handler runs."""
        return len(self.active)

    def refusal(self, raw_path: bytes, edges: Edges) -> Unavailable | None:
        """Why a request cannot be taken now; health and metrics always can."""
        if len(self.active) < edges.max_in_flight or raw_path.startswith(_ALWAYS_SERVED):
            return None
        return Unavailable(
            "The gateway handles as many requests as it may.",
            code="too_many_requests_in_flight",
            hint="Try again in a moment.",
            retry_after=1.0,
        )

    def body_refusal(self, more: int, edges: Edges) -> Unavailable | None:
        """Why so many more bytes of a body cannot be held now."""
        if self.body_bytes + more <= edges.max_body_memory_bytes:
            return None
        return Unavailable(
            "The gateway holds as many request bodies as it may.",
            code="body_memory_full",
            hint="Try again in a moment.",
            retry_after=1.0,
        )

    def release(self, client: ClientConnection) -> None:
        """Count the bytes of a body out; they are dropped, or go with the request."""
        self.body_bytes -= client.body.held
        client.body.held = 0

    def leave(self, client: ClientConnection) -> None:
        """A request's handler has ended."""
        self.release(client)
        self.active.discard(client)
        client.task = None
        self._changed.set()

    def renew_date(self) -> None:
        """Write the Date line anew (RFC 9110, 6.6.1)."""
        self.date = f"date: {formatdate(time.time(), usegmt=True)}\r\n"

    def enter(self, state: State) -> None:
        """Go on to the next state."""
        self.state = state
        self.notify()

    def stop_reuse(self) -> None:
        """From now on each connection closes with its present answer."""
        self.reuse = False
        self.notify()

    def notify(self) -> None:
        """The state changed, or a handler or a connection ended."""
        self._changed.set()

    async def changed(self) -> None:
        """Wait until the state changes, or a handler or a connection ends."""
        self._changed.clear()
        await self._changed.wait()
