"""Requests that run on after their caller has got the id of a response to come.

The caller's connection is answered at once; the pipeline goes on with a sink that nobody reads.
"""

from collections.abc import Callable
from typing import Final

import msgspec
from typing_extensions import override

from trunkline.gateway.caller import Caller
from trunkline.gateway.ports import KeptResponses
from trunkline.gateway.sink import Headers, Sink
from trunkline.gateway.wire.contract import Inbound

# An error and the response that failed by it fit into this many times over.
_MOST_REMEMBERED: Final = 65_536
_UNKNOWN: Final = {
    "code": "server_error",
    "message": "The response ended without an answer.",
}


class _Error(msgspec.Struct):
    code: str | None = None
    message: str | None = None


class _Told(_Error):
    """An error event, which has the error's members itself or in one of its own."""

    type: str | None = None
    error: _Error | None = None


_decode = msgspec.json.Decoder(_Told).decode


class BackgroundSink(Sink):
    """Takes an answer that nobody waits for. Its state is the end of what was said last."""

    def __init__(self) -> None:
        self._last = b""

    @property
    def error(self) -> dict[str, str]:
        """What the answer says of its failure, as a response object tells it."""
        for line in reversed(self._last.split(b"\n")):
            error = _error_in(line.removeprefix(b"data:"))
            if error is not None:
                return error
        return dict(_UNKNOWN)

    @override
    def respond(self, status: int, headers: Headers, body: bytes) -> None:
        self._last = body

    @override
    def start(self, status: int, headers: Headers) -> None:
        return

    @override
    async def write(self, chunk: bytes) -> None:
        self.push(chunk)

    @override
    def push(self, chunk: bytes) -> bool:
        if chunk:
            self._last = chunk[-_MOST_REMEMBERED:]
        return False

    @override
    def write_soon(self, chunk: bytes) -> None:
        return

    @override
    def finish(self) -> None:
        return


def _error_in(data: bytes) -> dict[str, str] | None:
    try:
        event = _decode(data)
    except (msgspec.DecodeError, RecursionError):
        return None
    told = event.error or event
    if not told.message:
        return None
    return {"code": told.code or _UNKNOWN["code"], "message": told.message}


class BackgroundRun:
    """One request that runs on. Its state is whether its answer was kept.

    Attributes:
        response_id: the id that the caller gets.
        response: the object that it gets now.
        sink: where the answer goes.
    """

    __slots__ = ("_caller", "_kept", "_request", "_runs", "response", "response_id", "sink")

    def __init__(
        self,
        runs: "BackgroundRuns",
        caller: Caller,
        request: Inbound,
        response_id: str,
        response: bytes,
    ) -> None:
        self._runs = runs
        self._caller = caller
        self._request = request
        self._kept = False
        self.response_id = response_id
        self.response = response
        self.sink = BackgroundSink()

    async def keep(self, response: bytes) -> None:
        """Keep the answer under the id that the caller has."""
        self._kept = True
        responses = self._runs.responses
        await responses.keep(self._caller, self._request, response, self.response_id)

    async def end(self) -> None:
        """The pipeline is through with it, whatever happened."""
        self._runs.forget(self._caller.org_id, self.response_id)
        if not self._kept:
            await self._runs.responses.fail(self._caller, self.response_id, self.sink.error)


class BackgroundRuns:
    """The requests of this process that run on. Its state is how each of them is cancelled."""

    def __init__(self, responses: KeptResponses) -> None:
        self.responses = responses
        self._cancels: dict[tuple[str, str], Callable[[], None]] = {}

    async def begin(
        self,
        caller: Caller,
        request: Inbound,
        response_id: str,
        response: bytes,
        cancel: Callable[[], None],
    ) -> BackgroundRun:
        """Write a response down before its id is told.

        Args:
            caller: its owner.
            request: with its whole input.
            response_id: as in the response object.
            response: the object as the caller gets it now.
            cancel: ends the run as a caller who leaves ends it.

        Raises:
            Unavailable: it could not be written.
        """
        await self.responses.begin(caller, request, response)
        self._cancels[caller.org_id, response_id] = cancel
        return BackgroundRun(self, caller, request, response_id, response)

    def cancel(self, org_id: str, response_id: str) -> None:
        """End a run, if it is one of this process."""
        cancel = self._cancels.pop((org_id, response_id), None)
        if cancel is not None:
            cancel()

    def forget(self, org_id: str, response_id: str) -> None:
        """The run has ended."""
        self._cancels.pop((org_id, response_id), None)
