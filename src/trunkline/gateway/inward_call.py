"""Requests that the process makes of itself, in the name of a caller that it has identified.

They take the same way as every other request: limited, budgeted, journalled, seen by logs and
metrics. There is no side door to a provider.
"""

import time
from collections.abc import Awaitable, Callable
from typing import Final

import msgspec
from typing_extensions import override

from trunkline.errors import Unavailable
from trunkline.gateway.arrival import Arrival, Client
from trunkline.gateway.caller import Caller
from trunkline.gateway.headers import JSON
from trunkline.gateway.sink import Headers, Sink
from trunkline.gateway.wire.contract import Wire
from trunkline.kit.ids import new_request_id

Run = Callable[[Arrival, Wire, str, Sink], Awaitable[None]]
"""``Pipeline.run``."""

ROUTE: Final = "inward"
_MOST_BYTES: Final = 16_777_216


class InwardAnswer(msgspec.Struct, frozen=True):
    """A whole answer, be it an error in the wire that was spoken.

    Attributes:
        status: 0 where nothing was said, because the request was ended from outside.
        headers: as a caller on a socket would get them.
        body: of a stream all its bytes, one after the other.
    """

    status: int
    headers: tuple[tuple[bytes, bytes], ...]
    body: bytes


class InwardClient(Client):
    """The other end of a request without a socket. It never leaves by itself."""

    def __init__(self) -> None:
        self.accepted_ns = time.time_ns()
        self.started = time.perf_counter()
        self.gone = False
        self.on_gone: Callable[[], None] | None = None
        self.on_deadline: Callable[[], None] | None = None
        self.task = None


class CollectedSink(Sink):
    """Takes an answer into memory. Its state is what has come of it, up to a bound.

    What goes beyond the bound is dropped, and the answer is then no answer: its status is 0.
    """

    def __init__(self, most_bytes: int = _MOST_BYTES) -> None:
        self._most = most_bytes
        self._status = 0
        self._headers: Headers = []
        self._body = bytearray()
        self._ended = False

    @property
    def answer(self) -> InwardAnswer:
        """What was said; of status 0 unless it was said to its end and within the bound."""
        if not self._ended or len(self._body) > self._most:
            return InwardAnswer(0, (), b"")
        return InwardAnswer(self._status, tuple(self._headers), bytes(self._body))

    @override
    def respond(self, status: int, headers: Headers, body: bytes) -> None:
        self.start(status, headers)
        self.push(body)
        self._ended = True

    @override
    def start(self, status: int, headers: Headers) -> None:
        self._status, self._headers = status, headers

    @override
    async def write(self, chunk: bytes) -> None:
        self.push(chunk)

    @override
    def push(self, chunk: bytes) -> bool:
        # One byte beyond the bound is enough to know that it was passed.
        self._body += chunk[: self._most + 1 - len(self._body)]
        return False

    @override
    def write_soon(self, chunk: bytes) -> None:
        self.push(chunk)

    @override
    def finish(self) -> None:
        self._ended = True


class InwardCalls:
    """Makes such requests. Its state is the pipeline, which is built after what calls it."""

    def __init__(self) -> None:
        self._run: Run | None = None

    def serve(self, run: Run) -> None:
        """From now on requests are run by this; the composition root calls it once."""
        self._run = run

    async def call(
        self, caller: Caller, wire: Wire, operation: str, path: str, body: bytes
    ) -> InwardAnswer:
        """Run one request to its end in the task of whoever calls.

        Cancelling that task ends the request like one that failed.

        Args:
            caller: who pays for it and whose limits hold.
            wire: the format of the body and of the answer.
            operation: what the wire is asked for.
            path: as the public route, for the log.
            body: JSON.

        Raises:
            Unavailable: the process has not started yet.
        """
        if self._run is None:
            raise Unavailable("The data path has not started yet.", retry_after=1)

        async def read_body() -> bytes:
            return body

        arrival = Arrival(
            method="POST",
            path=path,
            url=path,
            route=ROUTE,
            headers=dict([JSON]),
            pairs=[JSON],
            read_body=read_body,
            client=InwardClient(),
            client_request_id=new_request_id(),
            caller=caller,
        )
        sink = CollectedSink()
        await self._run(arrival, wire, operation, sink)
        return sink.answer
