"""The bodies that travel: about 0.6 KB of request, 0.8 KB of answer, 50 chunks of stream.

They are made up, in the shape and size of what the providers answer to short questions.
"""

import json
from typing import Any, Final

from bench import gemini
from bench.cases import Case, Operation, Spoken, Wire
from bench.talk import talk_body

CHUNKS: Final = 50
LARGE_BYTES: Final = 200_000

_QUESTION: Final = (
    "A freight train leaves the harbour at six in the morning with forty wagons and stops at five "
    "stations, leaving three wagons at each. Which of the following statements about the train "
    "that reaches the border is true? Name the number of wagons and explain the answer in two "
    "short sentences that a pupil of ten years can follow."
)
_ANSWER: Final = (
    "The train reaches the border with twenty-five wagons. It began with forty and left three at "
    "each of its five stations, so fifteen wagons stayed behind on the way and twenty-five are "
    "still coupled to the engine when it arrives at the border that evening."
)
# The first piece appears nowhere else, so that a client can tell the first content by its bytes.
FIRST_PIECE: Final = "Lighthouse"
PIECES: Final = (FIRST_PIECE, *(f" word{number:02d}" for number in range(1, CHUNKS)))
STREAMED_TEXT: Final = "".join(PIECES)
NUMBER: Final = "000000000000"
"""What the generators of load replace in a request by a number that they have not sent before."""


def request_body(case: Case) -> bytes:
    """What the client sends."""
    if case.operation.talk:
        return _compact(talk_body(case))
    question = _QUESTION
    if case.operation.large:
        question = (_QUESTION + " ") * (LARGE_BYTES // (len(_QUESTION) + 1))
    if case.operation.fresh:
        question += f" The train has the number {NUMBER}."
    instructions = "You are a patient teacher of arithmetic. Answer briefly and in plain words."
    body: dict[str, Any] = {"model": case.model, "max_tokens": 256, "temperature": 0.2}
    if case.operation.wire == "chat":
        system = {"role": "system", "content": instructions}
        body["messages"] = [system, {"role": "user", "content": question}]
        if case.stream:
            body["stream_options"] = {"include_usage": True}
    else:
        body["system"] = instructions
        body["messages"] = [{"role": "user", "content": question}]
    if case.stream:
        body["stream"] = True
    return _compact(body)


def answer_body(wire: Spoken) -> bytes:
    """What the provider answers without streaming."""
    if wire == "gemini":
        return _compact(gemini.answer(_ANSWER))
    return _compact(_chat_answer() if wire == "chat" else _message_answer())


def answer_of(operation: Operation) -> bytes:
    """What the provider answers to an operation without streaming."""
    body = answer_body(operation.provider_wire)
    if operation.filtered:
        body = body.replace(b'"finish_reason":"stop"', b'"finish_reason":"content_filter"')
    return body


def answer_text(wire: Wire, body: bytes) -> str:
    """The text of an answer.

    Raises:
        ValueError, LookupError, TypeError: it is none.
    """
    answer = json.loads(body)
    if wire == "chat":
        return str(answer["choices"][0]["message"]["content"])
    return str(answer["content"][0]["text"])


def expected_text() -> str:
    """The text that every complete answer holds."""
    return _ANSWER


def stream_chunks(wire: Spoken) -> list[bytes]:
    """What the provider sends, 20 ms apart: a piece of text each, with what frames the answer."""
    if wire == "gemini":
        return [b"data: " + _compact(event) + b"\r\n\r\n" for event in gemini.events(PIECES)]
    return _chat_chunks() if wire == "chat" else _message_chunks()


def _chat_answer() -> dict[str, Any]:
    message: dict[str, Any] = {
        "role": "assistant",
        "content": _ANSWER,
        "refusal": None,
        "annotations": [],
    }
    choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": "stop"}
    return {
        "id": "chatcmpl-CbE5nQ7vT2mXw9LrYk3HsUfJ1dPza",
        "object": "chat.completion",
        "created": 1_763_000_000,
        "model": "gpt-4o-mini-2024-07-18",
        "choices": [choice],
        "usage": _chat_usage(64),
        "service_tier": "default",
        "system_fingerprint": "fp_0b1c2d3e4f",
    }


def _chat_usage(output: int) -> dict[str, Any]:
    return {
        "prompt_tokens": 103,
        "completion_tokens": output,
        "total_tokens": 103 + output,
        "prompt_tokens_details": {"cached_tokens": 0, "audio_tokens": 0},
        "completion_tokens_details": {
            "reasoning_tokens": 0,
            "audio_tokens": 0,
            "accepted_prediction_tokens": 0,
            "rejected_prediction_tokens": 0,
        },
    }


def _message_answer() -> dict[str, Any]:
    block = {"type": "text", "text": _ANSWER, "citations": None}
    return {
        "id": "msg_01Bench7vT2mXw9LrYk3HsUfJ1",
        "type": "message",
        "role": "assistant",
        "model": "claude-sonnet-4-20250514",
        "content": [block],
        "stop_reason": "end_turn",
        "stop_sequence": None,
        "container": None,
        "context_management": {"applied_edits": []},
        "usage": _message_usage(71),
    }


def _message_usage(output: int) -> dict[str, Any]:
    return {
        "input_tokens": 110,
        "cache_creation_input_tokens": 0,
        "cache_read_input_tokens": 0,
        "cache_creation": {"ephemeral_5m_input_tokens": 0, "ephemeral_1h_input_tokens": 0},
        "output_tokens": output,
        "service_tier": "standard",
    }


def _chat_chunks() -> list[bytes]:
    start = _chat_event([_delta({"role": "assistant", "content": "", "refusal": None})], None)
    events = [_chat_event([_delta({"content": piece})], None) for piece in PIECES]
    finish = _chat_event([_delta({}, "stop")], None) + _chat_event([], _chat_usage(CHUNKS))
    return _framed(events, start, finish + b"data: [DONE]\n\n")


def _delta(delta: dict[str, Any], finish: str | None = None) -> dict[str, Any]:
    return {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}


def _chat_event(choices: list[dict[str, Any]], usage: dict[str, Any] | None) -> bytes:
    event = {
        "id": "chatcmpl-CbE5nQ7vT2mXw9LrYk3HsUfJ1dPza",
        "object": "chat.completion.chunk",
        "created": 1_763_000_000,
        "model": "gpt-4o-mini-2024-07-18",
        "service_tier": "default",
        "system_fingerprint": "fp_0b1c2d3e4f",
        "choices": choices,
        "usage": usage,
    }
    return b"data: " + _compact(event) + b"\n\n"


def _message_chunks() -> list[bytes]:
    message = _message_answer() | {"content": [], "stop_reason": None, "usage": _message_usage(1)}
    block = {"type": "text", "text": ""}
    start = _message_event("message_start", message=message)
    start += _message_event("content_block_start", index=0, content_block=block)
    events = [
        _message_event("content_block_delta", index=0, delta={"type": "text_delta", "text": piece})
        for piece in PIECES
    ]
    delta = {"stop_reason": "end_turn", "stop_sequence": None}
    finish = _message_event("content_block_stop", index=0)
    finish += _message_event("message_delta", delta=delta, usage={"output_tokens": CHUNKS})
    return _framed(events, start, finish + _message_event("message_stop"))


def _message_event(kind: str, **members: Any) -> bytes:
    return f"event: {kind}\ndata: ".encode() + _compact({"type": kind} | members) + b"\n\n"


def _framed(events: list[bytes], start: bytes, finish: bytes) -> list[bytes]:
    return [start + events[0], *events[1:-1], events[-1] + finish]


def _compact(value: Any) -> bytes:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()
