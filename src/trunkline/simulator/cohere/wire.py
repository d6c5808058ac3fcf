"""Cohere's chat, event by event as it was recorded."""

from collections.abc import Iterator
from typing import Any

import msgspec
from typing_extensions import override

from trunkline.simulator.answer import Call, Choice
from trunkline.simulator.asked import Asked
from trunkline.simulator.billing import TokenUse
from trunkline.simulator.cohere.manners import CohereWire, answer_id
from trunkline.simulator.cohere.request import PREAMBLE, read_chat
from trunkline.simulator.models import WireName
from trunkline.simulator.prompt_cache import CacheUse, PromptCache
from trunkline.simulator.question import Question
from trunkline.simulator.script import Step, StepKind
from trunkline.simulator.wire import ChatWire, Telling

_FINISH = {
    "end": "COMPLETE",
    "stop_sequence": "STOP_SEQUENCE",
    "length": "MAX_TOKENS",
    "tools": "TOOL_CALL",
}
_DONE = b"data: [DONE]\n\n"


class CohereChat(CohereWire, ChatWire):
    """``/v2/chat``."""

    name: WireName = "cohere_chat"

    @override
    def read(self, asked: Asked) -> Question:
        return read_chat(asked)

    @override
    def cached(self, cache: PromptCache, scope: str, question: Question) -> CacheUse:
        return CacheUse()

    @override
    def stream_type(self, question: Question) -> str:
        return "text/event-stream"

    @override
    def events(self, telling: Telling) -> list[Step]:
        return list(_steps(telling))

    @override
    def body(self, telling: Telling) -> bytes:
        choice = telling.answer.choices[0]
        document: dict[str, Any] = {
            "id": answer_id(telling.answer.digest),
            "message": _message(choice),
            "finish_reason": _FINISH[choice.stop],
        }
        if telling.with_usage:
            document["usage"] = _usage(telling.use)
        return msgspec.json.encode(document)


def _steps(telling: Telling) -> Iterator[Step]:
    choice = telling.answer.choices[0]
    message = {"role": "assistant", "content": [], "tool_plan": "", "tool_calls": []}
    start = {"id": answer_id(telling.answer.digest), "type": "message-start"}
    yield _event({**start, "delta": {"message": {**message, "citations": []}}}, kind="start")
    index = 0
    if choice.thoughts:
        yield from _content(index, "thinking", choice.thoughts)
        index += 1
    if choice.calls:
        # What is said before calls of tools is the plan.
        for piece in choice.text:
            yield _delta("tool-plan-delta", None, {"tool_plan": piece})
    elif choice.text:
        yield from _content(index, "text", choice.text)
    for position, call in enumerate(choice.calls):
        yield from _call(position, call)
    yield _end(telling, choice)
    yield Step(_DONE, kind="end")


def _content(index: int, kind: str, pieces: tuple[str, ...]) -> Iterator[Step]:
    opened = {"content": {"type": kind, kind: ""}}
    yield _delta("content-start", index, opened, tokens=0, kind="start")
    for piece in pieces:
        yield _delta("content-delta", index, {"content": {kind: piece}})
    yield _event({"type": "content-end", "index": index}, kind="silent")


def _call(index: int, call: Call) -> Iterator[Step]:
    opened = _tool_call(call)
    opened["function"]["arguments"] = ""
    yield _delta("tool-call-start", index, {"tool_calls": opened}, tokens=call.head_tokens)
    for piece in call.pieces:
        fragment = {"tool_calls": {"function": {"arguments": piece}}}
        yield _delta("tool-call-delta", index, fragment)
    yield _event({"type": "tool-call-end", "index": index}, kind="silent")


def _end(telling: Telling, choice: Choice) -> Step:
    delta: dict[str, Any] = {"finish_reason": _FINISH[choice.stop]}
    if telling.with_usage:
        delta["usage"] = _usage(telling.use)
    step = _event({"type": "message-end", "delta": delta}, kind="end")
    return msgspec.structs.replace(step, reports_usage=telling.with_usage)


def _delta(
    name: str,
    index: int | None,
    message: dict[str, Any],
    *,
    tokens: int = 1,
    kind: StepKind = "content",
) -> Step:
    place = {} if index is None else {"index": index}
    return _event({"type": name, **place, "delta": {"message": message}}, tokens=tokens, kind=kind)


def _event(document: dict[str, Any], *, tokens: int = 0, kind: StepKind) -> Step:
    name = document["type"].encode()
    data = b"event: " + name + b"\ndata: " + msgspec.json.encode(document) + b"\n\n"
    return Step(data, tokens, kind=kind)


def _message(choice: Choice) -> dict[str, Any]:
    message: dict[str, Any] = {"role": "assistant"}
    content = []
    if choice.thoughts:
        content.append({"type": "thinking", "thinking": "".join(choice.thoughts)})
    if choice.text and not choice.calls:
        content.append({"type": "text", "text": "".join(choice.text)})
    if content:
        message["content"] = content
    if choice.calls:
        message["tool_plan"] = "".join(choice.text)
        message["tool_calls"] = [_tool_call(call) for call in choice.calls]
    return message


def _tool_call(call: Call) -> dict[str, Any]:
    return {
        "id": f"{call.name}_{call.ident[:12].lower()}",
        "type": "function",
        "function": {"name": call.name, "arguments": call.arguments},
    }


def _usage(use: TokenUse) -> dict[str, Any]:
    """What is billed is less than what was counted: the preamble is Cohere's own."""
    return {
        "billed_units": {"input_tokens": use.input_total, "output_tokens": use.output},
        "tokens": {"input_tokens": use.input_total + PREAMBLE, "output_tokens": use.output},
        "cached_tokens": use.cache_read,
    }
