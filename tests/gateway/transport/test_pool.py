"""Which request gets which connection: reuse, queue, fairness, cancellation, stale connections."""

import asyncio
import socket
import struct

import pytest
from tests.gateway.transport.hostile import (
    PATIENCE,
    HostileServer,
    Peer,
    PoolWith,
    Serve,
    answering,
    get,
    ok,
    post,
    until,
)

from trunkline.gateway.snapshot import Origin
from trunkline.gateway.transport import (
    ConnectFailed,
    ConnectionLost,
    OriginStats,
    PoolStats,
    PoolTimeout,
    Timeouts,
    TotalTimeout,
    UpstreamPool,
    UpstreamResponse,
)
from trunkline.gateway.transport import pool as pool_module


async def echo_forever(peer: Peer) -> None:
    """Answer each request with its own body."""
    while True:
        request = await peer.request()
        await peer.say(ok(request.partition(b"\r\n\r\n")[2]))


async def ask(pool: UpstreamPool, server: HostileServer, body: bytes = b"hi") -> bytes:
    return await (await pool.open(post(server.origin, body))).read(1000)


def stats_of(server: HostileServer, **figures: int) -> PoolStats:
    everything = {"idle": 0, "busy": 0, "waiting": 0, "opened": 0, "reused": 0, **figures}
    return PoolStats((OriginStats(origin=server.origin, private=True, **everything),))


async def until_waiting(pool: UpstreamPool, count: int) -> None:
    await until(lambda: pool.stats().waiting == count)


async def test_one_connection_carries_request_after_request(
    serve: Serve, pool_with: PoolWith
) -> None:
    server = await serve(echo_forever)
    pool = await pool_with()
    assert [await ask(pool, server, body) for body in (b"a", b"b", b"c")] == [b"a", b"b", b"c"]
    assert pool.stats() == stats_of(server, idle=1, opened=1, reused=2)
    assert server.accepted == 1
    assert repr(pool) == "<UpstreamPool 1 origins: 1 idle, 0 busy, 0 waiting>"


async def test_the_state_of_an_origin_can_be_read_from_its_repr(
    serve: Serve, pool_with: PoolWith
) -> None:
    server = await serve(answering(b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhel"))
    pool = await pool_with(per_host=3)
    response = await pool.open(post(server.origin))
    origin = pool._private[server.origin]
    (connection,) = origin._busy
    assert repr(origin) == (
        f"<OriginPool {server.origin}: 0 idle, 1 busy, 0 dialling, 0 waiting, size 3>"
    )
    assert repr(connection) == (
        f"<UpstreamConnection {server.origin} busy, 1 sent "
        "<UpstreamResponse 200 body, 3 bytes unread>>"
    )
    response.abort()
    assert repr(connection) == f"<UpstreamConnection {server.origin} closed, 1 sent>"
    assert repr(response) == "<UpstreamResponse 200 failed: connection_lost, 3 bytes unread>"


async def test_the_connection_used_last_is_used_first(serve: Serve, pool_with: PoolWith) -> None:
    ports = []
    more = asyncio.Event()

    async def script(peer: Peer) -> None:
        while True:
            await peer.request()
            ports.append(peer.writer.get_extra_info("peername")[1])
            await peer.say(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nx")
            await more.wait()
            await peer.say(b"y")

    server = await serve(script)
    pool = await pool_with()
    first, second = await pool.open(post(server.origin)), await pool.open(post(server.origin))
    more.set()
    await first.read(2)
    await second.read(2)
    last_used = ports[1] if pool.stats().idle == 2 else None
    for _ in range(2):
        await (await pool.open(post(server.origin))).read(2)
    assert len(set(ports)) == 2
    assert ports[2:] == [last_used, last_used]


@pytest.mark.parametrize("size", [1, 3])
async def test_no_more_connections_than_allowed_and_the_queue_is_first_come_first_served(
    size: int, serve: Serve, pool_with: PoolWith
) -> None:
    server = await serve(echo_forever)
    pool = await pool_with(per_host=size)
    order = []

    async def one(number: int) -> None:
        assert await ask(pool, server, b"%d" % number) == b"%d" % number
        order.append(number)

    await asyncio.gather(*(one(number) for number in range(20)))
    assert server.accepted == size
    # Answers of several connections may overtake each other, those of one cannot.
    assert (sorted(order) if size > 1 else order) == list(range(20))
    assert pool.stats() == stats_of(server, idle=size, opened=size, reused=20 - size)


async def held(server: HostileServer, pool: UpstreamPool) -> UpstreamResponse:
    """A response that keeps its connection busy until it is aborted."""
    response = await pool.open(get(server.origin))
    assert response.status == 200
    return response


OPEN_END = b"HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\nx"


async def test_the_wait_for_a_connection_has_a_timeout(serve: Serve, pool_with: PoolWith) -> None:
    server = await serve(answering(OPEN_END))
    pool = await pool_with(per_host=1)
    response = await held(server, pool)
    with pytest.raises(PoolTimeout) as caught:
        await pool.open(get(server.origin), timeouts=Timeouts(pool=0.02))
    assert caught.value.sent is False
    with pytest.raises(TotalTimeout) as total:
        await pool.open(get(server.origin), timeouts=Timeouts(total=0.02))
    assert total.value.sent is False
    assert pool.stats() == stats_of(server, busy=1, opened=1)
    response.abort()


async def test_a_closed_connection_gives_its_place_to_the_first_in_the_queue(
    serve: Serve, pool_with: PoolWith
) -> None:
    server = await serve(answering(OPEN_END))
    pool = await pool_with(per_host=1)
    first = await held(server, pool)
    waiting = asyncio.create_task(held(server, pool))
    await until_waiting(pool, 1)
    first.abort()
    second = await waiting
    assert pool.stats() == stats_of(server, busy=1, opened=2)
    second.abort()


async def test_a_cancelled_waiter_leaves_the_queue(serve: Serve, pool_with: PoolWith) -> None:
    server = await serve(answering(OPEN_END))
    pool = await pool_with(per_host=1)
    first = await held(server, pool)
    gone, stays = (asyncio.create_task(held(server, pool)) for _ in range(2))
    await until_waiting(pool, 2)
    gone.cancel()
    await until_waiting(pool, 1)
    first.abort()
    (await stays).abort()
    with pytest.raises(asyncio.CancelledError):
        await gone


@pytest.mark.parametrize("grant", ["connection", "place", "connection that is lost"])
async def test_a_waiter_cancelled_in_the_moment_of_its_grant_passes_it_on(
    grant: str, serve: Serve, pool_with: PoolWith
) -> None:
    more = asyncio.Event()

    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.say(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nx")
        await more.wait()
        await peer.say(b"y")
        await echo_forever(peer)

    server = await serve(script)
    pool = await pool_with(per_host=1)
    first = await pool.open(post(server.origin))
    gone, stays = (asyncio.create_task(pool.open(post(server.origin))) for _ in range(2))
    await until_waiting(pool, 2)
    origin = pool._private[server.origin]
    (connection,) = origin._busy
    granted = origin._grant

    def grant_and_cancel(what: object) -> bool:
        given = granted(what)  # type: ignore[arg-type] # the test only watches what passes
        gone.cancel()
        if grant.endswith("lost"):
            connection.close()
        return given

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(origin, "_grant", grant_and_cancel)
        more.set()
        if grant == "place":
            first.abort()
        else:
            assert await first.read(2) == b"xy"
        with pytest.raises(asyncio.CancelledError):
            await gone
        response = await stays
    assert response.reused is (grant == "connection")
    await response.read(2)
    assert pool.stats().waiting == 0
    assert server.accepted == (1 if grant == "connection" else 2)


async def test_cancelling_everything_at_any_moment_leaves_nothing_behind(
    serve: Serve, pool_with: PoolWith
) -> None:
    async def script(peer: Peer) -> None:
        while True:
            await peer.request()
            await peer.say(b"HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\n", b"ab", b"cd")

    server = await serve(script)
    pool = await pool_with(per_host=3)

    async def one(seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                await ask(pool, server)
        except TimeoutError:
            pass

    await asyncio.gather(*(one(step * 0.0004) for step in range(60)))
    stats = pool.stats()
    assert (stats.busy, stats.waiting) == (0, 0)
    assert stats.idle <= 3
    assert await ask(pool, server) == b"abcd"


async def test_an_idle_connection_that_ends_is_closed_at_once(
    serve: Serve, pool_with: PoolWith
) -> None:
    close = asyncio.Event()

    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.say(ok())
        await close.wait()

    server = await serve(script)
    pool = await pool_with()
    await ask(pool, server)
    assert pool.stats().idle == 1
    close.set()
    await until(lambda: pool.stats().idle == 0)
    assert await ask(pool, server) == b"hello"
    assert server.accepted == 2


async def test_an_idle_connection_that_gets_bytes_is_closed_at_once(
    serve: Serve, pool_with: PoolWith
) -> None:
    speak = asyncio.Event()

    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.say(ok())
        await speak.wait()
        await peer.say(ok(b"evil"))
        await peer.until_closed()

    server = await serve(script)
    pool = await pool_with()
    await ask(pool, server)
    speak.set()
    await server.all_closed(1)
    assert pool.stats() == stats_of(server, opened=1)


@pytest.mark.parametrize("how", ["end", "reset", "bytes"])
@pytest.mark.parametrize("carried", [1, 2])
async def test_an_end_that_the_loop_has_not_seen_yet_is_noticed_before_use(
    how: str, carried: int, pool_with: PoolWith
) -> None:
    """The server runs in no loop, so its end is in the kernel but in no callback of ours.

    That it was kept before, and has answered just now, says nothing: some close after so many.
    """
    listener = socket.create_server(("127.0.0.1", 0))
    listener.settimeout(PATIENCE)
    origin = Origin("http", "127.0.0.1", listener.getsockname()[1])
    pool = await pool_with()
    loop = asyncio.get_running_loop()

    def serve_once() -> socket.socket:
        peer, _ = listener.accept()
        peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        answer(peer)
        return peer

    def answer(peer: socket.socket) -> None:
        peer.recv(65_536)
        peer.sendall(ok())

    serving = loop.run_in_executor(None, serve_once)
    await (await pool.open(post(origin))).read(5)
    peer = await serving
    for _ in range(carried - 1):
        answering = loop.run_in_executor(None, answer, peer)
        await (await pool.open(post(origin))).read(5)
        await answering
    if how == "reset":
        peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    if how == "bytes":
        peer.sendall(b"unasked")
    else:
        peer.close()
    # No await between the end and the next request: the loop cannot have noticed.
    second = pool.open(post(origin))
    serving = loop.run_in_executor(None, serve_once)
    response = await second
    assert (response.reused, await response.read(5)) == (False, b"hello")
    assert pool.stats().origins[0].opened == 2
    (await serving).close()
    peer.close()
    listener.close()


async def test_a_connection_lost_after_the_request_was_written_is_never_retried(
    serve: Serve, pool_with: PoolWith
) -> None:
    requests = []

    async def script(peer: Peer) -> None:
        requests.append(await peer.request())
        await peer.say(ok())
        requests.append(await peer.request())

    server = await serve(script)
    pool = await pool_with()
    await ask(pool, server)
    with pytest.raises(ConnectionLost, match="before the response") as caught:
        await ask(pool, server)
    assert caught.value.sent is True
    assert (server.accepted, len(requests)) == (1, 2)


async def test_a_connection_that_closes_between_choice_and_write_is_replaced(
    serve: Serve, pool_with: PoolWith
) -> None:
    server = await serve(echo_forever)
    pool = await pool_with()
    await ask(pool, server)
    origin = pool._private[server.origin]
    take = origin.take

    def take_and_lose() -> object:
        connection = take()
        if connection is not None:
            connection.close()
        return connection

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(origin, "take", take_and_lose)
        assert await ask(pool, server) == b"hi"
    assert pool.stats() == stats_of(server, idle=1, opened=2)


async def test_connections_that_close_as_they_open_are_reported_and_not_retried_for_ever(
    serve: Serve, pool_with: PoolWith
) -> None:
    server = await serve(echo_forever)
    pool = await pool_with()
    dial = pool._connector.dial

    async def dial_and_lose(*arguments: object, **options: object) -> object:
        connection = await dial(*arguments, **options)  # type: ignore[arg-type] # passed through
        connection.close()
        return connection

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pool._connector, "dial", dial_and_lose)
        with pytest.raises(ConnectionLost, match="as they open") as caught:
            await ask(pool, server)
    assert caught.value.sent is False
    assert pool.stats() == stats_of(server, opened=1)


async def test_an_idle_connection_is_closed_when_its_time_is_up(
    serve: Serve, pool_with: PoolWith
) -> None:
    server = await serve(echo_forever)
    pool = await pool_with(idle_keep=0.3)
    for _ in range(3):
        await ask(pool, server)
    await server.all_closed(1)
    assert pool.stats() == stats_of(server, opened=1, reused=2)


@pytest.mark.parametrize(
    "response",
    [
        ok(b"hello", b"connection: close"),
        ok(b"hello", b"keep-alive: timeout=1"),
        ok(b"hello").replace(b"HTTP/1.1", b"HTTP/1.0"),
    ],
    ids=["close", "keep-alive of a second", "http-1.0"],
)
async def test_a_connection_that_the_provider_will_not_keep_is_closed(
    response: bytes, serve: Serve, pool_with: PoolWith
) -> None:
    server = await serve(answering(response))
    pool = await pool_with()
    assert await ask(pool, server) == b"hello"
    await server.all_closed(1)
    assert pool.stats() == stats_of(server, opened=1)


async def test_a_private_connection_never_carries_a_public_request(
    serve: Serve, pool_with: PoolWith
) -> None:
    server = await serve(echo_forever)
    pool = await pool_with()
    await ask(pool, server)
    assert pool.stats().idle == 1
    with pytest.raises(Exception, match="private, but the connection is not"):
        await pool.open(post(server.origin, private=False))
    assert server.accepted == 1


async def test_closing_the_pool_ends_everything_and_refuses_more(
    serve: Serve, pool_with: PoolWith
) -> None:
    server = await serve(answering(OPEN_END))
    pool = await pool_with(per_host=1)
    reading = await held(server, pool)
    assert await reading.chunk() == b"x"
    chunk = asyncio.create_task(reading.chunk())
    waiting = asyncio.create_task(held(server, pool))
    await until_waiting(pool, 1)
    await pool.close()
    for task, error in ((chunk, ConnectionLost), (waiting, ConnectFailed)):
        with pytest.raises(error, match="the pool was closed"):
            await task
    with pytest.raises(ConnectFailed, match="the pool was closed"):
        await pool.open(get(server.origin))
    await server.all_closed(1)


async def test_closing_the_pool_while_it_dials_closes_the_new_connection(
    serve: Serve, pool_with: PoolWith
) -> None:
    server = await serve(echo_forever)
    pool = await pool_with()
    opening = asyncio.create_task(pool.open(get(server.origin)))
    await asyncio.sleep(0)
    assert pool.stats() == stats_of(server, busy=1)
    await pool.close()
    with pytest.raises(ConnectFailed, match="the pool was closed"):
        await opening


async def test_origins_without_connections_are_forgotten_when_there_are_many(
    serve: Serve, pool_with: PoolWith, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pool_module, "MAX_ORIGINS", 2)
    kept = await serve(echo_forever)
    closing = await serve(answering(ok(b"", b"connection: close")))
    new = await serve(echo_forever)
    pool = await pool_with()
    for server in (kept, closing, new):
        await ask(pool, server)
    assert [entry.origin for entry in pool.stats().origins] == [kept.origin, new.origin]
