"""A stream that is held until it is whole: what breaks is repaired and never seen."""

import pytest
from tests.gateway.http import CHAT, MESSAGES, chat, messages, post
from tests.gateway.rig import running
from tests.gateway.trying.scenes import alias, balanced, target, told

from trunkline.gateway.pipeline import Bearings
from trunkline.gateway.policy import Retry
from trunkline.simulator.server import Simulator

BREAKS = [
    "cut_after_events", "error_in_stream", "missing_end", "malformed_chunk", "bad_chunk_size",
]  # fmt: skip


@pytest.mark.parametrize("fault", BREAKS)
async def test_a_stream_that_breaks_is_made_again_elsewhere(
    simulator: Simulator, fault: str
) -> None:
    route = alias(
        target(simulator, f"sim-fast+fault={fault}"),
        target(simulator, "sim-chat"),
        buffered=True,
        retry=Retry(attempts=1),
    )
    plain = alias(target(simulator, "sim-chat"), name="plain")
    async with running(simulator, extra=[route, plain]) as rig:
        answer = await post(rig, CHAT, chat("m", stream=True, seed=5))
        same = await post(rig, CHAT, chat("plain", stream=True, seed=5))
    assert answer.headers["content-type"].startswith("text/event-stream")
    assert answer.text.count("data: [DONE]") == same.text.count("data: [DONE]") == 1
    assert answer.text.count("\n\n") == same.text.count("\n\n")
    assert told(rig)[:2] == [("sim-fast", "first", "failed"), ("sim-chat", "restart", "completed")]
    assert balanced(rig)


async def test_a_request_and_a_key_can_ask_for_it(simulator: Simulator) -> None:
    route = alias(
        target(simulator, "sim-fast+fault=cut_after_events"),
        target(simulator, "sim-chat"),
        retry=Retry(attempts=1),
    )
    async with running(simulator, extra=[route]) as rig:
        broken = await post(rig, CHAT, chat("m", stream=True))
        asked = await post(rig, CHAT, chat("m", stream=True), x_trunkline_buffered="true")
        unclear = await post(rig, CHAT, chat("m", stream=True), x_trunkline_buffered="maybe")
    async with running(simulator, extra=[route], buffered=True) as rig:
        keyed = await post(rig, CHAT, chat("m", stream=True))
        declined = await post(rig, CHAT, chat("m", stream=True), x_trunkline_buffered="off")
    assert "data: [DONE]" not in broken.text
    assert asked.text.endswith("data: [DONE]\n\n")
    assert keyed.text.endswith("data: [DONE]\n\n")
    assert "data: [DONE]" not in declined.text
    assert (unclear.status_code, unclear.json()["error"]["code"]) == (400, "invalid_header")


async def test_a_translated_stream_is_held_as_well(simulator: Simulator) -> None:
    route = alias(
        target(simulator, "sim-fast+fault=cut_after_events"),
        target(simulator, "sim-chat"),
        buffered=True,
        retry=Retry(attempts=1),
    )
    async with running(simulator, extra=[route]) as rig:
        answer = await post(rig, MESSAGES, messages("m", stream=True))
    assert (
        answer.text.count("event: message_start") == answer.text.count("event: message_stop") == 1
    )
    assert balanced(rig)


async def test_when_every_target_breaks_the_caller_gets_an_error_and_no_half_answer(
    simulator: Simulator,
) -> None:
    route = alias(
        target(simulator, "sim-fast+fault=cut_after_events"),
        target(simulator, "sim-chat+fault=error_in_stream"),
        buffered=True,
    )
    async with running(simulator, extra=[route]) as rig:
        answer = await post(rig, CHAT, chat("m", stream=True))
    assert answer.status_code == 502
    assert answer.json()["error"]["code"] == "upstream_connection_lost"
    assert balanced(rig)


async def test_a_held_stream_is_bounded(simulator: Simulator) -> None:
    route = alias(target(simulator, "sim-chat"), target(simulator, "sim-fast"), buffered=True)
    small = Bearings(max_answer_bytes=500)
    async with running(simulator, extra=[route], bearings=small) as rig:
        answer = await post(rig, CHAT, chat("m", stream=True))
    assert (answer.status_code, answer.json()["error"]["code"]) == (
        502, "upstream_answer_too_large",
    )  # fmt: skip
    assert len(rig.recorded.outcomes) == 1
    assert balanced(rig)
