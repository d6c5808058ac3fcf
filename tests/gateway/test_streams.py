import asyncio
import json
from typing import Any

import pytest
from tests.gateway.http import CHAT, MESSAGES, RawClient, chat, messages, post
from tests.gateway.rig import connection, price_of, running
from tests.gateway.test_pipeline import BOTH, target

from trunkline.gateway.pipeline import Bearings
from trunkline.gateway.snapshot import Alias, Target
from trunkline.gateway.transport import Timeouts
from trunkline.simulator.prices import PRICES
from trunkline.simulator.server import Simulator


def aliases(simulator: Simulator, model: str, **alias: Any) -> list[Alias]:
    """The same model on both wires, as ``m`` and ``claude:m``."""
    price = price_of(model, PRICES["sim-fast"])
    return [
        Alias(name=name, targets=(Target(connection(simulator, wire), model, price),), **alias)
        for name, wire in (("m", "openai_chat"), ("claude:m", "anthropic_messages"))
    ]


def ends_cleanly(path: str, text: str) -> bool:
    return text.endswith("data: [DONE]\n\n") if path == CHAT else "message_stop" in text


def last_error(text: str) -> dict[str, Any]:
    data = [line[5:] for line in text.splitlines() if line.startswith("data:")]
    return json.loads(data[-1])["error"]  # type: ignore[no-any-return] # any object


BROKEN = [
    "error_in_stream",
    "cut_after_events",
    "cut_after_bytes",
    "missing_end",
    "malformed_chunk",
    "bad_chunk_size",
]


@BOTH
@pytest.mark.parametrize("fault", BROKEN)
async def test_a_stream_that_breaks_ends_with_an_error_event_and_no_clean_end(
    simulator: Simulator, path: str, document: Any, fault: str
) -> None:
    name = document("m" if path == CHAT else "claude:m", stream=True)
    async with running(simulator, extra=aliases(simulator, f"sim-fast+fault={fault}")) as rig:
        answer = await post(rig, path, name)
    if answer.status_code == 200:
        assert not ends_cleanly(path, answer.text)
        assert last_error(answer.text)["message"]
    else:
        assert answer.status_code >= 500
    [(attempt, outcome)] = rig.recorded.outcomes
    assert outcome.ending == "failed"
    [seen] = simulator.ledger
    assert outcome.cost_nano is not None
    if fault == "missing_end":
        # Everything came but the end, the usage included, so the cost is known.
        assert (outcome.cost_state, outcome.cost_nano) == ("exact", seen.bill_nano)
        return
    assert outcome.cost_state == "estimated"
    assert attempt.hold_nano is not None
    assert seen.input_only_nano <= outcome.cost_nano <= attempt.hold_nano


@BOTH
async def test_a_provider_that_falls_silent_in_the_stream_is_cut_off(
    simulator: Simulator, path: str, document: Any
) -> None:
    extra = aliases(simulator, "sim-fast+fault=silence_in_stream;after=6")
    async with running(simulator, extra=extra, timeouts=Timeouts(idle=0.2)) as rig:
        name = "m" if path == CHAT else "claude:m"
        answer = await post(rig, path, document(name, stream=True))
    assert not ends_cleanly(path, answer.text)
    assert last_error(answer.text)["code"] == "upstream_timeout"
    [(_, outcome)] = rig.recorded.outcomes
    assert (outcome.ending, outcome.cost_state) == ("timed_out", "estimated")
    assert rig.pool.stats().busy == 0


@BOTH
@pytest.mark.parametrize("fault", ["byte_by_byte", "huge_chunk", "gzip"])
async def test_odd_deliveries_still_end_cleanly_and_exactly(
    simulator: Simulator, path: str, document: Any, fault: str
) -> None:
    async with running(simulator, extra=aliases(simulator, f"sim-fast+fault={fault}")) as rig:
        name = "m" if path == CHAT else "claude:m"
        answer = await post(rig, path, document(name, stream=True))
    assert ends_cleanly(path, answer.text)
    [(_, outcome)] = rig.recorded.outcomes
    [seen] = simulator.ledger
    assert (outcome.cost_state, outcome.cost_nano) == ("exact", seen.bill_nano)


@BOTH
async def test_a_client_who_leaves_before_the_first_byte_cuts_the_provider_off(
    simulator: Simulator, path: str, document: Any
) -> None:
    async with running(simulator, extra=aliases(simulator, "sim-fast+fault=silence")) as rig:
        name = "m" if path == CHAT else "claude:m"
        client = await RawClient.send(rig, path, document(name))
        async with asyncio.timeout(10):
            await rig.recorded.begun.wait()
        await client.leave()
        event = await rig.observed.wait_for(1)
        assert rig.pool.stats().busy == 0
    assert (event.status, event.error_code) == (499, "client_gone")
    [(_, outcome)] = rig.recorded.outcomes
    assert (outcome.ending, outcome.cost_state) == ("client_gone", "estimated")
    assert rig.admitted.released == 1


@BOTH
async def test_a_client_who_leaves_in_the_stream_cuts_the_provider_off(
    simulator: Simulator, path: str, document: Any
) -> None:
    extra = aliases(simulator, "sim-fast+fault=silence_in_stream;after=6")
    async with running(simulator, extra=extra) as rig:
        name = "m" if path == CHAT else "claude:m"
        client = await RawClient.send(rig, path, document(name, stream=True))
        await client.until(b"data:")
        await client.leave()
        event = await rig.observed.wait_for(1)
        assert rig.pool.stats().busy == 0
    assert event.error_code == "client_gone"
    [(_, outcome)] = rig.recorded.outcomes
    assert (outcome.ending, outcome.cost_state) == ("client_gone", "estimated")
    assert outcome.output_bytes > 0


async def test_where_closing_does_not_stop_the_bill_the_answer_is_read_to_its_end(
    simulator: Simulator,
) -> None:
    keeps_billing = target(simulator, "sim-fast+fault=latency;seconds=0.3", cancels_on_close=False)
    async with running(simulator, extra=[Alias(name="m", targets=(keeps_billing,))]) as rig:
        client = await RawClient.send(rig, CHAT, chat("m", stream=True))
        async with asyncio.timeout(10):
            await rig.recorded.begun.wait()
        await client.leave()
        await rig.observed.wait_for(1)
    [(_, outcome)] = rig.recorded.outcomes
    [seen] = simulator.ledger
    assert seen.complete
    assert (outcome.ending, outcome.cost_state) == ("completed", "exact")
    assert outcome.cost_nano == seen.bill_nano


async def test_the_drain_after_the_client_has_left_has_a_bound(simulator: Simulator) -> None:
    keeps_billing = target(simulator, "sim-fast+fault=silence", cancels_on_close=False)
    async with running(
        simulator,
        extra=[Alias(name="m", targets=(keeps_billing,))],
        bearings=Bearings(drain_timeout=0.2),
    ) as rig:
        client = await RawClient.send(rig, CHAT, chat("m"))
        async with asyncio.timeout(10):
            await rig.recorded.begun.wait()
        await client.leave()
        await rig.observed.wait_for(1)
    [(_, outcome)] = rig.recorded.outcomes
    assert outcome.ending == "client_gone"


@BOTH
async def test_a_caller_who_waits_gets_headers_and_keep_alives(
    simulator: Simulator, path: str, document: Any
) -> None:
    extra = aliases(simulator, "sim-fast+fault=latency;seconds=0.5", hold_headers=0.1)
    async with running(simulator, extra=extra) as rig:
        name = "m" if path == CHAT else "claude:m"
        answer = await post(rig, path, document(name, stream=True))
    assert answer.status_code == 200
    first = b": keep-alive\n\n" if path == CHAT else b'event: ping\ndata: {"type": "ping"}\n\n'
    assert answer.content.startswith(first * 2)
    assert ends_cleanly(path, answer.text)


@BOTH
async def test_a_failure_after_keep_alives_is_an_error_event(
    simulator: Simulator, path: str, document: Any
) -> None:
    extra = aliases(simulator, "sim-fast+fault=silence", hold_headers=0.05)
    async with running(simulator, extra=extra, timeouts=Timeouts(first_byte=0.3)) as rig:
        name = "m" if path == CHAT else "claude:m"
        answer = await post(rig, path, document(name, stream=True))
    assert answer.status_code == 200
    assert not ends_cleanly(path, answer.text)
    assert last_error(answer.text)["code"] == "upstream_timeout"


@BOTH
async def test_a_stream_that_cannot_finish_before_the_deadline_ends_with_an_error_event(
    simulator: Simulator, path: str, document: Any
) -> None:
    extra = aliases(simulator, "sim-fast+fault=silence_in_stream;after=6")
    async with running(simulator, extra=extra, shutdown_deadline=0.3) as rig:
        name = "m" if path == CHAT else "claude:m"
        client = await RawClient.send(rig, path, document(name, stream=True))
        await client.until(b"data:")
        rig.server.stop()
        rest = await client.rest()
    assert b"shutting_down" in rest
    assert b"[DONE]" not in rest
    assert b"message_stop" not in rest
    [(_, outcome)] = rig.recorded.outcomes
    assert (outcome.ending, outcome.cost_state) == ("shut_down", "estimated")


@BOTH
async def test_a_request_that_waits_for_its_answer_at_the_deadline_gets_503(
    simulator: Simulator, path: str, document: Any
) -> None:
    extra = aliases(simulator, "sim-fast+fault=silence")
    async with running(simulator, extra=extra, shutdown_deadline=0.3) as rig:
        name = "m" if path == CHAT else "claude:m"
        client = await RawClient.send(rig, path, document(name))
        async with asyncio.timeout(10):
            await rig.recorded.begun.wait()
        rig.server.stop()
        rest = await client.rest()
    assert rest.startswith(b"HTTP/1.1 503")
    assert b"shutting_down" in rest


async def test_a_slow_reader_slows_the_provider_down_and_loses_nothing(
    simulator: Simulator,
) -> None:
    extra = aliases(simulator, "sim-fast+fault=huge_chunk;megabytes=6")
    async with running(simulator, extra=extra) as rig:
        client = await RawClient.send(rig, CHAT, chat("m", stream=True), connection="close")
        await client.until(b"\r\n\r\n")
        await asyncio.sleep(0.3)
        assert rig.observed.events == []
        rest = await client.rest()
        await rig.observed.wait_for(1)
    assert len(rest) > 6_000_000
    assert rest.rstrip().endswith(b"0")
    assert b"data: [DONE]" in rest[-100:]


async def test_messages_without_a_stream_pass_as_well(simulator: Simulator) -> None:
    async with running(simulator) as rig:
        answer = await post(rig, MESSAGES, messages())
    assert answer.json()["type"] == "message"
