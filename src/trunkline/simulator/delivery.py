"""Performs a script on a connection, at the script's pace."""

import asyncio
from http import HTTPStatus
from http.client import responses

from trunkline.simulator.connection import Connection
from trunkline.simulator.ledger import SeenAttempt
from trunkline.simulator.script import Ending, Script, Step

_TICK = 0.02
"""Seconds; events that are due within one tick share a write, so that many streams stay cheap."""

_STEPS_PER_TURN = 16
"""Without delays the event loop gets its turn after so many steps, to notice a client that left."""

_LAST_CHUNK = b"0\r\n\r\n"


async def perform(
    script: Script, connection: Connection, *, keep_alive: bool, seen: SeenAttempt | None = None
) -> None:
    """Send the answer; ``seen`` learns how far it came.

    Ends by cancellation when the client leaves first.
    """
    await _Delivery(script, connection, keep_alive, seen).run()


def head_of(script: Script, *, keep_alive: bool) -> bytes:
    """Status line and headers, with those of the framing."""
    status = script.status or HTTPStatus.OK
    lines = [f"HTTP/1.1 {status} {responses.get(status, 'Unknown')}"]
    lines += [f"{name}: {value}" for name, value in script.headers]
    if script.chunked:
        lines.append("transfer-encoding: chunked")
    else:
        length = sum(len(step.data) for step in script.steps) + script.missing_bytes
        lines.append(f"content-length: {length}")
    if not keep_alive:
        lines.append("connection: close")
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")


class _Delivery:
    """One answer under way: what is buffered, when the next step is due, how far it came."""

    def __init__(
        self,
        script: Script,
        connection: Connection,
        keep_alive: bool,  # noqa: FBT001 - one private caller
        seen: SeenAttempt | None,
    ) -> None:
        self._script = script
        self._connection = connection
        self._keep_alive = keep_alive
        self._seen = seen
        self._loop = asyncio.get_running_loop()
        self._due = self._loop.time()
        self._turn = 0
        self._head_sent = False
        self._buffer: list[bytes] = []

    async def run(self) -> None:
        script = self._script
        await self._wait(script.delay)
        if script.stream:
            await self._send_head()
        for step in script.steps:
            await self._wait(step.seconds)
            await self._do(step)
        await self._end()

    async def _do(self, step: Step) -> None:
        if self._seen:
            self._seen.output_tokens += step.tokens
        if not step.data:
            return
        await self._send_head()
        self._buffer.append(self._framed(step))
        if self._script.apart or self._script.drip is not None or step.reports_usage:
            await self._flush()
        if step.reports_usage:
            await self._connection.flushed()
            if self._seen:
                self._seen.reported_usage = True

    async def _send_head(self) -> None:
        if self._head_sent or self._script.status is None:
            return
        self._head_sent = True
        self._buffer.append(head_of(self._script, keep_alive=self._keep_alive))
        if self._seen:
            self._seen.status = self._script.status
        if self._script.stream:
            await self._flush()

    async def _end(self) -> None:
        ending = self._script.ending
        if ending is Ending.FINISH:
            await self._send_head()
            if self._script.chunked:
                self._buffer.append(_LAST_CHUNK)
        await self._flush()
        if ending is not Ending.RESET:
            await self._connection.flushed()
        match ending:
            case Ending.FINISH:
                self._finish()
            case Ending.CLOSE:
                self._connection.close()
            case Ending.RESET:
                self._connection.reset()
            case Ending.HANG:
                await self._loop.create_future()

    def _finish(self) -> None:
        if self._seen:
            self._seen.complete = self._script.whole
        self._connection.stale = self._script.stale
        if not self._keep_alive:
            self._connection.close()

    async def _wait(self, seconds: float) -> None:
        """Let time pass; what is buffered goes out before a real wait."""
        self._due += seconds
        ahead = self._due - self._loop.time()
        self._turn += 1
        if ahead > _TICK or (seconds and self._script.drip is not None):
            await self._flush()
            await asyncio.sleep(ahead)
        elif self._turn % _STEPS_PER_TURN == 0:
            await self._flush()
            await asyncio.sleep(0)

    async def _flush(self) -> None:
        data = b"".join(self._buffer)
        self._buffer.clear()
        if not data:
            return
        if self._script.drip is not None:
            await self._drip(data, self._script.drip)
            return
        self._connection.write(data)
        if self._script.apart:
            await asyncio.sleep(0)
        await self._connection.drain()

    async def _drip(self, data: bytes, seconds: float) -> None:
        for position in range(len(data)):
            self._connection.write(data[position : position + 1])
            await asyncio.sleep(seconds)
            await self._connection.drain()

    def _framed(self, step: Step) -> bytes:
        if step.unframed or not self._script.chunked:
            return step.data
        return b"%x\r\n%b\r\n" % (len(step.data), step.data)
