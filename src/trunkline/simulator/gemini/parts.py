"""The parts of an answer, with the signatures that they bear."""

from collections.abc import Iterator
from typing import Any

import msgspec

from trunkline.simulator.answer import Call, Choice
from trunkline.simulator.gemini.request import insists_on_signatures
from trunkline.simulator.gemini.turns import PROVIDER, TEXT_SEALED
from trunkline.simulator.seals import seal
from trunkline.simulator.wire import Telling

_PIECES_PER_CHUNK = 6


class Part(msgspec.Struct, frozen=True):
    """A part of an answer, or silent work where there is no value."""

    value: dict[str, Any] | None
    tokens: int
    thought: bool = False


def parts_of(telling: Telling, choice: Choice, *, streamed: bool) -> Iterator[Part]:
    """The parts of an answer, in small pieces where it is streamed; its end is not among them."""
    question = telling.question
    most = _PIECES_PER_CHUNK if streamed else max(1, choice.tokens)
    for start in range(0, len(choice.thoughts), most):
        some = choice.thoughts[start : start + most]
        shown = {"text": "".join(some), "thought": True} if question.show_reasoning else None
        if shown is not None or streamed:
            yield Part(shown, len(some), thought=True)
    signs = bool(choice.thoughts)
    signature = {} if streamed else _text_signature(telling, choice)
    for start in range(0, len(choice.text), most):
        some = choice.text[start : start + most]
        yield Part({"text": "".join(some), **signature}, len(some))
    for position, call in enumerate(choice.calls):
        # A call that was cut is worked on and never told.
        signed = signs and not position
        told = _call(telling, call, signed=signed) if call.whole else None
        yield Part(told, call.head_tokens + len(call.pieces))


def end_of(telling: Telling, choice: Choice) -> Part:
    """What ends a stream: no more text, but the signature of what there was."""
    return Part({"text": "", **_text_signature(telling, choice)}, 0)


def _text_signature(telling: Telling, choice: Choice) -> dict[str, Any]:
    """Text is signed by the newest models only, and where no call bears the signature."""
    signs = choice.thoughts and choice.text and not choice.calls
    if not signs or not insists_on_signatures(telling.question.model):
        return {}
    return {"thoughtSignature": seal(PROVIDER, telling.answer.digest, TEXT_SEALED)}


def _call(telling: Telling, call: Call, *, signed: bool) -> dict[str, Any]:
    part: dict[str, Any] = {
        "functionCall": {"name": call.name, "args": msgspec.json.decode(call.arguments)}
    }
    if signed:
        part["thoughtSignature"] = seal(PROVIDER, telling.answer.digest, call.name)
    return part
