"""Mistral's completion in the middle, byte for byte as Mistral frames it."""

from collections.abc import Iterator, Mapping
from typing import Any

import msgspec
from typing_extensions import override

from trunkline.simulator.asked import Asked
from trunkline.simulator.mistral.fim_request import read_fim
from trunkline.simulator.mistral.samples import MISTRAL_SAMPLES
from trunkline.simulator.models import WireName
from trunkline.simulator.prompt_cache import CacheUse, PromptCache
from trunkline.simulator.question import Question
from trunkline.simulator.refusals import Refusal, Sample
from trunkline.simulator.script import Step
from trunkline.simulator.wire import Breakage, ChatWire, Headers, Telling

_FINISH = {"end": "stop", "stop_sequence": "stop", "length": "length"}
_CREATED = 1_757_000_000
_WRONG_KEY = "bad-key"
_UNAUTHORISED = 401
_TOKENS_PER_MINUTE = 2_000_000
_TOKENS_PER_MONTH = 10_000_000_000
_DONE = b"data: [DONE]\n\n"
_PADDING = "abcdefghijklmnopqrstuvwxyz01234"


class MistralFim(ChatWire):
    """``/v1/fim/completions``; what it answers has the shape of a chat."""

    name: WireName = "mistral_fim"
    samples: Mapping[str, Sample] = MISTRAL_SAMPLES
    chunked_bodies = True

    @override
    def credential(self, asked: Asked) -> str:
        scheme, _, key = asked.headers.get("authorization", "").partition(" ")
        key = key.strip()
        if scheme.lower() != "bearer" or not key or key == _WRONG_KEY:
            raise Refusal(_UNAUTHORISED, "unauthorized", "Unauthorized")
        return key

    @override
    def read(self, asked: Asked) -> Question:
        return read_fim(asked.body)

    @override
    def cached(self, cache: PromptCache, scope: str, question: Question) -> CacheUse:
        # Mistral's code models have no prompt cache.
        return CacheUse()

    @override
    def headers(self, request_id: str, input_tokens: int) -> Headers:
        return (
            ("mistral-correlation-id", request_id),
            ("x-ratelimit-limit-req-10-second", "60"),
            ("x-ratelimit-remaining-req-10-second", "59"),
            ("x-ratelimit-limit-tokens-minute", str(_TOKENS_PER_MINUTE)),
            (
                "x-ratelimit-remaining-tokens-minute",
                str(max(0, _TOKENS_PER_MINUTE - input_tokens)),
            ),
            ("x-ratelimit-limit-tokens-month", str(_TOKENS_PER_MONTH)),
            ("x-ratelimit-remaining-tokens-month", str(_TOKENS_PER_MONTH - input_tokens)),
            ("x-ratelimit-tokens-query-cost", str(input_tokens)),
        )

    @override
    def events(self, telling: Telling) -> list[Step]:
        return [*_steps(telling), Step(_DONE, kind="end")]

    @override
    def body(self, telling: Telling) -> bytes:
        choice = telling.answer.choices[0]
        document = _envelope(telling, "chat.completion")
        if telling.with_usage:
            document["usage"] = _usage(telling)
        message = {"role": "assistant", "tool_calls": None, "content": "".join(choice.text)}
        document["choices"] = [
            {"index": 0, "finish_reason": _FINISH[choice.stop], "message": message}
        ]
        return msgspec.json.encode(document)

    @override
    def error_body(self, refusal: Refusal, request_id: str) -> bytes:
        return msgspec.json.encode(_error(refusal))

    @override
    def error_events(self, breakage: Breakage) -> tuple[bytes, ...]:
        return (b"data: " + msgspec.json.encode(_error(breakage.refusal)) + b"\n\n",)


def _steps(telling: Telling) -> Iterator[Step]:
    choice = telling.answer.choices[0]
    yield Step(_chunk(telling, {"role": "assistant", "content": ""}, 0), kind="start")
    for number, piece in enumerate(choice.text, start=1):
        yield Step(_chunk(telling, {"content": piece}, number), 1, kind="content")
    last = _chunk(telling, {"content": ""}, len(choice.text) + 1, _FINISH[choice.stop])
    yield Step(last, kind="finish", reports_usage=telling.with_usage)


def _chunk(
    telling: Telling, delta: dict[str, str], number: int, finish: str | None = None
) -> bytes:
    """One event; but for the first, Mistral pads it to hide the length of what it says."""
    chunk = _envelope(telling, "chat.completion.chunk")
    chunk["choices"] = [{"index": 0, "delta": delta, "finish_reason": finish}]
    if finish is not None and telling.with_usage:
        chunk["usage"] = _usage(telling)
    if number:
        digest = telling.answer.digest
        chunk["p"] = _PADDING[: 1 + digest[number % len(digest)] % len(_PADDING)]
    return b"data: " + msgspec.json.encode(chunk) + b"\n\n"


def _envelope(telling: Telling, kind: str) -> dict[str, Any]:
    return {
        "id": telling.answer.digest.hex(),
        "object": kind,
        "created": _CREATED + int.from_bytes(telling.answer.digest[:3], "big"),
        "model": telling.question.model.served_as,
    }


def _usage(telling: Telling) -> dict[str, int]:
    use = telling.use
    return {
        "prompt_tokens": use.input_total,
        "total_tokens": use.input_total + use.output,
        "completion_tokens": use.output,
    }


def _error(refusal: Refusal) -> dict[str, Any]:
    """Three shapes: a bare sentence, defects of the body with their places, and all the others."""
    if refusal.status == _UNAUTHORISED:
        return {"detail": refusal.message}
    if refusal.kind == "detail":
        place = ["body", *(refusal.param or "").split(".")] if refusal.param else ["body"]
        return {"detail": [{"type": refusal.code, "loc": place, "msg": refusal.message}]}
    return {
        "object": "error",
        "message": refusal.message,
        "type": refusal.kind,
        "param": refusal.param,
        "code": refusal.code,
    }
