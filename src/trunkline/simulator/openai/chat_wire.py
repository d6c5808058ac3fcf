"""OpenAI Chat Completions, byte for byte as OpenAI frames it."""

from collections.abc import Iterator
from itertools import zip_longest
from typing import Any

import msgspec
from typing_extensions import override

from trunkline.simulator.answer import Call, Choice
from trunkline.simulator.asked import Asked
from trunkline.simulator.billing import TokenUse
from trunkline.simulator.models import OPENAI, WireName
from trunkline.simulator.openai.chat_request import read_chat
from trunkline.simulator.openai.wire import DONE, OpenAiWire, created, fingerprint, pretty
from trunkline.simulator.pace import beats
from trunkline.simulator.prompt_cache import CacheUse, PromptCache
from trunkline.simulator.question import Question
from trunkline.simulator.script import Step
from trunkline.simulator.wire import ChatWire, Telling

_FINISH = {"end": "stop", "stop_sequence": "stop", "length": "length", "tools": "tool_calls"}


class ChatCompletions(OpenAiWire, ChatWire):
    """``/v1/chat/completions``."""

    name: WireName = OPENAI

    @override
    def read(self, asked: Asked) -> Question:
        return read_chat(asked.body)

    @override
    def cached(self, cache: PromptCache, scope: str, question: Question) -> CacheUse:
        return cache.automatic(scope, question.prompt)

    @override
    def events(self, telling: Telling) -> list[Step]:
        return _Stream(telling).steps()

    @override
    def body(self, telling: Telling) -> bytes:
        question, answer = telling.question, telling.answer
        document: dict[str, Any] = {
            "id": "chatcmpl-" + answer.ident("completion", 29),
            "object": "chat.completion",
            "created": created(answer.digest),
            "model": question.model.served_as,
            "choices": [
                {
                    "index": index,
                    "message": _message(choice),
                    "logprobs": None,
                    "finish_reason": _FINISH[choice.stop],
                }
                for index, choice in enumerate(answer.choices)
            ],
        }
        if telling.with_usage:
            document["usage"] = _usage(telling.use)
        document["service_tier"] = question.service_tier
        document["system_fingerprint"] = fingerprint(question.model)
        return pretty(document)


class _Stream:
    """Writes one answer as events; what all its chunks share is encoded once."""

    def __init__(self, telling: Telling) -> None:
        self._telling = telling
        question, answer = telling.question, telling.answer
        shared = msgspec.json.encode(
            {
                "id": "chatcmpl-" + answer.ident("completion", 29),
                "object": "chat.completion.chunk",
                "created": created(answer.digest),
                "model": question.model.served_as,
                "service_tier": question.service_tier,
                "system_fingerprint": fingerprint(question.model),
            }
        )
        self._before = b"data: " + shared[:-1] + b',"choices":['
        reported = question.include_usage and telling.with_usage
        self._after = b',"usage":null}\n\n' if reported else b"}\n\n"
        self._reported = reported

    def steps(self) -> list[Step]:
        choices = self._telling.answer.choices
        woven = zip_longest(*(self._choice(index, one) for index, one in enumerate(choices)))
        steps = [step for row in woven for step in row if step is not None]
        if self._reported:
            usage = msgspec.json.encode(_usage(self._telling.use))
            steps.append(
                Step(
                    self._before + b'],"usage":' + usage + b"}\n\n",
                    kind="usage",
                    reports_usage=True,
                )
            )
        return [*steps, Step(DONE, kind="end")]

    def _choice(self, index: int, choice: Choice) -> Iterator[Step]:
        yield from beats(len(choice.thoughts))
        opening: dict[str, Any] = {
            "role": "assistant",
            "content": None if choice.calls and not choice.text else "",
            "refusal": None,
        }
        yield Step(self._chunk(index, opening), kind="start")
        for piece in choice.text:
            yield Step(self._chunk(index, {"content": piece}), 1, kind="content")
        for position, call in enumerate(choice.calls):
            yield from self._call(index, position, call)
        yield Step(self._chunk(index, {}, _FINISH[choice.stop]), kind="finish")

    def _call(self, index: int, position: int, call: Call) -> Iterator[Step]:
        opening = {"index": position, **_call(call), "function": {"name": call.name}}
        opening["function"]["arguments"] = ""
        yield Step(self._chunk(index, {"tool_calls": [opening]}), call.head_tokens, kind="content")
        for piece in call.pieces:
            delta = {"tool_calls": [{"index": position, "function": {"arguments": piece}}]}
            yield Step(self._chunk(index, delta), 1, kind="content")

    def _chunk(self, index: int, delta: dict[str, Any], finish: str | None = None) -> bytes:
        reason = b"null" if finish is None else b'"' + finish.encode() + b'"'
        return (
            self._before
            + b'{"index":%d,"delta":' % index
            + msgspec.json.encode(delta)
            + b',"logprobs":null,"finish_reason":'
            + reason
            + b"}]"
            + self._after
        )


def _message(choice: Choice) -> dict[str, Any]:
    message: dict[str, Any] = {
        "role": "assistant",
        "content": None if choice.calls and not choice.text else "".join(choice.text),
    }
    if choice.calls:
        message["tool_calls"] = [_call(call) for call in choice.calls]
    return {**message, "refusal": None, "annotations": []}


def _call(call: Call) -> dict[str, Any]:
    return {
        "id": f"call_{call.ident}",
        "type": "function",
        "function": {"name": call.name, "arguments": call.arguments},
    }


def _usage(use: TokenUse) -> dict[str, Any]:
    return {
        "prompt_tokens": use.input_total,
        "completion_tokens": use.output,
        "total_tokens": use.input_total + use.output,
        "prompt_tokens_details": {"cached_tokens": use.cache_read, "audio_tokens": 0},
        "completion_tokens_details": {
            "reasoning_tokens": use.reasoning,
            "audio_tokens": 0,
            "accepted_prediction_tokens": 0,
            "rejected_prediction_tokens": 0,
        },
    }
