"""Providers that say what none should, and callers who leave where it hurts: nothing stays open."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
from tests.gateway.http import CHAT, MESSAGES, RawClient, chat, messages, post
from tests.gateway.rig import Rig, connection, price_of, running
from tests.gateway.transport.hostile import Peer, until
from typing_extensions import override

from trunkline.errors import Unavailable
from trunkline.gateway.bare import NoRepeats
from trunkline.gateway.caller import Caller
from trunkline.gateway.metering.price import Price, Rates
from trunkline.gateway.pipeline import Bearings
from trunkline.gateway.ports import StoredAnswer
from trunkline.gateway.snapshot import Alias, Origin, Target
from trunkline.simulator.prices import PRICES
from trunkline.simulator.server import Simulator

STREAM = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"


def chunk(data: bytes) -> bytes:
    """One chunk of a chunked body."""
    return b"%x\r\n%b\r\n" % (len(data), data)


def event(data: bytes) -> bytes:
    """One server-sent event in a chunk of its own."""
    return chunk(b"data: " + data + b"\n\n")


@contextlib.asynccontextmanager
async def provider(script: Callable[[Peer], Awaitable[None]]) -> AsyncIterator[int]:
    """A provider that plays a script on each connection; gives its port."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        peer = Peer(reader, writer)
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            await peer.request()
            await script(peer)
            await peer.until_closed()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()


def saying(*pieces: bytes) -> Callable[[Peer], Awaitable[None]]:
    """A script that says this and then waits."""

    async def script(peer: Peer) -> None:
        await peer.say(b"".join(pieces))

    return script


def at(simulator: Simulator, port: int, **changes: Any) -> list[Alias]:
    """The model ``m`` at a provider on this port."""
    account = connection(
        simulator, "openai_chat", origin=Origin("http", "127.0.0.1", port), **changes
    )
    target = Target(account, "m", price_of("m", PRICES["sim-fast"]))
    return [Alias(name="m", targets=(target,))]


def busy(rig: Rig) -> int:
    """Connections that carry an answer right now."""
    return rig.pool.stats().busy


async def test_a_stream_that_is_malformed_before_its_first_content_gives_its_connection_back(
    simulator: Simulator,
) -> None:
    async with (
        provider(saying(STREAM, event(b"{not json"))) as port,
        running(simulator, extra=at(simulator, port)) as rig,
    ):
        answer = await post(rig, CHAT, chat("m", stream=True))
        await until(lambda: not busy(rig))
    assert answer.json()["error"]["code"] == "upstream_malformed"


async def test_a_caller_who_leaves_during_the_last_frames_gives_the_connection_back(
    simulator: Simulator,
) -> None:
    text = b"x" * 8_000_000
    frames = (
        b'data: {"choices":[{"index":0,"delta":{"content":"' + text + b'"}}]}\n\ndata: [DONE]\n\n'
    )
    async with (
        provider(saying(STREAM, chunk(frames))) as port,
        running(simulator, extra=at(simulator, port)) as rig,
    ):
        client = await RawClient.send(rig, CHAT, chat("m", stream=True))
        # Its cost is settled before its last frames are written; they wait, since nobody reads.
        await until(lambda: bool(rig.recorded.outcomes))
        await client.leave()
        await rig.observed.wait_for(1)
        await until(lambda: not busy(rig))
    [(_, outcome)] = rig.recorded.outcomes
    assert outcome.ending == "completed"


async def test_an_attempt_that_could_not_be_written_down_holds_no_money(
    simulator: Simulator,
) -> None:
    async with running(simulator) as rig:
        rig.recorded.broken = Unavailable("The disk is full.", code="journal_unavailable")
        answer = await post(rig, CHAT, chat())
        await rig.observed.wait_for(1)
    assert answer.status_code == 503
    assert rig.recorded.outcomes == []
    assert rig.admitted.covered.keys() == rig.admitted.settled.keys()
    [settled] = rig.admitted.settled.values()
    assert (settled.ending, settled.cost_state, settled.cost_nano) == ("not_sent", "exact", 0)


@pytest.mark.parametrize("status", [b"299", b"600", b"999"])
async def test_a_status_that_does_not_exist_is_an_error_of_the_provider(
    simulator: Simulator, status: bytes
) -> None:
    said = b"HTTP/1.1 " + status + b" Odd\r\ncontent-length: 2\r\n\r\nhi"
    async with (
        provider(saying(said)) as port,
        running(simulator, extra=at(simulator, port)) as rig,
    ):
        answer = await post(rig, CHAT, chat("m"))
    assert answer.status_code == 502
    assert answer.headers["x-trunkline-generation-id"]
    assert len(rig.recorded.outcomes) == 1


async def test_a_refusal_whose_body_breaks_off_is_a_refusal_and_costs_nothing(
    simulator: Simulator,
) -> None:
    async def script(peer: Peer) -> None:
        await peer.say(b"HTTP/1.1 503 Busy\r\ncontent-length: 100\r\n\r\nhalf")
        peer.reset()

    async with (
        provider(script) as port,
        running(simulator, extra=at(simulator, port)) as rig,
    ):
        answer = await post(rig, CHAT, chat("m"))
    [(_, outcome)] = rig.recorded.outcomes
    assert (answer.status_code, outcome.ending, outcome.status) == (503, "refused", 503)
    assert (outcome.cost_state, outcome.cost_nano) == ("exact", 0)


class OneRepeat(NoRepeats):
    """Keeps what was finished, and can be slow to begin."""

    def __init__(self) -> None:
        self.finished: list[StoredAnswer | None] = []
        self.begun = asyncio.Event()
        self.gate = asyncio.Event()
        self.gate.set()

    @override
    async def begin(self, caller: Caller, key: str, fingerprint: bytes) -> StoredAnswer | None:
        self.begun.set()
        await self.gate.wait()
        return None

    @override
    async def finish(self, caller: Caller, key: str, answer: StoredAnswer | None) -> None:
        self.finished.append(answer)


async def test_half_an_answer_is_never_kept_as_a_whole_one(simulator: Simulator) -> None:
    frame = event(b'{"choices":[{"index":0,"delta":{"content":"half"}}]}')
    repeats = OneRepeat()
    async with (
        provider(saying(STREAM, frame)) as port,
        running(
            simulator,
            extra=at(simulator, port),
            repeats=repeats,
            bearings=Bearings(drain_timeout=0.05),
        ) as rig,
    ):
        client = await RawClient.send(rig, CHAT, chat("m", stream=True), idempotency_key="k")
        await client.until(b"half")
        await client.leave()
        await rig.observed.wait_for(1)
        await until(lambda: bool(repeats.finished))
    [kept] = repeats.finished
    assert kept is not None
    assert kept.status == 409
    assert b"idempotency_outcome_unknown" in kept.body


async def test_a_caller_who_leaves_while_a_key_is_claimed_leaves_no_claim_behind(
    simulator: Simulator,
) -> None:
    repeats = OneRepeat()
    repeats.gate.clear()
    async with running(simulator, repeats=repeats) as rig:
        client = await RawClient.send(rig, CHAT, chat(), idempotency_key="k")
        async with asyncio.timeout(10):
            await repeats.begun.wait()
        await client.leave()
        await asyncio.sleep(0.05)
        repeats.gate.set()
        await rig.observed.wait_for(1)
        await until(lambda: bool(repeats.finished))
    assert len(repeats.finished) == 1


COUNTS = b'{"prompt_tokens":9,"completion_tokens":%d}'
WHOLE = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n%b"


@pytest.mark.parametrize(
    "usage",
    [
        b'{"prompt_tokens":9,"completion_tokens":null}',
        b'{"prompt_tokens":-9,"completion_tokens":3}',
        b'{"prompt_tokens":9,"completion_tokens":3,"prompt_tokens_details":{"cached_tokens":-9000}}',
        b'{"prompt_tokens":9,"completion_tokens":' + b"9" * 400 + b"}",
        b'{"prompt_tokens":"9","completion_tokens":3}',
    ],
    ids=["no output", "negative", "negative part", "absurd", "text"],
)
async def test_a_usage_that_nobody_can_mean_is_an_estimate(
    simulator: Simulator, usage: bytes
) -> None:
    body = b'{"choices":[{"message":{"content":"hi"}}],"usage":' + usage + b"}"
    async with (
        provider(saying(WHOLE % (len(body), body))) as port,
        running(simulator, extra=at(simulator, port)) as rig,
    ):
        answer = await post(rig, CHAT, chat("m"))
    assert (answer.status_code, answer.content) == (200, body)
    [(attempt, outcome)] = rig.recorded.outcomes
    assert (outcome.ending, outcome.cost_state) == ("completed", "estimated")
    assert attempt.floor_nano is not None
    assert attempt.hold_nano is not None
    assert outcome.cost_nano is not None
    assert attempt.floor_nano <= outcome.cost_nano <= attempt.hold_nano


async def test_a_running_count_is_not_the_bill_of_a_stream_that_was_left(
    simulator: Simulator,
) -> None:
    frame = event(
        b'{"choices":[{"index":0,"delta":{"content":"' + b"word " * 100 + b'"}}],'
        b'"usage":{"prompt_tokens":9,"completion_tokens":1}}'
    )
    async with (
        provider(saying(STREAM, frame)) as port,
        running(simulator, extra=at(simulator, port)) as rig,
    ):
        client = await RawClient.send(rig, CHAT, chat("m", stream=True))
        await client.until(b"word")
        await client.leave()
        await rig.observed.wait_for(1)
    [(_, outcome)] = rig.recorded.outcomes
    assert (outcome.ending, outcome.cost_state) == ("client_gone", "estimated")
    assert (outcome.usage.input, outcome.usage.output) == (9, 125)


async def test_a_running_count_becomes_the_bill_with_the_last_content(
    simulator: Simulator,
) -> None:
    frames = [
        b'{"choices":[{"index":0,"delta":{"content":"a"}}],"usage":' + COUNTS % 1 + b"}",
        b'{"choices":[{"index":0,"delta":{},"finish_reason":"stop"}],"usage":' + COUNTS % 7 + b"}",
        b"[DONE]",
    ]
    async with (
        provider(saying(STREAM, *(event(frame) for frame in frames), b"0\r\n\r\n")) as port,
        running(simulator, extra=at(simulator, port)) as rig,
    ):
        await post(rig, CHAT, chat("m", stream=True))
    [(_, outcome)] = rig.recorded.outcomes
    assert (outcome.ending, outcome.cost_state) == ("completed", "exact")
    assert (outcome.usage.input, outcome.usage.output) == (9, 7)


async def test_words_of_a_provider_are_kept_only_where_they_are_words(
    simulator: Simulator,
) -> None:
    long = b"x" * 100_000
    body = b'{"error":{"message":"no","type":"a b\\n","code":"' + long + b'"}}'
    refusal = b"HTTP/1.1 400 No\r\ncontent-length: %d\r\n\r\n%b" % (len(body), body)
    answered = b'{"choices":[],"model":"' + long + b'","service_tier":"' + long + b'"}'
    async with (
        provider(saying(refusal)) as refusing,
        provider(saying(WHOLE % (len(answered), answered))) as naming,
        running(simulator, extra=at(simulator, refusing)) as rig,
        running(simulator, extra=at(simulator, naming)) as other,
    ):
        answer = await post(rig, CHAT, chat("m"))
        await post(other, CHAT, chat("m"))
        finished = await rig.observed.wait_for(1)
    assert (answer.status_code, answer.content) == (400, body)
    assert finished.error_code == "upstream_error"
    [(_, outcome)] = other.recorded.outcomes
    assert (outcome.served_model, outcome.service_tier) == ("x" * 256, "x" * 256)


@pytest.mark.parametrize("price", [None, Price("p", Rates(input=1, output=1), fixed=5)])
async def test_counting_is_exactly_free_whatever_the_model_costs(
    simulator: Simulator, price: Price | None
) -> None:
    target = Target(connection(simulator, "anthropic_messages"), "sim-fast", price)
    async with running(simulator, extra=[Alias(name="m", targets=(target,))]) as rig:
        answer = await post(rig, MESSAGES + "/count_tokens", messages("m"))
    assert answer.json()["input_tokens"] > 0
    [(_, outcome)] = rig.recorded.outcomes
    assert (outcome.cost_state, outcome.cost_nano) == ("exact", 0)


CONTENT = b'{"choices":[{"index":0,"delta":{"content":"half"}}]}'
END = b"0\r\n\r\n"


async def test_an_end_without_its_empty_line_is_no_defect_of_ours(simulator: Simulator) -> None:
    script = saying(STREAM, event(CONTENT), chunk(b"data: [DONE]\n"), END)
    async with (
        provider(script) as port,
        running(simulator, extra=at(simulator, port)) as rig,
    ):
        answer = await post(rig, CHAT, chat("m", stream=True))
        finished = await rig.observed.wait_for(1)
    assert answer.text.endswith("data: [DONE]\n")
    assert (finished.status, finished.error_code) == (200, None)


@pytest.mark.parametrize(
    "failure",
    [
        b'{"error":{"message":"no"},"choices":[{"delta":{"content":[1]}}]}',
        b'{"error":{"message":"no"},"model":5}',
        b'{"object":"error","message":"no","code":400}',
    ],
)
async def test_a_failure_of_any_shape_is_never_followed_by_a_clean_end(
    simulator: Simulator, failure: bytes
) -> None:
    script = saying(STREAM, event(CONTENT), event(failure), event(b"[DONE]"), END)
    async with (
        provider(script) as port,
        running(simulator, extra=at(simulator, port)) as rig,
    ):
        answer = await post(rig, CHAT, chat("m", stream=True))
    assert answer.text.encode().endswith(b"data: " + failure + b"\n\n")
    [(_, outcome)] = rig.recorded.outcomes
    assert (outcome.ending, outcome.cost_state) == ("failed", "estimated")


async def test_content_in_a_list_counts_in_the_estimate(simulator: Simulator) -> None:
    listed = b'{"choices":[{"delta":{"content":[{"type":"text","text":"TEXT"}]}}]}'
    script = saying(STREAM, event(listed.replace(b"TEXT", b"x" * 4000)), event(b"[DONE]"), END)
    async with (
        provider(script) as port,
        running(simulator, extra=at(simulator, port)) as rig,
    ):
        await post(rig, CHAT, chat("m", stream=True))
    [(_, outcome)] = rig.recorded.outcomes
    assert (outcome.ending, outcome.cost_state) == ("completed", "estimated")
    assert outcome.usage.output >= 1000
