"""The faults on all wires but the two that test_faults.py is about, each in its own framing."""

import asyncio
import gzip
import json
from collections.abc import Callable
from typing import Any

import pytest
from botocore.eventstream import EventStreamBuffer
from tests.simulator.raw import Raw
from tests.simulator.talks import TALKS, Talk

from trunkline.simulator import SeenAttempt, Simulator
from trunkline.simulator.fault_table import FAULTS
from trunkline.simulator.route_table import build_routes
from trunkline.simulator.routes import LookUp

Ended = Callable[[], "asyncio.Future[SeenAttempt]"]

talks = pytest.mark.parametrize("talk", TALKS.values(), ids=TALKS)
streams = pytest.mark.parametrize("stream", [False, True])

STATUSES = {
    "status_400": 400,
    "status_401": 401,
    "status_402": 402,
    "status_403": 403,
    "status_404": 404,
    "status_429": 429,
    "status_500": 500,
    "status_503": 503,
    "status_529": 529,
    "insufficient_quota": 429,
    "overloaded": 503,
}


def nano(talk: Talk, output: int) -> int:
    """The bill of sim-fast."""
    return talk.input_tokens * 500 + output * 1500


def members(value: Any) -> set[str]:
    """All names of members anywhere in a document."""
    if isinstance(value, list):
        return set().union(*map(members, value))
    if not isinstance(value, dict):
        return set()
    return set(value).union(*map(members, value.values()))


def documents(talk: Talk, raw: Raw, *, stream: bool) -> list[Any]:
    if not stream:
        return [raw.json()]
    return [talk.document(event) for event in talk.split(raw.body)]


@talks
@streams
async def test_an_answer_is_whole_and_billed(
    simulator: Simulator, ended: Ended, talk: Talk, stream: bool
) -> None:
    raw = await talk.ask(simulator.base_url, stream=stream)
    assert (raw.status, raw.ended_well) == (200, True)
    if stream:
        assert b"".join(talk.split(raw.body)) == raw.body
        assert len(talk.split(raw.body)) > 5
    seen = await ended()
    assert (seen.complete, seen.reported_usage) == (True, True)
    assert (seen.input_tokens, seen.bill_nano) == (
        talk.input_tokens,
        nano(talk, seen.output_tokens),
    )
    assert talk.usage <= members(documents(talk, raw, stream=stream))


@talks
@streams
async def test_the_same_request_and_seed_give_the_same_bytes(talk: Talk, stream: bool) -> None:
    async def answer(seed: int) -> bytes:
        running = Simulator(seed=seed)
        await running.start()
        raw = await talk.ask(running.base_url, stream=stream)
        await running.stop()
        return raw.payload

    first, again, other = await answer(1), await answer(1), await answer(2)
    assert first == again != other


def test_every_wire_has_words_for_every_status() -> None:
    wanted = {row.name for row in FAULTS if row.name.startswith("status_")}
    wanted |= {"insufficient_quota", "overloaded"}
    assert wanted == set(STATUSES)
    wires = [row.operation.wire for row in build_routes() if not isinstance(row.operation, LookUp)]
    assert [wire.name for wire in wires if set(wire.samples) != wanted] == []


@talks
@streams
@pytest.mark.parametrize("fault", STATUSES)
async def test_an_error_status_has_the_shape_of_the_wire_and_costs_nothing(
    simulator: Simulator, ended: Ended, talk: Talk, stream: bool, fault: str
) -> None:
    raw = await talk.ask(simulator.base_url, stream=stream, fault=fault)
    assert (raw.status, raw.ended_well) == (STATUSES[fault], True)
    assert talk.message(raw.body)
    seen = await ended()
    assert (seen.status, seen.bill_nano, seen.fault) == (raw.status, 0, fault)


@talks
@pytest.mark.parametrize(("fault", "before"), [("error_in_stream;after=4", 4), ("error_first", 0)])
async def test_an_error_ends_a_stream_in_the_shape_of_the_wire(
    simulator: Simulator, ended: Ended, talk: Talk, fault: str, before: int
) -> None:
    whole = await talk.ask(simulator.base_url, stream=True)
    raw = await talk.ask(simulator.base_url, stream=True, fault=fault)
    assert (raw.status, raw.ended_well) == (200, True)
    begun = b"".join(talk.split(whole.body)[:before])
    assert raw.body.startswith(begun)
    told = raw.body[len(begun) :]
    assert talk.message(told)
    seen = await ended()
    assert (seen.complete, seen.reported_usage) == (False, False)
    assert seen.bill_nano == nano(talk, seen.output_tokens)


@pytest.mark.parametrize("fault", ["error_in_stream;after=4", "error_first"])
async def test_a_gemini_array_that_ends_in_an_error_is_still_an_array(
    simulator: Simulator, fault: str
) -> None:
    raw = await TALKS["gemini array"].ask(simulator.base_url, stream=True, fault=fault)
    *_, last = raw.json()
    assert last["error"]["status"] == "UNAVAILABLE"


async def test_bedrocks_error_is_a_frame_of_an_exception(simulator: Simulator) -> None:
    raw = await TALKS["bedrock"].ask(simulator.base_url, stream=True, fault="error_in_stream")
    buffer = EventStreamBuffer()
    buffer.add_data(raw.body)
    last = [event.to_response_dict() for event in buffer][-1]
    assert last == {
        "status_code": 400,
        "headers": {
            ":exception-type": "serviceUnavailableException",
            ":content-type": "application/json",
            ":message-type": "exception",
        },
        "body": b'{"message":"Too many connections, please wait before trying again."}',
    }


@talks
@pytest.mark.parametrize("fault", ["error_in_stream", "error_first"])
async def test_without_a_stream_such_an_error_is_the_body_of_a_200(
    simulator: Simulator, ended: Ended, talk: Talk, fault: str
) -> None:
    raw = await talk.ask(simulator.base_url, fault=fault)
    assert (raw.status, raw.ended_well, bool(talk.message(raw.body))) == (200, True, True)
    seen = await ended()
    assert (seen.complete, seen.bill_nano) == (False, nano(talk, 0))


@talks
@streams
async def test_a_cut_is_exact(simulator: Simulator, ended: Ended, talk: Talk, stream: bool) -> None:
    whole = await talk.ask(simulator.base_url, stream=stream)
    raw = await talk.ask(simulator.base_url, stream=stream, fault="cut_after_bytes;bytes=99")
    assert (raw.ending, raw.ended_well, raw.body) == ("closed", False, whole.body[:99])
    raw = await talk.ask(simulator.base_url, stream=stream, fault="cut_after_events;after=5")
    half = whole.body[: len(whole.body) // 2]
    assert raw.body == (b"".join(talk.split(whole.body)[:5]) if stream else half)
    seen = await ended()
    assert (seen.complete, seen.reported_usage) == (False, False)
    assert seen.bill_nano == nano(talk, seen.output_tokens)


@talks
async def test_a_missing_end_is_all_that_says_that_it_is_over(
    simulator: Simulator, ended: Ended, talk: Talk
) -> None:
    whole = await talk.ask(simulator.base_url, stream=True)
    raw = await talk.ask(simulator.base_url, stream=True, fault="missing_end")
    assert raw.ended_well
    assert talk.split(raw.body) == talk.split(whole.body)[: -talk.end_events]
    assert (await ended()).complete is False


@talks
async def test_a_malformed_chunk_keeps_its_framing(
    simulator: Simulator, ended: Ended, talk: Talk
) -> None:
    whole = talk.split((await talk.ask(simulator.base_url, stream=True)).body)
    raw = await talk.ask(simulator.base_url, stream=True, fault="malformed_chunk;after=4")
    assert raw.ended_well
    before, after = b"".join(whole[:4]), b"".join(whole[5:])
    assert raw.body.startswith(before)
    assert raw.body.endswith(after)
    broken = raw.body[len(before) : -len(after)]
    with pytest.raises(json.JSONDecodeError):
        talk.document(broken)
    assert (await ended()).complete is False


async def test_a_broken_frame_has_checksums_that_hold(simulator: Simulator) -> None:
    raw = await TALKS["bedrock"].ask(simulator.base_url, stream=True, fault="malformed_chunk")
    buffer = EventStreamBuffer()
    buffer.add_data(raw.body)
    assert len(list(buffer)) == len(TALKS["bedrock"].split(raw.body))


@talks
@streams
async def test_a_huge_chunk_still_means_the_same(
    simulator: Simulator, ended: Ended, talk: Talk, stream: bool
) -> None:
    fault = "huge_chunk;megabytes=0.1"
    whole = await talk.ask(simulator.base_url, stream=stream)
    raw = await talk.ask(simulator.base_url, stream=stream, fault=fault)
    told = documents(talk, raw, stream=stream)
    padded = [one for one in told if one is not None and "padding" in one]
    assert [one.pop("padding") for one in padded] == ["x" * 100_000]
    assert told == documents(talk, whole, stream=stream)
    assert (await ended()).complete


@talks
@streams
async def test_neither_bytes_one_by_one_nor_gzip_change_what_is_sent(
    simulator: Simulator, talk: Talk, stream: bool
) -> None:
    whole = await talk.ask(simulator.base_url, stream=stream)
    slow = await talk.ask(simulator.base_url, stream=stream, fault="byte_by_byte")
    assert slow.payload == whole.payload
    packed = await talk.ask(simulator.base_url, stream=stream, fault="gzip")
    assert gzip.decompress(packed.body) == whole.body


@talks
@streams
async def test_an_answer_without_usage_is_whole_otherwise(
    simulator: Simulator, ended: Ended, talk: Talk, stream: bool
) -> None:
    raw = await talk.ask(simulator.base_url, stream=stream, fault="no_usage")
    assert raw.ended_well
    assert not talk.usage & members(documents(talk, raw, stream=stream))
    seen = await ended()
    assert (seen.complete, seen.reported_usage) == (True, False)
    assert seen.bill_nano == nano(talk, seen.output_tokens)


@talks
@streams
@pytest.mark.parametrize(
    ("fault", "ending"),
    [
        ("reset", "reset"),
        ("reset_after_head", "reset"),
        ("bad_chunk_size", "closed"),
        ("wrong_length", "closed"),
        ("wrong_content_type", "closed"),
        ("not_json", "closed"),
        ("empty_body", "closed"),
        ("slow_first_token;seconds=0.01", "closed"),
        ("latency;seconds=0.01", "closed"),
    ],
)
async def test_what_happens_below_the_wire_happens_on_every_wire(
    simulator: Simulator, ended: Ended, talk: Talk, stream: bool, fault: str, ending: str
) -> None:
    raw = await talk.ask(simulator.base_url, stream=stream, fault=fault)
    assert raw.ending == ending
    seen = await ended()
    slow = fault.startswith(("slow", "latency"))
    assert (seen.complete, seen.client_closed) == (slow, False)
    assert seen.bill_nano == nano(talk, seen.output_tokens)


@talks
@streams
@pytest.mark.parametrize("fault", ["silence", "silence_in_stream"])
async def test_a_silent_provider_waits_for_the_client_to_leave(
    simulator: Simulator, ended: Ended, talk: Talk, stream: bool, fault: str
) -> None:
    raw = await talk.ask(simulator.base_url, stream=stream, fault=fault, patience=0.05)
    assert raw.ending == "open"
    seen = await ended()
    assert (seen.complete, seen.client_closed) == (False, True)


async def test_a_fault_may_stand_behind_a_model_in_a_path(simulator: Simulator) -> None:
    for name in ("gemini", "bedrock"):
        raw = await TALKS[name].ask(simulator.base_url, model="sim-fast+fault=status_404;")
        assert raw.status == 400
        raw = await TALKS[name].ask(simulator.base_url, model="sim-fast+fault=status_404")
        assert (raw.status, simulator.ledger[-1].model) == (404, "sim-fast")
