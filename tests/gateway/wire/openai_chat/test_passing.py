import contextlib
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trunkline.errors import BudgetExhausted, InvalidRequest, LimitExceeded
from trunkline.gateway.metering.usage import Usage
from trunkline.gateway.wire.contract import Malformed, Reply, Sight
from trunkline.gateway.wire.openai_chat.passing import OpenAIChat

WIRE = OpenAIChat()
HELLO = [{"role": "user", "content": "hello"}]


def body(**members: Any) -> bytes:
    return json.dumps({"model": "gpt-4o", "messages": HELLO, **members}).encode()


def chunk(delta: dict[str, Any] | None = None, **members: Any) -> bytes:
    choices = [] if delta is None else [{"index": 0, "delta": delta, "finish_reason": None}]
    document = {"id": "c1", "model": "gpt-4o-2024", "choices": choices, **members}
    return b"data: " + json.dumps(document).encode() + b"\n\n"


def test_a_request_is_read_as_far_as_the_path_needs_it() -> None:
    request = WIRE.read_request(
        body(
            stream=True,
            stream_options={"include_usage": True},
            max_tokens=10,
            max_completion_tokens=20,
            n=2,
            user="u1",
            metadata={"team": "blue", "n": 3},
            service_tier="flex",
            tools=[{"type": "function"}],
        ),
        "chat",
    )
    assert request.model == "gpt-4o"
    assert request.stream
    assert request.wants_usage
    assert request.max_tokens == 20
    assert request.answers == 2
    assert request.end_user == "u1"
    assert request.tags == (("team", "blue"),)
    assert request.service_tier == "flex"
    assert request.has_tools
    assert not request.server_tools


def test_things_are_looked_for_where_messages_may_have_parts() -> None:
    parts = [
        {"type": "image_url", "image_url": {"url": "https://x.example/a.png"}},
        {"type": "input_audio", "input_audio": {"data": "AAAA", "format": "wav"}},
        {"type": "file", "file": {"file_id": "f"}},
    ]
    spoken = WIRE.read_request(body(messages=[{"role": "user", "content": parts}]), "chat")
    written = WIRE.read_request(body(messages=[{"role": "user", "content": "file"}]), "chat")
    # Each part has its name twice.
    assert (spoken.attachments, spoken.files) == (4, 2)
    assert (written.attachments, written.files) == (0, 0)


def test_only_the_model_changes_on_the_way_to_the_provider() -> None:
    sent = '{"model": "gpt-4o", "messages": [{"x": 1}], "new": {"kept": [2.50, "é"]}}'.encode()
    request = WIRE.read_request(sent, "chat")
    assert json.loads(WIRE.write_request(request, "other")) == {
        **json.loads(sent),
        "model": "other",
    }
    assert b"2.50" in WIRE.write_request(request, "other")
    assert json.loads(WIRE.write_request(request, "gpt-4o")) == json.loads(sent)


def test_a_repeated_member_is_sent_on_once_as_it_was_read() -> None:
    raw = b'{"model":"cheap","messages":[1],"model":"dear","max_tokens":1,"max_tokens":9}'
    request = WIRE.read_request(raw, "chat")
    assert (request.model, request.max_tokens) == ("dear", 9)
    assert WIRE.write_request(request, "dear") == b'{"model":"dear","messages":[1],"max_tokens":9}'


def test_a_request_for_usage_in_the_stream_is_sent_on_as_it_came() -> None:
    sent = b'{"model":"gpt-4o","messages":[1],"stream":true,"stream_options":%s}'
    for options in (b'{"include_usage":true}', b'{"include_usage":true,"new":1}'):
        request = WIRE.read_request(sent % options, "chat")
        assert request.wants_usage
        assert WIRE.write_request(request, "gpt-4o") == sent % options


@pytest.mark.parametrize(
    ("options", "sent"),
    [
        (None, {"include_usage": True}),
        ({"include_usage": False}, {"include_usage": True}),
        ({"include_obfuscation": False}, {"include_obfuscation": False, "include_usage": True}),
    ],
)
def test_usage_is_asked_for_where_the_caller_does_not(options: Any, sent: Any) -> None:
    members = {} if options is None else {"stream_options": options}
    request = WIRE.read_request(body(stream=True, **members), "chat")
    assert not request.wants_usage
    assert json.loads(WIRE.write_request(request, "gpt-4o"))["stream_options"] == sent


def test_a_request_without_stream_gets_no_stream_options() -> None:
    request = WIRE.read_request(body(), "chat")
    assert "stream_options" not in json.loads(WIRE.write_request(request, "gpt-4o"))


def test_an_output_ceiling_is_set_in_the_providers_own_field() -> None:
    request = WIRE.read_request(body(), "chat")
    WIRE.limit_output(request, 77, "max_completion_tokens")
    assert request.max_tokens == 77
    assert json.loads(WIRE.write_request(request, "gpt-4o"))["max_completion_tokens"] == 77


@pytest.mark.parametrize(
    ("raw", "code", "param"),
    [
        (b"", "empty_body", None),
        (b"{", "invalid_json", None),
        (b"[]", "invalid_json", None),
        (b"nope", "invalid_json", None),
        (b'{"model":"\xff","messages":[1]}', "invalid_encoding", None),
        (b'{"messages":[1]}', "missing_model", "model"),
        (b'{"model":7,"messages":[1]}', "invalid_type", "model"),
        (b'{"model":"m"}', "missing_messages", "messages"),
        (b'{"model":"m","messages":[]}', "missing_messages", "messages"),
        (b'{"model":"m","messages":"hi"}', "invalid_type", "messages"),
        (b'{"model":"m","messages":[1],"stream":"yes"}', "invalid_type", "stream"),
        (b'{"model":"m","messages":[1],"max_tokens":-1}', "invalid_value", "max_tokens"),
        (b'{"model":"m","messages":[1],"max_tokens":1e99}', "invalid_type", "max_tokens"),
        (b'{"model":"m","messages":[1],"n":0}', "invalid_value", "n"),
        (b'{"model":"m","messages":[1],"stream":true,"stream_options":3}', "invalid_type", None),
        (b'{"model":"m","messages":[1],"metadata":[]}', "invalid_type", "metadata"),
        (b'{"a":' + b"[" * 100_000 + b"]" * 100_000 + b"}", "too_deeply_nested", None),
    ],
)
def test_bad_requests_are_named(raw: bytes, code: str, param: str | None) -> None:
    with pytest.raises(InvalidRequest) as caught:
        WIRE.read_request(raw, "chat")
    assert caught.value.code == code
    if param is not None:
        assert caught.value.param == param
    assert caught.value.hint


@given(st.binary(max_size=200))
def test_no_bytes_make_the_reader_raise_anything_but_its_own_error(raw: bytes) -> None:
    with contextlib.suppress(InvalidRequest):
        WIRE.read_request(raw, "chat")


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=8,
)
NAMES = st.sampled_from(
    ["model", "messages", "stream", "stream_options", "max_tokens", "n", "user", "metadata", "x"]
)


@given(st.dictionaries(NAMES, JSON_VALUES, max_size=8))
def test_no_document_makes_the_reader_raise_anything_but_its_own_error(document: Any) -> None:
    try:
        request = WIRE.read_request(json.dumps(document).encode(), "chat")
    except InvalidRequest:
        return
    sent = json.loads(WIRE.write_request(request, request.model))
    sent.pop("stream_options", None)
    document.pop("stream_options", None)
    assert sent == json.loads(json.dumps(document))


def test_usage_is_split_into_disjoint_buckets() -> None:
    raw = json.dumps(
        {
            "model": "gpt-4o-2024",
            "choices": [],
            "service_tier": "priority",
            "usage": {
                "prompt_tokens": 100,
                "completion_tokens": 50,
                "prompt_tokens_details": {
                    "cached_tokens": 40,
                    "cache_write_tokens": 10,
                    "audio_tokens": 5,
                },
                "completion_tokens_details": {"reasoning_tokens": 20, "audio_tokens": 6},
            },
        }
    ).encode()
    reply = WIRE.read_reply(raw, "chat")
    assert reply.usage == Usage(
        input=45,
        cache_read=40,
        cache_write=10,
        audio_input=5,
        output=24,
        reasoning=20,
        audio_output=6,
    )
    assert (reply.model, reply.service_tier) == ("gpt-4o-2024", "priority")


@pytest.mark.parametrize("raw", [b"", b"<html>", b"[1]", b'{"choices":', b'{"object":"x"}', b"3"])
def test_an_answer_that_is_none_is_malformed(raw: bytes) -> None:
    with pytest.raises(Malformed):
        WIRE.read_reply(raw, "chat")


def test_of_an_answer_with_strange_choices_the_rest_is_read() -> None:
    choices = b'[{"finish_reason":7},3,{"finish_reason":"content_filter"}]'
    usage = b'{"prompt_tokens":3,"completion_tokens":5}'
    reply = WIRE.read_reply(b'{"choices":%s,"model":"m","usage":%s}' % (choices, usage), "chat")
    assert reply == Reply(Usage(input=3, output=5), "m", None, filtered=True, clean=False)
    with pytest.raises(Malformed):
        WIRE.read_reply(b'{"choices":%s,"usage":' % choices, "chat")


def test_an_answer_of_unknown_shape_passes_without_usage() -> None:
    assert WIRE.read_reply(b'{"choices":[],"usage":"many"}', "chat").usage is None
    assert WIRE.read_reply(b'{"choices":[]}', "chat").usage is None


def test_a_stream_is_followed_to_its_end() -> None:
    reader = WIRE.stream_reader(WIRE.read_request(body(stream=True), "chat"))
    frames = [
        (b": hello\n\n", Sight.START),
        (chunk({"role": "assistant", "content": ""}), Sight.START),
        (chunk({"content": "Hi"}), Sight.CONTENT),
        (chunk({"tool_calls": [{"index": 0}]}), Sight.CONTENT),
        (chunk({"content": "", "tool_calls": []}), Sight.START),
        (chunk(None, usage={"prompt_tokens": 3, "completion_tokens": 2}), Sight.HIDDEN),
        (b"data: [DONE]\n\n", Sight.END),
    ]
    assert [reader.read(frame) for frame, _ in frames] == [sight for _, sight in frames]
    assert reader.usage == Usage(input=3, output=2)
    assert reader.model == "gpt-4o-2024"
    assert reader.content_bytes == 2 + len(b'[{"index": 0}]')


def test_the_usage_frame_is_shown_to_a_caller_who_asked_for_it() -> None:
    request = WIRE.read_request(body(stream=True, stream_options={"include_usage": True}), "chat")
    frame = chunk(None, usage={"prompt_tokens": 3, "completion_tokens": 2})
    assert WIRE.stream_reader(request).read(frame) is Sight.START


def test_an_error_frame_is_an_error_and_a_null_one_is_not() -> None:
    reader = WIRE.stream_reader(WIRE.read_request(body(stream=True), "chat"))
    assert reader.read(chunk({"content": "x"}, error=None)) is Sight.CONTENT
    failed = b'data: {"error":{"message":"Slow down","type":"rate_limit_error"}}\n\n'
    assert reader.read(failed) is Sight.ERROR
    assert reader.error is not None
    assert (reader.error.status, reader.error.message) == (429, "Slow down")


def test_an_event_that_is_called_error_is_one_whatever_its_data() -> None:
    reader = WIRE.stream_reader(WIRE.read_request(body(stream=True), "chat"))
    assert reader.read(b'event: error\ndata: {"detail": "tool use failed"}\n\n') is Sight.ERROR
    assert reader.error is not None


def test_a_data_line_that_is_not_json_is_malformed_and_unknown_json_is_not() -> None:
    reader = WIRE.stream_reader(WIRE.read_request(body(stream=True), "chat"))
    with pytest.raises(Malformed):
        reader.read(b'data: {"choices": [\n\n')
    assert reader.read(b'data: {"choices": "?"}\n\n') is Sight.CONTENT


@pytest.mark.parametrize(
    ("status", "raw", "expected"),
    [
        (401, b"", (401, None, True)),
        (
            429,
            b'{"error":{"code":"insufficient_quota","message":"m"}}',
            (429, "insufficient_quota", True),
        ),
        (
            429,
            b'{"error":{"type":"rate_limit_error","code":null}}',
            (429, "rate_limit_error", False),
        ),
        (400, b'{"error":"plain"}', (400, None, False)),
        (0, b'{"error":{"code":402,"message":"m"}}', (402, None, True)),
        (0, b'{"error":{"code":"server_is_overloaded"}}', (503, "server_is_overloaded", False)),
        (0, b"[]", (502, None, False)),
        (
            400,
            b'{"object":"error","message":"m","type":"invalid_request_error","code":"3230"}',
            (400, "3230", False),
        ),
        (0, b'{"object":"error","message":"m","type":"T","code":404}', (404, "T", False)),
    ],
)
def test_faults_of_the_provider_are_understood(
    status: int, raw: bytes, expected: tuple[int, str | None, bool]
) -> None:
    fault = WIRE.read_fault(status, raw)
    assert (fault.status, fault.type, fault.ours) == expected


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        (b'{"error":{"message":"m"}}', "m"),
        (b'{"error":"m"}', "m"),
        (b'{"object":"error","message":"m"}', "m"),
        (b'{"detail":"m"}', "m"),
        (
            b'{"detail":[{"msg":"Field required"},{"msg":3},4,{"msg":"in body"}]}',
            "Field required in body",
        ),
        (b'{"detail":3}', None),
        (b'{"message":{"detail":[]}}', None),
    ],
)
def test_the_sentence_of_a_fault_is_found_in_every_dialect(raw: bytes, message: str | None) -> None:
    assert WIRE.read_fault(422, raw).message == message


def test_a_ceiling_and_a_label_are_read_where_they_are() -> None:
    request = WIRE.read_request(body(messages=[{"role": "user", "content": "x"}]), "chat")
    assert (request.max_tokens, request.end_user, request.tags) == (None, None, ())
    assert WIRE.path("chat", "m", stream=True) == b"/chat/completions"


def test_an_answer_that_is_json_and_no_object_is_malformed() -> None:
    with pytest.raises(Malformed):
        WIRE.read_reply(b'[{"choices":[]}]', "chat")
    with pytest.raises(Malformed):
        WIRE.read_reply(b'{"usage":"x"', "chat")


def test_our_errors_have_the_shape_that_the_sdk_reads() -> None:
    error = LimitExceeded("Too many requests.", hint="Wait a second.")
    assert json.loads(WIRE.error_body(error, "r1")) == {
        "error": {
            "message": "Too many requests. Wait a second.",
            "type": "rate_limit_error",
            "param": None,
            "code": "rate_limit_exceeded",
            "reason": "rate_limit_exceeded",
            "request_id": "r1",
            "hint": "Wait a second.",
        }
    }
    frame = WIRE.error_frame(error, "r1")
    assert frame.startswith(b'data: {"error"')
    assert frame.endswith(b"\n\n")


def test_an_exhausted_budget_carries_the_word_on_which_coding_tools_stop() -> None:
    error = json.loads(WIRE.error_body(BudgetExhausted("Spent."), "r1"))["error"]
    assert (error["type"], error["code"], error["reason"]) == (
        "insufficient_quota",
        "insufficient_quota",
        "budget_exhausted",
    )
