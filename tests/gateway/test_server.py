"""Starting, stopping, and what becomes of requests meanwhile."""

import asyncio
import os
import signal
import socket
import ssl
import sys
from pathlib import Path

import pytest
import trustme
from tests.gateway.serving.rig import (
    BOUND,
    GET,
    Answer,
    Handler,
    RawClient,
    eventually,
    post,
    running,
)
from typing_extensions import override

from trunkline.errors import Unavailable
from trunkline.gateway.server import GatewayServer, build_server
from trunkline.gateway.serving.asgi import Receive, Scope, Send
from trunkline.gateway.serving.client import ClientConnection
from trunkline.gateway.serving.edges import Edges
from trunkline.gateway.serving.lifecycle import Lifecycle

SHORT = 0.2


class Streaming(Handler):
    """Begins a stream, waits, and ends it by itself or as the server asks."""

    def __init__(self, *, obeys: bool = True) -> None:
        super().__init__()
        self.obeys = obeys
        self.began = asyncio.Event()
        self.go_on = asyncio.Event()
        self.stopped = False
        self.cancelled = 0

    @override
    async def serve(self, client: ClientConnection) -> None:
        await client.read()
        if self.obeys:
            client.on_deadline = self._stop
        client.start(200, [])
        await client.write(b"first ")
        self.began.set()
        try:
            await self.go_on.wait()
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        await client.write(b"error" if self.stopped else b"last")
        client.finish()

    def _stop(self) -> None:
        self.stopped = True
        self.go_on.set()


class Silent(Handler):
    """Never answers, whatever it is told."""

    def __init__(self) -> None:
        super().__init__()
        self.began = asyncio.Event()

    @override
    async def serve(self, client: ClientConnection) -> None:
        self.began.set()
        await asyncio.Event().wait()


async def until(condition: asyncio.Event) -> None:
    await asyncio.wait_for(condition.wait(), BOUND)


async def test_the_application_lives_from_before_the_first_to_after_the_last_request() -> None:
    handler = Handler()
    async with running(handler) as rig:
        assert handler.events == ["startup"]
        assert (rig.lifecycle.state, rig.server.port > 0) == ("serving", True)
        assert (await rig.ask(GET)).status == 200
        assert handler.events == ["startup"]
    assert handler.events == ["startup", "shutdown"]
    assert rig.lifecycle.state == "stopped"


async def test_a_stop_is_not_ready_at_once_and_serves_on_until_the_notice_is_over() -> None:
    async with running(notice=5 * SHORT) as rig:
        idle, busy = await rig.connect(), await rig.connect()
        await idle.ask(GET)
        rig.server.stop()
        await asyncio.sleep(0)
        answer = await busy.ask(GET)
        assert (rig.lifecycle.state, answer.status, answer.closes) == ("draining", 200, False)
        assert (await rig.ask(GET)).status == 200
        port = rig.server.port
        assert await idle.rest() == b""
        await rig.ended()
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", port), 1).close()


async def test_a_stream_that_ends_before_the_deadline_ends_well() -> None:
    handler = Streaming()
    async with running(handler) as rig:
        client = await rig.connect()
        client.send(GET)
        await until(handler.began)
        rig.server.stop()
        await rig.until_listeners_close()
        assert rig.lifecycle.in_flight == 1
        handler.go_on.set()
        assert (await client.answer()).body == b"first last"
        assert await client.rest() == b""
        await rig.ended()
        assert handler.events == ["startup", "shutdown"]


async def test_an_answer_after_the_notice_says_that_the_connection_closes() -> None:
    class Late(Silent):
        @override
        async def serve(self, client: ClientConnection) -> None:
            self.began.set()
            await rig.until_listeners_close()
            client.respond(200, [], b"late")

    handler = Late()
    async with running(handler) as rig:
        client = await rig.connect()
        client.send(GET)
        await until(handler.began)
        rig.server.stop()
        answer = await client.answer()
        assert (answer.body, answer.closes) == (b"late", True)
        await rig.ended()


async def test_a_head_that_is_on_its_way_when_the_listeners_close_is_still_served() -> None:
    async with running() as rig:
        client = await rig.connect()
        client.send(GET[:-2])
        await eventually(lambda: [c._reader.state for c in rig.server._connections] == ["head"])
        rig.server.stop()
        await rig.until_listeners_close()
        answer = await client.ask(GET[-2:])
        assert (answer.status, answer.closes) == (200, True)
        await rig.ended()


async def test_streams_are_asked_to_end_at_the_deadline() -> None:
    handler = Streaming()
    async with running(handler, deadline=SHORT) as rig:
        client = await rig.connect()
        client.send(GET)
        await until(handler.began)
        rig.server.stop()
        assert (await client.answer()).body == b"first error"
        await rig.ended()
        assert (handler.cancelled, handler.events) == (0, ["startup", "shutdown"])


async def test_a_second_stop_does_not_wait_for_the_notice_or_the_deadline() -> None:
    handler = Streaming()
    async with running(handler, notice=60.0, deadline=120.0) as rig:
        client = await rig.connect()
        client.send(GET)
        await until(handler.began)
        rig.server.stop()
        await asyncio.sleep(0.05)
        rig.server.stop()
        assert (await client.answer()).body == b"first error"
        await rig.ended()


async def test_a_second_stop_is_also_heard_after_the_notice() -> None:
    handler = Streaming()
    async with running(handler, deadline=120.0) as rig:
        client = await rig.connect()
        client.send(GET)
        await until(handler.began)
        rig.server.stop()
        await rig.until_listeners_close()
        rig.server.stop()
        assert (await client.answer()).body == b"first error"
        await rig.ended()


async def test_a_stream_that_does_not_obey_is_cut_and_cancelled_before_the_application_ends() -> (
    None
):
    handler = Streaming(obeys=False)
    async with running(handler, deadline=0.0) as rig:
        client = await rig.connect()
        client.send(GET)
        await until(handler.began)
        rig.server.stop()
        await client.answer(bodiless=True)
        assert await client.rest() == b"6\r\nfirst \r\n"
        await rig.ended()
        assert (handler.cancelled, handler.events) == (1, ["startup", "shutdown"])
        assert (rig.lifecycle.in_flight, rig.server.open_connections) == (0, 0)


async def test_a_request_without_an_answer_gets_an_error_when_the_server_ends() -> None:
    handler = Silent()
    async with running(handler, deadline=0.0) as rig:
        client = await rig.connect()
        client.send(post(b"", path=b"/anthropic/v1/messages"))
        await until(handler.began)
        idle = await rig.connect()
        idle.send(b"GET / HT")
        rig.server.stop()
        answer = await client.answer()
        assert (answer.status, answer.json["code"]) == (503, "shutting_down")
        assert (answer.json["shape"], answer.closes) == ("anthropic", True)
        assert await client.rest() == b""
        await idle.rest_until_lost()
        await rig.ended()


async def test_a_client_that_does_not_read_cannot_keep_the_server_from_ending() -> None:
    class Large(Silent):
        @override
        async def serve(self, client: ClientConnection) -> None:
            client.respond(200, [], b"x" * 20_000_000)
            self.began.set()

    handler = Large()
    async with running(handler, deadline=0.0) as rig:
        client = await rig.connect(limit=1)
        client.send(GET)
        await until(handler.began)
        rig.server.stop()
        await rig.ended()
        assert rig.server.open_connections == 0


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_a_signal_stops_the_server_and_is_not_raised_again(number: signal.Signals) -> None:
    async with running(notice=SHORT) as rig:
        os.kill(os.getpid(), number)
        await rig.until(lambda: rig.lifecycle.state == "draining")
        await rig.ended()
        assert rig.lifecycle.state == "stopped"


PROGRAM = """
import uvloop
from trunkline.gateway.server import GatewayServer, build_server
from trunkline.gateway.serving.edges import Edges
from trunkline.gateway.serving.lifecycle import Lifecycle

async def app(scope, receive, send):
    assert scope["type"] == "lifespan"
    await receive()
    await send({"type": "lifespan.startup.complete"})
    print("ready", flush=True)
    await receive()
    print("flushed", flush=True)
    await send({"type": "lifespan.shutdown.complete"})

server = build_server(app, host="127.0.0.1", port=0, edges=Edges(), lifecycle=Lifecycle(),
                      render_error=lambda *_: (500, [], b""), shutdown_notice=0.1,
                      shutdown_deadline=1.0)
uvloop.run(server.serve())
"""


async def test_a_process_that_is_told_to_stop_exits_with_zero() -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", PROGRAM, stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    async with asyncio.timeout(BOUND):
        assert await process.stdout.readline() == b"ready\n"
        process.send_signal(signal.SIGTERM)
        assert await process.stdout.read() == b"flushed\n"
        assert await process.wait() == 0


async def test_an_application_that_does_not_start_is_said_so() -> None:
    class Failing(Handler):
        @override
        async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
            raise RuntimeError("no database")

    lifecycle = Lifecycle()
    with pytest.raises(Unavailable, match="did not start"):
        await _server(Failing(), lifecycle, 0).serve()
    assert lifecycle.state == "starting"


async def test_a_port_that_is_taken_is_said_so_and_the_application_ends() -> None:
    handler = Handler()
    async with running() as rig:
        with pytest.raises(Unavailable, match="another program listens there") as refusal:
            await _server(handler, Lifecycle(), rig.server.port).serve()
    assert refusal.value.code == "address_unavailable"
    assert handler.events == ["startup", "shutdown"]


async def test_an_address_of_another_machine_is_said_so() -> None:
    server = _server(Handler(), Lifecycle(), 0, host="192.0.2.1")
    with pytest.raises(Unavailable, match=r"Nothing can listen at 192\.0\.2\.1, port 0: .+\."):
        await server.serve()


async def test_a_server_outside_of_the_main_thread_leaves_the_signals_alone() -> None:
    before = signal.getsignal(signal.SIGTERM)
    during = await asyncio.to_thread(asyncio.run, _start_and_stop())
    assert (before, during) == (signal.SIG_DFL, "stopped")


async def _start_and_stop() -> str:
    lifecycle = Lifecycle()
    server = _server(Handler(), lifecycle, 0)
    task = asyncio.create_task(server.serve())
    await server.listening()
    server.stop()
    await task
    return lifecycle.state


def _server(
    handler: Handler, lifecycle: Lifecycle, port: int, host: str = "127.0.0.1"
) -> GatewayServer:
    return build_server(
        handler.__call__,
        host=host,
        port=port,
        edges=Edges(),
        lifecycle=lifecycle,
        render_error=lambda _path, _headers, error: (error.status, [], b""),
        shutdown_notice=0.0,
        shutdown_deadline=1.0,
    )


async def test_tls_is_served_and_ended_like_the_rest(tmp_path: Path) -> None:
    authority = trustme.CA()
    certificate = tmp_path / "certificate.pem"
    authority.issue_cert("127.0.0.1").private_key_and_cert_chain_pem.write_to_path(certificate)
    trusting = ssl.create_default_context()
    authority.configure_trust(trusting)
    async with running(tls=(certificate, trusting), edges=Edges(header_bytes=1024)) as rig:
        client = await rig.connect()
        client.send(post(b"x" * 100_000) + GET)
        assert [(await client.answer()).body for _ in range(2)] == [b"100000", b"0"]
        assert rig.handler.scopes[0]["scheme"] == "https"
        refused: Answer = await client.ask(GET[:-2] + b"X: " + b"x" * 2000)
        assert (refused.status, refused.closes) == (431, True)
        other: RawClient = await rig.connect()
        await other.ask(GET)
        rig.server.stop()
        await other.rest_until_lost()
        client.close()
        await rig.ended()
