"""Answers as handlers give them, byte for byte."""

from collections.abc import Awaitable, Callable

import pytest
from tests.gateway.serving.rig import GET, Handler, running
from typing_extensions import override

from trunkline.gateway.serving.client import ClientConnection
from trunkline.gateway.serving.head import LinedHeaders
from trunkline.gateway.sink import Sink

Answering = Callable[[ClientConnection], Awaitable[None]]
HEAD = b"HEAD / HTTP/1.1\r\nHost: a\r\n\r\n"


class Scripted(Handler):
    """Answers as the test says, and keeps what the answer raised."""

    def __init__(self, answering: Answering) -> None:
        super().__init__()
        self.answering = answering
        self.raised: list[Exception] = []

    @override
    async def serve(self, client: ClientConnection) -> None:
        try:
            await self.answering(client)
        except Exception as error:
            self.raised.append(error)
            raise


async def test_a_client_is_a_sink_of_answers() -> None:
    async def answer(client: ClientConnection) -> None:
        sink: Sink = client
        sink.start(200, [])
        sink.write_soon(b": wait\n\n")
        await sink.write(b"data: 1\n\n")
        await sink.write(b"")
        sink.finish()

    async with running(Scripted(answer)) as rig:
        client = await rig.connect()
        assert (await client.ask(GET)).body == b": wait\n\ndata: 1\n\n"
        assert (await client.ask(GET)).headers["transfer-encoding"] == "chunked"


async def test_a_stream_of_known_length_is_not_chunked() -> None:
    async def answer(client: ClientConnection) -> None:
        client.start(200, [(b"x-a", b"b")], 6)
        await client.write(b"abc")
        await client.write(b"def")
        client.finish()

    async with running(Scripted(answer)) as rig:
        client = await rig.connect()
        for _ in range(2):
            got = await client.ask(GET)
            assert (got.body, got.headers["content-length"], got.headers["x-a"]) == (
                b"abcdef",
                "6",
                "b",
            )


@pytest.mark.parametrize("written", [b"ab", b"abcd"])
async def test_a_stream_of_another_length_than_announced_is_cut_not_ended(written: bytes) -> None:
    async def answer(client: ClientConnection) -> None:
        client.start(200, [], 3)
        await client.write(written)
        client.finish()

    handler = Scripted(answer)
    async with running(handler) as rig:
        client = await rig.connect()
        client.send(GET)
        assert (await client.answer(bodiless=True)).headers["content-length"] == "3"
        assert await client.rest() == (b"ab" if written == b"ab" else b"")
        assert [type(error) for error in handler.raised] == [RuntimeError]


async def test_an_aborted_stream_reaches_the_client_without_its_end() -> None:
    async def answer(client: ClientConnection) -> None:
        client.start(200, [])
        await client.write(b"event: error\n\n")
        client.abort()
        client.abort()
        client.write_soon(b"more")
        client.finish()

    async with running(Scripted(answer)) as rig:
        client = await rig.connect()
        client.send(GET)
        await client.answer(bodiless=True)
        assert await client.rest() == b"e\r\nevent: error\n\n\r\n"


async def test_an_answer_to_head_has_the_length_and_no_body() -> None:
    async def whole(client: ClientConnection) -> None:
        client.respond(200, [], b"12345")

    async def pieces(client: ClientConnection) -> None:
        client.start(200, [], 5)
        await client.write(b"12345")
        client.finish()

    async def stream(client: ClientConnection) -> None:
        client.start(200, [])
        await client.write(b"12345")
        client.finish()

    for answering, length in ((whole, "5"), (pieces, "5"), (stream, None)):
        async with running(Scripted(answering)) as rig:
            client = await rig.connect()
            for _ in range(2):
                client.send(HEAD)
                got = await client.answer(bodiless=True)
                assert got.headers.get("content-length") == length
                assert "transfer-encoding" not in got.headers


@pytest.mark.parametrize("status", [204, 304])
async def test_a_status_without_a_body_has_no_length(status: int) -> None:
    async def whole(client: ClientConnection) -> None:
        client.respond(status, [], b"")

    async def pieces(client: ClientConnection) -> None:
        client.start(status, [], 0)
        client.finish()

    for answering in (whole, pieces):
        async with running(Scripted(answering)) as rig:
            client = await rig.connect()
            for _ in range(2):
                client.send(GET)
                got = await client.answer(bodiless=True)
                assert (got.status, set(got.headers)) == (status, {"date"})


async def test_an_unusual_status_has_no_phrase() -> None:
    async def answer(client: ClientConnection) -> None:
        client.respond(529, [], b"")

    async with running(Scripted(answer)) as rig:
        client = await rig.connect()
        client.send(GET)
        assert (await client.reader.readline()) == b"HTTP/1.1 529 \r\n"


async def test_what_a_handler_says_of_framing_is_left_out() -> None:
    async def answer(client: ClientConnection) -> None:
        client.respond(
            200, [(b"content-length", b"9"), (b"transfer-encoding", b"chunked"), (b"a", b"b")], b"x"
        )

    async with running(Scripted(answer)) as rig:
        got = await rig.ask(GET)
        assert got.body == b"x"
        assert {name: got.headers[name] for name in got.headers if name != "date"} == {
            "a": "b",
            "content-length": "1",
        }


async def test_headers_that_are_lines_already_are_sent_behind_the_others() -> None:
    headers = LinedHeaders([(b"a", b"b"), (b"date", b"never")], "c: d: e\r\nf: \r\n")

    async def answer(client: ClientConnection) -> None:
        client.respond(200, headers, b"x")

    async with running(Scripted(answer)) as rig:
        got = await rig.ask(GET)
        assert [*got.headers.items()][:3] == [("a", "b"), ("c", "d: e"), ("f", "")]
        assert got.headers["date"] != "never"
        assert [*headers] == [(b"a", b"b"), (b"date", b"never"), (b"c", b"d: e"), (b"f", b"")]


@pytest.mark.parametrize(
    "header",
    [(b"a", b"b\r\nc: d"), (b"a", b"b\nc"), (b"a", b"b\rc"), (b"a", b"\0"), (b"a\n", b"b")],
)
async def test_a_header_that_breaks_its_line_is_a_defect_and_never_sent(
    header: tuple[bytes, bytes],
) -> None:
    async def whole(client: ClientConnection) -> None:
        client.respond(200, [header], b"")

    async def pieces(client: ClientConnection) -> None:
        client.start(200, [header])

    for answering in (whole, pieces):
        handler = Scripted(answering)
        async with running(handler) as rig:
            got = await rig.ask(GET)
            assert (got.status, got.json["code"]) == (500, "internal_error")
            assert [type(error) for error in handler.raised] == [ValueError]


async def test_a_second_answer_is_a_defect_that_the_client_does_not_see() -> None:
    async def answer(client: ClientConnection) -> None:
        client.respond(200, [], b"first")
        client.respond(200, [], b"second")

    handler = Scripted(answer)
    async with running(handler) as rig:
        client = await rig.connect()
        assert (await client.ask(GET)).body == b"first"
        assert (await client.ask(GET)).body == b"first"
        await rig.until_idle()
        assert [type(error) for error in handler.raised] == [RuntimeError] * 2


async def test_an_answer_before_the_body_has_arrived_closes_the_connection() -> None:
    async def answer(client: ClientConnection) -> None:
        client.respond(401, [], b"who are you")

    async with running(Scripted(answer)) as rig:
        client = await rig.connect()
        got = await client.ask(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 50\r\n\r\n")
        assert (got.status, got.closes) == (401, True)
        client.send(b"x" * 50 + GET)
        assert await client.rest() == b""
        assert len(rig.handler.scopes) == 1


async def test_the_moment_of_acceptance_is_known() -> None:
    async with running() as rig:
        await rig.ask(GET)
        client: ClientConnection = rig.handler.scopes[0]["trunkline.client"]
        assert client.accepted_ns > 1_700_000_000 * 10**9
