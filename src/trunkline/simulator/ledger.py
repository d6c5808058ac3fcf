"""What the simulator saw: one record for each attempt, with its own bill."""

import time
from collections import deque
from collections.abc import Mapping
from io import FileIO
from pathlib import Path

import msgspec

from trunkline.kit.ids import new_id
from trunkline.simulator.billing import TokenUse, bill
from trunkline.simulator.prices import ListPrice

ATTEMPT_HEADER = "x-trunkline-attempt"

_HEADERS_OF_INTEREST = (
    ATTEMPT_HEADER,
    "x-request-id",
    "idempotency-key",
    "traceparent",
    "anthropic-beta",
    "user-agent",
)
_FIRST_ERROR_STATUS = 400


class SeenAttempt(msgspec.Struct):
    """One request that arrived whole, as the provider saw it.

    The delivery writes to it while the answer goes out; afterwards it no longer changes.

    Attributes:
        id: our own, UUIDv7.
        request_id: what the answer's ``x-request-id`` or ``request-id`` says.
        started: Unix seconds at which the request was complete.
        ended: Unix seconds at which the answer or the connection ended; None while it runs.
        headers: those of the request that tell who sent it; never a credential.
        status: of the head that was sent, or None when none was.
        input_tokens: all input, cached or not; 0 when the request was refused.
        output_tokens: generated so far, whether or not they left.
        audio_tokens: the part of the input that is sound.
        search_units: what a rerank is billed by.
        tool_results: whether the newest message carries results of tools.
        audio_seconds: what a transcription is billed by, where it is not by tokens.
        complete: whether the client was sent a whole answer with a proper end.
        reported_usage: whether the final usage was handed to the operating system in full.
        client_closed: whether the client left before the end.
        bill_nano: nano-dollars; 0 for an error status, a count of tokens and a replay.
        input_only_nano: the part of the bill that is input; what a bill is at least.
    """

    id: str
    request_id: str
    wire: str
    path: str
    started: float
    request_bytes: int
    headers: dict[str, str]
    model: str = ""
    stream: bool = False
    tool_results: bool = False
    fault: str | None = None
    replay: str | None = None
    service_tier: str | None = None
    status: int | None = None
    ended: float | None = None
    input_tokens: int = 0
    cache_read_tokens: int = 0
    cache_write_5m_tokens: int = 0
    cache_write_1h_tokens: int = 0
    output_tokens: int = 0
    reasoning_tokens: int = 0
    audio_tokens: int = 0
    search_units: int = 0
    audio_seconds: int = 0
    complete: bool = False
    reported_usage: bool = False
    client_closed: bool = False
    bill_nano: int = 0
    input_only_nano: int = 0

    @property
    def reference(self) -> str | None:
        """The attempt id that the gateway sent along."""
        return self.headers.get(ATTEMPT_HEADER)


class Tab(msgspec.Struct):
    """A running attempt with what its bill is made of.

    Attributes:
        price: None as long as nothing can be charged.
        use: the input; its output is the most that can be generated.
    """

    seen: SeenAttempt
    price: ListPrice | None = None
    use: TokenUse = TokenUse()

    def charge(self, price: ListPrice, use: TokenUse, service_tier: str) -> None:
        """From now on the input and what is generated are billed."""
        seen = self.seen
        self.price, self.use = price, use
        seen.service_tier = service_tier
        seen.input_tokens = use.input_total
        seen.cache_read_tokens = use.cache_read
        seen.cache_write_5m_tokens = use.cache_write_5m
        seen.cache_write_1h_tokens = use.cache_write_1h
        seen.audio_tokens = use.audio
        seen.search_units = use.searches
        seen.audio_seconds = use.seconds

    def add_up(self) -> None:
        """Bring the bill of the attempt up to what was generated until now."""
        seen = self.seen
        if self.price is None or (seen.status or 0) >= _FIRST_ERROR_STATUS:
            return
        seen.reasoning_tokens = min(seen.output_tokens, self.use.reasoning)
        until_now = msgspec.structs.replace(
            self.use, output=seen.output_tokens, reasoning=seen.reasoning_tokens
        )
        nothing_said = msgspec.structs.replace(self.use, output=0, reasoning=0)
        seen.bill_nano = bill(until_now, self.price, seen.service_tier)
        seen.input_only_nano = bill(nothing_said, self.price, seen.service_tier)


class SeenAttempts:
    """All attempts, newest last, bounded; ended ones also as lines of a file.

    The state is the bounded list, the running tabs and the count of all attempts. The simulator
    that built it owns it and closes it.
    """

    def __init__(self, size: int, file: Path | None = None) -> None:
        self._seen: deque[SeenAttempt] = deque(maxlen=size)
        self._running: dict[str, Tab] = {}
        self._path = file
        self._file: FileIO | None = None
        self.total = 0

    def start(self) -> None:
        """Open the file, if there is to be one.

        Raises:
            OSError: it cannot be written.
        """
        if self._path:
            self._file = FileIO(self._path, "a")

    def close(self) -> None:
        """Close the file."""
        if self._file:
            self._file.close()
            self._file = None

    def open(
        self, wire: str, path: str, request_id: str, headers: Mapping[str, str], size: int
    ) -> Tab:
        """Record an attempt whose request has arrived."""
        seen = SeenAttempt(
            id=new_id(),
            request_id=request_id,
            wire=wire,
            path=path,
            started=time.time(),
            request_bytes=size,
            headers={name: headers[name] for name in _HEADERS_OF_INTEREST if name in headers},
        )
        tab = Tab(seen)
        self._seen.append(seen)
        self._running[seen.id] = tab
        self.total += 1
        return tab

    def ended(self, tab: Tab) -> None:
        """The answer is over: make the final bill and write the line."""
        tab.add_up()
        tab.seen.ended = time.time()
        self._running.pop(tab.seen.id, None)
        if self._file:
            self._file.write(msgspec.json.encode(tab.seen) + b"\n")

    def list(self) -> "list[SeenAttempt]":
        """The attempts that are still remembered; running ones with their bill until now."""
        for tab in self._running.values():
            tab.add_up()
        return [*self._seen]

    def clear(self) -> None:
        """Forget the ended attempts; running ones stay."""
        kept = [tab.seen for tab in self._running.values()]
        self._seen.clear()
        self._seen.extend(kept)
