"""Bedrock's Converse, frame for frame."""

from collections.abc import Iterator, Mapping
from typing import Any

import msgspec
from typing_extensions import override

from trunkline.simulator.answer import Call, Choice
from trunkline.simulator.asked import Asked
from trunkline.simulator.bedrock.errors import BEDROCK_SAMPLES, refused
from trunkline.simulator.bedrock.event_stream import encode_frame, payload_of, with_payload
from trunkline.simulator.bedrock.request import read_converse
from trunkline.simulator.bedrock.signing import ALGORITHM, signed_by
from trunkline.simulator.bedrock.turns import PROVIDER
from trunkline.simulator.billing import TokenUse
from trunkline.simulator.models import WireName
from trunkline.simulator.prompt_cache import CacheUse, PromptCache
from trunkline.simulator.question import Question
from trunkline.simulator.refusals import Refusal, Sample
from trunkline.simulator.script import Step, StepKind
from trunkline.simulator.seals import seal
from trunkline.simulator.wire import FRAMES, Breakage, ChatWire, Headers, Telling

_STOP = {
    "end": "end_turn",
    "stop_sequence": "stop_sequence",
    "length": "max_tokens",
    "tools": "tool_use",
}
_STREAM_EXCEPTIONS = {
    400: "validationException",
    429: "throttlingException",
    500: "internalServerException",
    503: "serviceUnavailableException",
}
_WRONG_KEY = "bad-key"
_PIECES_PER_DELTA = 3
_PADDING = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"


class ConverseWire(ChatWire):
    """``/model/{model}/converse`` and ``/converse-stream``."""

    name: WireName = "bedrock_converse"
    samples: Mapping[str, Sample] = BEDROCK_SAMPLES
    chunked_bodies = False

    @override
    def credential(self, asked: Asked) -> str:
        scheme, _, key = asked.headers.get("authorization", "").partition(" ")
        key = key.strip()
        if scheme == ALGORITHM:
            return signed_by(asked)
        if scheme.lower() != "bearer" or not key:
            raise refused(
                403, "MissingAuthenticationTokenException", "Missing Authentication Token"
            )
        if key == _WRONG_KEY:
            raise refused(
                403,
                "AccessDeniedException",
                "Authentication failed: Please make sure your API Key is valid.",
            )
        return key

    @override
    def read(self, asked: Asked) -> Question:
        return read_converse(asked)

    @override
    def cached(self, cache: PromptCache, scope: str, question: Question) -> CacheUse:
        return cache.explicit(scope, question.prompt)

    @override
    def headers(self, request_id: str, input_tokens: int) -> Headers:
        return (("x-amzn-requestid", request_id),)

    @override
    def stream_type(self, question: Question) -> str:
        return FRAMES

    @override
    def events(self, telling: Telling) -> list[Step]:
        return list(_Stream(telling).steps())

    @override
    def body(self, telling: Telling) -> bytes:
        choice = telling.answer.choices[0]
        message = {"role": "assistant", "content": _content(telling, choice)}
        document: dict[str, Any] = {
            "metrics": {"latencyMs": _latency(telling)},
            "output": {"message": message},
            "stopReason": _STOP[choice.stop],
        }
        if telling.with_usage:
            document["usage"] = _usage(telling.use)
        return msgspec.json.encode(document)

    @override
    def error_body(self, refusal: Refusal, request_id: str) -> bytes:
        return msgspec.json.encode({"message": refusal.message})

    @override
    def error_events(self, breakage: Breakage) -> tuple[bytes, ...]:
        status = breakage.refusal.status
        headers = {
            ":exception-type": _STREAM_EXCEPTIONS.get(status, "modelStreamErrorException"),
            ":content-type": "application/json",
            ":message-type": "exception",
        }
        return (encode_frame(headers, self.error_body(breakage.refusal, breakage.request_id)),)

    @override
    def broken(self, event: bytes) -> bytes:
        payload = payload_of(event)
        return with_payload(event, payload[: len(payload) * 2 // 3])

    @override
    def padded(self, data: bytes, size: int) -> bytes:
        if data.startswith(b"{"):
            return super().padded(data, size)
        return with_payload(data, super().padded(payload_of(data), size))


class _Stream:
    """Writes one answer as frames; counts the blocks that it has begun."""

    def __init__(self, telling: Telling) -> None:
        self._telling = telling
        self._block = -1
        self._written = 0

    def steps(self) -> Iterator[Step]:
        choice = self._telling.answer.choices[0]
        yield self._step("messageStart", {"role": "assistant"}, kind="start")
        if choice.thoughts:
            yield from self._thoughts(choice.thoughts)
        if choice.text:
            yield from self._texts(choice.text)
        for call in choice.calls:
            yield from self._call(call)
        yield self._step("messageStop", {"stopReason": _STOP[choice.stop]}, kind="end")
        yield self._metadata()

    def _thoughts(self, pieces: tuple[str, ...]) -> Iterator[Step]:
        self._block += 1
        for some in _grouped(pieces):
            yield self._delta({"reasoningContent": {"text": "".join(some)}}, len(some))
        yield self._delta({"reasoningContent": {"signature": _signature(self._telling, pieces)}}, 0)
        yield self._close()

    def _texts(self, pieces: tuple[str, ...]) -> Iterator[Step]:
        """Texts have no opening: their first delta is the first that is heard of them."""
        self._block += 1
        for some in _grouped(pieces):
            yield self._delta({"text": "".join(some)}, len(some))
        yield self._close()

    def _call(self, call: Call) -> Iterator[Step]:
        self._block += 1
        start = {"toolUse": {"name": call.name, "toolUseId": _use_id(call)}}
        opening = {"contentBlockIndex": self._block, "start": start}
        yield self._step("contentBlockStart", opening, tokens=call.head_tokens)
        for some in _grouped(call.pieces):
            yield self._delta({"toolUse": {"input": "".join(some)}}, len(some))
        yield self._close()

    def _metadata(self) -> Step:
        document: dict[str, Any] = {"metrics": {"latencyMs": _latency(self._telling)}}
        if self._telling.with_usage:
            document["usage"] = _usage(self._telling.use)
        step = self._step("metadata", document, kind="end")
        return msgspec.structs.replace(step, reports_usage=self._telling.with_usage)

    def _delta(self, delta: dict[str, Any], tokens: int) -> Step:
        document = {"contentBlockIndex": self._block, "delta": delta}
        return self._step("contentBlockDelta", document, tokens=tokens)

    def _close(self) -> Step:
        return self._step("contentBlockStop", {"contentBlockIndex": self._block}, kind="silent")

    def _step(
        self, name: str, document: dict[str, Any], *, tokens: int = 0, kind: StepKind = "content"
    ) -> Step:
        """One frame; Bedrock pads its JSON with letters of varying number."""
        self._written += 1
        digest = self._telling.answer.digest
        padding = _PADDING[: 1 + digest[self._written % len(digest)] % len(_PADDING)]
        headers = {
            ":event-type": name,
            ":content-type": "application/json",
            ":message-type": "event",
        }
        payload = msgspec.json.encode({**document, "p": padding})
        return Step(encode_frame(headers, payload), tokens, kind=kind)


def _grouped(pieces: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    for start in range(0, len(pieces), _PIECES_PER_DELTA):
        yield pieces[start : start + _PIECES_PER_DELTA]


def _content(telling: Telling, choice: Choice) -> list[dict[str, Any]]:
    content: list[dict[str, Any]] = []
    if choice.thoughts:
        signature = _signature(telling, choice.thoughts)
        told = {"text": "".join(choice.thoughts), "signature": signature}
        content.append({"reasoningContent": {"reasoningText": told}})
    if choice.text:
        content.append({"text": "".join(choice.text)})
    return [*content, *(_tool_use(call) for call in choice.calls)]


def _tool_use(call: Call) -> dict[str, Any]:
    """A whole call; the arguments of one that was cut are no JSON and are left out."""
    arguments = msgspec.json.decode(call.arguments) if call.whole else {}
    return {"toolUse": {"toolUseId": _use_id(call), "name": call.name, "input": arguments}}


def _use_id(call: Call) -> str:
    return f"tooluse_{call.ident[:22]}"


def _signature(telling: Telling, thoughts: tuple[str, ...]) -> str:
    return seal(PROVIDER, telling.answer.digest, "".join(thoughts))


def _usage(use: TokenUse) -> dict[str, Any]:
    """Input is what the cache had no part in; the total is all there was."""
    usage: dict[str, Any] = {"inputTokens": use.uncached, "outputTokens": use.output}
    written = use.cache_write_5m + use.cache_write_1h
    if use.cache_read or written:
        usage["cacheReadInputTokens"] = use.cache_read
        usage["cacheWriteInputTokens"] = written
        kept = {"5m": use.cache_write_5m, "1h": use.cache_write_1h}
        usage["cacheDetails"] = [
            {"ttl": lifetime, "inputTokens": tokens} for lifetime, tokens in kept.items() if tokens
        ]
    return {**usage, "serverToolUsage": {}, "totalTokens": use.input_total + use.output}


def _latency(telling: Telling) -> int:
    return 200 + 10 * telling.use.output
