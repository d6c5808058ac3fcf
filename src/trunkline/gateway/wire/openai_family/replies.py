"""Whole answers of the object ``chat.completion``, which more than one format gives."""

from typing import Any

from trunkline.gateway.exchange.parts import Document, Refusal, ToolCall
from trunkline.gateway.exchange.reply import Choice, Reply
from trunkline.gateway.metering.usage import Usage
from trunkline.gateway.wire.contract import Answering, Malformed
from trunkline.gateway.wire.openai_family.answers import read_answer, write_answer
from trunkline.gateway.wire.openai_family.custom import custom_names, unwrapped
from trunkline.gateway.wire.openai_family.stops import native_word, read_stop, write_stop
from trunkline.gateway.wire.openai_family.usage import write_usage


def read_head(document: Document) -> tuple[dict[str, Any], list[Any], Document]:
    """What an answer says of itself, its choices, and what else it says.

    Raises:
        Malformed: it has no choices.
    """
    rest = {name: value for name, value in document.items() if value is not None}
    choices = rest.pop("choices", None)
    if not isinstance(choices, list):
        raise Malformed("the answer has no choices")
    for name in ("usage", "object"):
        rest.pop(name, None)
    head = {
        "id": _take(rest, "id", str),
        "model": _take(rest, "model", str) or None,
        "created": _take(rest, "created", int),
        "service_tier": _take(rest, "service_tier", str),
    }
    return head, choices, rest


def _take(rest: Document, name: str, kind: type[Any]) -> Any:
    value = rest.pop(name, None)
    return value if isinstance(value, kind) else None


def write_head(
    reply: Reply, usage: Usage | None, answering: Answering, *, prefix: str, kind: str
) -> Document:
    """What the answer for a caller says of itself, and its usage where that is known."""
    document: Document = {
        "id": prefix + answering.id,
        "object": kind,
        "created": reply.created or answering.created,
        "model": reply.model or answering.model,
        "choices": [],
    }
    if usage is not None:
        document["usage"] = write_usage(usage)
    if reply.service_tier is not None:
        tier = reply.service_tier
        document["service_tier"] = "default" if tier == "standard" else tier
    return document


def read_reply(document: Document, seed: str, wire: str) -> Reply:
    """A provider's answer.

    Raises:
        Malformed: it is no ``chat.completion``.
    """
    head, choices, rest = read_head(document)
    return Reply(
        wire=wire,
        choices=tuple([_read_choice(choice, seed, at) for at, choice in enumerate(choices)]),
        extra=rest,
        **head,
    )


def _read_choice(choice: Any, seed: str, at: int) -> Choice:
    if not isinstance(choice, dict):
        raise Malformed("a choice of the answer is not an object")
    rest = {name: value for name, value in choice.items() if value is not None}
    message = rest.pop("message", None)
    if not isinstance(message, dict):
        raise Malformed("a choice of the answer has no message")
    if rest.get("index") == at:
        del rest["index"]
    left = {name: value for name, value in message.items() if value is not None}
    parts = read_answer(left, seed, at)
    if left:
        rest["message"] = left
    word = rest.pop("finish_reason", None)
    sequence = rest.get("stop_reason")
    if isinstance(sequence, str):
        del rest["stop_reason"]
    stop = read_stop(
        word if isinstance(word, str) else None,
        rest.pop("native_finish_reason", None),
        sequence,
        called=any(isinstance(part, ToolCall) for part in parts),
        refused=any(isinstance(part, Refusal) for part in parts),
    )
    return Choice(parts, stop, logprobs=rest.pop("logprobs", None), extra=rest)


def write_reply(
    reply: Reply,
    usage: Usage | None,
    answering: Answering,
    *,
    wire: str,
    prefix: str = "",
    legacy: bool = False,
) -> Document:
    """The answer for a caller.

    Args:
        reply: what the provider said.
        usage: what it used, or None where nobody knows.
        answering: the request that is answered.
        wire: the caller's.
        prefix: what the id of an answer begins with in that wire.
        legacy: whether the caller knows ``function_call`` alone.
    """
    own = reply.wire == wire
    document = write_head(reply, usage, answering, prefix=prefix, kind="chat.completion")
    document["choices"] = [
        _write_choice(choice, at, answering, own=own, legacy=legacy)
        for at, choice in enumerate(reply.choices)
    ]
    return {**document, **reply.extra} if own else document


def _write_choice(
    choice: Choice, at: int, answering: Answering, *, own: bool, legacy: bool
) -> Document:
    parts = unwrapped(choice.parts, custom_names(answering))
    message = write_answer(parts, answering, legacy=legacy)
    called = any(isinstance(part, ToolCall) for part in choice.parts)
    refused = message["refusal"] is not None
    document: Document = {
        "index": at,
        "message": message,
        "logprobs": choice.logprobs,
        "finish_reason": write_stop(choice.stop, called=called, refused=refused, legacy=legacy),
    }
    native = native_word(choice.stop)
    if native is not None:
        document["native_finish_reason"] = native
    if own:
        extra = dict(choice.extra)
        message |= extra.pop("message", {})
        document |= extra
    if own and choice.stop.sequence is not None:
        document["stop_reason"] = choice.stop.sequence
    return document
