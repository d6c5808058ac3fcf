"""The simulator: all fake providers, their ledger and their controls on one port."""

import asyncio
import hashlib
from http import HTTPStatus
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from trunkline.kit.clock import SystemClock
from trunkline.simulator.asked import Asked
from trunkline.simulator.connection import Connection, Incoming
from trunkline.simulator.control import Control
from trunkline.simulator.delivery import perform
from trunkline.simulator.ledger import SeenAttempt, SeenAttempts
from trunkline.simulator.prompt_cache import PromptCache
from trunkline.simulator.provider import Provider
from trunkline.simulator.refusals import Refusal
from trunkline.simulator.route_table import build_routes, stranger
from trunkline.simulator.routes import Count, Generate, LookUp, Perform, Routes
from trunkline.simulator.rules import FaultRules
from trunkline.simulator.script import Script, body_script

_CONTROL = "/_simulator/"
_BACKLOG = 1024


class Simulator:
    """Fake providers on a port of their own.

    OpenAI's base URL is ``{base_url}/v1``, Anthropic's is ``{base_url}``. Whoever builds it starts
    and stops it; everything runs on the event loop that started it.
    """

    def __init__(
        self,
        *,
        seed: int = 0,
        host: str = "127.0.0.1",
        port: int = 0,
        speed: float | None = None,
        transcripts: Path | None = None,
        ledger_file: Path | None = None,
        ledger_size: int = 100_000,
    ) -> None:
        """Nothing is opened before ``start``.

        Args:
            seed: the same seed and request give the same answer.
            host: address to listen on.
            port: 0 takes a free one.
            speed: factor on the models' speeds; None as the models' rows say.
            transcripts: folder of recorded transcripts that may be replayed.
            ledger_file: each attempt that ended is appended here as a line of JSON.
            ledger_size: how many attempts are remembered.
        """
        if speed is not None and speed <= 0:
            raise ValueError("speed must be above 0; use a large factor for no delays")
        self._seed = seed
        self._host = host
        self._port = port
        self._rules = FaultRules(seed)
        self._attempts = SeenAttempts(ledger_size, ledger_file)
        self._provider = Provider(
            seed=seed,
            speed=speed or 1.0,
            cache=PromptCache(SystemClock()),
            rules=self._rules,
            transcripts=transcripts,
        )
        self._routes = Routes(build_routes())
        self._connections: set[Connection] = set()
        self._requests = 0
        self._control = Control(seed, self._rules, self._attempts, self._connections)
        self._server: asyncio.Server | None = None

    @property
    def base_url(self) -> str:
        """Where it listens, such as ``http://127.0.0.1:8080``; only after ``start``."""
        return f"http://{self._host}:{self._port}"

    @property
    def ledger(self) -> list[SeenAttempt]:
        """The attempts seen so far, oldest first."""
        return self._attempts.list()

    @property
    def faults(self) -> FaultRules:
        """The faults set for requests to come."""
        return self._rules

    async def start(self) -> None:
        """Listen, and open the ledger's file.

        Raises:
            OSError: the address is taken or not ours, or the file cannot be written.
        """
        self._attempts.start()
        loop = asyncio.get_running_loop()
        try:
            self._server = await loop.create_server(
                lambda: Connection(self._serve, self._connections),
                self._host,
                self._port,
                backlog=_BACKLOG,
            )
        except OSError:
            self._attempts.close()
            raise
        self._port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        """Stop listening, end all answers and close the ledger's file."""
        if self._server is not None:
            self._server.close()
            for connection in [*self._connections]:
                await connection.stop()
            await self._server.wait_closed()
            self._server = None
        self._attempts.close()

    async def _serve(self, connection: Connection, incoming: Incoming) -> None:
        target = urlsplit(incoming.target)
        if target.path.startswith(_CONTROL):
            name, query = target.path.removeprefix(_CONTROL), parse_qs(target.query)
            script = self._control.answer(incoming.method, name, query, incoming.body)
        else:
            match self._routes.find(incoming):
                case None:
                    script = self._unknown(incoming, target.path)
                case LookUp() as operation, asked:
                    script = self._provider.look_up(operation, asked, self._request_id())
                case operation, asked:
                    await self._attempt(connection, incoming, operation, asked)
                    return
        await perform(script, connection, keep_alive=incoming.keep_alive)

    async def _attempt(
        self,
        connection: Connection,
        incoming: Incoming,
        operation: Generate | Count | Perform,
        asked: Asked,
    ) -> None:
        path = urlsplit(incoming.target).path
        tab = self._attempts.open(
            operation.wire.name, path, self._request_id(), incoming.headers, len(incoming.body)
        )
        try:
            script = self._provider.answer(operation, asked, tab)
            await perform(script, connection, keep_alive=incoming.keep_alive, seen=tab.seen)
        finally:
            tab.seen.client_closed = connection.client_gone
            self._attempts.ended(tab)

    def _unknown(self, incoming: Incoming, path: str) -> Script:
        wire = stranger(incoming.headers)
        request_id = self._request_id()
        refusal = Refusal(
            HTTPStatus.NOT_FOUND,
            wire.samples["status_404"].kind,
            f"Unknown request URL: {incoming.method} {path}.",
            code="unknown_url",
        )
        headers = (("content-type", "application/json"), *wire.headers(request_id, 0))
        return body_script(refusal.status, headers, wire.error_body(refusal, request_id))

    def _request_id(self) -> str:
        """Different for each request, and the same again for the same seed and order."""
        self._requests += 1
        drawn = f"{self._seed} {self._requests}".encode()
        return f"req_{hashlib.blake2b(drawn, digest_size=12).hexdigest()}"
