"""What one client may hold, and for how long. The times are short here and seconds outside."""

import asyncio
import socket
from collections.abc import Awaitable, Callable

import pytest
from tests.gateway.serving.rig import BOUND, GET, Handler, RawClient, eventually, post, running
from typing_extensions import override

from trunkline.errors import RequestTimeout
from trunkline.gateway.serving.body import ClientGone
from trunkline.gateway.serving.client import ClientConnection
from trunkline.gateway.serving.edges import Edges

SHORT = 0.1
LONG_HEAD = b"GET /anthropic/v1/messages HTTP/1.1\r\nHost: a\r\nX: "


class Held(Handler):
    """Reads the body, then waits for the test before it answers."""

    def __init__(self) -> None:
        super().__init__()
        self.began = asyncio.Event()
        self.go_on = asyncio.Event()
        self.left: list[ClientConnection] = []
        self.gone = asyncio.Event()
        self.failures: list[Exception] = []

    @override
    async def serve(self, client: ClientConnection) -> None:
        client.on_gone = lambda: self._leave(client)
        self.began.set()
        try:
            await client.read()
        except (RequestTimeout, ClientGone) as error:
            self.failures.append(error)
            raise
        await self.go_on.wait()
        client.respond(200, [], b"done")

    def _leave(self, client: ClientConnection) -> None:
        self.left.append(client)
        self.gone.set()


async def until(condition: asyncio.Event) -> None:
    await asyncio.wait_for(condition.wait(), BOUND)


async def send_without_end(client: RawClient) -> None:
    async with asyncio.timeout(BOUND):
        while True:
            client.send(b"x" * 1000)
            await client.writer.drain()
            await asyncio.sleep(SHORT / 10)


# Heads


@pytest.mark.parametrize("end", [b"", b"\r\n\r\n"])
async def test_headers_beyond_the_bound_are_refused_whether_they_end_or_not(end: bytes) -> None:
    async with running(edges=Edges(header_bytes=2048)) as rig:
        client = await rig.connect()
        answer = await client.ask(LONG_HEAD + b"x" * 3000 + end)
        assert (answer.status, answer.json["code"]) == (431, "headers_too_large")
        assert (answer.json["shape"], answer.closes) == ("anthropic", True)
        assert await client.rest() == b""
        assert rig.handler.scopes == []


async def test_headers_beyond_the_bound_are_refused_when_they_drip_in() -> None:
    async with running(edges=Edges(header_bytes=2048)) as rig:
        client = await rig.connect()
        client.send(LONG_HEAD)
        for _ in range(3):
            await asyncio.sleep(0.01)
            client.send(b"x" * 1000)
        assert (await client.answer()).status == 431


async def test_headers_within_the_bound_pass_beside_a_large_body() -> None:
    async with running(edges=Edges(header_bytes=2048)) as rig:
        client = await rig.connect()
        for _ in range(2):
            client.send(post(b"b" * 100_000, more=b"X: " + b"x" * 1900 + b"\r\n"))
            client.send(post(b"b" * 100_000, more=b"X: " + b"x" * 1900 + b"\r\n"))
            assert [(await client.answer()).body for _ in range(2)] == [b"100000"] * 2
        client.send(post(b"b" * 9000) + LONG_HEAD + b"x" * 1000)
        assert (await client.answer()).body == b"9000"
        assert (await client.ask(b"\r\n\r\n")).body == b"0"


async def test_a_long_head_behind_a_body_in_the_same_packet_is_refused_too() -> None:
    async with running(edges=Edges(header_bytes=2048)) as rig:
        client = await rig.connect()
        client.send(post(b"b") + LONG_HEAD + b"x" * 3000 + b"\r\n\r\n")
        assert [(await client.answer()).status for _ in range(2)] == [200, 431]


@pytest.mark.parametrize("part", [b"G", GET[:-2]])
async def test_headers_that_take_too_long_are_refused(part: bytes) -> None:
    async with running(edges=Edges(header_timeout=SHORT)) as rig:
        client = await rig.connect()
        answer = await client.ask(part)
        assert (answer.status, answer.json["code"], answer.closes) == (408, "request_timeout", True)
        assert await client.rest() == b""


async def test_headers_that_drip_in_do_not_get_more_time_for_it() -> None:
    async with running(edges=Edges(header_timeout=SHORT)) as rig:
        client = await rig.connect()
        client.send(GET[:-2])
        answer = asyncio.create_task(client.answer())
        while not answer.done():
            client.send(b"X: y\r\n")
            await asyncio.sleep(SHORT / 5)
        assert (await answer).status == 408


@pytest.mark.parametrize("before", [b"", b"\r\n\r\n", GET])
async def test_an_idle_connection_is_closed_without_a_word(before: bytes) -> None:
    async with running(edges=Edges(keep_alive=SHORT)) as rig:
        client = await rig.connect()
        client.send(before)
        if before == GET:
            await client.answer()
        assert await client.rest() == b""


# Bodies


async def test_a_body_that_stops_arriving_ends_its_request_with_408() -> None:
    handler = Held()
    async with running(handler, edges=Edges(body_idle=SHORT)) as rig:
        client = await rig.connect()
        answer = await client.ask(post(b"abc")[:-1])
        assert (answer.status, answer.json["code"], answer.closes) == (408, "request_timeout", True)
        assert await client.rest() == b""
        assert [type(failure) for failure in handler.failures] == [RequestTimeout]


async def test_a_body_that_keeps_arriving_is_waited_for() -> None:
    async with running(edges=Edges(body_idle=6 * SHORT)) as rig:
        client = await rig.connect()
        client.send(post(b"0123456789")[:-9])
        for byte in b"123456789":
            await asyncio.sleep(SHORT)
            client.send(bytes([byte]))
        assert (await client.answer()).body == b"10"


async def test_a_slow_handler_is_no_idle_body() -> None:
    handler = Held()
    async with running(handler, edges=Edges(body_idle=SHORT, keep_alive=SHORT)) as rig:
        client = await rig.connect()
        client.send(post(b"abc"))
        await asyncio.sleep(3 * SHORT)
        handler.go_on.set()
        assert (await client.answer()).body == b"done"


async def test_a_body_too_large_by_its_length_is_refused_before_it_is_read() -> None:
    async with running(edges=Edges(max_body_bytes=1000)) as rig:
        client = await rig.connect()
        answer = await client.ask(post(b"x" * 1001, more=b"Expect: 100-continue\r\n")[:-1001])
        assert (answer.status, answer.json["code"]) == (413, "request_too_large")
        assert answer.closes
        assert await client.rest() == b""


async def test_a_body_too_large_by_its_chunks_is_refused_while_it_is_read() -> None:
    head = b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
    async with running(edges=Edges(max_body_bytes=1000)) as rig:
        client = await rig.connect()
        client.send(head + b"1f4\r\n" + b"x" * 500 + b"\r\n" + b"1f5\r\n" + b"x" * 501)
        answer = await client.answer()
        assert (answer.status, answer.closes) == (413, True)
        await rig.until_idle()
        assert rig.lifecycle.body_bytes == 0


async def test_a_client_that_sends_on_after_a_final_answer_can_still_read_it() -> None:
    async with running(edges=Edges(max_body_bytes=1000)) as rig:
        client = await rig.connect()
        client.send(post(b"x" * 4_000_000))
        assert (await client.answer()).status == 413
        assert await client.rest() == b""


async def test_a_client_that_sends_without_end_is_not_read_without_end() -> None:
    async with running(edges=Edges(max_body_bytes=1000, linger=SHORT)) as rig:
        client = await rig.connect()
        assert (await client.ask(post(b"x" * 5000)[:-1])).status == 413
        with pytest.raises(ConnectionError):
            await send_without_end(client)


async def test_a_body_that_was_refused_and_arrives_whole_does_not_cost_the_connection() -> None:
    async with running(edges=Edges(max_body_bytes=1000)) as rig:
        client = await rig.connect()
        answer = await client.ask(post(b"x" * 1001))
        assert (answer.status, answer.closes) == (413, False)
        assert (await client.ask(post(b"x" * 1000))).body == b"1000"


# What all clients together may hold


async def test_requests_beyond_the_cap_are_told_to_come_back() -> None:
    handler = Held()
    async with running(handler, edges=Edges(max_in_flight=2)) as rig:
        first = [await rig.connect() for _ in range(2)]
        for client in first:
            handler.began.clear()
            client.send(post(b"abc"))
            await until(handler.began)
        third = await rig.connect()
        answer = await third.ask(post(b"abc", path=b"/anthropic/v1/messages"))
        assert (answer.status, answer.headers["retry-after"]) == (503, "1")
        assert (answer.json["code"], answer.json["shape"]) == (
            "too_many_requests_in_flight",
            "anthropic",
        )
        assert not answer.closes
        assert rig.lifecycle.in_flight == 2
        handler.go_on.set()
        assert [(await client.answer()).body for client in first] == [b"done"] * 2
        await rig.until_idle()
        assert (await third.ask(post(b"abc"))).body == b"done"


@pytest.mark.parametrize("path", [b"/health", b"/health/ready", b"/metrics"])
async def test_health_and_metrics_are_served_beyond_the_cap(path: bytes) -> None:
    handler = Held()
    handler.go_on.set()
    async with running(handler, edges=Edges(max_in_flight=0)) as rig:
        assert (await rig.ask(post(b"", path=path))).status == 200
        assert (await rig.ask(post(b"", path=b"/v1"))).status == 503


async def test_bodies_beyond_the_memory_are_told_to_come_back() -> None:
    handler = Held()
    async with running(handler, edges=Edges(max_body_memory_bytes=1000)) as rig:
        first = await rig.connect()
        first.send(post(b"x" * 600))
        await until(handler.began)
        answer = await rig.ask(post(b"x" * 401))
        assert (answer.status, answer.headers["retry-after"]) == (503, "1")
        assert answer.json["code"] == "body_memory_full"
        assert rig.lifecycle.body_bytes == 600
        handler.go_on.set()
        assert (await rig.ask(post(b"x" * 400))).status == 200
        assert (await first.answer()).status == 200
        await rig.until_idle()
        assert rig.lifecycle.body_bytes == 0


async def test_bodies_that_wait_behind_a_request_are_counted_and_let_go() -> None:
    handler = Held()
    async with running(handler) as rig:
        client = await rig.connect()
        client.send(post(b"x" * 10) + post(b"x" * 20))
        await until(handler.began)
        await eventually(lambda: rig.lifecycle.body_bytes == 30)
        client.reset()
        await until(handler.gone)
        handler.go_on.set()
        await rig.until_idle()
        assert (rig.lifecycle.body_bytes, len(handler.scopes)) == (0, 1)


# Clients that leave


async def leave_by_reset(client: RawClient) -> None:
    client.reset()


async def leave_by_close(client: RawClient) -> None:
    client.close()


async def leave_by_half_close(client: RawClient) -> None:
    client.writer.write_eof()


@pytest.mark.parametrize("leave", [leave_by_reset, leave_by_close, leave_by_half_close])
async def test_a_handler_that_waits_is_told_at_once_that_its_client_left(
    leave: Callable[[RawClient], Awaitable[None]],
) -> None:
    class Waiting(Held):
        @override
        async def serve(self, client: ClientConnection) -> None:
            await super().serve(client)
            client.start(200, [])
            await client.write(b"to nobody")
            client.finish()

    handler = Waiting()
    async with running(handler) as rig:
        client = await rig.connect()
        client.send(post(b"abc"))
        await until(handler.began)
        await leave(client)
        await until(handler.gone)
        handler.go_on.set()
        await rig.until_idle()
        assert [(left.gone, left.over) for left in handler.left] == [(True, False)]


async def test_a_body_cut_short_is_a_client_that_left() -> None:
    handler = Held()
    async with running(handler) as rig:
        client = await rig.connect()
        client.send(post(b"abc")[:-1])
        await until(handler.began)
        client.close()
        await rig.until_idle()
        assert [type(failure) for failure in handler.failures] == [ClientGone]
        assert [left.gone for left in handler.left] == [True]


async def test_leaving_after_the_answer_is_nobodys_business() -> None:
    handler = Held()
    handler.go_on.set()
    async with running(handler) as rig:
        client = await rig.connect()
        await client.ask(post(b"abc"))
        client.close()
        await rig.until_idle()
        assert handler.left == []


# Clients that do not read


class Pouring(Handler):
    """Streams without end until its client has gone."""

    def __init__(self) -> None:
        super().__init__()
        self.written = 0
        self.ended = asyncio.Event()

    @override
    async def serve(self, client: ClientConnection) -> None:
        client.start(200, [])
        while not client.gone:
            await client.write(b"x" * 10_000)
            self.written += 10_000
        self.ended.set()


def narrow_socket(port: int) -> socket.socket:
    """A client whose kernel keeps little, so that the server notices early that it is not read."""
    client = socket.socket()
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    client.connect(("127.0.0.1", port))
    return client


async def test_a_client_that_does_not_read_makes_the_handler_wait_and_is_cut_off() -> None:
    handler = Pouring()
    async with running(handler, edges=Edges(write_stall=2 * SHORT)) as rig:
        with narrow_socket(rig.server.port) as client:
            client.sendall(GET)
            await until(handler.ended)
            # What two sockets and our own buffer take, and not what was on offer.
            assert 0 < handler.written < 1_000_000
        await rig.until_idle()


async def test_a_client_that_reads_slowly_is_not_cut_off() -> None:
    handler = Pouring()
    async with running(handler, edges=Edges(write_stall=6 * SHORT)) as rig:
        with narrow_socket(rig.server.port) as narrow:
            narrow.setblocking(False)
            client = RawClient(*await asyncio.open_connection(sock=narrow, limit=1))
            client.send(GET)
            for _ in range(9):
                await asyncio.sleep(SHORT)
                await asyncio.wait_for(client.reader.readexactly(200_000), BOUND)
            assert not handler.ended.is_set()
            client.reset()
        await until(handler.ended)


async def test_a_whole_answer_that_is_not_read_is_cut_off_too() -> None:
    class Large(Handler):
        @override
        async def serve(self, client: ClientConnection) -> None:
            client.respond(200, [(b"connection", b"close")], b"x" * 20_000_000)

    async with running(Large(), edges=Edges(write_stall=2 * SHORT, keep_alive=SHORT)) as rig:
        with narrow_socket(rig.server.port) as client:
            client.sendall(GET)
            await eventually(lambda: rig.server.open_connections == 1)
            await eventually(lambda: rig.server.open_connections == 0)


def test_the_tick_is_a_quarter_of_the_shortest_time_within_bounds() -> None:
    assert Edges().tick == 0.5
    assert Edges(header_timeout=0.2).tick == 0.05
    assert Edges(body_idle=0.0).tick == 0.01
    assert Edges(linger=60.0).tick == 1.0
