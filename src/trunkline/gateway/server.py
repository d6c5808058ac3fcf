"""uvicorn with our limits, stalls, disconnects and shutdown.

uvicorn gives the lifespan, TLS and the configuration; the connections are ``serving``'s own, since
nearly every method of uvicorn's protocol would have to be replaced to guard the edges.
"""

import asyncio
import contextlib
import errno
import signal
import socket
import threading
import time
from collections.abc import Generator
from functools import partial
from pathlib import Path
from typing import Final

import uvicorn
from typing_extensions import override

from trunkline.errors import Unavailable
from trunkline.gateway.serving.asgi import Application, RenderError
from trunkline.gateway.serving.connection import HttpConnection, Site
from trunkline.gateway.serving.edges import Edges
from trunkline.gateway.serving.lifecycle import Lifecycle

_SIGNALS: Final = (signal.SIGTERM, signal.SIGINT)
_BACKLOG: Final = 4096

# Seconds that handlers get to write their error events after the deadline, and then to put away
# what they hold after they were cancelled.
_LAST_WORDS: Final = 2.0
_CLEARING: Final = 1.0


class GatewayServer(uvicorn.Server):
    """Serves one application until it is told to stop.

    It owns the listeners and the connections. ``serve`` runs in the main thread's event loop,
    takes SIGTERM and SIGINT for itself and returns when everything has ended.
    """

    def __init__(
        self,
        config: uvicorn.Config,
        *,
        app: Application,
        edges: Edges,
        lifecycle: Lifecycle,
        render_error: RenderError,
        shutdown_notice: float,
        shutdown_deadline: float,
    ) -> None:
        super().__init__(config)
        self._app = app
        self._edges = edges
        self._lifecycle = lifecycle
        self._render_error = render_error
        self._notice = shutdown_notice
        self._deadline = shutdown_deadline
        self._connections: set[HttpConnection] = set()
        self._listening = asyncio.Event()
        self._stopping = asyncio.Event()
        self._hurried = asyncio.Event()
        self._tick: asyncio.TimerHandle | None = None

    @property
    def port(self) -> int:
        """The port that is listened on, also where 0 was asked for."""
        return int(self.servers[0].sockets[0].getsockname()[1])

    @property
    def open_connections(self) -> int:
        """Connections of clients, busy and idle."""
        return len(self._connections)

    async def listening(self) -> None:
        """Wait until requests are accepted."""
        await self._listening.wait()

    def stop(self) -> None:
        """Begin to shut down; a second call ends what still runs without waiting longer."""
        if self._stopping.is_set():
            self._hurried.set()
            self._lifecycle.notify()
        self._stopping.set()
        self.should_exit = True

    @override
    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start the application, then listen.

        Raises:
            Unavailable: the application did not start, or the address cannot be listened on.
        """
        await self.lifespan.startup()
        if self.lifespan.should_exit:
            raise Unavailable(
                "The application did not start.", hint="The reason stands in the log before this."
            )
        site = Site(
            app=self._app,
            edges=self._edges,
            lifecycle=self._lifecycle,
            render_error=self._render_error,
            state=self.lifespan.state,
            connections=self._connections,
        )
        loop = asyncio.get_running_loop()
        try:
            listener = await loop.create_server(
                partial(HttpConnection, site, loop),
                host=self.config.host,
                port=self.config.port,
                ssl=self.config.ssl,
                backlog=_BACKLOG,
            )
        except OSError as error:
            await self.lifespan.shutdown()
            raise _cannot_listen(self.config.host, self.config.port, error) from error
        for listening in listener.sockets:
            # Connections inherit it. Without it the kernel takes megabytes of an answer that the
            # client may never read, and a slow client cannot be told from one that stands still.
            listening.setsockopt(
                socket.IPPROTO_TCP, socket.TCP_NOTSENT_LOWAT, self._edges.write_buffer
            )
        self.servers = [listener]
        self.started = True
        self._check_connections(loop, time.perf_counter())
        self._lifecycle.enter("serving")
        self._listening.set()

    @override
    async def main_loop(self) -> None:
        await self._stopping.wait()

    @override
    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Not ready, notice, no more connections, last answers, last words, the application."""
        self._lifecycle.enter("draining")
        began = time.monotonic()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self._notice):
                await self._hurried.wait()
        for listener in self.servers:
            listener.close()
        self._lifecycle.stop_reuse()
        for connection in list(self._connections):
            connection.retire()
        await self._all_ended(self._deadline - (time.monotonic() - began), patiently=True)
        await self._end_the_rest()
        if self._tick is not None:
            self._tick.cancel()
        await self.lifespan.shutdown()
        self._lifecycle.enter("stopped")

    @override
    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        """Take the signals for ``stop``; unlike uvicorn's they are not raised again at the end."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        loop = asyncio.get_running_loop()
        for number in _SIGNALS:
            loop.add_signal_handler(number, self.stop)
        try:
            yield
        finally:
            for number in _SIGNALS:
                loop.remove_signal_handler(number)

    def _check_connections(self, loop: asyncio.AbstractEventLoop, renewed: float) -> None:
        now = time.perf_counter()
        if now - renewed >= 1.0:
            self._lifecycle.renew_date()
            renewed = now
        for connection in list(self._connections):
            connection.check(now)
        self._tick = loop.call_later(self._edges.tick, self._check_connections, loop, renewed)

    async def _end_the_rest(self) -> None:
        """After the deadline: error events, then a cut, then cancellation."""
        heard = [client.end_soon() for client in list(self._lifecycle.active)]
        if any(heard):
            await self._all_ended(_LAST_WORDS)
        stopped = Unavailable("The gateway is shutting down.", code="shutting_down")
        for connection in list(self._connections):
            connection.cut(stopped)
        for client in list(self._lifecycle.active):
            if client.task is not None:
                client.task.cancel()
        await self._all_ended(_CLEARING)
        for connection in list(self._connections):
            connection.abort()

    async def _all_ended(self, seconds: float, *, patiently: bool = False) -> None:
        """Wait at most so long; a patient wait is also ended by a second call of ``stop``."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while self._lifecycle.active or self._connections:
                    if patiently and self._hurried.is_set():
                        return
                    await self._lifecycle.changed()


def build_server(
    app: Application,
    *,
    host: str,
    port: int,
    edges: Edges,
    lifecycle: Lifecycle,
    render_error: RenderError,
    shutdown_notice: float,
    shutdown_deadline: float,
    tls_certificate: Path | None = None,
    tls_key: Path | None = None,
) -> GatewayServer:
    """A server that is ready for ``await server.serve()``.

    Args:
        app: an ASGI application; its lifespan runs before the first and after the last request.
        host: address to listen on.
        port: port to listen on; with 0 see ``GatewayServer.port``.
        edges: what one client may hold, and for how long.
        lifecycle: the state that health reports.
        render_error: makes the answers to requests that reach no handler.
        shutdown_notice: seconds between not ready and the end of listening.
        shutdown_deadline: seconds from the signal until answers are ended by us.
        tls_certificate: PEM chain; with it the server speaks TLS only.
        tls_key: PEM key, where it is not in the same file.
    """
    config = uvicorn.Config(
        app,
        host=host,
        port=port,
        loop="none",
        ws="none",
        lifespan="on",
        interface="asgi3",
        log_config=None,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        date_header=False,
        workers=1,
        ssl_certfile=tls_certificate,
        ssl_keyfile=tls_key,
    )
    return GatewayServer(
        config,
        app=app,
        edges=edges,
        lifecycle=lifecycle,
        render_error=render_error,
        shutdown_notice=shutdown_notice,
        shutdown_deadline=shutdown_deadline,
    )


def _cannot_listen(host: str, port: int, error: OSError) -> Unavailable:
    if error.errno == errno.EADDRINUSE:
        reason = "another program listens there"
    else:
        reason = error.strerror or str(error)
    return Unavailable(
        f"Nothing can listen at {host}, port {port}: {reason}.",
        code="address_unavailable",
        hint="End the other program, or choose with --host and --port.",
    )
