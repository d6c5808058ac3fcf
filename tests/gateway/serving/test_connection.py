"""Requests on one connection: kept alive, pipelined, refused."""

import asyncio

import pytest
from tests.gateway.serving.rig import GET, Handler, eventually, post, running
from typing_extensions import override

from trunkline.gateway.serving.client import ClientConnection
from trunkline.gateway.serving.edges import Edges


async def test_one_connection_serves_one_request_after_another() -> None:
    async with running() as rig:
        client = await rig.connect()
        for size in (0, 1, 1000):
            answer = await client.ask(post(b"x" * size))
            assert (answer.status, answer.body, answer.closes) == (200, b"%d" % size, False)
        assert set(answer.headers) == {"content-type", "content-length", "date"}


async def test_pipelined_requests_are_answered_in_order() -> None:
    async with running() as rig:
        client = await rig.connect()
        client.send(b"".join(post(b"x" * size) for size in range(20)))
        assert [(await client.answer()).body for _ in range(20)] == [b"%d" % n for n in range(20)]


async def test_a_body_split_at_every_byte_is_the_same_body() -> None:
    async with running() as rig:
        client = await rig.connect()
        for byte in post(b"hello"):
            client.send(bytes([byte]))
            await asyncio.sleep(0)
        assert (await client.answer()).body == b"5"


async def test_a_chunked_body_is_joined_and_its_trailers_are_dropped() -> None:
    chunked = (
        b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
        b"3;ext=1\r\nabc\r\n4\r\ndefg\r\n0\r\nX-Admin: 1\r\n\r\n"
    )
    async with running() as rig:
        assert (await rig.ask(chunked)).body == b"7"
        assert (b"x-admin", b"1") not in rig.handler.scopes[0]["headers"]


async def test_too_many_waiting_requests_are_refused_after_the_owed_answers() -> None:
    async with running(edges=Edges(pipeline=2)) as rig:
        client = await rig.connect()
        client.send(GET * 10)
        statuses = [(await client.answer()).status for _ in range(4)]
        assert statuses == [200, 200, 200, 400]
        assert await client.rest() == b""


async def test_a_bad_request_behind_good_ones_is_refused_after_their_answers() -> None:
    async with running() as rig:
        client = await rig.connect()
        client.send(GET + post(b"ab") + b"NONSENSE\r\n\r\n")
        answers = [await client.answer() for _ in range(3)]
        assert [answer.status for answer in answers] == [200, 200, 400]
        assert [answer.closes for answer in answers] == [False, False, True]


async def test_bytes_behind_a_request_that_closes_are_ignored() -> None:
    async with running() as rig:
        client = await rig.connect()
        client.send(b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n" + GET)
        assert (await client.answer()).closes
        assert await client.rest() == b""
        assert len(rig.handler.scopes) == 1


async def test_http_1_0_is_answered_without_chunks_and_closed() -> None:
    class Stream(Handler):
        @override
        async def serve(self, client: ClientConnection) -> None:
            client.start(200, [])
            await client.write(b"piece")
            client.finish()

    async with running(Stream()) as rig:
        client = await rig.connect()
        client.send(b"GET / HTTP/1.0\r\n\r\n")
        assert (await client.answer(bodiless=True)).closes
        assert await client.rest() == b"piece"


async def test_the_scope_says_what_was_asked() -> None:
    async with running() as rig:
        client = await rig.connect()
        await client.ask(b"GET /a%20b/%C3%A9?q=%20 HTTP/1.1\r\nHost: a\r\nX-One:  1 \r\n\r\n")
        scope = rig.handler.scopes[0]
        assert scope["path"] == "/a b/é"
        assert scope["raw_path"] == b"/a%20b/%C3%A9"
        assert scope["query_string"] == b"q=%20"
        assert scope["headers"] == [(b"host", b"a"), (b"x-one", b"1")]
        assert scope["server"] == ("127.0.0.1", rig.server.port)
        assert scope["client"] == client.writer.get_extra_info("sockname")
        assert (scope["method"], scope["scheme"], scope["http_version"]) == ("GET", "http", "1.1")


@pytest.mark.parametrize(
    ("target", "path", "query"),
    [
        (b"http://other/p?q", "/p", b"q"),
        (b"http://other", "/", b""),
        (b"/p?q#fragment", "/p", b"q"),
    ],
)
async def test_other_forms_of_the_target_are_read_as_paths(
    target: bytes, path: str, query: bytes
) -> None:
    async with running() as rig:
        await rig.ask(b"GET %b HTTP/1.1\r\nHost: a\r\n\r\n" % target)
        scope = rig.handler.scopes[0]
        assert (scope["path"], scope["query_string"]) == (path, query)


HEAD = b"POST /v1/chat/completions HTTP/1.1\r\nHost: a\r\n"
SMUGGLING = {
    "length and chunks": HEAD + b"Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "chunks and length": HEAD + b"Transfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n0\r\n\r\n",
    "two lengths": HEAD + b"Content-Length: 3\r\nContent-Length: 3\r\n\r\nabc",
    "signed length": HEAD + b"Content-Length: +3\r\n\r\nabc",
    "list of lengths": HEAD + b"Content-Length: 3, 3\r\n\r\nabc",
    "negative length": HEAD + b"Content-Length: -3\r\n\r\nabc",
    "length beyond 64 bits": HEAD + b"Content-Length: 99999999999999999999999\r\n\r\nabc",
    "empty length": HEAD + b"Content-Length: \r\n\r\nabc",
    "folded line": HEAD + b"X: a\r\n b\r\n\r\n",
    "bare line feed": HEAD + b"X: a\nContent-Length: 3\r\n\r\n",
    "bare carriage return": HEAD + b"X: a\rContent-Length: 3\r\n\r\n",
    "NUL": HEAD + b"X: a\0b\r\n\r\n",
    "control character": HEAD + b"X: a\x01b\r\n\r\n",
    "blank before the colon": HEAD + b"Transfer-Encoding : chunked\r\n\r\n",
    "empty name": HEAD + b": a\r\n\r\n",
    "chunked not last": HEAD + b"Transfer-Encoding: chunked, identity\r\n\r\n",
    "chunked twice": HEAD
    + b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n",
    "unknown coding": HEAD + b"Transfer-Encoding: gzip\r\n\r\nabc",
    "nearly chunked": HEAD + b"Transfer-Encoding: xchunked\r\n\r\nabc",
    "chunks in 1.0": b"POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "no host": b"GET / HTTP/1.1\r\n\r\n",
    "two hosts": b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
    "two hosts in 1.0": b"GET / HTTP/1.0\r\nHost: a\r\nHost: b\r\n\r\n",
    "no version": b"GET /\r\n\r\n",
    "version 2": b"GET / HTTP/2.0\r\nHost: a\r\n\r\n",
    "preface of HTTP/2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "unknown version": b"GET / HTTP/1.2\r\nHost: a\r\n\r\n",
    "unknown method": b"FOO / HTTP/1.1\r\nHost: a\r\n\r\n",
    "lower-case method": b"get / HTTP/1.1\r\nHost: a\r\n\r\n",
    "raw bytes in the path": "GET /é HTTP/1.1\r\nHost: a\r\n\r\n".encode(),
    "no path": b"OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n",
    "TLS on a plain port": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    "no host beside an offer": b"GET / HTTP/1.1\r\nConnection: upgrade\r\nUpgrade: h2c\r\n\r\n",
    "only line feeds": b"GET / HTTP/1.1\nHost: a\n\n",
}


@pytest.mark.parametrize("shape", SMUGGLING)
async def test_what_two_servers_could_read_differently_is_refused(shape: str) -> None:
    async with running() as rig:
        client = await rig.connect()
        answer = await client.ask(SMUGGLING[shape] + GET)
        assert (answer.status, answer.json["code"]) == (400, "invalid_http")
        assert answer.closes
        assert await client.rest() == b""
        assert rig.handler.scopes == []


@pytest.mark.parametrize("chunks", [b"zz\r\n", b"ffffffffffffffffff\r\n", b"3\nabc", b"3\r\nabcd"])
async def test_a_broken_chunk_fails_the_request_that_reads_it(chunks: bytes) -> None:
    async with running() as rig:
        client = await rig.connect()
        head = b"POST /anthropic HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
        answer = await client.ask(head + chunks)
        assert (answer.status, answer.json["code"]) == (400, "invalid_http")
        assert (answer.json["shape"], answer.closes) == ("anthropic", True)
        assert await client.rest() == b""


@pytest.mark.parametrize(
    "framing",
    [b"1;" + b"e" * 2000 + b"\r\na\r\n", b"0\r\n" + b"T: t\r\n" * 400, b"0\r\nT: " + b"t" * 2000],
)
async def test_a_body_that_is_mostly_framing_is_refused(framing: bytes) -> None:
    head = b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
    async with running(edges=Edges(header_bytes=1024)) as rig:
        client = await rig.connect()
        client.send(head + b"1\r\na\r\n")
        await eventually(lambda: rig.lifecycle.body_bytes == 1)
        answer = await client.ask(framing)
        assert (answer.status, answer.closes) == (400, True)


async def test_a_body_of_tiny_chunks_is_no_framing_attack() -> None:
    head = b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
    async with running(edges=Edges(header_bytes=1024)) as rig:
        client = await rig.connect()
        client.send(head)
        for _ in range(10):
            client.send(b"1\r\na\r\n" * 1000)
            await asyncio.sleep(0.001)
        assert (await client.ask(b"0\r\n\r\n")).body == b"10000"


async def test_a_connect_request_is_refused() -> None:
    async with running() as rig:
        answer = await rig.ask(b"CONNECT example.org:443 HTTP/1.1\r\nHost: a\r\n\r\n")
        assert (answer.status, answer.closes, rig.handler.scopes) == (405, True, [])


async def test_a_websocket_is_refused_with_what_we_speak() -> None:
    async with running() as rig:
        client = await rig.connect()
        answer = await client.ask(
            b"GET /v1/realtime HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
            b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: x\r\n\r\n"
        )
        assert (answer.status, answer.headers["upgrade"]) == (426, "HTTP/1.1")
        assert answer.closes
        assert await client.rest() == b""


@pytest.mark.parametrize(
    ("framing", "body"),
    [
        (b"Content-Length: 5\r\n", b"hello"),
        (b"Transfer-Encoding: chunked\r\n", b"5\r\nhello\r\n0\r\n\r\n"),
    ],
)
async def test_an_offer_of_another_protocol_is_declined_by_plain_answers(
    framing: bytes, body: bytes
) -> None:
    offer = (
        b"POST /v1/x HTTP/1.1\r\nHost: a\r\nConnection: Upgrade, HTTP2-Settings\r\n"
        b"HTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA\r\nUpgrade: h2c\r\n"
    )
    async with running() as rig:
        client = await rig.connect()
        for _ in range(2):
            answer = await client.ask(offer + framing + b"\r\n" + body)
            assert (answer.status, answer.body, answer.closes) == (200, b"5", False)
        assert (await client.ask(GET)).body == b"0"


async def test_an_unknown_expectation_is_ignored() -> None:
    async with running() as rig:
        answer = await rig.ask(post(b"abc", more=b"Expect: the-unexpected\r\n"))
        assert (answer.status, answer.body) == (200, b"3")


async def test_a_client_that_waits_to_be_asked_is_asked_for_its_body() -> None:
    async with running() as rig:
        client = await rig.connect()
        whole = post(b"abc", more=b"Expect: 100-continue\r\n")
        client.send(whole[:-3])
        assert (await client.answer(bodiless=True)).status == 100
        assert (await client.ask(b"abc")).body == b"3"
