"""The parts of a whole answer, wherever its format has them."""

from typing import Any

import msgspec

from trunkline.gateway.exchange.parts import Document, Part, Reasoning, Refusal, Text, ToolCall
from trunkline.gateway.exchange.reply import Choice, Reply
from trunkline.gateway.metering.usage import Usage
from trunkline.gateway.wire.contract import Answering, Malformed
from trunkline.gateway.wire.ollama_family.calls import Call, read_call, write_call
from trunkline.gateway.wire.ollama_family.counts import counts_for, done_reason, stop_for
from trunkline.gateway.wire.ollama_family.logprobs import read_logprobs, write_logprobs
from trunkline.gateway.wire.ollama_family.times import rfc3339, unix_seconds

_COUNTED = ("prompt_eval_count", "eval_count")


def take_parts(rest: Document, text_member: str, seed: str) -> tuple[Part, ...]:
    """Take thought, text and tool calls out of the object that has them.

    Raises:
        Malformed: one of them is of another type.
    """
    parts: list[Part] = []
    thinking = rest.pop("thinking", None)
    text = rest.pop(text_member, None)
    if not isinstance(thinking, str | None) or not isinstance(text, str | None):
        raise Malformed("the answer's text is not a string")
    if thinking:
        parts.append(Reasoning(thinking))
    if text:
        parts.append(Text(text))
    for number, call in enumerate(_calls(rest.pop("tool_calls", None))):
        parts.append(read_call(call, seed, number))
    return tuple(parts)


def _calls(listed: Any) -> list[Call]:
    if listed is None:
        return []
    try:
        return msgspec.convert(listed, list[Call])
    except (msgspec.ValidationError, RecursionError):
        raise Malformed("the answer's tool calls are not what the wire promises") from None


def reply_of(wire: str, rest: Document, parts: tuple[Part, ...], extra: Document) -> Reply:
    """The answer, with what is left of its document and of its message as extensions."""
    model = rest.pop("model", None)
    called = any(isinstance(part, ToolCall) for part in parts)
    stop = stop_for(rest.pop("done_reason", None), called=called)
    for name in _COUNTED:
        rest.pop(name, None)
    logprobs = read_logprobs(rest.get("logprobs"))
    if logprobs is not None:
        del rest["logprobs"]
    return Reply(
        wire=wire,
        choices=(Choice(parts, stop, logprobs, extra),),
        model=model if isinstance(model, str) else None,
        created=unix_seconds(rest.get("created_at")),
        extra=rest,
    )


def content_of(choice: Choice, text_member: str) -> Document:
    """Thought, text and tool calls for a caller; what the format has no place for stays out."""
    texts = [part.text for part in choice.parts if isinstance(part, (Text, Refusal))]
    content: Document = {text_member: "".join(texts)}
    thought = [part.text for part in choice.parts if isinstance(part, Reasoning)]
    if any(thought):
        content["thinking"] = "".join(thought)
    calls = [part for part in choice.parts if isinstance(part, ToolCall)]
    if calls:
        content["tool_calls"] = [
            write_call(call.id, call.name, call.arguments, number)
            for number, call in enumerate(calls)
        ]
    return content


def answer_for(
    wire: str, reply: Reply, content: Document, usage: Usage | None, answering: Answering
) -> Document:
    """The whole answer around its content."""
    choice = first_choice(reply)
    document: Document = {
        "model": reply.model or answering.model,
        "created_at": rfc3339(answering.created if reply.created is None else reply.created),
        **content,
        "done_reason": done_reason(choice.stop),
        "done": True,
        **counts_for(usage),
    }
    listed = write_logprobs(choice.logprobs)
    if listed is not None:
        document["logprobs"] = listed
    return document | reply.extra if reply.wire == wire else document


def first_choice(reply: Reply) -> Choice:
    """The alternative that a caller of this format gets; it cannot ask for more than one."""
    return reply.choices[0] if reply.choices else Choice(())
