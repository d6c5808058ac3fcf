"""What the byte pass reads of a request and of an answer, and the few members that it changes."""

import contextlib
import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.gateway.wire.recordings import (
    asked,
    metered,
    needs_transcripts,
    recorded,
)

from trunkline.errors import InvalidRequest, NotFound, Unavailable
from trunkline.gateway.metering.usage import Usage
from trunkline.gateway.wire.contract import CHAT, COUNT_TOKENS, Inbound, Malformed, Sight
from trunkline.gateway.wire.openai_responses.passing import OpenAIResponses

WIRE = OpenAIResponses()
USED = {
    "openai-responses/stream-text.sse": Usage(input=22, output=6),
    "openai-responses/stream-tool-calls-multi.sse": Usage(input=255, output=16),
    "openai-responses/stream-reasoning-tool.sse": Usage(input=53, output=21, reasoning=448),
    "openai-responses/stream-reasoning-summary-shape.sse": Usage(input=134, output=28),
}
WHOLE = {
    "openai-responses/basic.json": Usage(input=11, output=5),
    "openai-responses/cache-write.json": Usage(input=8, cache_write=4012, output=5),
    "openai-responses/json-schema.json": Usage(input=57, output=10),
    "openai-responses/previous-response-id.json": Usage(input=10, output=1),
    "openai-responses/reasoning-encrypted-tools.json": Usage(input=88, output=20, reasoning=45),
    "openai-responses/reasoning-summary-text.json": Usage(input=34, output=167, reasoning=59),
    "deepseek/responses-text.json": Usage(input=90, output=8, reasoning=7),
}


def body(**members: Any) -> bytes:
    return json.dumps({"model": "m", "input": "hi", **members}).encode()


def read(operation: str = CHAT, /, **members: Any) -> Inbound:
    return WIRE.read_request(body(**members), operation)


def sent(request: Inbound, model: str = "m") -> dict[str, Any]:
    document: dict[str, Any] = json.loads(WIRE.write_request(request, model))
    return document


def raws(*items: Any) -> list[msgspec.Raw]:
    return [msgspec.Raw(json.dumps(item).encode()) for item in items]


def event(kind: str, **members: Any) -> bytes:
    data = json.dumps({"type": kind, **members})
    return f"event: {kind}\ndata: {data}\n\n".encode()


def test_a_request_is_read_as_far_as_the_path_needs_it() -> None:
    request = read(
        input=[
            {
                "role": "user",
                "content": [
                    {"type": "input_image", "image_url": "https://x.test"},
                    {"type": "input_file", "file_id": "f"},
                ],
            }
        ],
        stream=True,
        max_output_tokens=9,
        tools=[{"type": "web_search"}],
        user="u",
        safety_identifier="s",
        service_tier="flex",
        metadata={"team": "a", "n": 1},
        store=False,
    )
    assert (request.model, request.stream, request.max_tokens) == ("m", True, 9)
    assert (request.attachments, request.files) == (1, 1)
    assert (request.has_tools, request.server_tools, request.searches) == (True, True, True)
    assert (request.end_user, request.service_tier) == ("s", "flex")
    assert (request.tags, request.keeps, request.continues) == ((("team", "a"),), False, None)


def test_functions_of_the_caller_are_no_server_tools() -> None:
    request = read(tools=[{"type": "function", "name": "search", "parameters": {}}])
    assert (request.has_tools, request.server_tools, request.searches) == (True, False, False)


def test_tools_in_the_input_count_as_well() -> None:
    more = {"type": "additional_tools", "tools": [{"type": "web_search"}]}
    request = read(input=[more, {"role": "user", "content": "x"}])
    assert (request.has_tools, request.server_tools, request.searches) == (True, True, True)


def test_a_prompt_that_the_provider_keeps_may_be_of_any_length() -> None:
    request = WIRE.read_request(b'{"model":"m","prompt":{"id":"p"}}', CHAT)
    assert request.server_tools


@pytest.mark.parametrize(
    ("raw", "code"),
    [
        (b"", "empty_body"),
        (b'{"input":"x"}', "missing_model"),
        (b'{"model":"m"}', "missing_input"),
        (b'{"model":"m","input":null}', "missing_input"),
        (b'{"model":"m","input":[]}', "missing_input"),
        (b'{"model":"m","input":1}', "invalid_type"),
        (b'{"model":"m","input":"x","max_output_tokens":0}', "invalid_value"),
        (b'{"model":"m","input":"x","max_output_tokens":"9"}', "invalid_type"),
        (b'{"model":"m","input":"x","conversation":"conv_1"}', "unsupported_parameter"),
        (b'{"model":"m","input":"x","background":true,"stream":true}', "unsupported_parameter"),
        (b'{"model":"m","input":"x","background":true,"store":false}', "invalid_value"),
        (b'{"model":"m","input":"x","store":"no"}', "invalid_type"),
        (b'{"model":"m","input":"x","previous_response_id":1}', "invalid_type"),
    ],
)
def test_bad_requests_are_named(raw: bytes, code: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        WIRE.read_request(raw, CHAT)
    assert caught.value.code == code


@given(st.binary(max_size=200))
def test_no_bytes_make_the_reader_raise_anything_but_its_own_error(raw: bytes) -> None:
    with contextlib.suppress(InvalidRequest):
        WIRE.read_request(raw, CHAT)


@needs_transcripts
@pytest.mark.parametrize("name", ["basic", "stream-reasoning-tool", "json-schema"])
def test_only_the_model_and_what_is_kept_change_on_the_way(name: str) -> None:
    document = asked(f"openai-responses/{name}")
    request = WIRE.read_request(json.dumps(document).encode(), CHAT)
    expected = {**document, "model": "up", "store": False}
    if request.keeps and "reasoning" in document:
        expected["include"] = ["reasoning.encrypted_content"]
    assert sent(request, "up") == expected


@pytest.mark.parametrize(
    ("members", "thinks", "include"),
    [
        ({}, False, None),
        ({}, True, ["reasoning.encrypted_content"]),
        ({"store": False}, True, None),
        ({"store": True, "include": ["x"]}, True, ["x", "reasoning.encrypted_content"]),
        ({"reasoning": {"effort": "low"}}, False, ["reasoning.encrypted_content"]),
        ({"include": ["reasoning.encrypted_content"]}, True, ["reasoning.encrypted_content"]),
        ({"include": "x"}, True, "x"),
    ],
)
def test_what_is_kept_comes_with_what_its_maker_wants_back(
    members: dict[str, Any], thinks: bool, include: Any
) -> None:
    request = read(**members)
    request.thinks = thinks
    assert sent(request).get("include") == include
    assert sent(request)["store"] is False


def test_a_response_in_the_background_is_a_stream_to_the_provider() -> None:
    request = read(background=True)
    assert (request.background, request.stream, request.keeps) == (True, True, True)
    assert sent(request) == {"model": "m", "input": "hi", "stream": True, "store": False}


def test_items_are_put_before_the_input() -> None:
    request = read(previous_response_id="resp_1", stream=True)
    size = request.size
    before = {
        "role": "user",
        "content": [{"type": "input_image", "image_url": "https://x.test"}],
    }
    WIRE.prepend(request, raws(before))
    assert sent(request) == {
        "model": "m",
        "input": [before, {"type": "message", "role": "user", "content": "hi"}],
        "stream": True,
        "store": False,
    }
    assert (request.attachments, request.continues) == (1, "resp_1")
    assert request.size > size


def test_a_request_may_have_no_input_of_its_own() -> None:
    request = WIRE.read_request(b'{"model":"m","previous_response_id":"resp_1"}', CHAT)
    WIRE.prepend(request, raws({"role": "user", "content": "a"}))
    assert sent(request)["input"] == [{"role": "user", "content": "a"}]


def test_thought_that_nobody_has_is_left_out_and_the_ids_with_it() -> None:
    request = read(previous_response_id="resp_1")
    call = {"type": "function_call", "call_id": "c", "name": "f", "arguments": "{}"}
    WIRE.prepend(
        request,
        raws(
            {"type": "reasoning", "id": "rs_1", "summary": []},
            {**call, "id": "fc_1"},
            {"type": "reasoning", "id": "rs_2", "summary": [], "encrypted_content": "gAAA"},
            {"type": "message", "id": "msg_1", "role": "assistant", "content": []},
        ),
    )
    assert sent(request)["input"][:-1] == [
        call,
        {"type": "reasoning", "id": "rs_2", "summary": [], "encrypted_content": "gAAA"},
        {"type": "message", "role": "assistant", "content": []},
    ]


def test_items_stand_where_the_request_refers_to_them() -> None:
    request = read(
        input=[
            {"role": "user", "content": "a"},
            {"type": "reasoning", "id": "rs_1", "summary": []},
            {"type": "item_reference", "id": "msg_1"},
            {
                "type": "reasoning",
                "id": "rs_2",
                "content": [{"type": "reasoning_text", "text": ""}],
            },
            7,
        ]
    )
    assert request.references == ("rs_1", "msg_1")
    thought = {"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": "gAAA"}
    message = {"type": "message", "id": "msg_1", "role": "assistant", "content": []}
    WIRE.insert(request, dict(zip(("rs_1", "msg_1"), raws(thought, message), strict=True)))
    assert sent(request)["input"][1:3] == [thought, message]


def test_an_item_that_is_not_kept_is_named() -> None:
    request = read(input=[{"type": "item_reference", "id": "msg_1"}])
    with pytest.raises(NotFound) as missing:
        WIRE.insert(request, {})
    assert (missing.value.code, missing.value.param) == ("item_not_found", "input")
    assert "'msg_1'" in missing.value.message


def test_who_keeps_the_conversation_refers_to_nothing() -> None:
    thought = {"type": "reasoning", "id": "rs_1", "summary": []}
    assert read(input=[thought], store=False).references == ()


def test_thought_of_other_makers_does_not_reach_the_provider() -> None:
    sealed = {"type": "reasoning", "encrypted_content": "trunkline.anthropic.shown.x"}
    said = {"role": "user", "content": 'He said "trunkline.x"'}
    request = read(input=[sealed, said, {"role": "user", "content": "trunkline.y"}], store=False)
    assert sent(request)["input"] == [said, {"role": "user", "content": "trunkline.y"}]


def test_unsigned_thought_of_a_translated_answer_does_not_reach_the_provider() -> None:
    ours = f"rs_{'0a' * 16}_0"
    words = [{"type": "reasoning_text", "text": "Hm."}]
    thought = {"type": "reasoning", "id": ours, "summary": [], "content": words}
    kept = [
        {**thought, "id": "rs_123"},
        {**thought, "id": f"{ours}a"},
        {**thought, "encrypted_content": "gAAAA"},
        {"type": "function_call", "id": ours, "call_id": "c", "name": "f", "arguments": "{}"},
    ]
    request = read(input=[thought, *kept, {**thought, "encrypted_content": None}], store=False)
    assert sent(request)["input"] == kept


def test_a_ceiling_is_set_in_the_member_of_this_wire() -> None:
    request = read()
    WIRE.limit_output(request, 7, "max_tokens")
    assert sent(request)["max_output_tokens"] == 7
    assert (request.max_tokens, request.ceilings) == (7, ("max_output_tokens", "max_tokens"))


def test_counting_tokens_keeps_and_streams_nothing() -> None:
    request = read(COUNT_TOKENS, instructions="x")
    assert (request.stream, request.keeps) == (False, False)
    assert sent(request) == {"model": "m", "input": "hi", "instructions": "x"}
    assert WIRE.path(COUNT_TOKENS, "m", stream=False) == b"/responses/input_tokens"
    assert WIRE.path(CHAT, "m", stream=True) == b"/responses"
    counted = b'{"object":"response.input_tokens","input_tokens":7}'
    assert WIRE.read_reply(counted, COUNT_TOKENS).usage == Usage()
    with pytest.raises(Malformed):
        WIRE.read_reply(b"{}", COUNT_TOKENS)


@needs_transcripts
@pytest.mark.parametrize(("name", "usage"), WHOLE.items())
def test_usage_of_recorded_answers_is_split_into_disjoint_buckets(name: str, usage: Usage) -> None:
    raw = recorded(name)
    reply = WIRE.read_reply(raw, CHAT)
    assert (reply.usage, reply.model) == (usage, json.loads(raw)["model"])


def test_searches_are_counted_by_what_the_provider_says_or_by_their_items() -> None:
    answer = {
        "status": "completed",
        "output": [{"type": "web_search_call"}, {"type": "message"}, {"type": "web_search_call"}],
        "usage": {"input_tokens": 3, "output_tokens": 2},
    }
    assert WIRE.read_reply(json.dumps(answer).encode(), CHAT).usage == Usage(
        input=3, output=2, searches=2
    )
    answer["tool_usage"] = {"web_search": {"num_requests": 1}}
    assert WIRE.read_reply(json.dumps(answer).encode(), CHAT).usage == Usage(
        input=3, output=2, searches=1
    )


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (b"x", "the answer is not what the wire promises"),
        (b"[]", "the answer is not what the wire promises"),
        (b"{}", "the answer has no output"),
        (b'{"status":"failed","output":[]}', "the response is 'failed'"),
        (b'{"status":"cancelled","output":[]}', "the response is 'cancelled'"),
        (
            b'{"status":"failed","error":{"code":"server_error","message":"Down."}}',
            "it reports: Down",
        ),
        (
            b'{"status":"failed","error":{"code":"insufficient_quota","message":"Pay."}}',
            "the response is 'failed'",
        ),
    ],
)
def test_answers_that_are_none_are_malformed(raw: bytes, reason: str) -> None:
    with pytest.raises(Malformed) as malformed:
        WIRE.read_reply(raw, CHAT)
    assert str(malformed.value) == reason


@pytest.mark.parametrize(
    "reported",
    [None, {}, {"input_tokens": 1}, {"input_tokens": -1, "output_tokens": 1}],
)
def test_usage_that_is_not_told_is_unknown(reported: Any) -> None:
    raw = json.dumps({"output": [], "usage": reported}).encode()
    assert WIRE.read_reply(raw, CHAT).usage is None


@needs_transcripts
@pytest.mark.parametrize(("name", "usage"), USED.items())
def test_a_recorded_stream_ends_in_the_right_state(name: str, usage: Usage) -> None:
    data = recorded(name)
    reader, sights, frames = metered(WIRE, [data])
    assert b"".join(frames) == data
    assert (reader.usage, reader.error, sights[-1]) == (usage, None, Sight.END)
    assert Sight.END not in sights[:-1]
    assert sights[:2] == [Sight.START, Sight.START]


@needs_transcripts
@pytest.mark.parametrize("name", USED)
def test_a_recorded_stream_is_read_the_same_split_at_every_byte(name: str) -> None:
    frames = WIRE.splitter(1 << 20).feed(recorded(name))
    data = b"".join([*frames[1:8], frames[-1]])
    whole, sights, _ = metered(WIRE, [data])
    bytewise, one_by_one, _ = metered(WIRE, [data[i : i + 1] for i in range(len(data))])
    assert one_by_one == sights
    assert (bytewise.content_bytes, bytewise.model) == (whole.content_bytes, whole.model)
    for cut in range(0, len(data), 97):
        assert metered(WIRE, [data[:cut], data[cut:]])[1] == sights


@pytest.mark.parametrize("kind", ["completed", "incomplete"])
def test_usage_stands_in_whichever_event_ends_it(kind: str) -> None:
    response = {"model": "m-1", "usage": {"input_tokens": 1, "output_tokens": 2}}
    reader = WIRE.stream_reader(read())
    assert reader.read(event(f"response.{kind}", response=response)) is Sight.END
    assert (reader.usage, reader.model) == (Usage(input=1, output=2), "m-1")


def test_a_failed_response_is_a_fault_and_was_used() -> None:
    reader = WIRE.stream_reader(read())
    response = {
        "usage": {"input_tokens": 1, "output_tokens": 2},
        "error": {"code": "rate_limit_exceeded", "message": "Slow down."},
    }
    assert reader.read(event("response.failed", response=response)) is Sight.ERROR
    assert reader.usage == Usage(input=1, output=2)
    assert reader.error is not None
    assert (reader.error.status, reader.error.type, reader.error.message) == (
        429,
        "rate_limit_exceeded",
        "Slow down.",
    )


@pytest.mark.parametrize(
    ("members", "status", "word", "ours"),
    [
        ({"code": "server_error", "message": "Down."}, 502, "server_error", False),
        (
            {"error": {"type": "server_is_overloaded", "message": "x"}},
            503,
            "server_is_overloaded",
            False,
        ),
        (
            {"error": {"code": "insufficient_quota", "message": "x"}},
            429,
            "insufficient_quota",
            True,
        ),
        ({"error": {"code": "invalid_prompt", "message": "x"}}, 400, "invalid_prompt", False),
        ({"error": "x"}, 502, None, False),
    ],
)
def test_an_error_event_is_a_fault(
    members: dict[str, Any], status: int, word: str | None, ours: bool
) -> None:
    reader = WIRE.stream_reader(read())
    assert reader.read(event("error", sequence_number=3, **members)) is Sight.ERROR
    assert reader.error is not None
    assert (reader.error.status, reader.error.type, reader.error.ours) == (status, word, ours)


def frame_of_the_end() -> bytes:
    response = {"usage": {"input_tokens": 1, "output_tokens": 1}}
    return event("response.completed", response=response).partition(b"\n")[2]


def test_openrouters_manner_of_streaming_is_understood() -> None:
    """No ``event:`` lines, comments between the frames, ``[DONE]`` behind the last one."""
    lines = [
        b": OPENROUTER PROCESSING\n\n",
        b'data: {"type":"response.created","response":{"model":"up"}}\n\n',
        b'data: {"type":"response.output_text.delta","delta":"hi"}\n\n',
        frame_of_the_end(),
        b"data: [DONE]\n\n",
    ]
    reader, sights, _ = metered(WIRE, lines)
    assert sights == [Sight.START, Sight.START, Sight.CONTENT, Sight.END, Sight.START]
    assert (reader.usage, reader.model, reader.content_bytes) == (
        Usage(input=1, output=1),
        "up",
        2,
    )


@pytest.mark.parametrize(
    ("frame", "sight", "size"),
    [
        (event("response.output_text.delta", delta=""), Sight.START, 0),
        (event("response.refusal.delta", delta="é"), Sight.CONTENT, 2),
        (event("response.function_call_arguments.done", arguments="{}"), Sight.CONTENT, 2),
        (event("response.custom_tool_call_input.done", input="abc"), Sight.CONTENT, 3),
        (event("response.output_item.added", item={"type": "message"}), Sight.START, 0),
        (event("response.output_item.added", item={"type": "function_call"}), Sight.CONTENT, 0),
        (event("response.output_item.done", item={"type": "reasoning"}), Sight.CONTENT, 0),
        (event("response.web_search_call.searching"), Sight.START, 0),
        (event("keepalive", sequence_number=3), Sight.START, 0),
        (event("response.output_text.delta", delta=["strange"]), Sight.CONTENT, 0),
        (event("response.completed", response={"usage": "strange"}), Sight.END, 0),
        (b"data: 7\n\n", Sight.CONTENT, 0),
        (b'data: {"x":1}\n\n', Sight.CONTENT, 0),
    ],
)
def test_events_are_seen_for_what_they_are(frame: bytes, sight: Sight, size: int) -> None:
    reader = WIRE.stream_reader(read())
    assert reader.read(frame) is sight
    assert reader.content_bytes == size


def test_arguments_that_came_in_pieces_are_not_counted_again_when_they_are_whole() -> None:
    reader = WIRE.stream_reader(read())
    reader.read(event("response.function_call_arguments.delta", delta='{"a'))
    reader.read(event("response.function_call_arguments.delta", delta='":1}'))
    reader.read(event("response.function_call_arguments.done", arguments='{"a":1}'))
    assert reader.content_bytes == 7


def test_searches_of_a_stream_are_counted() -> None:
    reader = WIRE.stream_reader(read())
    for _ in range(2):
        reader.read(event("response.output_item.done", item={"type": "web_search_call"}))
    used = {"usage": {"input_tokens": 1, "output_tokens": 1}}
    reader.read(event("response.completed", response=used))
    assert reader.usage == Usage(input=1, output=1, searches=2)


@pytest.mark.parametrize("kind", ["response.failed", "response.cancelled"])
def test_a_failure_of_a_strange_shape_is_one(kind: str) -> None:
    reader = WIRE.stream_reader(read())
    assert reader.read(event(kind, response={"usage": "strange"})) is Sight.ERROR
    assert reader.error is not None


def test_a_frame_that_is_no_json_is_malformed() -> None:
    with pytest.raises(Malformed):
        WIRE.stream_reader(read()).read(b"data: {\n\n")


def test_an_error_of_ours_ends_a_stream_as_a_failed_response() -> None:
    error = Unavailable("Closed.", code="shutting_down")
    told = WIRE.error_frame(error, "r1")
    frames = WIRE.splitter(1 << 20).feed(told)
    first, second = (json.loads(frame.split(b"data: ")[1]) for frame in frames)
    assert [frame.split(b"\n")[0] for frame in frames] == [
        b"event: error",
        b"event: response.failed",
    ]
    assert (first["type"], first["code"], first["message"]) == ("error", "shutting_down", "Closed.")
    assert first["error"]["code"] == "shutting_down"
    assert second["response"]["status"] == "failed"
    assert second["response"]["error"] == {"code": "shutting_down", "message": "Closed."}
    assert first["sequence_number"] < second["sequence_number"]


def test_an_error_before_the_stream_has_the_shape_of_all_of_openais() -> None:
    error = InvalidRequest("No.", code="c", param="p")
    assert json.loads(WIRE.error_body(error, "r1"))["error"]["param"] == "p"
    fault = WIRE.read_fault(429, b'{"error":{"code":"insufficient_quota","message":"m"}}')
    assert (fault.type, fault.ours) == ("insufficient_quota", True)


@needs_transcripts
@pytest.mark.parametrize("name", [*WHOLE, *USED])
def test_the_response_object_is_found_in_what_the_caller_gets(name: str) -> None:
    raw = recorded(name)
    found = WIRE.final_object(raw)
    assert found is not None
    document = json.loads(found)
    assert document["object"] == "response"
    assert document["output"]


@pytest.mark.parametrize(
    "last",
    [
        b"",
        b"{",
        b'{"object":"list"}',
        b'{"error":{}}',
        b"data: [DONE]\n\n",
        event("response.output_text.delta", delta="x"),
        event("response.completed"),
        event("response.completed", response=[]),
        b"data: {\n\n",
    ],
)
def test_without_a_response_object_there_is_none(last: bytes) -> None:
    assert WIRE.final_object(last) is None


def test_the_response_object_stands_in_the_last_frame_that_has_one() -> None:
    last = (
        event("response.output_item.done", item={})
        + event("response.incomplete", response={"id": "r", "object": "response"})
        + b"data: [DONE]\n\n"
    )
    found = WIRE.final_object(last)
    assert found is not None
    assert json.loads(found) == {"id": "r", "object": "response"}


def test_a_response_to_come_says_what_was_asked_for() -> None:
    request = read(background=True, instructions="Be.", previous_response_id="resp_0", top_p=0.5)
    document = json.loads(WIRE.begun_object(request, "resp_1", 7))
    assert {
        name: document[name]
        for name in (
            "id", "object", "created_at", "status", "background", "model", "output", "store",
            "previous_response_id", "instructions", "top_p", "tools", "tool_choice",
        )
    } == {
        "id": "resp_1",
        "object": "response",
        "created_at": 7,
        "status": "queued",
        "background": True,
        "model": "m",
        "output": [],
        "store": True,
        "previous_response_id": "resp_0",
        "instructions": "Be.",
        "top_p": 0.5,
        "tools": [],
        "tool_choice": "auto",
    }  # fmt: skip
