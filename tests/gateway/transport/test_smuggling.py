"""Shapes on which two readers of HTTP may differ: each is refused, and its connection closed."""

import pytest
from tests.gateway.transport.hostile import Peer, PoolWith, Serve, answering, ok, post

from trunkline.gateway.transport import HeadTooLarge, ProtocolViolation

OK = b"HTTP/1.1 200 OK\r\n"
CHUNKED = OK + b"Transfer-Encoding: chunked\r\n\r\n"

REFUSED = {
    "length and chunked": OK + b"Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "chunked and length": OK + b"Transfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n0\r\n\r\n",
    "two lengths": OK + b"Content-Length: 3\r\nContent-Length: 4\r\n\r\nabcd",
    "the same length twice": OK + b"Content-Length: 3\r\nContent-Length: 3\r\n\r\nabc",
    "list of lengths": OK + b"Content-Length: 3, 3\r\n\r\nabc",
    "signed length": OK + b"Content-Length: +3\r\n\r\nabc",
    "negative length": OK + b"Content-Length: -3\r\n\r\nabc",
    "hexadecimal length": OK + b"Content-Length: 0x3\r\n\r\nabc",
    "empty length": OK + b"Content-Length: \r\n\r\nabc",
    "length beyond 64 bits": OK + b"Content-Length: 99999999999999999999999\r\n\r\nabc",
    "length with a gap": OK + b"Content-Length: 3 3\r\n\r\nabc",
    "folded header": OK + b"X: a\r\n b\r\nContent-Length: 0\r\n\r\n",
    "space before the first header": OK + b" X: a\r\nContent-Length: 0\r\n\r\n",
    "line feed alone after a header": OK + b"X: a\nContent-Length: 0\r\n\r\n",
    "line feed alone after the status": b"HTTP/1.1 200 OK\nContent-Length: 0\r\n\r\n",
    "line feed alone at the end": OK + b"Content-Length: 0\r\n\n",
    "carriage return alone": OK + b"X: a\rb\r\nContent-Length: 0\r\n\r\n",
    "NUL in a value": OK + b"X: a\0b\r\nContent-Length: 0\r\n\r\n",
    "NUL in a name": OK + b"X\0: a\r\nContent-Length: 0\r\n\r\n",
    "control in a value": OK + b"X: a\x01b\r\nContent-Length: 0\r\n\r\n",
    "space before the colon": OK + b"Content-Length : 3\r\n\r\nabc",
    "empty name": OK + b": 3\r\nContent-Length: 0\r\n\r\n",
    "line without a colon": OK + b"foo\r\nContent-Length: 0\r\n\r\n",
    "unknown transfer encoding": OK + b"Transfer-Encoding: gzip\r\n\r\nabc",
    "two transfer encodings": OK + b"Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
    "chunked not last": OK + b"Transfer-Encoding: chunked, gzip\r\n\r\n0\r\n\r\n",
    "nearly chunked": OK + b"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
    "chunked twice": OK + b"Transfer-Encoding: chunked\r\n" * 2 + b"\r\n0\r\n\r\n",
    "identity": OK + b"Transfer-Encoding: identity\r\n\r\nabc",
    "vertical tab before chunked": OK + b"Transfer-Encoding: \x0bchunked\r\n\r\n0\r\n\r\n",
    "chunked in HTTP/1.0": b"HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "negative chunk": CHUNKED + b"-3\r\nabc\r\n0\r\n\r\n",
    "chunk size with 0x": CHUNKED + b"0x3\r\nabc\r\n0\r\n\r\n",
    "chunk size beyond 64 bits": CHUNKED + b"fffffffffffffffff\r\nabc\r\n0\r\n\r\n",
    "chunk size with a space": CHUNKED + b"3 \r\nabc\r\n0\r\n\r\n",
    "chunk size without carriage return": CHUNKED + b"3\nabc\r\n0\r\n\r\n",
    "empty chunk size": CHUNKED + b"\r\nabc\r\n0\r\n\r\n",
    "chunk longer than its size": CHUNKED + b"3\r\nabcd\r\n0\r\n\r\n",
    "chunk data without carriage return": CHUNKED + b"3\r\nabc\n0\r\n\r\n",
    "line feed in a chunk extension": CHUNKED + b"3;a\nb\r\nabc\r\n0\r\n\r\n",
    "length in the trailers": CHUNKED + b"0\r\nContent-Length: 7\r\n\r\n",
    "protocol switch": b"HTTP/1.1 101 Go\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\nabc",
    "plain 101": b"HTTP/1.1 101 Go\r\n\r\n",
    "interim response with a length": b"HTTP/1.1 103 X\r\nContent-Length: 3\r\n\r\n" + ok(),
    "chunked interim response": b"HTTP/1.1 103 X\r\nTransfer-Encoding: chunked\r\n\r\n" + ok(),
    "flood of interim responses": b"HTTP/1.1 102 Wait\r\n\r\n" * 9 + ok(),
    "HTTP/2.0": b"HTTP/2.0 200 OK\r\nContent-Length: 0\r\n\r\n",
    "HTTP/0.9": b"HTTP/0.9 200 OK\r\nContent-Length: 0\r\n\r\n",
    "unknown version": b"HTTP/1.2 200 OK\r\nContent-Length: 0\r\n\r\n",
    "status of two digits": b"HTTP/1.1 99 OK\r\nContent-Length: 0\r\n\r\n",
    "status of four digits": b"HTTP/1.1 0200 OK\r\nContent-Length: 0\r\n\r\n",
    "status out of range": b"HTTP/1.1 999 OK\r\nContent-Length: 0\r\n\r\n",
    "another protocol": b"SSH-2.0-OpenSSH_9.2\r\n",
    "a request": b"GET / HTTP/1.1\r\n\r\n",
}


@pytest.mark.parametrize("shape", REFUSED)
async def test_a_smuggling_shape_is_refused_and_its_connection_closed(
    shape: str, serve: Serve, pool_with: PoolWith
) -> None:
    server = await serve(answering(REFUSED[shape]))
    pool = await pool_with()
    with pytest.raises(ProtocolViolation) as caught:
        await (await pool.open(post(server.origin))).read(1000)
    assert caught.value.sent is True
    await server.all_closed(1)
    assert pool.stats().idle == 0


async def test_too_many_headers_are_refused(serve: Serve, pool_with: PoolWith) -> None:
    server = await serve(answering(ok(b"", *[b"a: b"] * 256)))
    pool = await pool_with()
    with pytest.raises(HeadTooLarge, match="more than 256 headers"):
        await pool.open(post(server.origin))
    await server.all_closed(1)


async def test_a_head_at_the_bound_passes_and_one_beyond_does_not(
    serve: Serve, pool_with: PoolWith
) -> None:
    server = await serve(answering(ok(b"", b"x: " + b"a" * 400), ok(b"", b"x: " + b"a" * 500)))
    pool = await pool_with(max_head_bytes=500)
    assert await (await pool.open(post(server.origin))).read(0) == b""
    with pytest.raises(HeadTooLarge):
        await pool.open(post(server.origin))


async def test_a_chunk_extension_without_end_is_refused(serve: Serve, pool_with: PoolWith) -> None:
    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.say(CHUNKED + b"3;")
        while True:
            await peer.say(b"x" * 1000)

    server = await serve(script)
    pool = await pool_with()
    response = await pool.open(post(server.origin))
    with pytest.raises(ProtocolViolation, match="more framing than data"):
        await response.read(1000)
    await server.all_closed(1)


async def test_trailers_without_end_are_refused(serve: Serve, pool_with: PoolWith) -> None:
    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.say(CHUNKED + b"0\r\n")
        while True:
            await peer.say(b"x: " + b"y" * 1000 + b"\r\n")

    server = await serve(script)
    pool = await pool_with()
    response = await pool.open(post(server.origin))
    with pytest.raises(ProtocolViolation, match="more framing than data"):
        await response.read(1000)
    await server.all_closed(1)


SURPLUS = {
    "junk": ok(b"abc") + b"x",
    "second response": ok(b"abc") + ok(b"evil"),
    "after chunks": CHUNKED + b"3\r\nabc\r\n0\r\n\r\nHTTP/1.1 200 OK\r\n",
    "after connection: close": ok(b"abc", b"connection: close") + b"x",
    "after 204": b"HTTP/1.1 204 No\r\nContent-Length: 3\r\n\r\nabc",
}


@pytest.mark.parametrize("shape", SURPLUS)
async def test_surplus_bytes_reach_nobody_and_end_the_connection(
    shape: str, serve: Serve, pool_with: PoolWith
) -> None:
    server = await serve(answering(SURPLUS[shape]))
    pool = await pool_with()
    body = await (await pool.open(post(server.origin))).read(100)
    assert body == (b"" if shape == "after 204" else b"abc")
    await server.all_closed(1)
    assert (pool.stats().idle, pool.stats().busy) == (0, 0)
