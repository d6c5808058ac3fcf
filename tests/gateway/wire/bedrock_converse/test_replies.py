"""Whole answers of Converse: read, written again, and metered."""

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.gateway.wire.bedrock_converse.grammar import ANY, BLOCK, either, more
from tests.gateway.wire.bedrock_converse.recorded import (
    ANSWERING,
    REPLIES,
    WIRE,
    needs_transcripts,
    reply_of,
)

from trunkline.errors import InvalidRequest, LimitExceeded, Unavailable
from trunkline.gateway.exchange.parts import Foreign, Reasoning, Refusal, Text, ToolCall
from trunkline.gateway.exchange.reply import Choice, Reason, Reply, Stop
from trunkline.gateway.metering.usage import Usage
from trunkline.gateway.wire.contract import CHAT, Inbound, Malformed, Place, ProviderFault
from trunkline.gateway.wire.contract import Reply as Metered

RECORDED_USAGE = {
    "converse-cache": Usage(input=433, cache_read=2752, output=16),
    "converse-text": Usage(input=7, output=30),
    "converse-tool": Usage(input=571, output=22),
    "guardrail-intervened": Usage(input=28, output=26),
}
# Members of usage that Bedrock adds and that say nothing beside the others.
REPEATED = {"serverToolUsage", "cacheReadInputTokenCount", "cacheWriteInputTokenCount"}


def answer(*blocks: Any, stop: str = "end_turn", **members: Any) -> dict[str, Any]:
    message = {"role": "assistant", "content": list(blocks)}
    return {"output": {"message": message}, "stopReason": stop, **members}


def read(document: Any) -> Reply:
    return WIRE.codec.read_reply(document, "seed")


def write(reply: Reply, usage: Usage | None = None) -> dict[str, Any]:
    return WIRE.codec.write_reply(reply, usage, ANSWERING)


@needs_transcripts
@pytest.mark.parametrize("name", REPLIES)
def test_recorded_answers_come_back_equal_with_their_usage(name: str) -> None:
    body = reply_of(name)
    metered = WIRE.read_reply(body, CHAT)
    recorded = json.loads(body)
    filtered = recorded["stopReason"] == "guardrail_intervened"
    assert metered == Metered(RECORDED_USAGE[name], filtered=filtered, clean=not filtered)
    for repeated in REPEATED:
        recorded["usage"].pop(repeated, None)
    assert write(read(json.loads(body)), metered.usage) == recorded


@settings(max_examples=300, deadline=None)
@given(
    more(
        st.fixed_dictionaries(
            {
                "output": st.fixed_dictionaries(
                    {"message": more(st.fixed_dictionaries({"content": st.lists(BLOCK)}))}
                ),
                "stopReason": either(st.sampled_from(["end_turn", "tool_use", "max_tokens"])),
            }
        )
    )
)
def test_any_answer_with_a_message_is_read_and_its_content_comes_back(document: Any) -> None:
    decoded = msgspec.json.decode(msgspec.json.encode(document))
    reply = read(decoded)
    content = write(reply)["output"]["message"]["content"]
    wanted = decoded["output"]["message"]["content"]
    assert _bare(content) == _bare(wanted)


def _bare(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _bare(each) for name, each in value.items() if each is not None}
    return [_bare(each) for each in value] if isinstance(value, list) else value


@settings(max_examples=200, deadline=None)
@given(st.dictionaries(st.sampled_from(["output", "usage", "stopReason", "message"]), ANY))
def test_an_answer_of_another_shape_is_refused_as_malformed(document: dict[str, Any]) -> None:
    with pytest.raises(Malformed):
        read(document)
    body = msgspec.json.encode({**document, "output": 1})
    with pytest.raises(Malformed):
        WIRE.read_reply(body, CHAT)


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'{"usage": {}}', b'{"output": null}'])
def test_a_body_that_is_no_answer_is_refused(body: bytes) -> None:
    with pytest.raises(Malformed):
        WIRE.read_reply(body, CHAT)


USED = {"toolUse": {"toolUseId": "c", "name": "f", "input": {}}}


@pytest.mark.parametrize(
    ("word", "blocks", "reason"),
    [
        ("end_turn", (), "end"), ("tool_use", (USED,), "tools"), ("end_turn", (USED,), "tools"),
        ("tool_use", (), "end"), ("max_tokens", (USED,), "length"),
        ("stop_sequence", (), "stop_sequence"), ("guardrail_intervened", (), "filtered"),
        ("content_filtered", (), "filtered"), ("model_context_window_exceeded", (), "length"),
        ("malformed_tool_use", (), "end"), ("new_word", (USED,), "tools"), (7, (), "end"),
    ],
)  # fmt: skip
def test_the_reason_is_told_from_the_word_and_from_what_was_called(
    word: Any, blocks: Any, reason: Reason
) -> None:
    stop = read(answer(*blocks, stop=word)).choices[0].stop
    assert stop == Stop(reason, word if isinstance(word, str) else None)


def test_the_sequence_is_told_where_the_request_asked_for_it() -> None:
    fields = {"additionalModelResponseFields": {"stop_sequence": "END"}}
    reply = read(answer(stop="stop_sequence", **fields))
    assert reply.choices[0].stop == Stop("stop_sequence", "stop_sequence", "END")


def test_an_answer_is_read_for_what_it_means() -> None:
    reply = read(
        answer(
            {"reasoningContent": {"reasoningText": {"text": "Hm", "signature": "s"}}},
            {"text": "A"},
            {"toolUse": {"toolUseId": "c", "name": "f", "input": {"a": 1}, "type": "tool_use"}},
            {"image": {"format": "png", "source": {"s3Location": {"uri": "s3://a/b"}}}},
            serviceTier={"type": "flex"},
            metrics={"latencyMs": 1},
            usage={"inputTokens": 1},
        )
    )
    assert reply == Reply(
        wire="bedrock_converse",
        choices=(
            Choice(
                (
                    Reasoning("Hm", "s", "anthropic"),
                    Text("A"),
                    ToolCall("c", "f", '{"a":1}', extra={"type": "tool_use"}),
                    Foreign(
                        "bedrock_converse",
                        {"image": {"format": "png", "source": {"s3Location": {"uri": "s3://a/b"}}}},
                    ),
                ),
                Stop("tools", "end_turn"),
            ),
        ),
        service_tier="flex",
        extra={"serviceTier": {"type": "flex"}, "metrics": {"latencyMs": 1}},
    )


def test_answers_of_other_wires_are_written_without_what_bedrock_cannot_hold() -> None:
    parts = (
        Reasoning("Hm", "enc", "openai"),
        Reasoning("", "data", "anthropic", redacted=True),
        Text("A"),
        Refusal("No"),
        ToolCall("c", "f", ""),
        Foreign("openai_chat", {}),
    )
    reply = Reply(wire="openai_chat", choices=(Choice(parts, Stop("tools", "tool_calls")),))
    usage = Usage(input=1, cache_read=2, cache_write_5m=3, cache_write_1h=4, output=5, reasoning=6)
    assert write(reply, usage) == {
        "output": {
            "message": {
                "role": "assistant",
                "content": [
                    {"reasoningContent": {"reasoningText": {"text": "Hm"}}},
                    {"reasoningContent": {"redactedContent": "ZGF0YQ=="}},
                    {"text": "A"},
                    {"text": "No"},
                    {"toolUse": {"toolUseId": "c", "name": "f", "input": {}}},
                ],
            }
        },
        "stopReason": "tool_use",
        "usage": {
            "inputTokens": 1,
            "outputTokens": 11,
            "totalTokens": 21,
            "cacheReadInputTokens": 2,
            "cacheWriteInputTokens": 7,
            "cacheDetails": [{"ttl": "1h", "inputTokens": 4}, {"ttl": "5m", "inputTokens": 3}],
        },
    }
    assert write(Reply(wire="x", choices=())) == {
        "output": {"message": {"role": "assistant", "content": []}}, "stopReason": "end_turn",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("reported", "usage"),
    [
        ({"inputTokens": 1, "outputTokens": 2}, Usage(input=1, output=2)),
        (
            {
                "inputTokens": 1, "outputTokens": 2, "cacheReadInputTokens": 3,
                "cacheWriteInputTokens": 9,
                "cacheDetails": [{"ttl": "1h", "inputTokens": 4}, {"ttl": "5m", "inputTokens": 5}],
            },
            Usage(input=1, cache_read=3, cache_write_5m=5, cache_write_1h=4, output=2),
        ),
        ({"inputTokens": 1}, None), ({"inputTokens": -1, "outputTokens": 2}, None), (None, None),
    ],
)  # fmt: skip
def test_usage_is_told_in_buckets_that_do_not_overlap(reported: Any, usage: Usage | None) -> None:
    body = msgspec.json.encode(answer(usage=reported, serviceTier={"type": "priority"}))
    assert WIRE.read_reply(body, CHAT) == Metered(usage, service_tier="priority")


def test_an_error_is_understood_by_its_status_and_its_words() -> None:
    assert WIRE.read_fault(429, b'{"message":"Slow down."}') == ProviderFault(
        429, "ThrottlingException", "Slow down.", ours=False
    )
    assert WIRE.read_fault(403, b'{"Message":"No access."}') == ProviderFault(
        403, "AccessDeniedException", "No access.", ours=True
    )
    typed = b'{"__type":"com.amazon.coral#ServiceQuotaExceededException","message":"Full."}'
    assert WIRE.read_fault(400, typed) == ProviderFault(
        400, "ServiceQuotaExceededException", "Full.", ours=False
    )
    expired = b'{"message":"Signature expired: 20260101T000000Z is now earlier"}'
    assert WIRE.read_fault(400, expired).ours
    assert WIRE.read_fault(424, b"{}") == ProviderFault(
        502, "ModelErrorException", None, ours=False
    )
    for body in (b"", b"<html>", b"[1]", b'{"message":1}'):
        assert WIRE.read_fault(418, body) == ProviderFault(418, None, None, ours=False)


def test_errors_of_ours_have_bedrocks_shape() -> None:
    error = InvalidRequest("Bad.", code="bad", hint="Do better.")
    assert json.loads(WIRE.error_body(error, "r")) == {
        "message": "Bad. Do better.", "code": "bad", "requestId": "r",
    }  # fmt: skip
    for ours, status in ((LimitExceeded("Slow."), 429), (Unavailable("Full."), 503)):
        reader = WIRE.stream_reader(Inbound(fields={}, model="", size=0))
        reader.read(WIRE.error_frame(ours, "r"))
        assert reader.error is not None
        assert (reader.error.status, reader.error.message) == (status, ours.message)


def test_a_request_is_read_as_far_as_the_path_needs_it() -> None:
    document = {
        "messages": [
            {"role": "user", "content": [{"image": {}}, {"document": {}}, {"\u0069mage": {}}]}
        ],
        "inferenceConfig": {"maxTokens": 7, "temperature": 1},
        "toolConfig": {},
        "odd": 1,
    }
    body = msgspec.json.encode(document)
    inbound = WIRE.read_request(body, CHAT, Place(item="m"))
    assert (inbound.model, inbound.max_tokens, inbound.attachments, inbound.files) == ("m", 7, 2, 1)
    assert (inbound.has_tools, inbound.ceilings, inbound.size) == (
        True, ("inferenceConfig",), len(body),
    )  # fmt: skip
    assert WIRE.write_request(inbound, "other") == body
    WIRE.limit_output(inbound, 3, "")
    assert json.loads(WIRE.write_request(inbound, "m"))["inferenceConfig"] == {
        "maxTokens": 3, "temperature": 1,
    }  # fmt: skip
    bare = WIRE.read_request(b'{"messages":[1]}', CHAT)
    assert (bare.model, bare.max_tokens, bare.ceilings, bare.has_tools) == ("", None, (), False)
    with pytest.raises(InvalidRequest):
        WIRE.read_request(b"{}", CHAT)


@pytest.mark.parametrize(
    ("model", "path"),
    [
        ("amazon.nova-lite-v1:0", b"/model/amazon.nova-lite-v1%3A0/converse"),
        (
            "arn:aws:bedrock:eu-west-1:1:inference-profile/a.b",
            b"/model/arn%3Aaws%3Abedrock%3Aeu-west-1%3A1%3Ainference-profile%2Fa.b/converse",
        ),
    ],
)
def test_the_model_stands_in_the_path_percent_encoded(model: str, path: bytes) -> None:
    assert WIRE.path(CHAT, model, stream=False) == path
    assert WIRE.path(CHAT, model, stream=True) == path + b"-stream"
