import asyncio
import gzip
import json
import zlib
from collections.abc import Awaitable, Callable
from typing import Any

import anthropic
import openai
import pytest
from tests.simulator.raw import ANTHROPIC, BOTH, OPENAI, Raw, ask, asked, exchange, request

from trunkline.simulator import SeenAttempt, Simulator
from trunkline.simulator.anthropic.messages_wire import AnthropicWire
from trunkline.simulator.fault_table import FAULTS, parse_fault
from trunkline.simulator.openai.wire import OpenAiWire

Ended = Callable[[], Awaitable[SeenAttempt]]

INPUT_NANO = {OPENAI: 13 * 500, ANTHROPIC: 9 * 500}
"""What the smallest request costs by its input alone, at $0.50 per million tokens."""

wires = pytest.mark.parametrize("path", BOTH)
streams = pytest.mark.parametrize("stream", [False, True])


async def under(simulator: Simulator, path: str, fault: str, **fields: Any) -> Raw:
    return await ask(simulator.base_url, path, model=f"sim-fast+fault={fault}", **fields)


def last_event(path: str) -> str:
    return "data: [DONE]" if path == OPENAI else "event: message_stop"


@wires
@streams
async def test_without_a_fault_everything_ends_well(
    simulator: Simulator, ended: Ended, path: str, stream: bool
) -> None:
    raw = await ask(simulator.base_url, path, stream=stream)
    assert (raw.status, raw.ending, raw.ended_well) == (200, "closed", True)
    seen = await ended()
    assert (seen.complete, seen.reported_usage, seen.client_closed) == (True, True, False)
    assert seen.bill_nano == INPUT_NANO[path] + seen.output_tokens * 1500
    if stream:
        assert raw.headers["content-type"] == "text/event-stream; charset=utf-8"
        assert raw.events[-1].startswith(last_event(path))


@wires
@streams
async def test_latency_and_a_slow_first_token_only_delay(
    simulator: Simulator, ended: Ended, path: str, stream: bool
) -> None:
    plain = await ask(simulator.base_url, path, stream=stream)
    for fault in ("latency;seconds=0.1", "slow_first_token;seconds=0.1"):
        raw = await under(simulator, path, fault, stream=stream)
        assert raw.body == plain.body
        seen = await ended()
        assert seen.ended is not None
        assert seen.ended - seen.started >= 0.1


@wires
async def test_a_slow_first_token_leaves_the_head_of_a_stream_alone(
    simulator: Simulator, path: str
) -> None:
    fault = "sim-fast+fault=slow_first_token;seconds=60"
    sent = request(path, asked(path, stream=True, model=fault))
    raw = await exchange(simulator.base_url, sent, enough=b"\r\n\r\n")
    assert (raw.status, raw.payload) == (200, b"")


@wires
@streams
async def test_silence_accepts_and_never_answers(
    simulator: Simulator, ended: Ended, path: str, stream: bool
) -> None:
    raw = await under(simulator, path, "silence", stream=stream, patience=0.1)
    assert raw == Raw(b"", "open")
    seen = await ended()
    assert (seen.status, seen.client_closed, seen.complete) == (None, True, False)
    assert (seen.bill_nano, seen.input_only_nano) == (INPUT_NANO[path],) * 2


@wires
@streams
async def test_silence_in_a_stream_comes_after_some_events(
    simulator: Simulator, ended: Ended, path: str, stream: bool
) -> None:
    fault = "silence_in_stream;after=4"
    raw = await under(simulator, path, fault, stream=stream, patience=0.2)
    assert (raw.status, raw.ending, raw.ended_well) == (200, "open", False)
    seen = await ended()
    assert (seen.client_closed, seen.reported_usage) == (True, False)
    if stream:
        assert len(raw.events) == 4
        # The role and the block's start speak no token; what came after them does.
        assert seen.output_tokens == 3
    assert seen.bill_nano == INPUT_NANO[path] + seen.output_tokens * 1500


_STATUSES = [
    ("status_400", 400, 400, "invalid_request_error", "invalid_request_error"),
    ("status_401", 401, 401, "invalid_request_error", "authentication_error"),
    ("status_402", 402, 402, "insufficient_quota", "billing_error"),
    ("status_403", 403, 403, "invalid_request_error", "permission_error"),
    ("status_404", 404, 404, "invalid_request_error", "not_found_error"),
    ("status_429;retry_after=7", 429, 429, "requests", "rate_limit_error"),
    ("status_500", 500, 500, "server_error", "api_error"),
    ("status_503;retry_after=7", 503, 503, "service_unavailable_error", "api_error"),
    ("status_529;retry_after=7", 529, 529, "overloaded_error", "overloaded_error"),
    ("insufficient_quota", 429, 429, "insufficient_quota", "rate_limit_error"),
    (
        "overloaded;retry_after=7",
        503,
        529,
        "service_unavailable_error",
        "overloaded_error",
    ),
]


@wires
@streams
@pytest.mark.parametrize(
    ("fault", "openai_status", "other_status", "openai_kind", "other_kind"), _STATUSES
)
async def test_each_status_has_its_providers_body_and_headers_and_is_free(
    simulator: Simulator,
    ended: Ended,
    path: str,
    stream: bool,
    fault: str,
    openai_status: int,
    other_status: int,
    openai_kind: str,
    other_kind: str,
) -> None:
    raw = await under(simulator, path, fault, stream=stream)
    told = raw.json()
    seen = await ended()
    name = fault.partition(";")[0]
    if path == OPENAI:
        assert (raw.status, told["error"]["type"]) == (openai_status, openai_kind)
        assert set(told["error"]) == {"message", "type", "param", "code"}
        assert raw.headers["x-request-id"] == seen.request_id
    else:
        assert (raw.status, told["error"]["type"]) == (other_status, other_kind)
        assert (told["type"], told["request_id"]) == ("error", seen.request_id)
        assert raw.headers["request-id"] == seen.request_id
    assert raw.headers.get("retry-after") == ("7" if "retry_after" in fault else None)
    assert (seen.status, seen.bill_nano, seen.fault) == (raw.status, 0, name)


@wires
@pytest.mark.parametrize("fault", ["error_in_stream;after=4", "error_first"])
async def test_an_error_event_ends_a_stream_without_its_end(
    simulator: Simulator, ended: Ended, path: str, fault: str
) -> None:
    raw = await under(simulator, path, fault, stream=True)
    assert (raw.status, raw.ended_well) == (200, True)
    assert len(raw.events) == (5 if "stream" in fault else 1)
    told = raw.events[-1]
    if path == OPENAI:
        assert told.startswith('data: {"error":{"message":"That model is currently overloaded')
    else:
        assert told.startswith('event: error\ndata: {"type":"error","error":{"type":"overloaded_er')
    seen = await ended()
    assert (seen.complete, seen.reported_usage) == (False, False)
    assert seen.output_tokens == (3 if "stream" in fault else 0)
    assert seen.bill_nano == INPUT_NANO[path] + seen.output_tokens * 1500


@wires
@pytest.mark.parametrize("fault", ["error_in_stream", "error_first"])
async def test_without_a_stream_such_an_error_is_the_body_of_a_200(
    simulator: Simulator, ended: Ended, path: str, fault: str
) -> None:
    raw = await under(simulator, path, fault)
    assert (raw.status, raw.ended_well) == (200, True)
    assert "error" in raw.json()
    seen = await ended()
    assert (seen.complete, seen.bill_nano) == (False, INPUT_NANO[path])


async def test_the_sdks_raise_their_own_errors_inside_streams(
    openai_client: openai.AsyncOpenAI, anthropic_client: anthropic.AsyncAnthropic
) -> None:
    messages: Any = [{"role": "user", "content": "hello"}]
    model = "sim-fast+fault=error_in_stream"
    stream = await openai_client.chat.completions.create(
        model=model, messages=messages, stream=True
    )
    with pytest.raises(openai.APIError, match="overloaded"):
        [chunk async for chunk in stream]
    with pytest.raises(anthropic.APIStatusError, match="Overloaded"):
        async with anthropic_client.messages.stream(
            model=model, messages=messages, max_tokens=50
        ) as events:
            await events.get_final_message()


@wires
@streams
async def test_a_cut_after_bytes_is_exact(
    simulator: Simulator, ended: Ended, path: str, stream: bool
) -> None:
    whole = await ask(simulator.base_url, path, stream=stream)
    raw = await under(simulator, path, "cut_after_bytes;bytes=333", stream=stream)
    assert (raw.ending, raw.ended_well) == ("closed", False)
    assert raw.body == whole.body[:333]
    seen = await ended()
    assert (seen.complete, seen.reported_usage, seen.client_closed) == (False, False, False)
    assert seen.bill_nano == INPUT_NANO[path] + seen.output_tokens * 1500
    uncut = await under(simulator, path, "cut_after_bytes;bytes=9999999", stream=stream)
    assert (uncut.body, uncut.ended_well) == (whole.body, True)


@wires
@streams
async def test_a_cut_after_events_is_exact(
    simulator: Simulator, ended: Ended, path: str, stream: bool
) -> None:
    whole = await ask(simulator.base_url, path, stream=stream)
    raw = await under(simulator, path, "cut_after_events;after=5", stream=stream)
    assert (raw.ending, raw.ended_well) == ("closed", False)
    if stream:
        assert raw.events == whole.events[:5]
    else:
        assert raw.body == whole.body[: len(whole.body) // 2]
    seen = await ended()
    assert (seen.complete, seen.reported_usage) == (False, False)
    assert seen.bill_nano == INPUT_NANO[path] + seen.output_tokens * 1500


@wires
@streams
async def test_a_missing_end_ends_the_transfer_well(
    simulator: Simulator, ended: Ended, path: str, stream: bool
) -> None:
    whole = await ask(simulator.base_url, path, stream=stream)
    raw = await under(simulator, path, "missing_end", stream=stream)
    assert raw.ended_well
    if stream:
        assert raw.events == whole.events[:-1]
    else:
        assert raw.body == whole.body.rstrip()[:-1]
    seen = await ended()
    assert (seen.complete, seen.reported_usage) == (False, stream)
    assert seen.bill_nano == INPUT_NANO[path] + seen.output_tokens * 1500


@wires
async def test_a_malformed_chunk_is_one_broken_event(
    simulator: Simulator, ended: Ended, path: str
) -> None:
    whole = await ask(simulator.base_url, path, stream=True)
    raw = await under(simulator, path, "malformed_chunk;after=4", stream=True)
    assert raw.ended_well
    wrong = [
        n for n, pair in enumerate(zip(whole.events, raw.events, strict=True)) if pair[0] != pair[1]
    ]
    assert wrong == [4]
    with pytest.raises(json.JSONDecodeError):
        json.loads(raw.events[4].partition("data: ")[2])
    assert (await ended()).complete is False
    late = await under(simulator, path, "malformed_chunk;after=9999", stream=True)
    assert late.body == whole.body


@wires
@pytest.mark.parametrize("fault", ["malformed_chunk", "not_json"])
async def test_a_body_can_be_no_json(
    simulator: Simulator, ended: Ended, path: str, fault: str
) -> None:
    raw = await under(simulator, path, fault)
    assert (raw.ended_well, raw.headers["content-type"]) == (True, "application/json")
    with pytest.raises(json.JSONDecodeError):
        raw.json()
    seen = await ended()
    assert (seen.complete, seen.reported_usage) == (False, False)
    assert seen.bill_nano == INPUT_NANO[path] + seen.output_tokens * 1500
    assert seen.output_tokens > 0


@wires
async def test_a_stream_can_be_answered_by_a_broken_document(
    simulator: Simulator, ended: Ended, path: str
) -> None:
    raw = await under(simulator, path, "not_json", stream=True)
    assert (raw.body, raw.headers["content-type"]) == (
        b'{"id": "broken", "object": ',
        "application/json",
    )
    assert (await ended()).bill_nano == INPUT_NANO[path]


@wires
@streams
async def test_a_bad_chunk_size_breaks_the_encoding(
    simulator: Simulator, ended: Ended, path: str, stream: bool
) -> None:
    raw = await under(simulator, path, "bad_chunk_size", stream=stream)
    assert raw.headers["transfer-encoding"] == "chunked"
    assert (raw.ending, raw.ended_well) == ("closed", False)
    assert raw.payload.endswith(b"\r\nzz-not-a-size\r\n")
    assert (await ended()).complete is False


@wires
@streams
async def test_a_huge_chunk_is_one_event_that_still_means_the_same(
    simulator: Simulator, ended: Ended, path: str, stream: bool
) -> None:
    whole = await ask(simulator.base_url, path, stream=stream)
    raw = await under(simulator, path, "huge_chunk;megabytes=0.5", stream=stream)
    assert raw.ended_well
    padding = b'"padding":"' + b"x" * 500_000 + b'",'
    assert raw.body.count(padding) == 1
    assert raw.body.replace(padding, b"") == whole.body
    seen = await ended()
    assert (seen.complete, seen.reported_usage) == (True, True)


@wires
async def test_a_huge_chunk_needs_content_to_hang_on(simulator: Simulator, path: str) -> None:
    said: Any = [{"role": "user", "content": "Say stop"}]
    fields: Any = {"messages": said, "stream": True}
    fields["stop" if path == OPENAI else "stop_sequences"] = ["stop"]
    whole = await ask(simulator.base_url, path, **fields)
    raw = await under(simulator, path, "huge_chunk", **fields)
    assert raw.body == whole.body


@wires
@streams
async def test_byte_by_byte_changes_no_byte(simulator: Simulator, path: str, stream: bool) -> None:
    limit: Any = {"max_tokens": 5}
    whole = await ask(simulator.base_url, path, stream=stream, **limit)
    raw = await under(simulator, path, "byte_by_byte", stream=stream, **limit)
    assert (raw.payload, raw.ended_well) == (whole.payload, True)


@wires
@streams
async def test_a_wrong_content_type_is_a_page_of_html(
    simulator: Simulator, ended: Ended, path: str, stream: bool
) -> None:
    raw = await under(simulator, path, "wrong_content_type", stream=stream)
    assert (raw.status, raw.headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert raw.body.startswith(b"<!DOCTYPE html>")
    assert (await ended()).bill_nano == INPUT_NANO[path]


@wires
@streams
async def test_a_reset_comes_before_or_after_the_head(
    simulator: Simulator, ended: Ended, path: str, stream: bool
) -> None:
    assert await under(simulator, path, "reset", stream=stream) == Raw(b"", "reset")
    seen = await ended()
    assert (seen.status, seen.client_closed, seen.bill_nano) == (None, False, INPUT_NANO[path])
    raw = await under(simulator, path, "reset_after_head", stream=stream)
    assert (raw.ending, raw.status, raw.payload) == ("reset", 200, b"")
    seen = await ended()
    assert (seen.status, seen.complete, seen.bill_nano) == (200, False, INPUT_NANO[path])


@wires
async def test_a_stale_connection_is_reset_when_the_next_request_arrives(
    simulator: Simulator, path: str
) -> None:
    plain = await ask(simulator.base_url, path)
    stale = asked(path, model="sim-fast+fault=stale_keep_alive")
    first = request(path, stale, keep_alive=True)
    host, port = simulator.base_url.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(first)
    head = await reader.readuntil(b"\r\n\r\n")
    rest = await reader.readexactly(len(plain.payload))
    assert Raw(head + rest, "open").body == plain.body
    writer.write(request(path, asked(path)))
    with pytest.raises(ConnectionResetError):
        await reader.read()
    writer.close()
    assert len(simulator.ledger) == 2


@wires
async def test_a_stale_connection_leaves_pipelined_requests_unanswered(
    simulator: Simulator, path: str
) -> None:
    stale = asked(path, model="sim-fast+fault=stale_keep_alive")
    both = request(path, stale, keep_alive=True) + request(path, asked(path))
    assert (await exchange(simulator.base_url, both)).ending == "reset"
    assert len(simulator.ledger) == 1


@wires
@streams
async def test_a_wrong_length_promises_more_than_comes(
    simulator: Simulator, ended: Ended, path: str, stream: bool
) -> None:
    whole = await ask(simulator.base_url, path, stream=stream)
    raw = await under(simulator, path, "wrong_length;bytes=12", stream=stream)
    assert raw.ending == "closed"
    assert (raw.payload, int(raw.headers["content-length"])) == (whole.body, len(whole.body) + 12)
    seen = await ended()
    assert (seen.complete, seen.reported_usage) == (False, True)
    assert seen.bill_nano == INPUT_NANO[path] + seen.output_tokens * 1500


@wires
@streams
async def test_an_empty_body_is_nothing_at_all(
    simulator: Simulator, ended: Ended, path: str, stream: bool
) -> None:
    raw = await under(simulator, path, "empty_body", stream=stream)
    assert (raw.status, raw.payload, raw.headers["content-length"]) == (200, b"", "0")
    seen = await ended()
    assert (seen.complete, seen.reported_usage) == (False, False)
    assert seen.bill_nano == INPUT_NANO[path] + seen.output_tokens * 1500


@wires
@streams
async def test_an_answer_without_usage_is_whole_otherwise(
    simulator: Simulator, ended: Ended, path: str, stream: bool
) -> None:
    raw = await under(simulator, path, "no_usage", stream=stream)
    assert raw.ended_well
    assert b"usage" not in raw.body
    seen = await ended()
    assert (seen.complete, seen.reported_usage) == (True, False)
    assert seen.bill_nano == INPUT_NANO[path] + seen.output_tokens * 1500


@wires
@streams
async def test_gzip_packs_the_same_bytes_and_flushes_each_event(
    simulator: Simulator, ended: Ended, path: str, stream: bool
) -> None:
    whole = await ask(simulator.base_url, path, stream=stream)
    raw = await under(simulator, path, "gzip", stream=stream)
    assert raw.headers["content-encoding"] == "gzip"
    assert gzip.decompress(raw.body) == whole.body
    assert (await ended()).complete
    if stream:
        size, _, rest = raw.payload.partition(b"\r\n")
        first = zlib.decompressobj(wbits=31).decompress(rest[: int(size, 16)])
        assert first.decode() == whole.events[0] + "\n\n"


@wires
async def test_a_client_that_leaves_a_stream_is_billed_for_what_was_generated(
    simulator: Simulator, ended: Ended, path: str
) -> None:
    sent = request(path, asked(path, stream=True, model="sim-slow"))
    before = b'"content":""' if path == OPENAI else b"event: ping"
    raw = await exchange(simulator.base_url, sent, enough=before)
    assert raw.status == 200
    seen = await ended()
    assert (seen.client_closed, seen.complete, seen.reported_usage) == (True, False, False)
    assert seen.bill_nano == seen.input_tokens * 400 + seen.output_tokens * 800


@wires
async def test_a_client_that_leaves_before_a_body_is_billed_for_what_was_generated(
    simulator: Simulator, ended: Ended, path: str
) -> None:
    raw = await ask(simulator.base_url, path, model="sim-slow", patience=0.1)
    assert raw == Raw(b"", "open")
    seen = await ended()
    assert (seen.client_closed, seen.status) == (True, None)
    assert seen.bill_nano == seen.input_tokens * 400 + seen.output_tokens * 800


async def test_faults_reach_the_count_of_tokens(simulator: Simulator, ended: Ended) -> None:
    path = "/v1/messages/count_tokens"
    raw = await under(simulator, path, "status_529")
    assert raw.status == 529
    cut = await under(simulator, path, "cut_after_bytes;bytes=4")
    assert cut.payload == b'{"in'
    assert (await ended()).bill_nano == 0


async def test_the_header_beats_the_model_and_both_beat_the_rules(
    simulator: Simulator, ended: Ended
) -> None:
    headers = {"x-simulator-fault": "status_503"}
    raw = await under(simulator, OPENAI, "status_400", headers=headers)
    assert raw.status == 503
    assert (await ended()).model == "sim-fast"


@wires
@pytest.mark.parametrize(
    ("fault", "sentence"),
    [
        ("nonsense", "no fault is called 'nonsense'"),
        ("status_500;retry_after=1", "status_500 has no parameter 'retry_after'; it knows: none"),
        ("latency;seconds=long", "could not convert string to float: 'long'"),
        ("latency;seconds=-1", "seconds of latency must be a number from 0 upwards"),
        ("latency;seconds=nan", "seconds of latency must be a number from 0 upwards"),
    ],
)
async def test_an_unknown_fault_is_a_bad_request(
    simulator: Simulator, path: str, fault: str, sentence: str
) -> None:
    raw = await under(simulator, path, fault)
    assert (raw.status, raw.json()["error"]["message"]) == (400, f"Simulator: {sentence}.")


def test_both_wires_know_the_statuses_of_the_table() -> None:
    errors = {row.name for row in FAULTS if row.name.startswith("status_")}
    errors |= {"insufficient_quota", "overloaded"}
    assert set(OpenAiWire.samples) == set(AnthropicWire.samples) == errors


def test_a_fault_keeps_the_defaults_that_are_not_changed() -> None:
    assert parse_fault("latency").params == {"seconds": 1.0}
    assert parse_fault(" latency ; seconds=0.25 ")["seconds"] == 0.25
