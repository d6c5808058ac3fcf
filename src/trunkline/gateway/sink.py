"""Where an answer goes: the caller's socket, or whoever else runs a request."""

from typing import Protocol

from typing_extensions import override

from trunkline.gateway.ports import StoredAnswer
from trunkline.gateway.serving.head import Headers

__all__ = ["Headers", "KeptSink", "Sink"]


class Sink(Protocol):
    """Takes one answer, whole or in pieces. After the caller has left, all calls do nothing."""

    def respond(self, status: int, headers: Headers, body: bytes) -> None:
        """The whole answer at once; its length is added."""
        ...

    def start(self, status: int, headers: Headers) -> None:
        """Begin an answer in pieces."""
        ...

    async def write(self, chunk: bytes) -> None:
        """Send a piece; waits while the caller does not read."""
        ...

    def push(self, chunk: bytes) -> bool:
        """Send a piece without waiting; whether the next one must wait, as ``write`` does."""
        ...

    def write_soon(self, chunk: bytes) -> None:
        """Send a small piece without waiting, for keep-alives."""
        ...

    def finish(self) -> None:
        """End an answer in pieces."""
        ...


class KeptSink(Sink):
    """Passes an answer on and keeps a copy of it, so that a repeat can be given the same.

    Its state is the copy, which stops growing one byte beyond the bound, and whether the answer
    came to its end.
    """

    def __init__(self, inner: Sink, limit: int) -> None:
        self._inner = inner
        self._limit = limit
        self._status = 0
        self._headers: Headers = []
        self._body = bytearray()
        self._ended = False

    @property
    def answer(self) -> StoredAnswer | None:
        """The answer as it was sent, or None when it was not sent to its end."""
        if not self._ended:
            return None
        return StoredAnswer(self._status, tuple(self._headers), bytes(self._body))

    @override
    def respond(self, status: int, headers: Headers, body: bytes) -> None:
        self._status, self._headers = status, headers
        self._keep(body)
        self._ended = True
        self._inner.respond(status, headers, body)

    @override
    def start(self, status: int, headers: Headers) -> None:
        self._status, self._headers = status, headers
        self._inner.start(status, headers)

    @override
    async def write(self, chunk: bytes) -> None:
        self._keep(chunk)
        await self._inner.write(chunk)

    @override
    def push(self, chunk: bytes) -> bool:
        self._keep(chunk)
        return self._inner.push(chunk)

    @override
    def write_soon(self, chunk: bytes) -> None:
        self._inner.write_soon(chunk)

    @override
    def finish(self) -> None:
        self._ended = True
        self._inner.finish()

    def _keep(self, chunk: bytes) -> None:
        # One byte beyond the bound is enough to know that it was passed.
        room = self._limit + 1 - len(self._body)
        if room > 0:
            self._body += chunk[:room]
