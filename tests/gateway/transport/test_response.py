"""Bodies over real sockets: whole, in pieces, cut, broken, too large, too slow, unread."""

import asyncio

import pytest
from tests.gateway.transport.hostile import (
    PATIENCE,
    Peer,
    PoolWith,
    Serve,
    answering,
    get,
    ok,
    post,
    until,
)

from trunkline.gateway.transport import (
    BodyTooLarge,
    ConnectionLost,
    FirstByteTimeout,
    HeadTooLarge,
    IdleTimeout,
    ProtocolViolation,
    Timeouts,
    TotalTimeout,
    UpstreamRequest,
    UpstreamResponse,
)
from trunkline.gateway.transport.connection import UpstreamConnection

CHUNKED = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"


async def chunks_of(response: UpstreamResponse) -> list[bytes]:
    chunks = []
    while chunk := await response.chunk():
        chunks.append(chunk)
    return chunks


async def test_a_response_has_status_lower_case_headers_and_body(
    serve: Serve, pool_with: PoolWith
) -> None:
    server = await serve(answering(ok(b"hello", b"X-Request-Id: abc", b"Retry-After:  7 \t")))
    pool = await pool_with()
    response = await pool.open(post(server.origin))
    assert response.status == 200
    assert response.headers == [
        (b"x-request-id", b"abc"),
        (b"retry-after", b"7"),
        (b"content-length", b"5"),
    ]
    assert response.reused is False
    assert await response.read(5) == b"hello"
    assert repr(response) == "<UpstreamResponse 200 complete, 0 bytes unread>"


async def test_the_request_arrives_as_it_was_given(serve: Serve, pool_with: PoolWith) -> None:
    seen = []

    async def script(peer: Peer) -> None:
        seen.append(await peer.request())
        await peer.say(ok())

    server = await serve(script)
    pool = await pool_with()
    request = UpstreamRequest(
        b"POST", server.origin, b"/v1/x?y=1", ((b"Authorization", b"Bearer s"),), b"{}", True
    )
    await (await pool.open(request)).read(100)
    host = b"127.0.0.1:%d" % server.origin.port
    assert seen == [
        b"POST /v1/x?y=1 HTTP/1.1\r\nhost: " + host + b"\r\n"
        b"Authorization: Bearer s\r\ncontent-length: 2\r\n\r\n{}"
    ]


@pytest.mark.parametrize(
    "response",
    [
        ok(b"hello world"),
        CHUNKED + b"5\r\nhello\r\n6;ext=1\r\n world\r\n0\r\nx-trailer: 1\r\n\r\n",
        b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early\r\nlink: x\r\n\r\n" + ok(b"hello world"),
        b"HTTP/1.1 200 OK\r\nconnection: close\r\n\r\nhello world",
        b"HTTP/1.0 200 OK\r\n\r\nhello world",
    ],
    ids=["length", "chunked", "interim", "until-close", "http-1.0"],
)
async def test_a_response_that_comes_byte_by_byte_is_the_same(
    response: bytes, serve: Serve, pool_with: PoolWith
) -> None:
    async def script(peer: Peer) -> None:
        await peer.request()
        for index in range(len(response)):
            peer.writer.write(response[index : index + 1])
            await peer.writer.drain()
            await asyncio.sleep(0)

    server = await serve(script)
    pool = await pool_with()
    received = await pool.open(post(server.origin))
    assert (received.status, b"".join(await chunks_of(received))) == (200, b"hello world")


async def test_chunk_gives_the_end_once_and_refuses_to_give_it_again(
    serve: Serve, pool_with: PoolWith
) -> None:
    server = await serve(answering(ok(b"abc")))
    pool = await pool_with()
    response = await pool.open(post(server.origin))
    assert [await response.chunk(), await response.chunk()] == [b"abc", b""]
    with pytest.raises(RuntimeError, match="end already"):
        await response.chunk()
    response.abort()


async def test_chunks_are_given_as_they_arrive(serve: Serve, pool_with: PoolWith) -> None:
    more = asyncio.Event()

    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.say(CHUNKED + b"3\r\none\r\n")
        await more.wait()
        await peer.say(b"3\r\ntwo\r\n0\r\n\r\n")
        await peer.until_closed()

    server = await serve(script)
    pool = await pool_with()
    response = await pool.open(post(server.origin))
    assert await response.chunk() == b"one"
    assert repr(pool) == "<UpstreamPool 1 origins: 0 idle, 1 busy, 0 waiting>"
    more.set()
    assert [await response.chunk(), await response.chunk()] == [b"two", b""]
    assert repr(pool) == "<UpstreamPool 1 origins: 1 idle, 0 busy, 0 waiting>"


@pytest.mark.parametrize("status", [204, 304])
async def test_a_status_without_a_body_ends_with_its_head(
    status: int, serve: Serve, pool_with: PoolWith
) -> None:
    response = b"HTTP/1.1 %d X\r\ncontent-length: 5\r\n\r\n" % status
    server = await serve(answering(response, ok()))
    pool = await pool_with()
    first = await pool.open(post(server.origin))
    assert (first.status, await first.read(0)) == (status, b"")
    second = await pool.open(post(server.origin))
    assert (second.reused, await second.read(5)) == (True, b"hello")


async def test_the_answer_to_head_has_no_body_and_ends_the_connection(
    serve: Serve, pool_with: PoolWith
) -> None:
    server = await serve(answering(b"HTTP/1.1 200 OK\r\ncontent-length: 500\r\n\r\n"))
    pool = await pool_with()
    response = await pool.open(UpstreamRequest(b"HEAD", server.origin, b"/", private=True))
    assert await response.read(0) == b""
    await server.all_closed(1)


CUT = {
    "nothing": (b"", "before the response"),
    "inside the status line": (b"HTTP/1.1 20", "inside the head"),
    "inside the head": (b"HTTP/1.1 200 OK\r\ncontent-le", "inside the head"),
    "after an interim response": (b"HTTP/1.1 100 Continue\r\n\r\n", "inside the head"),
}


@pytest.mark.parametrize("case", CUT)
async def test_an_early_end_is_a_lost_connection(
    case: str, serve: Serve, pool_with: PoolWith
) -> None:
    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.say(CUT[case][0])

    server = await serve(script)
    pool = await pool_with()
    with pytest.raises(ConnectionLost, match=CUT[case][1]) as caught:
        await pool.open(post(server.origin))
    assert caught.value.sent is True


@pytest.mark.parametrize(
    "response",
    [
        b"HTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\nhello",
        CHUNKED + b"5\r\nhello",
        CHUNKED + b"5\r\nhello\r\n",
        CHUNKED + b"5\r\nhello\r\n0\r\n",
        b"HTTP/1.1 200 OK\r\n\r\nhello",
        b"HTTP/1.1 200 OK\r\nconnection: keep-alive\r\n\r\nhello",
    ],
    ids=["short", "in-chunk", "after-chunk", "in-last-chunk", "no-length", "no-length-keep-alive"],
)
@pytest.mark.parametrize("how", ["end", "reset"])
async def test_a_cut_body_is_given_out_and_then_raises(
    response: bytes, how: str, serve: Serve, pool_with: PoolWith
) -> None:
    cut = asyncio.Event()

    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.say(response)
        await cut.wait()
        if how == "reset":
            peer.reset()

    server = await serve(script)
    pool = await pool_with()
    received = await pool.open(post(server.origin))
    assert await received.chunk() == b"hello"
    cut.set()
    for _ in range(2):
        with pytest.raises(ConnectionLost) as caught:
            await received.chunk()
        assert caught.value.sent is True
    assert repr(received) == "<UpstreamResponse 200 failed: connection_lost, 0 bytes unread>"


async def test_a_reset_before_the_answer_is_a_lost_connection(
    serve: Serve, pool_with: PoolWith
) -> None:
    async def script(peer: Peer) -> None:
        await peer.request()
        peer.reset()

    server = await serve(script)
    pool = await pool_with()
    with pytest.raises(ConnectionLost) as caught:
        await pool.open(post(server.origin))
    assert caught.value.sent is True


async def test_a_broken_chunk_raises_after_the_good_ones(serve: Serve, pool_with: PoolWith) -> None:
    server = await serve(answering(CHUNKED + b"3\r\nabc\r\nnonsense\r\n"))
    pool = await pool_with()
    response = await pool.open(post(server.origin))
    assert await response.chunk() == b"abc"
    with pytest.raises(ProtocolViolation, match="chunk size") as caught:
        await response.chunk()
    assert caught.value.sent is True
    await server.all_closed(1)


async def test_a_head_without_end_is_refused(serve: Serve, pool_with: PoolWith) -> None:
    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.say(b"HTTP/1.1 200 OK\r\n")
        while True:
            await peer.say(b"x-filler: " + b"a" * 1000 + b"\r\n")

    server = await serve(script)
    pool = await pool_with()
    with pytest.raises(HeadTooLarge):
        await pool.open(post(server.origin))
    await server.all_closed(1)


async def test_a_body_beyond_the_limit_is_refused_by_its_announced_length(
    serve: Serve, pool_with: PoolWith
) -> None:
    server = await serve(answering(b"HTTP/1.1 200 OK\r\ncontent-length: 1000000\r\n\r\nabc"))
    pool = await pool_with()
    response = await pool.open(post(server.origin))
    with pytest.raises(BodyTooLarge, match="longer than 999999 bytes"):
        await response.read(999_999)
    await server.all_closed(1)
    with pytest.raises(BodyTooLarge):
        await response.chunk()


async def test_a_body_beyond_the_limit_is_refused_while_it_arrives(
    serve: Serve, pool_with: PoolWith
) -> None:
    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.say(CHUNKED)
        while True:
            await peer.say(b"400\r\n" + b"a" * 1024 + b"\r\n")

    server = await serve(script)
    pool = await pool_with()
    response = await pool.open(post(server.origin))
    with pytest.raises(BodyTooLarge):
        await response.read(100_000)
    await server.all_closed(1)


async def test_a_whole_body_beyond_the_limit_is_refused_too(
    serve: Serve, pool_with: PoolWith
) -> None:
    server = await serve(answering(ok(b"hello")))
    pool = await pool_with()
    response = await pool.open(post(server.origin))
    with pytest.raises(BodyTooLarge):
        await response.read(4)


async def test_a_large_body_is_read_whole(serve: Serve, pool_with: PoolWith) -> None:
    body = bytes(range(256)) * 20_000
    server = await serve(answering(ok(body), ok(b"next")))
    pool = await pool_with()
    assert await (await pool.open(get(server.origin))).read(len(body)) == body
    assert await (await pool.open(get(server.origin))).read(4) == b"next"
    assert server.accepted == 1


async def test_a_reader_that_stops_stops_the_provider(serve: Serve, pool_with: PoolWith) -> None:
    total = 64 * 1024 * 1024
    step = b"x" * 65_536
    written = 0

    async def script(peer: Peer) -> None:
        nonlocal written
        await peer.request()
        await peer.say(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n" % total)
        for _ in range(total // len(step)):
            await peer.say(step)
            written += len(step)
        await peer.until_closed()

    server = await serve(script)
    pool = await pool_with()
    response = await pool.open(get(server.origin))
    before = -1
    while written != before:  # Until the kernel's buffers are full and nothing moves any more.
        before = written
        await asyncio.sleep(0.2)
    assert 0 < written < total // 2
    assert response.buffered < 1_048_576
    size = 0
    while chunk := await response.chunk():
        size += len(chunk)
    assert size == total


async def test_a_silent_provider_runs_into_the_first_byte_timeout(
    serve: Serve, pool_with: PoolWith
) -> None:
    server = await serve(answering(b""))
    pool = await pool_with()
    with pytest.raises(FirstByteTimeout) as caught:
        await pool.open(post(server.origin), timeouts=Timeouts(first_byte=0.05))
    assert caught.value.sent is True
    await server.all_closed(1)


async def test_a_head_that_is_dripped_runs_into_the_first_byte_timeout(
    serve: Serve, pool_with: PoolWith
) -> None:
    async def script(peer: Peer) -> None:
        await peer.request()
        for byte in b"HTTP/1.1 200 OK\r\nx: " + b"a" * 10_000:
            await peer.say(bytes([byte]))
            await asyncio.sleep(0.01)

    server = await serve(script)
    pool = await pool_with()
    with pytest.raises(FirstByteTimeout):
        await pool.open(post(server.origin), timeouts=Timeouts(first_byte=0.1))


async def test_silence_inside_a_body_runs_into_the_idle_timeout(
    serve: Serve, pool_with: PoolWith
) -> None:
    server = await serve(answering(CHUNKED + b"3\r\nabc\r\n"))
    pool = await pool_with()
    response = await pool.open(post(server.origin), timeouts=Timeouts(idle=0.05))
    assert await response.chunk() == b"abc"
    with pytest.raises(IdleTimeout) as caught:
        await response.chunk()
    assert caught.value.sent is True
    await server.all_closed(1)


async def test_a_reader_that_takes_its_time_is_not_silence_of_the_provider(
    serve: Serve, pool_with: PoolWith
) -> None:
    last = asyncio.Event()

    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.say(CHUNKED + b"3\r\nabc\r\n")
        await last.wait()
        await peer.say(b"0\r\n\r\n")
        await peer.until_closed()

    server = await serve(script)
    pool = await pool_with()
    response = await pool.open(post(server.origin), timeouts=Timeouts(idle=0.1))
    assert await response.chunk() == b"abc"
    await asyncio.sleep(0.4)
    last.set()
    await until(lambda: pool.stats().idle == 1)
    assert await response.chunk() == b""


async def test_a_steady_drip_still_runs_into_the_total_timeout(
    serve: Serve, pool_with: PoolWith
) -> None:
    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.say(CHUNKED)
        while True:
            await peer.say(b"1\r\na\r\n")
            await asyncio.sleep(0.01)

    server = await serve(script)
    pool = await pool_with()
    response = await pool.open(post(server.origin), timeouts=Timeouts(total=0.2))
    with pytest.raises(TotalTimeout) as caught:
        await chunks_of(response)
    assert caught.value.sent is True
    await server.all_closed(1)


async def test_cancelling_the_wait_for_the_head_closes_the_socket(
    serve: Serve, pool_with: PoolWith
) -> None:
    asked = asyncio.Event()

    async def script(peer: Peer) -> None:
        await peer.request()
        asked.set()
        await peer.until_closed()

    server = await serve(script)
    pool = await pool_with()
    task = asyncio.create_task(pool.open(post(server.origin)))
    await asyncio.wait_for(asked.wait(), PATIENCE)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await server.all_closed(1)


async def test_cancelling_the_wait_for_a_chunk_closes_the_socket(
    serve: Serve, pool_with: PoolWith
) -> None:
    server = await serve(answering(CHUNKED))
    pool = await pool_with()
    response = await pool.open(post(server.origin))
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.02):
            await response.chunk()
    await server.all_closed(1)
    with pytest.raises(ConnectionLost, match="given up by us"):
        await response.chunk()


async def test_a_cancellation_that_meets_the_whole_answer_does_not_break_the_connection(
    serve: Serve, pool_with: PoolWith
) -> None:
    server = await serve(answering(ok(b"one"), ok(b"two"), ok(b"three")))
    pool = await pool_with()
    await (await pool.open(post(server.origin))).read(3)
    origin = pool._private[server.origin]
    task = asyncio.create_task(pool.open(post(server.origin)))
    release = origin.released

    def release_and_cancel(connection: UpstreamConnection) -> None:
        release(connection)
        task.cancel()

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(origin, "released", release_and_cancel)
        with pytest.raises(asyncio.CancelledError):
            await task
    third = await pool.open(post(server.origin))
    assert (third.reused, await third.read(5), server.accepted) == (True, b"three", 1)


async def test_abort_closes_the_socket_and_may_be_repeated(
    serve: Serve, pool_with: PoolWith
) -> None:
    server = await serve(answering(CHUNKED + b"3\r\nabc\r\n"))
    pool = await pool_with()
    response = await pool.open(post(server.origin))
    response.abort()
    response.abort()
    await server.all_closed(1)


async def test_abort_wakes_a_reader_in_another_task(serve: Serve, pool_with: PoolWith) -> None:
    server = await serve(answering(CHUNKED))
    pool = await pool_with()
    response = await pool.open(post(server.origin))
    reading = asyncio.create_task(response.chunk())
    await asyncio.sleep(0)
    response.abort()
    with pytest.raises(ConnectionLost, match="given up by us"):
        await reading


async def test_a_large_request_body_is_sent_whole_and_no_faster_than_it_is_taken(
    serve: Serve, pool_with: PoolWith
) -> None:
    body = bytes(range(256)) * 40_000

    async def script(peer: Peer) -> None:
        head = await peer.reader.readuntil(b"\r\n\r\n")
        await asyncio.sleep(0.1)
        received = await peer.reader.readexactly(len(body))
        same = b"yes" if received == body and b"content-length: 10240000\r\n" in head else b"no"
        await peer.say(ok(same))
        await peer.until_closed()

    server = await serve(script)
    pool = await pool_with()
    response = await pool.open(post(server.origin, body))
    assert await response.read(3) == b"yes"
    assert pool.stats().idle == 1


async def test_an_answer_that_comes_while_we_still_send_is_delivered(
    serve: Serve, pool_with: PoolWith
) -> None:
    async def script(peer: Peer) -> None:
        await peer.reader.readuntil(b"\r\n\r\n")
        await peer.say(b"HTTP/1.1 413 Too Large\r\ncontent-length: 3\r\n\r\nbig")
        await asyncio.sleep(PATIENCE)

    server = await serve(script)
    pool = await pool_with()
    response = await pool.open(post(server.origin, b"x" * 50_000_000))
    assert (response.status, await response.read(3)) == (413, b"big")
    stats = pool.stats()
    assert (stats.idle, stats.busy) == (0, 0)


async def test_a_provider_that_does_not_take_the_body_runs_into_a_timeout(
    serve: Serve, pool_with: PoolWith
) -> None:
    async def script(peer: Peer) -> None:
        await peer.reader.readuntil(b"\r\n\r\n")
        await asyncio.sleep(PATIENCE)

    server = await serve(script)
    pool = await pool_with()
    with pytest.raises(FirstByteTimeout) as caught:
        await pool.open(post(server.origin, b"x" * 50_000_000), timeouts=Timeouts(first_byte=0.3))
    assert caught.value.sent is True


async def test_cancelling_while_we_send_closes_the_socket(
    serve: Serve, pool_with: PoolWith
) -> None:
    begun, cancelled = asyncio.Event(), asyncio.Event()

    async def script(peer: Peer) -> None:
        await peer.reader.readuntil(b"\r\n\r\n")
        begun.set()
        await cancelled.wait()
        await peer.until_closed()

    server = await serve(script)
    pool = await pool_with()
    task = asyncio.create_task(pool.open(post(server.origin, b"x" * 50_000_000)))
    await asyncio.wait_for(begun.wait(), PATIENCE)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    cancelled.set()
    await server.all_closed(1)
