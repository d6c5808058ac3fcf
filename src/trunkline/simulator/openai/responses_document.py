"""A response as a JSON document: its envelope, the items of its output, its usage."""

from typing import Any

import msgspec

from trunkline.simulator.answer import Call, Choice
from trunkline.simulator.billing import TokenUse
from trunkline.simulator.openai.item_rules import encrypted, item_id
from trunkline.simulator.openai.responses_request import Wanted
from trunkline.simulator.openai.wire import created
from trunkline.simulator.tokens import split_tokens
from trunkline.simulator.wire import Telling

_ANSWER_LETTERS = 40
_SUMMARY_TOKENS = 24


class Output(msgspec.Struct, frozen=True):
    """One item of an answer with what it was made of.

    Attributes:
        document: the item as it is when it is done.
        pieces: the tokens of its text or arguments; of reasoning those of the summary.
        hidden: tokens that were generated and are not shown.
        call: the call behind it, if it is one.
    """

    document: dict[str, Any]
    pieces: tuple[str, ...]
    hidden: int = 0
    call: Call | None = None

    @property
    def type(self) -> str:
        """The item's type."""
        kind: str = self.document["type"]
        return kind


def wanted_of(telling: Telling) -> Wanted:
    """What the request wants besides the question."""
    wanted: Wanted = telling.question.repeated
    return wanted


def response_id(telling: Telling) -> str:
    """The id of a response."""
    return "resp_" + telling.answer.ident("response", _ANSWER_LETTERS)


def response_status(telling: Telling) -> str:
    """How a response ends."""
    return "incomplete" if telling.answer.choices[0].stop == "length" else "completed"


def running(telling: Telling, status: str = "in_progress") -> dict[str, Any]:
    """A response that has no output yet."""
    repeated = wanted_of(telling).repeated
    return {
        "id": response_id(telling),
        "object": "response",
        "created_at": created(telling.answer.digest),
        "status": status,
        "background": False,
        "completed_at": None,
        "error": None,
        "frequency_penalty": 0.0,
        "incomplete_details": None,
        **repeated,
    }


def finished(telling: Telling) -> dict[str, Any]:
    """A response that is whole, or was cut at its limit."""
    status = response_status(telling)
    document = running(telling, status)
    if status == "completed":
        document["completed_at"] = document["created_at"] + 1
    else:
        document["incomplete_details"] = {"reason": "max_output_tokens"}
    document["output"] = [output.document for output in outputs(telling)]
    document["usage"] = _usage(telling.use) if telling.with_usage else None
    return document


def outputs(telling: Telling) -> list[Output]:
    """The items of the answer: reasoning, then text, then calls."""
    choice = telling.answer.choices[0]
    made: list[Output] = []
    if choice.thoughts:
        made.append(_reasoning(telling, choice))
    if choice.text:
        cut = choice.stop == "length" and not choice.calls
        made.append(_message(telling, choice, len(made), cut=cut))
    for call in choice.calls:
        made.append(_call(telling, call, len(made)))
    return made


def _id(telling: Telling, prefix: str, number: int) -> str:
    reasoned = bool(telling.answer.choices[0].thoughts)
    answer = telling.answer.ident("response", _ANSWER_LETTERS)
    return item_id(prefix, answer, number, reasoned=reasoned)


def _reasoning(telling: Telling, choice: Choice) -> Output:
    wanted = wanted_of(telling)
    pieces: tuple[str, ...] = ()
    document: dict[str, Any] = {"id": _id(telling, "rs", 0), "type": "reasoning"}
    if wanted.encrypted:
        document["encrypted_content"] = encrypted(telling.answer.digest)
    document["summary"] = []
    if wanted.summary:
        thought = "".join(choice.thoughts[:_SUMMARY_TOKENS])
        pieces = tuple(split_tokens(f"**Looking at the question**\n\n{thought}"))
        document["summary"] = [{"type": "summary_text", "text": "".join(pieces)}]
    return Output(document, pieces, hidden=len(choice.thoughts))


def _message(telling: Telling, choice: Choice, number: int, *, cut: bool) -> Output:
    document = {
        "id": _id(telling, "msg", number),
        "type": "message",
        "status": "incomplete" if cut else "completed",
        "content": [text_part("".join(choice.text))],
        "role": "assistant",
    }
    return Output(document, choice.text)


def text_part(text: str) -> dict[str, Any]:
    """A part of text in a message of the answer."""
    return {"type": "output_text", "annotations": [], "logprobs": [], "text": text}


def _call(telling: Telling, call: Call, number: int) -> Output:
    status = "completed" if call.whole else "incomplete"
    shared = {"status": status, "call_id": f"call_{call.ident}", "name": call.name}
    if call.freeform:
        ident = _id(telling, "ctc", number)
        document = {"id": ident, "type": "custom_tool_call", "input": call.arguments, **shared}
    else:
        ident = _id(telling, "fc", number)
        document = {"id": ident, "type": "function_call", "arguments": call.arguments, **shared}
    return Output(document, call.pieces, call=call)


def _usage(use: TokenUse) -> dict[str, Any]:
    return {
        "input_tokens": use.input_total,
        "input_tokens_details": {"cached_tokens": use.cache_read},
        "output_tokens": use.output,
        "output_tokens_details": {"reasoning_tokens": use.reasoning},
        "total_tokens": use.input_total + use.output,
    }
