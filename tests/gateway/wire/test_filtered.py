"""Answers that a provider's filter ended are told apart, whole and streamed, in every wire."""

from typing import Any

import msgspec
import pytest

from trunkline.gateway.wire.contract import CHAT, COMPLETION, Inbound
from trunkline.gateway.wire.event_stream import encode_frame
from trunkline.gateway.wire.registry import WIRES

ASKED = Inbound(fields={}, model="m", size=0, stream=True)


def chat(reason: str | None) -> dict[str, Any]:
    message = {"role": "assistant", "content": ""}
    return {"choices": [{"index": 0, "message": message, "finish_reason": reason}]}


def completion(reason: str) -> dict[str, Any]:
    return {"choices": [{"index": 0, "text": "", "finish_reason": reason}]}


def message(reason: str) -> dict[str, Any]:
    usage = {"input_tokens": 1, "output_tokens": 1}
    return {"type": "message", "model": "m", "stop_reason": reason, "usage": usage}


def candidate(reason: str) -> dict[str, Any]:
    return {"candidates": [{"finishReason": reason}]}


def response(reason: str | None) -> dict[str, Any]:
    details = None if reason is None else {"reason": reason}
    return {"status": "incomplete", "output": [], "incomplete_details": details}


def converse(reason: str) -> dict[str, Any]:
    return {"output": {"message": {}}, "stopReason": reason, "usage": {}}


@pytest.mark.parametrize(
    ("wire", "body", "filtered"),
    [
        ("openai_chat", chat("content_filter"), True),
        ("openai_chat", chat("stop"), False),
        ("openai_chat", {"choices": [{"message": {"content": "content_filter"}}]}, False),
        ("openai_chat", {"choices": [{"finish_reason": ["content_filter"]}, 3]}, False),
        ("openai_completions", completion("content_filter"), True),
        ("openai_completions", completion("length"), False),
        ("anthropic_messages", message("refusal"), True),
        ("anthropic_messages", message("end_turn"), False),
        ("anthropic_messages", {"type": "message", "stop_reason": "refusal"}, True),
        ("gemini", candidate("SAFETY"), True),
        ("gemini", candidate("PROHIBITED_CONTENT"), True),
        ("gemini", candidate("STOP"), False),
        ("gemini", {"promptFeedback": {"blockReason": "SAFETY"}}, True),
        ("gemini", {"promptFeedback": {}, "candidates": None}, False),
        ("openai_responses", response("content_filter"), True),
        ("openai_responses", response("max_output_tokens"), False),
        ("openai_responses", response(None), False),
        ("bedrock_converse", converse("guardrail_intervened"), True),
        ("bedrock_converse", converse("content_filtered"), True),
        ("bedrock_converse", converse("end_turn"), False),
    ],
)
def test_a_whole_answer_says_whether_a_filter_ended_it(
    wire: str, body: dict[str, Any], filtered: bool
) -> None:
    operation = COMPLETION if wire == "openai_completions" else CHAT
    assert WIRES[wire].read_reply(msgspec.json.encode(body), operation).filtered is filtered


def event(data: dict[str, Any]) -> bytes:
    return b"data: " + msgspec.json.encode(data) + b"\n\n"


def stop(reason: str) -> bytes:
    headers = {":message-type": "event", ":event-type": "messageStop"}
    return encode_frame(headers, msgspec.json.encode({"stopReason": reason}))


@pytest.mark.parametrize(
    ("wire", "frame", "filtered"),
    [
        (
            "openai_chat",
            event({"choices": [{"delta": {}, "finish_reason": "content_filter"}]}),
            True,
        ),
        ("openai_chat", event({"choices": [{"delta": {}, "finish_reason": "stop"}]}), False),
        ("openai_completions", event(completion("content_filter")), True),
        ("openai_completions", event(completion("stop")), False),
        (
            "anthropic_messages",
            event({"type": "message_delta", "delta": {"stop_reason": "refusal"}}),
            True,
        ),
        (
            "anthropic_messages",
            event({"type": "message_delta", "delta": {"stop_reason": "end_turn"}}),
            False,
        ),
        ("anthropic_messages", event({"type": "message_delta"}), False),
        ("gemini", event(candidate("SAFETY")), True),
        ("gemini", event(candidate("MAX_TOKENS")), False),
        ("gemini", event({"promptFeedback": {"blockReason": "OTHER"}}), True),
        (
            "openai_responses",
            event({"type": "response.incomplete", "response": response("content_filter")}),
            True,
        ),
        (
            "openai_responses",
            event({"type": "response.incomplete", "response": response("max_output_tokens")}),
            False,
        ),
        ("bedrock_converse", stop("guardrail_intervened"), True),
        ("bedrock_converse", stop("end_turn"), False),
    ],
)
def test_a_stream_says_so_with_the_frame_that_tells_the_reason(
    wire: str, frame: bytes, filtered: bool
) -> None:
    reader = WIRES[wire].stream_reader(ASKED)
    assert not reader.filtered
    reader.read(frame)
    assert (reader.filtered, reader.content_bytes) == (filtered, 0)


def test_wires_without_such_a_reason_say_no() -> None:
    reader = WIRES["ollama_chat"].stream_reader(ASKED)
    assert not reader.filtered
