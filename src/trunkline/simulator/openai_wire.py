"""OpenAI Chat Completions, byte for byte as OpenAI frames it."""

from collections.abc import Iterator, Mapping
from itertools import zip_longest
from typing import Any

import msgspec
from typing_extensions import override

from trunkline.simulator.answer import Call, Choice
from trunkline.simulator.billing import TokenUse
from trunkline.simulator.models import OPENAI, SimModel, WireName, find_model, models_of
from trunkline.simulator.openai_request import model_not_found, read_chat
from trunkline.simulator.pace import beats
from trunkline.simulator.prompt_cache import CacheUse, PromptCache
from trunkline.simulator.question import Question
from trunkline.simulator.refusals import OPENAI_SAMPLES, Refusal, Sample
from trunkline.simulator.script import Step
from trunkline.simulator.wire import Headers, Telling, Wire

_FINISH = {"end": "stop", "stop_sequence": "stop", "length": "length", "tools": "tool_calls"}
_CREATED = 1_750_000_000
_REQUEST_LIMIT = 10_000
_TOKEN_LIMIT = 2_000_000
_WRONG_KEY = "bad-key"
_DONE = b"data: [DONE]\n\n"


class OpenAiWire(Wire):
    """The ``/v1/chat/completions`` family."""

    name: WireName = OPENAI
    samples: Mapping[str, Sample] = OPENAI_SAMPLES
    chunked_bodies = False

    @override
    def credential(self, headers: Mapping[str, str]) -> str:
        scheme, _, key = headers.get("authorization", "").partition(" ")
        key = key.strip()
        if scheme.lower() != "bearer" or not key:
            raise Refusal(
                401,
                "invalid_request_error",
                "You didn't provide an API key. You need to provide your API key in an "
                "Authorization header using Bearer auth (i.e. Authorization: Bearer YOUR_KEY).",
            )
        if key == _WRONG_KEY:
            raise Refusal(
                401,
                "invalid_request_error",
                f"Incorrect API key provided: {key}.",
                code="invalid_api_key",
            )
        return key

    @override
    def read(self, body: bytes) -> Question:
        return read_chat(body)

    @override
    def cached(self, cache: PromptCache, scope: str, question: Question) -> CacheUse:
        return cache.automatic(scope, question.prompt)

    @override
    def headers(self, request_id: str, question: Question | None) -> Headers:
        tokens = question.input_tokens if question else 0
        return (
            ("x-request-id", request_id),
            ("openai-organization", "org-simulator"),
            ("openai-processing-ms", str(20 + tokens % 100)),
            ("openai-version", "2020-10-01"),
            ("x-ratelimit-limit-requests", str(_REQUEST_LIMIT)),
            ("x-ratelimit-limit-tokens", str(_TOKEN_LIMIT)),
            ("x-ratelimit-remaining-requests", str(_REQUEST_LIMIT - 1)),
            ("x-ratelimit-remaining-tokens", str(max(0, _TOKEN_LIMIT - tokens))),
            ("x-ratelimit-reset-requests", "6ms"),
            ("x-ratelimit-reset-tokens", f"{tokens * 60_000 // _TOKEN_LIMIT}ms"),
        )

    @override
    def events(self, telling: Telling) -> list[Step]:
        return _Stream(telling).steps()

    @override
    def body(self, telling: Telling) -> bytes:
        question, answer = telling.question, telling.answer
        document: dict[str, Any] = {
            "id": "chatcmpl-" + answer.ident("completion", 29),
            "object": "chat.completion",
            "created": _created(answer.digest),
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
        document["system_fingerprint"] = _fingerprint(question.model)
        return _pretty(document)

    @override
    def error_body(self, refusal: Refusal, request_id: str) -> bytes:
        return _pretty({"error": _error(refusal)})

    @override
    def error_event(self, refusal: Refusal, request_id: str) -> bytes:
        return b"data: " + msgspec.json.encode({"error": _error(refusal)}) + b"\n\n"

    @override
    def models(self) -> bytes:
        return _pretty({"object": "list", "data": [_model(one) for one in models_of(OPENAI)]})

    @override
    def model(self, name: str) -> bytes:
        model = find_model(name, OPENAI)
        if model is None:
            raise model_not_found(name)
        return _pretty(_model(model))


class _Stream:
    """Writes one answer as events; what all its chunks share is encoded once."""

    def __init__(self, telling: Telling) -> None:
        self._telling = telling
        question, answer = telling.question, telling.answer
        shared = msgspec.json.encode(
            {
                "id": "chatcmpl-" + answer.ident("completion", 29),
                "object": "chat.completion.chunk",
                "created": _created(answer.digest),
                "model": question.model.served_as,
                "service_tier": question.service_tier,
                "system_fingerprint": _fingerprint(question.model),
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
        return [*steps, Step(_DONE, kind="end")]

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


def _error(refusal: Refusal) -> dict[str, Any]:
    return {
        "message": refusal.message,
        "type": refusal.kind,
        "param": refusal.param,
        "code": refusal.code,
    }


def _model(model: SimModel) -> dict[str, Any]:
    return {"id": model.name, "object": "model", "created": _CREATED, "owned_by": "simulator"}


def _created(digest: bytes) -> int:
    """A moment that belongs to the answer, so that the same answer has the same bytes."""
    return _CREATED + int.from_bytes(digest[:3], "big")


def _fingerprint(model: SimModel) -> str:
    return "fp_" + model.served_as.encode().hex()[-10:]


def _pretty(document: dict[str, Any]) -> bytes:
    return msgspec.json.format(msgspec.json.encode(document), indent=2) + b"\n"
