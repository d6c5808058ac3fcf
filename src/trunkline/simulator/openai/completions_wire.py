"""OpenAI's older Completions, byte for byte as OpenAI frames them."""

from collections.abc import Iterator
from itertools import zip_longest
from typing import Any

import msgspec
from typing_extensions import override

from trunkline.simulator.answer import Choice
from trunkline.simulator.asked import Asked
from trunkline.simulator.models import WireName
from trunkline.simulator.openai.completions_request import Continued, read_completion
from trunkline.simulator.openai.wire import DONE, OpenAiWire, created, pretty
from trunkline.simulator.prompt_cache import CacheUse, PromptCache
from trunkline.simulator.question import Question
from trunkline.simulator.script import Step
from trunkline.simulator.wire import ChatWire, Telling

_LIKELY = -0.125
"""What the simulator says of the likelihood of each of its tokens."""


class Completions(OpenAiWire, ChatWire):
    """``/v1/completions``."""

    name: WireName = "openai_completions"

    @override
    def read(self, asked: Asked) -> Question:
        return read_completion(asked.body)

    @override
    def cached(self, cache: PromptCache, scope: str, question: Question) -> CacheUse:
        # The models of this wire have no prompt cache.
        return CacheUse()

    @override
    def events(self, telling: Telling) -> list[Step]:
        woven = zip_longest(*map(_Streamed(telling).choice, range(telling.question.choices)))
        steps = [step for row in woven for step in row if step is not None]
        if telling.question.include_usage and telling.with_usage:
            last = {**_envelope(telling), "usage": _usage(telling), "choices": []}
            steps.append(Step(_event(last), kind="usage", reports_usage=True))
        return [*steps, Step(DONE, kind="end")]

    @override
    def body(self, telling: Telling) -> bytes:
        document = _envelope(telling)
        document["choices"] = [
            _choice(telling, number, choice) for number, choice in enumerate(telling.answer.choices)
        ]
        if telling.with_usage:
            document["usage"] = _usage(telling)
        return pretty(document)


class _Streamed:
    """Writes the choices of one answer as events."""

    def __init__(self, telling: Telling) -> None:
        self._telling = telling
        self._asked: Continued = telling.question.repeated
        reported = telling.question.include_usage and telling.with_usage
        self._after: dict[str, Any] = {"usage": None} if reported else {}

    def choice(self, number: int) -> Iterator[Step]:
        choice = self._telling.answer.choices[number]
        start = len(self._asked.prompts[number])
        if self._asked.echo:
            yield Step(self._chunk(number, self._asked.prompts[number], None, None), kind="content")
        *others, last = choice.text or ("",)
        for piece in others:
            yield Step(self._piece(number, piece, start, None), 1, kind="content")
            start += len(piece)
        finish = self._piece(number, last, start, _finish(choice))
        yield Step(finish, int(bool(choice.text)), kind="content" if last else "finish")

    def _piece(self, number: int, piece: str, start: int, finish: str | None) -> bytes:
        told = _logprobs((piece,) if piece else (), start, self._asked.logprobs)
        return self._chunk(number, piece, told, finish)

    def _chunk(
        self, number: int, text: str, logprobs: dict[str, Any] | None, finish: str | None
    ) -> bytes:
        choice = {"text": text, "index": number, "logprobs": logprobs, "finish_reason": finish}
        return _event({**_envelope(self._telling), "choices": [choice], **self._after})


def _choice(telling: Telling, number: int, choice: Choice) -> dict[str, Any]:
    asked: Continued = telling.question.repeated
    prompt = asked.prompts[number]
    return {
        "text": (prompt if asked.echo else "") + "".join(choice.text),
        "index": number,
        "logprobs": _logprobs(choice.text, len(prompt), asked.logprobs),
        "finish_reason": _finish(choice),
    }


def _logprobs(pieces: tuple[str, ...], start: int, wanted: int | None) -> dict[str, Any] | None:
    """Probabilities of the generated tokens; those of an echoed prompt are not told."""
    if wanted is None:
        return None
    offsets = []
    for piece in pieces:
        offsets.append(start)
        start += len(piece)
    return {
        "text_offset": offsets,
        "token_logprobs": [_LIKELY] * len(pieces),
        "tokens": pieces,
        "top_logprobs": [{piece: _LIKELY} for piece in pieces] if wanted else None,
    }


def _finish(choice: Choice) -> str:
    return "length" if choice.stop == "length" else "stop"


def _envelope(telling: Telling) -> dict[str, Any]:
    return {
        "id": "cmpl-" + telling.answer.ident("completion", 29),
        "object": "text_completion",
        "created": created(telling.answer.digest),
        "model": telling.question.model.served_as,
    }


def _usage(telling: Telling) -> dict[str, int]:
    use = telling.use
    return {
        "prompt_tokens": use.input_total,
        "completion_tokens": use.output,
        "total_tokens": use.input_total + use.output,
    }


def _event(chunk: dict[str, Any]) -> bytes:
    return b"data: " + msgspec.json.encode(chunk) + b"\n\n"
