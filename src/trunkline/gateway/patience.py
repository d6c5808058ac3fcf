"""What a waiting caller sees: after a while without content, headers and the wire's keep-alives."""

import asyncio
from collections.abc import Callable

from trunkline.gateway.sink import Headers, Sink


class Patience:
    """Starts the answer of a stream that has no content yet, and keeps it alive.

    Its state is one timer, which ``stop`` ends; the pipeline owns it for one request.
    """

    __slots__ = ("_frame", "_headers", "_interval", "_sink", "_timer", "started")

    def __init__(
        self, sink: Sink, frame: bytes, interval: float, headers: Callable[[], Headers]
    ) -> None:
        self._sink = sink
        self._frame = frame
        self._interval = interval
        self._headers = headers
        self.started = False
        self._timer = asyncio.get_running_loop().call_later(interval, self._lost)

    def _lost(self) -> None:
        if not self.started:
            self.started = True
            self._sink.start(200, self._headers())
        self._sink.write_soon(self._frame)
        self._timer = asyncio.get_running_loop().call_later(self._interval, self._lost)

    def stop(self) -> None:
        """Content has come, or the request is over."""
        self._timer.cancel()
