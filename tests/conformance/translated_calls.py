"""Calls of one wire to a provider of another, each under a fault, and what became of them."""

from collections.abc import Mapping
from typing import Literal, NamedTuple

from tests.conformance.client_wires import CLIENTS
from tests.gateway.rig import KEY, Rig
from tests.product.answers import Reading
from tests.product.books import disagreements
from tests.simulator.raw import exchange, request

from trunkline.gateway.metering.event import Finished
from trunkline.simulator.fault_table import FAULTS
from trunkline.simulator.rules import RuleRequest

PAIRS = (
    ("openai_chat", "anthropic_messages"),
    ("openai_chat", "openai_responses"),
    ("anthropic_messages", "openai_chat"),
    ("openai_responses", "gemini"),
    ("gemini", "ollama_chat"),
    ("gemini_array", "openai_chat"),
    ("ollama_chat", "cohere_chat"),
    ("cohere_chat", "bedrock_converse"),
    ("openai_completions", "mistral_fim"),
    ("mistral_fim", "openai_completions"),
    ("ollama_generate", "openai_completions"),
    ("openai_completions", "ollama_generate"),
)
"""Caller's wire and provider's wire: each wire that generates stands on each side it can take."""

NO_FAULT = "none"
# Where the defaults would only make the table slow, or break a stream before its first content;
# what breaks there is in the table by other faults.
PARAMETERS: Mapping[str, str] = {
    "latency": ";seconds=0.05",
    "slow_first_token": ";seconds=0.05",
    "huge_chunk": ";megabytes=1",
    "cut_after_bytes": ";bytes=2000",
    **dict.fromkeys(
        ("silence_in_stream", "error_in_stream", "cut_after_events", "malformed_chunk",
         "bad_chunk_size"),
        ";after=5",
    ),
}  # fmt: skip
_ALIASES = {"openai_chat": "sim-fast", "anthropic_messages": "claude:sim-fast"}

Told = Literal["whole", "body", "event"]
"""What the caller saw: a whole answer, an error as the answer, or an error inside a stream."""


class Seen(NamedTuple):
    """One call as its caller and its records show it.

    Attributes:
        code: of the error, in the request's record.
    """

    status: int | None
    told: Told | None
    code: str | None
    ending: str
    cost_state: str


class Call(NamedTuple):
    """What a call was seen as, and where a promise was broken."""

    seen: Seen
    text: str
    problems: list[str]


class Pair:
    """Makes calls of one wire to a provider of another, one after another.

    Its state is how much of the rig's books it has read, and the faultless texts.
    """

    def __init__(self, rig: Rig, client: str, provider: str) -> None:
        self._rig = rig
        self._client = CLIENTS[client]
        self._model = _ALIASES.get(provider, f"{provider}:sim-fast")
        self._provider = provider
        self._whole: dict[bool, str] = {}

    async def table(self) -> dict[tuple[str, bool], Call]:
        """All faults by name and whether the answer is streamed."""
        calls = {}
        for stream in (False, True):
            calls[NO_FAULT, stream] = await self._call(NO_FAULT, stream=stream)
            self._whole[stream] = calls[NO_FAULT, stream].text
            for fault in FAULTS:
                calls[fault.name, stream] = await self._call(fault.name, stream=stream)
        return calls

    async def _call(self, fault: str, *, stream: bool) -> Call:
        rig = self._rig
        known = len(rig.observed.events)
        if fault != NO_FAULT:
            rig.simulator.faults.add(RuleRequest(fault + PARAMETERS.get(fault, ""), count=1))
        if fault == "stale_keep_alive":
            # Only the next call on the same connection meets it.
            await self._send(stream=stream)
            known += 1
        seen_before = len(rig.simulator.ledger)
        reading = await self._send(stream=stream)
        event = await rig.observed.wait_for(known + 1)
        problems = self._broken_promises(reading, event, stream=stream)
        problems += self._books(event, seen_before, fault)
        told: Told | None = "whole" if reading.clean else None
        if reading.error is not None:
            told = "event" if reading.status == 200 else "body"
        [(_, outcome)] = event.attempts
        seen = Seen(reading.status, told, event.error_code, outcome.ending, outcome.cost_state)
        return Call(seen, reading.text, problems)

    async def _send(self, *, stream: bool) -> Reading:
        path, document = self._client.request(self._model, stream=stream)
        sent = request(path, document, {"authorization": f"Bearer {KEY}"})
        return self._client.read(await exchange(self._rig.base_url, sent), stream=stream)

    def _broken_promises(self, reading: Reading, event: Finished, *, stream: bool) -> list[str]:
        whole = self._whole.get(stream, reading.text)
        problems = []
        if reading.clean == (reading.error is not None):
            problems.append("the caller saw neither a clean end nor an error, or both")
        if reading.clean and reading.text != whole:
            problems.append("the caller saw a clean end of another text")
        if reading.status == 200 and not whole.startswith(reading.text):
            problems.append("the caller saw text that was not sent")
        if (event.error_code is None) != reading.clean or event.status != reading.status:
            problems.append(f"the record says {event.status} {event.error_code}")
        # Cohere's streams have no place for a code, so that the sentence stands there.
        if reading.error != event.error_code and " " not in (reading.error or " "):
            problems.append(f"the caller was told {reading.error}")
        if reading.error == "internal_error":
            problems.append("the caller met a defect of ours")
        return problems

    def _books(self, event: Finished, seen_before: int, fault: str) -> list[str]:
        """One attempt with one outcome, its hold settled and its cost as the bill says."""
        rig = self._rig
        seen = rig.simulator.ledger[seen_before:]
        [(attempt, outcome)] = event.attempts
        row = {
            "id": attempt.id,
            "ending": outcome.ending,
            "cost_state": outcome.cost_state,
            "cost_nano": outcome.cost_nano,
            "floor_nano": attempt.floor_nano,
            "hold_nano": attempt.hold_nano,
        }
        problems = disagreements([row], seen)
        if attempt.wire != self._provider:
            problems.append(f"it was sent as {attempt.wire}")
        if len(seen) != (0 if fault == "stale_keep_alive" else 1):
            problems.append(f"the provider saw {len(seen)} requests")
        if rig.recorded.outcomes[-1] != (attempt, outcome):
            problems.append("the record of the attempt is another one")
        if rig.admitted.settled.get(attempt.id) != outcome:
            problems.append("the hold is not settled with the outcome")
        if rig.admitted.covered.get(attempt.id) != attempt.hold_nano:
            problems.append("the hold is not what the record says")
        return problems


def leftovers(rig: Rig) -> list[str]:
    """What outlived its request, or was not settled; nothing when all is well."""
    found = []
    stats = rig.pool.stats()
    if stats.busy or stats.waiting:
        found.append(f"{stats.busy} busy and {stats.waiting} waiting connections")
    if rig.observed.running:
        found.append(f"{rig.observed.running} requests are not over")
    opened, closed = rig.recorded.attempts, [one.id for one, _ in rig.recorded.outcomes]
    if sorted(opened) != sorted(closed):
        found.append(f"{len(opened)} attempts were opened and {len(closed)} closed")
    if rig.admitted.covered.keys() != rig.admitted.settled.keys():
        found.append("some holds are not settled")
    if rig.admitted.released != len(rig.admitted.asks):
        found.append(f"{len(rig.admitted.asks)} leases and {rig.admitted.released} released")
    return found
