"""Answers that did not end as they should are told apart, whole and streamed, in every wire."""

from typing import Any

import msgspec
import pytest

from trunkline.gateway.wire.contract import CHAT, COMPLETION, Inbound, Sight
from trunkline.gateway.wire.event_stream import encode_frame
from trunkline.gateway.wire.registry import WIRES

ASKED = Inbound(fields={}, model="m", size=0, stream=True)
REFUSAL = [{"type": "refusal", "refusal": "No."}]
SAID = [{"type": "output_text", "text": 'She said "refusal" and "failed".'}]


def choice(**members: Any) -> dict[str, Any]:
    return {"choices": [{"index": 0, **members}]}


def message(**members: Any) -> dict[str, Any]:
    return {"type": "message", "content": [], **members}


def candidate(reason: str, *others: str) -> dict[str, Any]:
    return {"candidates": [{"finishReason": word} for word in (reason, *others)]}


def response(*output: dict[str, Any], **members: Any) -> dict[str, Any]:
    return {"status": "completed", "output": list(output), **members}


def item(**members: Any) -> dict[str, Any]:
    return {"type": "message", "status": "completed", "content": SAID, **members}


def incomplete(reason: str | None) -> dict[str, Any]:
    return response(incomplete_details={"reason": reason})


def converse(reason: str) -> dict[str, Any]:
    return {"output": {"message": {}}, "stopReason": reason}


@pytest.mark.parametrize(
    ("wire", "body", "clean"),
    [
        ("openai_chat", choice(finish_reason="stop"), True),
        ("openai_chat", choice(finish_reason="length"), True),
        ("openai_chat", choice(finish_reason="content_filter"), False),
        ("openai_chat", choice(finish_reason="insufficient_system_resource"), False),
        ("openai_chat", choice(finish_reason="stop", native_finish_reason="SAFETY"), False),
        ("openai_chat", choice(message={"content": "error", "refusal": None}), True),
        ("openai_chat", choice(message={"content": [{"type": "text", "text": "x"}]}), True),
        ("openai_chat", choice(message={"content": None, "refusal": "No."}), False),
        ("openai_chat", choice(message={"content": REFUSAL}), False),
        ("openai_chat", choice(message=3, finish_reason="stop"), True),
        ("openai_chat", choice(message=3, finish_reason="content_filter"), False),
        ("openai_chat", {"choices": 3, "finish_reason": "error"}, False),
        ("openai_completions", choice(text="error", finish_reason="stop"), True),
        ("openai_completions", choice(text="", finish_reason="error"), False),
        ("mistral_fim", choice(message={"content": "x"}, finish_reason="error"), False),
        ("anthropic_messages", message(stop_reason="end_turn"), True),
        ("anthropic_messages", message(stop_reason="refusal"), False),
        ("anthropic_messages", message(stop_reason="pause_turn"), False),
        ("anthropic_messages", message(content=[{"input": {"reason": "failed"}}]), True),
        ("gemini", candidate("STOP"), True),
        ("gemini", candidate("MAX_TOKENS"), True),
        ("gemini", candidate("STOP", "SAFETY"), False),
        ("gemini", candidate("CONTINUATION"), False),
        ("gemini", {"promptFeedback": {"blockReason": "JAILBREAK"}}, False),
        ("gemini", {"candidates": 3, "finishReason": "OTHER"}, False),
        ("gemini", {"candidates": 3, "finishReason": "STOP"}, True),
        ("openai_responses", response(item()), True),
        ("openai_responses", response(item(status="failed")), False),
        ("openai_responses", response(item(content=REFUSAL)), False),
        ("openai_responses", incomplete("max_output_tokens"), True),
        ("openai_responses", incomplete(None), True),
        ("openai_responses", incomplete("content_filter"), False),
        ("openai_responses", incomplete("max_messages"), False),
        ("bedrock_converse", converse("end_turn"), True),
        ("bedrock_converse", converse("guardrail_intervened"), False),
        ("cohere_chat", {"message": {}, "finish_reason": "COMPLETE"}, True),
        ("cohere_chat", {"message": {}, "finish_reason": "ERROR_TOXIC"}, False),
        ("cohere_chat", {"message": {}, "finish_reason": "USER_CANCEL"}, False),
        ("ollama_chat", {"message": {}, "done_reason": "stop"}, True),
        ("ollama_chat", {"message": {}, "done_reason": "load"}, False),
        ("ollama_generate", {"response": "", "done_reason": "unload"}, False),
    ],
)
def test_a_whole_answer_says_whether_it_ended_as_it_should(
    wire: str, body: dict[str, Any], *, clean: bool
) -> None:
    operation = CHAT if CHAT in WIRES[wire].operations else COMPLETION
    assert WIRES[wire].read_reply(msgspec.json.encode(body), operation).clean is clean


def event(data: dict[str, Any]) -> bytes:
    return b"data: " + msgspec.json.encode(data) + b"\n\n"


def line(data: dict[str, Any]) -> bytes:
    return msgspec.json.encode(data) + b"\n"


def delta(**members: Any) -> bytes:
    return event(choice(delta=members))


def stop(payload: dict[str, Any]) -> bytes:
    headers = {":message-type": "event", ":event-type": "messageStop"}
    return encode_frame(headers, msgspec.json.encode(payload))


def ended(kind: str, told: dict[str, Any]) -> bytes:
    return event({"type": kind, "response": told})


DONE = "response.output_item.done"
OVER = "response.completed"


@pytest.mark.parametrize(
    ("wire", "frame", "clean"),
    [
        ("openai_chat", event(choice(delta={}, finish_reason="stop")), True),
        ("openai_chat", event(choice(delta={}, finish_reason="content_filter")), False),
        ("openai_chat", event(choice(delta={}, native_finish_reason="error")), False),
        ("openai_chat", event(choice(delta={"content": "x"}, native_finish_reason="OTHER")), False),
        ("openai_chat", delta(content="refusal"), True),
        ("openai_chat", delta(content="x", refusal="No."), False),
        ("openai_chat", delta(refusal="No."), False),
        ("openai_chat", delta(content=REFUSAL), False),
        ("openai_chat", delta(content=[{"type": "text", "text": "x"}]), True),
        ("openai_chat", event(choice(delta=3, finish_reason="content_filter")), False),
        ("openai_chat", event(choice(delta=3, finish_reason="stop")), True),
        ("openai_completions", event(choice(text="error", finish_reason="stop")), True),
        ("openai_completions", event(choice(text="", finish_reason="error")), False),
        ("openai_completions", event(choice(text="", native_finish_reason="error")), False),
        ("openai_completions", event(choice(text=3, finish_reason="error")), False),
        ("anthropic_messages", event({"type": "message_delta", "delta": {}}), True),
        (
            "anthropic_messages",
            event({"type": "message_delta", "delta": {"stop_reason": "pause_turn"}}),
            False,
        ),
        (
            "anthropic_messages",
            event({"type": "message_start", "message": message(stop_reason="refusal")}),
            False,
        ),
        (
            "anthropic_messages",
            event({"type": "message_delta", "delta": {"stop_reason": "error", "text": 3}}),
            False,
        ),
        ("gemini", event(candidate("STOP")), True),
        ("gemini", event(candidate("STOP", "RECITATION")), False),
        ("gemini", event({"promptFeedback": {"blockReason": "OTHER"}}), False),
        ("gemini", event({"candidates": 3, "finishReason": "SAFETY"}), False),
        ("gemini", event({"candidates": 3, "finishReason": "STOP"}), True),
        ("openai_responses", event({"type": DONE, "item": item()}), True),
        ("openai_responses", event({"type": DONE, "item": item(content=REFUSAL)}), False),
        ("openai_responses", event({"type": DONE, "item": item(status="failed")}), False),
        (
            "openai_responses",
            event({"type": "response.content_part.added", "part": REFUSAL[0]}),
            False,
        ),
        ("openai_responses", event({"type": "response.refusal.done", "refusal": "No."}), False),
        ("openai_responses", ended(OVER, response(item())), True),
        ("openai_responses", ended(OVER, response(item(content=REFUSAL))), False),
        ("openai_responses", ended(OVER, response(status="failed")), False),
        ("openai_responses", ended("response.incomplete", incomplete("content_filter")), False),
        ("openai_responses", ended("response.incomplete", incomplete("max_output_tokens")), True),
        ("openai_responses", ended(OVER, response(model=3, status="failed")), False),
        ("bedrock_converse", stop({"stopReason": "end_turn"}), True),
        ("bedrock_converse", stop({"stopReason": "content_filtered"}), False),
        ("bedrock_converse", stop({"stopReason": "content_filtered", "output": 3}), False),
        (
            "cohere_chat",
            event({"type": "message-end", "delta": {"finish_reason": "USER_CANCEL"}}),
            False,
        ),
        ("cohere_chat", event({"type": "message-end", "delta": {}}), True),
        (
            "cohere_chat",
            event({"type": "message-end", "delta": {"finish_reason": "TIMEOUT", "usage": 3}}),
            False,
        ),
        ("ollama_chat", line({"done": True, "done_reason": "stop"}), True),
        ("ollama_chat", line({"done": True, "done_reason": "load"}), False),
        ("ollama_generate", line({"done": True, "done_reason": "load", "response": 3}), False),
    ],
)
def test_a_stream_says_so_and_what_follows_takes_nothing_back(
    wire: str, frame: bytes, *, clean: bool
) -> None:
    reader = WIRES[wire].stream_reader(ASKED)
    assert reader.clean
    assert reader.read(frame) is not Sight.ERROR
    reader.read(AFTER.get(wire, event({})))
    assert reader.clean is clean


AFTER = {
    "openai_chat": event(choice(delta={}, finish_reason="stop")),
    "openai_completions": event(choice(text="", finish_reason="stop")),
    "anthropic_messages": event({"type": "message_delta", "delta": {"stop_reason": "end_turn"}}),
    "gemini": event(candidate("STOP")),
    "openai_responses": ended(OVER, response()),
    "bedrock_converse": stop({"stopReason": "end_turn"}),
    "cohere_chat": event({"type": "message-end", "delta": {"finish_reason": "COMPLETE"}}),
    "ollama_chat": line({"done": True, "done_reason": "stop"}),
    "ollama_generate": line({"done": True, "done_reason": "stop"}),
}


def test_wires_whose_answers_have_no_end_say_that_it_is_well() -> None:
    body = b'{"object":"list","data":[],"model":"error"}'
    assert WIRES["openai_embeddings"].read_reply(body, "embedding").clean
