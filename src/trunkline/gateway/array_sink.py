"""A stream of events as one JSON array, for Google's callers who do not ask for events.

``streamGenerateContent`` without ``alt=sse`` answers with an array whose items are the events'
documents. The array is JSON only once it is closed; clients read it item by item.
"""

import sys
from typing import Final

from typing_extensions import override

from trunkline.gateway.sink import Headers, Sink
from trunkline.gateway.wire.sse import EVENT_STREAM, FrameSplitter, data_of

_TYPE: Final = (b"content-type", b"application/json; charset=UTF-8")
_OPEN: Final = b"["
_BETWEEN: Final = b",\r\n"
_CLOSE: Final = b"]"
# White space between two items means nothing to a reader of JSON and keeps the connection open.
_KEEP_ALIVE: Final = b"\r\n"


class ArraySink(Sink):
    """Passes an answer on to another sink, its events as items of an array.

    An answer that is whole, such as a refusal, passes as it is, unless it is a stream that was kept
    for a repeat. The state is the bytes of an event that is not whole yet, and what stands before
    the next item.
    """

    __slots__ = ("_before", "_inner", "_splitter")

    def __init__(self, inner: Sink) -> None:
        self._inner = inner
        # Who writes the events bounds them.
        self._splitter = FrameSplitter(sys.maxsize)
        self._before = _OPEN

    @override
    def respond(self, status: int, headers: Headers, body: bytes) -> None:
        if _are_events(headers):
            body = self._items(body) + self._end()
            headers = _as_array(headers)
        self._inner.respond(status, headers, body)

    @override
    def start(self, status: int, headers: Headers) -> None:
        self._inner.start(status, _as_array(headers))

    @override
    async def write(self, chunk: bytes) -> None:
        await self._inner.write(self._items(chunk))

    @override
    def push(self, chunk: bytes) -> bool:
        return self._inner.push(self._items(chunk))

    @override
    def write_soon(self, chunk: bytes) -> None:
        # Keep-alives have no data; whatever has some is an item.
        self._inner.write_soon(self._items(chunk) or _KEEP_ALIVE)

    @override
    def finish(self) -> None:
        self._inner.write_soon(self._end())
        self._inner.finish()

    def _end(self) -> bytes:
        rest = self._splitter.rest()
        last = self._item(rest) if rest.strip() else b""
        # An answer without a single event is an array without items.
        closing = _OPEN + _CLOSE if self._before is _OPEN else _CLOSE
        return last + (_CLOSE if last else closing)

    def _items(self, chunk: bytes) -> bytes:
        if not chunk:
            return b""
        items = [self._item(frame) for frame in self._splitter.feed(chunk)]
        return items[0] if len(items) == 1 else b"".join(items)

    def _item(self, frame: bytes) -> bytes:
        data = data_of(frame)
        if not data:
            return b""
        before, self._before = self._before, _BETWEEN
        return before + data


def _are_events(headers: Headers) -> bool:
    return any(
        name.lower() == _TYPE[0] and value.lower().startswith(EVENT_STREAM)
        for name, value in headers
    )


def _as_array(headers: Headers) -> Headers:
    return [_TYPE, *(pair for pair in headers if pair[0].lower() != _TYPE[0])]
