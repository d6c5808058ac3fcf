"""Ollama's chat and generate, line for line."""

from abc import abstractmethod
from collections.abc import Iterator
from typing import Any

import msgspec
from typing_extensions import override

from trunkline.simulator.answer import Call, Choice
from trunkline.simulator.asked import Asked
from trunkline.simulator.models import WireName
from trunkline.simulator.ollama.manners import OllamaWire, moment
from trunkline.simulator.ollama.request import read_chat, read_generate
from trunkline.simulator.prompt_cache import CacheUse, PromptCache
from trunkline.simulator.question import Question
from trunkline.simulator.script import Step
from trunkline.simulator.wire import LINES, ChatWire, Telling

_DONE = {"end": "stop", "stop_sequence": "stop", "length": "length", "tools": "stop"}
_LOADING = 1_631_208
_PER_INPUT_TOKEN = 150_000
_PER_OUTPUT_TOKEN = 16_000_000
"""Nanoseconds that the model is said to have taken."""


class _SpeakingWire(OllamaWire, ChatWire):
    """What chat and generate share; they differ in where the text stands."""

    @abstractmethod
    def said(self, text: str, thinking: str, calls: tuple[Call, ...]) -> dict[str, Any]:
        """The members of a line that carry what was said."""

    @override
    def cached(self, cache: PromptCache, scope: str, question: Question) -> CacheUse:
        return CacheUse()

    @override
    def stream_type(self, question: Question) -> str:
        return LINES

    @override
    def events(self, telling: Telling) -> list[Step]:
        return list(self._lines(telling))

    @override
    def body(self, telling: Telling) -> bytes:
        choice = telling.answer.choices[0]
        text, thinking = "".join(choice.text), "".join(choice.thoughts)
        line = self._line(telling, telling.use.output, self.said(text, thinking, _whole(choice)))
        return msgspec.json.encode({**line, **_done(telling, choice)})

    def _lines(self, telling: Telling) -> Iterator[Step]:
        """A token a line, then the calls, each whole, then the end with the counts."""
        choice = telling.answer.choices[0]
        told = 0
        for piece in choice.thoughts:
            told += 1
            yield self._step(telling, told, 1, self.said("", piece, ()))
        for piece in choice.text:
            told += 1
            yield self._step(telling, told, 1, self.said(piece, "", ()))
        for call in choice.calls:
            tokens = call.head_tokens + len(call.pieces)
            told += tokens
            if call.whole:
                yield self._step(telling, told, tokens, self.said("", "", (call,)))
            else:
                yield Step(tokens=tokens)
        line = {**self._line(telling, told, self.said("", "", ())), **_done(telling, choice)}
        data = msgspec.json.encode(line) + b"\n"
        yield Step(data, kind="end", reports_usage=telling.with_usage)

    def _step(self, telling: Telling, told: int, tokens: int, said: dict[str, Any]) -> Step:
        line = {**self._line(telling, told, said), "done": False}
        return Step(msgspec.json.encode(line) + b"\n", tokens, kind="content")

    def _line(self, telling: Telling, told: int, said: dict[str, Any]) -> dict[str, Any]:
        return {
            "model": telling.question.model.served_as,
            "created_at": moment(telling.answer.digest, told * _PER_OUTPUT_TOKEN / 1e9),
            **said,
        }


class ChatApi(_SpeakingWire):
    """``/api/chat``."""

    name: WireName = "ollama_chat"

    @override
    def read(self, asked: Asked) -> Question:
        return read_chat(asked)

    @override
    def said(self, text: str, thinking: str, calls: tuple[Call, ...]) -> dict[str, Any]:
        message: dict[str, Any] = {"role": "assistant", "content": text}
        if thinking:
            message["thinking"] = thinking
        if calls:
            message["tool_calls"] = [
                {"function": {"name": call.name, "arguments": msgspec.json.decode(call.arguments)}}
                for call in calls
            ]
        return {"message": message}


class GenerateApi(_SpeakingWire):
    """``/api/generate``."""

    name: WireName = "ollama_generate"

    @override
    def read(self, asked: Asked) -> Question:
        return read_generate(asked)

    @override
    def said(self, text: str, thinking: str, calls: tuple[Call, ...]) -> dict[str, Any]:
        return {"response": text, **({"thinking": thinking} if thinking else {})}


def _whole(choice: Choice) -> tuple[Call, ...]:
    return tuple(call for call in choice.calls if call.whole)


def _done(telling: Telling, choice: Choice) -> dict[str, Any]:
    use = telling.use
    reading, writing = use.input_total * _PER_INPUT_TOKEN, use.output * _PER_OUTPUT_TOKEN
    done: dict[str, Any] = {"done_reason": _DONE[choice.stop], "done": True}
    if not telling.with_usage:
        return done
    return {
        **done,
        "total_duration": _LOADING + reading + writing,
        "load_duration": _LOADING,
        "prompt_eval_count": use.input_total,
        "prompt_eval_duration": reading,
        "eval_count": use.output,
        "eval_duration": writing,
    }
