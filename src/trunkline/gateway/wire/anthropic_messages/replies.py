"""Whole answers of this wire, read and written."""

from typing import Any, Final

from trunkline.errors import InvalidRequest
from trunkline.gateway.exchange.parts import (
    Citation,
    Document,
    Foreign,
    Part,
    Reasoning,
    Refusal,
    Text,
    ToolCall,
)
from trunkline.gateway.exchange.reply import Choice, Reason, Reply, Stop
from trunkline.gateway.exchange.request import Request
from trunkline.gateway.metering.usage import Usage
from trunkline.gateway.wire.anthropic_messages.blocks import WIRE, read_blocks
from trunkline.gateway.wire.anthropic_messages.foreign_parts import CUSTOM_ARGUMENT
from trunkline.gateway.wire.anthropic_messages.own_blocks import write_back
from trunkline.gateway.wire.anthropic_messages.seals import seal
from trunkline.gateway.wire.anthropic_messages.usage import write_usage
from trunkline.gateway.wire.contract import Answering, Malformed
from trunkline.gateway.wire.documents import arguments_object

_REASONS: Final[dict[str, Reason]] = {
    "end_turn": "end",
    "stop_sequence": "stop_sequence",
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
    "tool_use": "tools",
    "pause_turn": "paused",
    "refusal": "refusal",
}
_WORDS: Final[dict[Reason, str]] = {
    "end": "end_turn",
    "stop_sequence": "stop_sequence",
    "length": "max_tokens",
    "tools": "tool_use",
    "filtered": "refusal",
    "refusal": "refusal",
    "paused": "pause_turn",
}
_BYTES_PER_TOKEN: Final = 4
_READ: Final = frozenset({"type", "role", "id", "model", "content", "stop_reason", "stop_sequence"})


def read_stop(native: Any, sequence: Any, *, called: bool) -> Stop:
    """Why the model stopped; that it called a tool counts more than the word that it gives."""
    word = native if isinstance(native, str) else None
    reason = _REASONS.get(word or "", "end")
    if called and reason == "end":
        reason = "tools"
    elif reason == "tools" and not called:
        reason = "end"
    return Stop(reason, word, sequence if isinstance(sequence, str) else None)


def write_stop(stop: Stop, wire: str, *, called: bool) -> str:
    """The word for it; the provider's own where it speaks this wire."""
    if wire == WIRE and stop.native is not None:
        return stop.native
    if called and stop.reason in {"end", "tools"}:
        return "tool_use"
    return _WORDS["end" if stop.reason == "tools" else stop.reason]


def explanation_of(details: Any) -> str | None:
    """The provider's words for a refusal, of the member ``stop_details``."""
    words = details.get("explanation") if isinstance(details, dict) else None
    return words if isinstance(words, str) and words else None


def read_reply(document: Document) -> Reply:
    """A provider's whole answer.

    Raises:
        Malformed: it is not a message.
    """
    content = document.get("content")
    if document.get("type") != "message" or not isinstance(content, list):
        raise Malformed("the answer is not a message")
    try:
        parts = read_blocks(content, "content")
    except InvalidRequest as error:
        raise Malformed(f"the answer's {error.param} is not what the wire promises") from None
    called = any(isinstance(part, ToolCall) for part in parts)
    stop = read_stop(document.get("stop_reason"), document.get("stop_sequence"), called=called)
    refused = explanation_of(document.get("stop_details"))
    if refused is not None:
        parts = (*parts, Refusal(refused))
    usage = document.get("usage")
    tier = usage.get("service_tier") if isinstance(usage, dict) else None
    extra = {k: v for k, v in document.items() if k not in _READ and k != "usage"}
    name, model = document.get("id"), document.get("model")
    return Reply(
        wire=WIRE,
        choices=(Choice(parts, stop),),
        id=name if isinstance(name, str) else None,
        model=model if isinstance(model, str) else None,
        service_tier=tier if isinstance(tier, str) else None,
        extra=extra,
    )


def write_reply(reply: Reply, usage: Usage | None, answering: Answering) -> Document:
    """The whole answer for a caller."""
    choice = reply.choices[0] if reply.choices else Choice(())
    own = reply.wire == WIRE
    thought = own or shows_thought(answering)
    parts = [part for part in choice.parts if thought or not isinstance(part, Reasoning)]
    if not own:
        parts = _ending_in_words(parts)
    blocks = [block for part in parts if (block := _block(part, own=own)) is not None]
    called = any(isinstance(part, ToolCall) for part in parts)
    document: Document = {
        "id": f"msg_{answering.id}",
        "type": "message",
        "role": "assistant",
        "model": reply.model or answering.model,
        "content": blocks,
        "stop_reason": write_stop(choice.stop, reply.wire, called=called),
        "stop_sequence": choice.stop.sequence,
        "usage": write_usage(usage or _guessed(parts, answering), reply.service_tier),
    }
    if own:
        document.update(reply.extra)
    return document


def _ending_in_words(parts: list[Part]) -> list[Part]:
    """The parts without signatures that stand behind all words; see the writer of events."""
    last = len(parts)
    while last > 1 and isinstance(part := parts[last - 1], Reasoning) and not part.text:
        if part.redacted:
            break
        last -= 1
    return parts[:last]


def shows_thought(answering: Answering) -> bool:
    """Whether the caller asked to see the model think; others do not expect such blocks."""
    request = answering.request
    ask = request.reasoning if isinstance(request, Request) else None
    return ask is not None and ask.enabled is not False


def guessed_output(size: int) -> int:
    """Tokens of so many bytes, for answers of providers that do not count.

    The wire demands a number; the usual density is a better one than none at all.
    """
    return -(-size // _BYTES_PER_TOKEN)


def _guessed(parts: list[Part], answering: Answering) -> Usage:
    told = sum(len(part.text) for part in parts if isinstance(part, (Text, Reasoning)))
    told += sum(len(part.arguments) for part in parts if isinstance(part, ToolCall))
    return Usage(input=guessed_input(answering), output=guessed_output(told))


def guessed_input(answering: Answering) -> int:
    """Tokens of the messages' text, by the same density."""
    request = answering.request
    if not isinstance(request, Request):
        return 0
    texts = (p.text for message in request.messages for p in message.parts if isinstance(p, Text))
    return guessed_output(sum(len(text) for text in texts))


def _block(part: Part, *, own: bool) -> Document | None:
    if isinstance(part, Refusal):
        # In this wire the words stand in ``stop_details``.
        return None if own else {"type": "text", "text": part.text}
    if own:
        return write_back(part)
    if isinstance(part, Text):
        block: Document = {"type": "text", "text": part.text}
        if part.citations:
            block["citations"] = [write_citation(citation) for citation in part.citations]
        return block if part.text else None
    if isinstance(part, ToolCall):
        return {
            "type": "tool_use",
            "id": part.id,
            "name": part.name,
            "input": call_input(part),
        }
    if isinstance(part, Reasoning):
        return _thought(part)
    return part.value if isinstance(part, Foreign) and part.wire == WIRE else None


def call_input(call: ToolCall) -> Document:
    """The arguments of a call as an object, which this wire demands."""
    if call.kind == "custom":
        return {CUSTOM_ARGUMENT: call.arguments}
    return arguments_object(call.arguments)


def _thought(part: Reasoning) -> Document:
    if part.family == "anthropic" and part.signature is not None:
        if part.redacted:
            return {"type": "redacted_thinking", "data": part.signature}
        signature = part.signature
    else:
        signature = seal(part.signature, part.family, part.id)
    return {"type": "thinking", "thinking": part.text, "signature": signature}


def write_citation(citation: Citation) -> Document:
    """A source in the form that web search has here; one of this wire stays as it is."""
    if citation.wire == WIRE and isinstance(citation.native, dict):
        return citation.native
    return {
        "type": "web_search_result_location",
        "url": citation.url or "",
        "title": citation.title,
        "cited_text": citation.cited or "",
        "encrypted_index": "",
    }
