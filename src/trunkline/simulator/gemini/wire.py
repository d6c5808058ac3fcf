"""Gemini's generateContent, byte for byte as Google frames it."""

from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import zip_longest
from typing import Any

import msgspec
from typing_extensions import override

from trunkline.simulator.answer import Choice
from trunkline.simulator.asked import Asked
from trunkline.simulator.billing import TokenUse
from trunkline.simulator.gemini.manners import GoogleWire, error_of, event, pretty
from trunkline.simulator.gemini.parts import Part, end_of, parts_of
from trunkline.simulator.gemini.request import read_count, read_generate
from trunkline.simulator.models import WireName
from trunkline.simulator.prompt_cache import CacheUse, PromptCache
from trunkline.simulator.question import Question
from trunkline.simulator.refusals import Refusal
from trunkline.simulator.script import Step
from trunkline.simulator.wire import Breakage, ChatWire, CountingWire, Telling

_FINISH = {"end": "STOP", "stop_sequence": "STOP", "length": "MAX_TOKENS", "tools": "STOP"}
_CREATED = 1_750_000_000


class GeminiWire(GoogleWire, ChatWire, CountingWire):
    """``:generateContent``, and ``:streamGenerateContent`` with ``alt=sse``."""

    name: WireName = "gemini"

    @override
    def read(self, asked: Asked) -> Question:
        return read_generate(asked, vertex=self._vertex)

    @override
    def count(self, asked: Asked) -> tuple[Question, bytes]:
        question = read_count(asked, vertex=self._vertex)
        counted = {
            "totalTokens": question.input_tokens,
            "promptTokensDetails": _prompt_details(question),
        }
        return question, pretty(counted)

    @override
    def cached(self, cache: PromptCache, scope: str, question: Question) -> CacheUse:
        return cache.automatic(scope, question.prompt)

    @override
    def stream_type(self, question: Question) -> str:
        return "text/event-stream"

    @override
    def events(self, telling: Telling) -> list[Step]:
        steps: list[Step] = []
        first = True
        for chunk in _Stream(telling, vertex=self._vertex).chunks():
            if chunk.document is None:
                steps.append(chunk.step)
                continue
            data = self._framed(chunk.document, first=first)
            steps.append(msgspec.structs.replace(chunk.step, data=data))
            first = False
        return steps

    @override
    def body(self, telling: Telling) -> bytes:
        candidates = [
            _candidate(
                index,
                [part.value for part in parts_of(telling, choice, streamed=False)],
                _FINISH[choice.stop],
            )
            for index, choice in enumerate(telling.answer.choices)
        ]
        use = telling.use
        return pretty(
            _response(telling, candidates, use.output, use.reasoning, vertex=self._vertex)
        )

    def _framed(self, document: dict[str, Any], *, first: bool) -> bytes:  # noqa: ARG002 - the array needs it
        return event(document)


class GeminiArrayWire(GeminiWire):
    """``:streamGenerateContent`` without ``alt=sse``: the events are items of a JSON array."""

    @override
    def stream_type(self, question: Question) -> str:
        return "application/json; charset=UTF-8"

    @override
    def events(self, telling: Telling) -> list[Step]:
        return [*super().events(telling), Step(b"]\n", kind="end")]

    @override
    def error_body(self, refusal: Refusal, request_id: str) -> bytes:
        return b"[" + pretty({"error": error_of(refusal)}) + b"]\n"

    @override
    def error_events(self, breakage: Breakage) -> tuple[bytes, ...]:
        before = b",\r\n" if breakage.events else b"["
        return (before + pretty({"error": error_of(breakage.refusal)}) + b"]\n",)

    @override
    def _framed(self, document: dict[str, Any], *, first: bool) -> bytes:
        return (b"[" if first else b",\r\n") + pretty(document)


class _Chunk(msgspec.Struct, frozen=True):
    """One event of a stream, before it is framed; silent where there is no document."""

    step: Step
    document: dict[str, Any] | None = None


class _Stream:
    """Writes one answer as chunks; counts what was generated so far, as each of them says."""

    def __init__(self, telling: Telling, *, vertex: bool) -> None:
        self._telling = telling
        self._vertex = vertex
        self._output = 0
        self._thoughts = 0

    def chunks(self) -> Iterator[_Chunk]:
        choices = self._telling.answer.choices
        woven = zip_longest(*(self._choice(index, one) for index, one in enumerate(choices)))
        last = len(choices)
        for row in woven:
            for piece in row:
                if piece is None:
                    continue
                index, part, finish = piece
                last -= finish is not None
                yield self._chunk(index, part, finish, is_last=not last)

    def _choice(self, index: int, choice: Choice) -> Iterator[tuple[int, Part, str | None]]:
        for part in parts_of(self._telling, choice, streamed=True):
            yield index, part, None
        yield index, end_of(self._telling, choice), _FINISH[choice.stop]

    def _chunk(self, index: int, part: Part, finish: str | None, *, is_last: bool) -> _Chunk:
        self._output += part.tokens
        self._thoughts += part.tokens if part.thought else 0
        if part.value is None:
            return _Chunk(Step(tokens=part.tokens))
        candidate = _candidate(index, [part.value], finish)
        document = _response(
            self._telling, [candidate], self._output, self._thoughts, vertex=self._vertex
        )
        reports = is_last and self._telling.with_usage
        kind: Any = "end" if finish else "content"
        return _Chunk(Step(tokens=part.tokens, kind=kind, reports_usage=reports), document)


def _candidate(
    index: int, parts: list[dict[str, Any] | None], finish: str | None
) -> dict[str, Any]:
    shown = [part for part in parts if part is not None]
    content: dict[str, Any] = {"parts": shown} if shown else {}
    candidate: dict[str, Any] = {"content": {**content, "role": "model"}}
    if finish is not None:
        candidate["finishReason"] = finish
    return {**candidate, "index": index}


def _response(
    telling: Telling,
    candidates: list[dict[str, Any]],
    output: int,
    thoughts: int,
    *,
    vertex: bool,
) -> dict[str, Any]:
    document: dict[str, Any] = {"candidates": candidates}
    if telling.with_usage:
        usage = _usage(telling.question, telling.use, output, thoughts)
        if vertex:
            usage["trafficType"] = "ON_DEMAND"
        document["usageMetadata"] = usage
    document["modelVersion"] = telling.question.model.served_as
    if vertex:
        seconds = _CREATED + int.from_bytes(telling.answer.digest[:3], "big")
        document["createTime"] = datetime.fromtimestamp(seconds, UTC).isoformat()
    document["responseId"] = telling.answer.ident("response", 22)
    return document


def _usage(question: Question, use: TokenUse, output: int, thoughts: int) -> dict[str, Any]:
    """Google leaves out what is nothing; candidates are counted without their thoughts."""
    counts = {
        "promptTokenCount": use.input_total,
        "cachedContentTokenCount": use.cache_read,
        "candidatesTokenCount": output - thoughts,
        "thoughtsTokenCount": thoughts,
        "totalTokenCount": use.input_total + output,
    }
    usage: dict[str, Any] = {name: count for name, count in counts.items() if count}
    usage["promptTokensDetails"] = _prompt_details(question)
    return {**usage, "serviceTier": question.service_tier}


def _prompt_details(question: Question) -> list[dict[str, Any]]:
    pieces = [piece for segment in question.prompt for piece in segment.pieces]
    images = sum(piece.startswith("<image ") for piece in pieces)
    counted = {"TEXT": len(pieces) - images, "IMAGE": images}
    return [
        {"modality": modality, "tokenCount": count} for modality, count in counted.items() if count
    ]
