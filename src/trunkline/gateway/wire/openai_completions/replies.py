"""Whole answers of the object ``text_completion``."""

from typing import Any

from trunkline.gateway.exchange.parts import Document, Reasoning, Refusal, Text
from trunkline.gateway.exchange.reply import Choice, Reply
from trunkline.gateway.metering.usage import Usage
from trunkline.gateway.wire.contract import Answering, Malformed
from trunkline.gateway.wire.openai_completions.logprobs import read_logprobs, write_logprobs
from trunkline.gateway.wire.openai_completions.requests import WIRE
from trunkline.gateway.wire.openai_family.replies import read_head, write_head
from trunkline.gateway.wire.openai_family.stops import native_word, read_stop, write_stop


def read_reply(document: Document) -> Reply:
    """A provider's answer.

    Raises:
        Malformed: it is no ``text_completion``.
    """
    head, choices, rest = read_head(document)
    return Reply(
        wire=WIRE,
        choices=tuple([_read_choice(choice, at) for at, choice in enumerate(choices)]),
        extra=rest,
        **head,
    )


def _read_choice(choice: Any, at: int) -> Choice:
    text = choice.get("text") if isinstance(choice, dict) else None
    if not isinstance(text, str):
        raise Malformed("a choice of the answer has no text")
    rest = {name: value for name, value in choice.items() if value is not None}
    del rest["text"]
    if rest.get("index") == at:
        del rest["index"]
    word, sequence = rest.pop("finish_reason", None), rest.get("stop_reason")
    if isinstance(sequence, str):
        del rest["stop_reason"]
    stop = read_stop(
        word if isinstance(word, str) else None,
        rest.pop("native_finish_reason", None),
        sequence,
        called=False,
        refused=False,
    )
    # The lists say besides where each token stands in the prompt and the text.
    return Choice((Text(text),), stop, logprobs=read_logprobs(rest.get("logprobs")), extra=rest)


def write_reply(reply: Reply, usage: Usage | None, answering: Answering) -> Document:
    """The answer for a caller; thought stands beside the text, as some servers tell it."""
    document = write_head(reply, usage, answering, prefix="cmpl-", kind="text_completion")
    own = reply.wire == WIRE
    document["choices"] = [
        _write_choice(choice, at, own=own) for at, choice in enumerate(reply.choices)
    ]
    return {**document, **reply.extra} if own else document


def _write_choice(choice: Choice, at: int, *, own: bool) -> Document:
    text = "".join([part.text for part in choice.parts if isinstance(part, Text | Refusal)])
    thought = "".join([part.text for part in choice.parts if isinstance(part, Reasoning)])
    document: Document = {
        "text": text,
        "index": at,
        "logprobs": write_logprobs(choice.logprobs, 0),
        "finish_reason": write_stop(choice.stop, called=False, refused=True),
    }
    if thought:
        document["reasoning_content"] = thought
    native = native_word(choice.stop)
    if native is not None:
        document["native_finish_reason"] = native
    if not own:
        return document
    if choice.stop.sequence is not None:
        document["stop_reason"] = choice.stop.sequence
    return {**document, **choice.extra}
