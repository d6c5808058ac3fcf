"""The body of a request, between the parser that fills it and the handler that reads it."""

import asyncio

import msgspec

from trunkline.errors import TrunklineError


class ClientGone(Exception):
    """The client left before its request or its answer was complete; nobody is left to answer."""


class RequestBody(msgspec.Struct, eq=False):
    """What has arrived of one body. The connection writes, the handler reads.

    Its state is the bytes not read yet and how the body ended: complete, failed or cut short.
    """

    held: int = 0
    complete: bool = False
    cut_short: bool = False
    error: TrunklineError | None = None
    _first: bytes = b""
    _rest: bytearray | None = None
    _changed: asyncio.Event | None = None

    def feed(self, piece: bytes) -> None:
        """Take more bytes. A body that came in one piece, as most do, is never copied."""
        self.held += len(piece)
        if self._rest is not None:
            self._rest += piece
        elif self._first:
            self._rest = bytearray(self._first)
            self._rest += piece
            self._first = b""
        else:
            self._first = piece
        if self._changed is not None:
            self._changed.set()

    def finish(self) -> None:
        """All bytes have arrived."""
        self.complete = True
        if self._changed is not None:
            self._changed.set()

    def fail(self, error: TrunklineError) -> None:
        """Give up on the body: what has arrived is dropped and readers get the error."""
        if self.error is None and not self.complete:
            self.error = error
            self._first, self._rest = b"", None
            self.wake()

    def cut(self) -> None:
        """The client has gone; readers of an incomplete body get ``ClientGone``."""
        self.cut_short = not self.complete
        self.wake()

    async def read(self) -> bytes:
        """The whole body.

        Raises:
            RequestTimeout, PayloadTooLarge, InvalidRequest, Unavailable: why it was given up.
            ClientGone: the client left before its end.
        """
        while self.error is None and not self.cut_short:
            if self.complete:
                return self._take()
            await self.changed()
        raise self._ended()

    async def read_some(self) -> tuple[bytes, bool]:
        """The next bytes, and whether more will come. Raises as ``read``."""
        while self.error is None and not self.cut_short:
            if self.complete or self._first or self._rest:
                return self._take(), not self.complete
            await self.changed()
        raise self._ended()

    async def changed(self) -> None:
        """Wait until anything happens to the body or to the answer."""
        if self._changed is None:
            self._changed = asyncio.Event()
        self._changed.clear()
        await self._changed.wait()

    def wake(self) -> None:
        """Let those that wait look again."""
        if self._changed is not None:
            self._changed.set()

    def _ended(self) -> Exception:
        return ClientGone() if self.error is None else self.error

    def _take(self) -> bytes:
        if self._rest is None:
            taken, self._first = self._first, b""
        else:
            taken, self._rest = bytes(self._rest), None
        return taken
