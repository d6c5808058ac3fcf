"""The sink writes to a sink of ours that keeps what it is given, as the caller's socket would."""

import asyncio
import json

import pytest
from typing_extensions import override

from trunkline.gateway.array_sink import ArraySink
from trunkline.gateway.sink import Headers, Sink

FIRST = b'data: {"a": 1}\r\n\r\n'
SECOND = b'data: {"b": [2, 3]}\r\n\r\n'


class Kept(Sink):
    """Keeps one answer."""

    def __init__(self, *, behind: bool = False) -> None:
        self.head: tuple[int, Headers] | None = None
        self.body = b""
        self.over = False
        self._behind = behind

    @override
    def respond(self, status: int, headers: Headers, body: bytes) -> None:
        self.start(status, headers)
        self.body, self.over = body, True

    @override
    def start(self, status: int, headers: Headers) -> None:
        self.head = (status, headers)

    @override
    async def write(self, chunk: bytes) -> None:
        self.body += chunk

    @override
    def push(self, chunk: bytes) -> bool:
        self.body += chunk
        return self._behind

    @override
    def write_soon(self, chunk: bytes) -> None:
        self.body += chunk

    @override
    def finish(self) -> None:
        self.over = True


def test_events_become_items_of_one_array() -> None:
    inner = Kept()
    sink = ArraySink(inner)
    kind = (b"Content-Type", b"text/event-stream")
    sink.start(200, [kind, (b"x-request-id", b"r")])
    assert sink.push(FIRST) is False
    asyncio.run(sink.write(SECOND + FIRST))
    sink.finish()
    assert inner.head == (
        200,
        [(b"content-type", b"application/json; charset=UTF-8"), (b"x-request-id", b"r")],
    )
    assert inner.body == b'[{"a": 1},\r\n{"b": [2, 3]},\r\n{"a": 1}]'
    assert inner.over


def test_an_event_in_pieces_is_one_item() -> None:
    for cut in range(len(FIRST + SECOND) + 1):
        inner = Kept()
        sink = ArraySink(inner)
        sink.push((FIRST + SECOND)[:cut])
        asyncio.run(sink.write((FIRST + SECOND)[cut:]))
        sink.finish()
        assert inner.body == b'[{"a": 1},\r\n{"b": [2, 3]}]'


def test_the_last_event_may_lack_its_empty_line() -> None:
    inner = Kept()
    sink = ArraySink(inner)
    sink.push(FIRST + SECOND.rstrip())
    sink.finish()
    assert json.loads(inner.body) == [{"a": 1}, {"b": [2, 3]}]


def test_an_error_event_is_an_item_too() -> None:
    inner = Kept()
    sink = ArraySink(inner)
    sink.push(FIRST)
    asyncio.run(sink.write(b'data: {"error": {"code": 503}}\r\n\r\n'))
    sink.finish()
    assert json.loads(inner.body) == [{"a": 1}, {"error": {"code": 503}}]


@pytest.mark.parametrize("keep_alive", [b"\r\n", b": keep-alive\n\n"])
def test_keep_alives_are_white_space_wherever_they_come(keep_alive: bytes) -> None:
    inner = Kept()
    sink = ArraySink(inner)
    sink.write_soon(keep_alive)
    assert inner.body == b"\r\n"
    sink.write_soon(keep_alive)
    sink.push(FIRST)
    sink.write_soon(keep_alive)
    sink.push(SECOND)
    sink.finish()
    assert json.loads(inner.body) == [{"a": 1}, {"b": [2, 3]}]


def test_an_answer_without_events_is_an_empty_array() -> None:
    inner = Kept()
    sink = ArraySink(inner)
    sink.start(200, [])
    asyncio.run(sink.write(b""))
    sink.finish()
    assert inner.body == b"[]"


def test_a_whole_answer_passes_as_it_is() -> None:
    inner = Kept()
    ArraySink(inner).respond(400, [(b"x", b"y")], b'{"error":1}')
    assert (inner.head, inner.body) == ((400, [(b"x", b"y")]), b'{"error":1}')


def test_a_caller_who_falls_behind_is_waited_for() -> None:
    assert ArraySink(Kept(behind=True)).push(FIRST) is True
