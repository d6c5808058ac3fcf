"""Whole answers of ``/v2/chat``."""

from collections.abc import Iterable
from itertools import takewhile
from typing import Any, Final

import msgspec

from trunkline.gateway.exchange.parts import (
    Document,
    Foreign,
    Part,
    Reasoning,
    Refusal,
    Text,
    ToolCall,
)
from trunkline.gateway.exchange.reply import Choice, Reason, Reply, Stop
from trunkline.gateway.metering.usage import Usage
from trunkline.gateway.wire.cohere_chat.citations import read_citations, write_citations
from trunkline.gateway.wire.cohere_chat.content import WIRE, block_back, read_block
from trunkline.gateway.wire.cohere_chat.logprobs import read_logprobs, write_logprobs
from trunkline.gateway.wire.cohere_family.ids import answer_id
from trunkline.gateway.wire.cohere_family.usage import usage_for
from trunkline.gateway.wire.contract import Answering, Malformed
from trunkline.gateway.wire.documents import arguments_text
from trunkline.gateway.wire.functions import call_id

_REASONS: Final[dict[str, Reason]] = {
    "COMPLETE": "end",
    "STOP_SEQUENCE": "stop_sequence",
    "MAX_TOKENS": "length",
    "TOOL_CALL": "tools",
    "ERROR_TOXIC": "filtered",
}
_WORDS: Final[dict[Reason, str]] = {
    "end": "COMPLETE",
    "stop_sequence": "STOP_SEQUENCE",
    "length": "MAX_TOKENS",
    "tools": "TOOL_CALL",
    "filtered": "COMPLETE",
    "refusal": "COMPLETE",
    "paused": "COMPLETE",
}


class _Function(msgspec.Struct):
    name: str
    arguments: Any = None


class _Call(msgspec.Struct):
    function: _Function
    id: str | None = None


def stop_for(word: Any, *, called: bool) -> Stop:
    """Why the model stopped, decided by whether it called a tool."""
    native = word if isinstance(word, str) else None
    if called:
        return Stop("tools", native)
    reason = _REASONS.get(native or "", "end")
    return Stop("end" if reason == "tools" else reason, native)


def finish_word(stop: Stop) -> str:
    """Cohere's word for why the model stopped."""
    return _WORDS[stop.reason]


def read_reply(document: Document, seed: str) -> Reply:
    """A provider's answer.

    Raises:
        Malformed: it is not what the wire promises.
    """
    rest = dict(document)
    message = rest.pop("message", None)
    if not isinstance(message, dict):
        raise Malformed("the answer has no message")
    left = dict(message)
    plan = _plan(left)
    parts = _read_content(left)
    if plan is not None:
        # Streams tell the plan between the thought and the calls.
        parts.insert(_leading_thoughts(parts), Text(plan))
    calls = _read_calls(left.pop("tool_calls", None), seed)
    stop = stop_for(rest.pop("finish_reason", None), called=bool(calls))
    told = rest.pop("id", None)
    return Reply(
        wire=WIRE,
        choices=(Choice((*parts, *calls), stop, read_logprobs(rest.get("logprobs")), left),),
        id=told if isinstance(told, str) else None,
        extra=rest,
    )


def _plan(message: Document) -> str | None:
    plan = message.get("tool_plan")
    return plan if isinstance(plan, str) and plan else None


def _leading_thoughts(parts: Iterable[Part]) -> int:
    """How many thoughts stand before anything else."""
    return sum(1 for _ in takewhile(lambda part: isinstance(part, Reasoning), parts))


def _read_content(left: Document) -> list[Part]:
    content = left.pop("content", None)
    if isinstance(content, str):
        content = [{"type": "text", "text": content}]
    if not isinstance(content, list | None):
        raise Malformed("the answer's content is not a list")
    parts = [read_block(block) for block in content or ()]
    return read_citations(left.get("citations"), parts)


def _read_calls(listed: Any, seed: str) -> list[ToolCall]:
    try:
        calls = msgspec.convert(listed or [], list[_Call])
    except (msgspec.ValidationError, RecursionError):
        raise Malformed("the answer's tool calls are not what the wire promises") from None
    return [
        ToolCall(
            call.id or call_id(seed, number),
            call.function.name,
            arguments_text(call.function.arguments),
        )
        for number, call in enumerate(calls)
    ]


def write_reply(reply: Reply, usage: Usage | None, answering: Answering) -> Document:
    """The answer for a caller, who gets the first alternative."""
    choice = reply.choices[0] if reply.choices else Choice(())
    own = reply.wire == WIRE
    document: Document = {
        "id": (reply.id if own else None) or answer_id(answering.id),
        "message": _message(choice, own=own),
        "finish_reason": _finish(choice.stop, own=own),
    }
    if usage is not None:
        document["usage"] = usage_for(usage)
    if own:
        return document | reply.extra
    logprobs = write_logprobs(choice.logprobs)
    if logprobs is not None:
        document["logprobs"] = logprobs
    return document


def _finish(stop: Stop, *, own: bool) -> str:
    return stop.native if own and stop.native is not None else finish_word(stop)


def _message(choice: Choice, *, own: bool) -> Document:
    parts = list(choice.parts)
    if own and _plan(choice.extra) is not None:
        del parts[_leading_thoughts(parts)]
    shown = [part for part in parts if _is_content(part, own=own)]
    content = [_block(part, own=own) for part in shown]
    message: Document = {"role": "assistant"}
    if content:
        message["content"] = content
    calls = [_call(part) for part in parts if isinstance(part, ToolCall)]
    if calls:
        message["tool_calls"] = calls
    if own:
        return message | choice.extra
    citations = write_citations(shown)
    if citations:
        message["citations"] = citations
    return message


def _is_content(part: Part, *, own: bool) -> bool:
    if isinstance(part, (Text, Refusal, Reasoning)):
        return bool(part.text) or own
    return own and isinstance(part, Foreign)


def _block(part: Part, *, own: bool) -> Any:
    if isinstance(part, Refusal):
        return {"type": "text", "text": part.text}
    if not own and isinstance(part, (Text, Reasoning)):
        # What another wire adds means nothing here.
        part = msgspec.structs.replace(part, extra={})
    return block_back(part)


def _call(call: ToolCall) -> Document:
    function = {"name": call.name, "arguments": call.arguments}
    return {"id": call.id, "type": "function", "function": function}
