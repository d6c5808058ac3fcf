import contextlib
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trunkline.errors import BudgetExhausted, InvalidRequest
from trunkline.gateway.metering.usage import Usage
from trunkline.gateway.wire.anthropic_messages.passing import AnthropicMessages
from trunkline.gateway.wire.contract import Malformed, Sight

WIRE = AnthropicMessages()
SPENT = (
    b'{"error":{"type":"rate_limit_error","details":{"error_code":"enforced_spend_limit_reached"}}}'
)
POOR = b'{"error":{"type":"invalid_request_error","message":"Your credit balance is too low"}}'
HELLO = [{"role": "user", "content": "hello"}]


def body(**members: Any) -> bytes:
    document = {"model": "claude", "max_tokens": 9, "messages": HELLO, **members}
    return json.dumps(document).encode()


def event(kind: str, **members: Any) -> bytes:
    data = json.dumps({"type": kind, **members})
    return f"event: {kind}\ndata: {data}\n\n".encode()


def test_a_request_is_read_as_far_as_the_path_needs_it() -> None:
    request = WIRE.read_request(
        body(
            stream=True,
            metadata={"user_id": "u1"},
            tools=[{"type": "web_search_20250305", "name": "web_search"}],
            service_tier="auto",
        ),
        "chat",
    )
    assert (request.model, request.max_tokens, request.stream) == ("claude", 9, True)
    assert (request.end_user, request.service_tier) == ("u1", "auto")
    assert request.has_tools
    assert request.server_tools


def test_things_are_looked_for_where_messages_may_have_parts() -> None:
    parts = [
        {"type": "image", "source": {"type": "url", "url": "https://x.example/a.png"}},
        {"type": "document", "source": {"type": "file", "file_id": "f"}},
    ]
    shown = WIRE.read_request(body(messages=[{"role": "user", "content": parts}]), "chat")
    written = WIRE.read_request(body(messages=[{"role": "user", "content": "image"}]), "chat")
    assert (shown.attachments, shown.files) == (1, 1)
    assert (written.attachments, written.files) == (0, 0)


@pytest.mark.parametrize(
    ("raw", "code"),
    [
        (b"", "empty_body"),
        (b'{"messages":[1],"max_tokens":1}', "missing_model"),
        (b'{"model":"m","max_tokens":1}', "missing_messages"),
        (b'{"model":"m","messages":[1]}', "missing_max_tokens"),
        (b'{"model":"m","messages":[1],"max_tokens":0}', "missing_max_tokens"),
        (b'{"model":"m","messages":[1],"max_tokens":"9"}', "invalid_type"),
        (b'{"model":"m","messages":{},"max_tokens":9}', "invalid_type"),
    ],
)
def test_bad_requests_are_named(raw: bytes, code: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        WIRE.read_request(raw, "chat")
    assert caught.value.code == code


def test_counting_tokens_needs_no_ceiling_and_never_streams() -> None:
    request = WIRE.read_request(b'{"model":"m","messages":[1],"stream":true}', "count_tokens")
    assert (request.max_tokens, request.stream) == (None, False)
    assert WIRE.path("count_tokens", "m", stream=False) == b"/v1/messages/count_tokens"
    assert WIRE.read_reply(b'{"input_tokens":7}', "count_tokens").usage == Usage()
    with pytest.raises(Malformed):
        WIRE.read_reply(b"{}", "count_tokens")


@given(st.binary(max_size=200))
def test_no_bytes_make_the_reader_raise_anything_but_its_own_error(raw: bytes) -> None:
    with contextlib.suppress(InvalidRequest):
        WIRE.read_request(raw, "chat")


def test_only_the_model_changes_on_the_way_to_the_provider() -> None:
    sent = body(system=[{"type": "text", "text": "é"}], thinking={"type": "adaptive"})
    request = WIRE.read_request(sent, "chat")
    assert json.loads(WIRE.write_request(request, "other")) == {
        **json.loads(sent),
        "model": "other",
    }


def test_usage_is_split_into_disjoint_buckets() -> None:
    raw = json.dumps(
        {
            "type": "message",
            "model": "claude-x",
            "usage": {
                "input_tokens": 4,
                "cache_creation_input_tokens": 30,
                "cache_read_input_tokens": 20,
                "cache_creation": {
                    "ephemeral_5m_input_tokens": 10,
                    "ephemeral_1h_input_tokens": 20,
                },
                "output_tokens": 50,
                "output_tokens_details": {"thinking_tokens": 15},
                "server_tool_use": {"web_search_requests": 2},
                "service_tier": "priority",
            },
        }
    ).encode()
    reply = WIRE.read_reply(raw, "chat")
    assert reply.usage == Usage(
        input=4,
        cache_read=20,
        cache_write_5m=10,
        cache_write_1h=20,
        output=35,
        reasoning=15,
        searches=2,
    )
    assert (reply.model, reply.service_tier) == ("claude-x", "priority")


def test_fast_mode_is_priced_like_a_service_tier() -> None:
    raw = b'{"type":"message","usage":{"input_tokens":1,"service_tier":"standard","speed":"fast"}}'
    assert WIRE.read_reply(raw, "chat").service_tier == "fast"


def test_a_cache_write_without_its_lifetime_was_for_five_minutes() -> None:
    counts = b'{"input_tokens":1,"output_tokens":2,"cache_creation_input_tokens":9}'
    raw = b'{"type":"message","usage":' + counts + b"}"
    assert WIRE.read_reply(raw, "chat").usage == Usage(input=1, cache_write_5m=9, output=2)


@pytest.mark.parametrize("raw", [b"", b"<html>", b"[1]", b'{"type":"error"}', b'{"type":'])
def test_an_answer_that_is_none_is_malformed(raw: bytes) -> None:
    with pytest.raises(Malformed):
        WIRE.read_reply(raw, "chat")


def test_a_stream_is_followed_to_its_end() -> None:
    reader = WIRE.stream_reader(WIRE.read_request(body(stream=True), "chat"))
    message = {"model": "claude-x", "usage": {"input_tokens": 5, "output_tokens": 1}}
    text = {"type": "text_delta", "text": "Hé"}
    frames = [
        (event("message_start", message=message), Sight.START),
        (event("content_block_start", content_block={"type": "text"}), Sight.START),
        (event("ping"), Sight.START),
        (event("content_block_delta", delta=text), Sight.CONTENT),
        (event("content_block_stop"), Sight.START),
        (event("content_block_start", content_block={"type": "tool_use"}), Sight.CONTENT),
        (event("something_new", index=1), Sight.CONTENT),
        (event("message_delta", delta={}, usage={"output_tokens": 12}), Sight.CONTENT),
        (event("message_stop"), Sight.END),
    ]
    sights = []
    for frame, _ in frames:
        sights.append(reader.read(frame))
        if b"message_start" in frame:
            assert reader.usage is None
            assert reader.input_usage == Usage(input=5, output=1)
    assert sights == [sight for _, sight in frames]
    assert reader.usage == Usage(input=5, output=12)
    assert (reader.model, reader.content_bytes) == ("claude-x", 3)


def test_an_error_event_is_an_error() -> None:
    reader = WIRE.stream_reader(WIRE.read_request(body(stream=True), "chat"))
    failed = event("error", error={"type": "overloaded_error", "message": "Overloaded"})
    assert reader.read(failed) is Sight.ERROR
    assert reader.error is not None
    assert (reader.error.status, reader.error.type) == (529, "overloaded_error")


def test_a_data_line_that_is_not_json_is_malformed() -> None:
    reader = WIRE.stream_reader(WIRE.read_request(body(stream=True), "chat"))
    with pytest.raises(Malformed):
        reader.read(b'event: message_stop\ndata: {"type"\n\n')
    assert reader.read(b'data: {"kind": 1}\n\n') is Sight.CONTENT


@pytest.mark.parametrize(
    ("status", "raw", "expected"),
    [
        (401, b"{}", (401, None, True)),
        (529, b'{"error":{"type":"overloaded_error"}}', (529, "overloaded_error", False)),
        (
            400,
            POOR,
            (400, "invalid_request_error", True),
        ),
        (
            429,
            SPENT,
            (429, "rate_limit_error", True),
        ),
        (0, b"nope", (502, None, False)),
    ],
)
def test_faults_of_the_provider_are_understood(
    status: int, raw: bytes, expected: tuple[int, str | None, bool]
) -> None:
    fault = WIRE.read_fault(status, raw)
    assert (fault.status, fault.type, fault.ours) == expected


def test_our_errors_have_the_shape_that_the_sdk_reads() -> None:
    error = BudgetExhausted("The budget is spent.", hint="Ask for more.", param="model")
    assert json.loads(WIRE.error_body(error, "r1")) == {
        "type": "error",
        "error": {
            "type": "billing_error",
            "message": "The budget is spent. Ask for more.",
            "code": "budget_exhausted",
            "param": "model",
            "hint": "Ask for more.",
        },
        "request_id": "r1",
    }
    assert WIRE.error_frame(error, "r1").startswith(b"event: error\ndata: {")


def test_a_ceiling_is_kept_where_the_request_names_one() -> None:
    request = WIRE.read_request(body(), "chat")
    WIRE.limit_output(request, 3, "max_tokens")
    assert request.max_tokens == 9


SEALED = {"type": "thinking", "thinking": "Hm.", "signature": "trunkline.openai.rs_1.enc"}
OWN = {"type": "thinking", "thinking": "Ha.", "signature": "sig"}


def sent(messages: Any) -> Any:
    """The messages that the provider gets of those that a caller sent."""
    request = WIRE.read_request(body(messages=messages), "chat")
    return json.loads(WIRE.write_request(request, "claude"))["messages"]


def test_thought_of_other_makers_is_not_sent_to_anthropic() -> None:
    said = {"type": "text", "text": "trunkline.openai.rs_1.enc"}
    unknown = {"type": "thinking", "thinking": "Hu.", "signature": "trunkline.unheard-of"}
    assert sent(
        [
            *HELLO,
            {"role": "assistant", "content": [SEALED, OWN, said]},
            {"role": "assistant", "content": [SEALED]},
            {"role": "assistant", "content": [unknown, {"type": "thinking"}, "odd"]},
            "odd",
        ]
    ) == [
        *HELLO,
        {"role": "assistant", "content": [OWN, said]},
        {"role": "assistant", "content": [unknown, {"type": "thinking"}, "odd"]},
        "odd",
    ]


def test_messages_that_cannot_be_read_go_as_they_are() -> None:
    deep = b"[" * 1_500 + b"]" * 1_500
    raw = b'{"model":"claude","max_tokens":9,"messages":[{"content":"trunkline."}, %b]}' % deep
    with contextlib.suppress(InvalidRequest):
        request = WIRE.read_request(raw, "chat")
        assert WIRE.write_request(request, "claude").endswith(deep + b"]}")
    broken = b'{"model":"claude","max_tokens":9,"messages":["trunkline.", 1e999]}'
    request = WIRE.read_request(broken, "chat")
    assert b"1e999" in WIRE.write_request(request, "claude")
