"""Anthropic Messages, byte for byte as Anthropic frames it."""

import base64
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

import msgspec
from typing_extensions import override

from trunkline.simulator.answer import Call, Choice
from trunkline.simulator.anthropic.messages_request import model_not_found, read_messages
from trunkline.simulator.anthropic.samples import ANTHROPIC_SAMPLES
from trunkline.simulator.asked import Asked
from trunkline.simulator.billing import TokenUse
from trunkline.simulator.models import ANTHROPIC, SimModel, WireName, find_model, models_of
from trunkline.simulator.pace import beats
from trunkline.simulator.prompt_cache import CacheUse, PromptCache
from trunkline.simulator.question import Question
from trunkline.simulator.refusals import Refusal, Sample
from trunkline.simulator.script import Step, StepKind
from trunkline.simulator.wire import Breakage, ChatWire, CountingWire, Headers, Telling

_STOP = {
    "end": "end_turn",
    "stop_sequence": "stop_sequence",
    "length": "max_tokens",
    "tools": "tool_use",
}
_LIMITS = {
    "requests": 4_000,
    "tokens": 2_480_000,
    "input-tokens": 2_000_000,
    "output-tokens": 480_000,
}
_WRONG_KEY = "bad-key"
_PING = b'event: ping\ndata: {"type": "ping"}\n\n'
_PIECES_PER_DELTA = 3
_LONGEST_PADDING = 16
_SIGNATURE_BYTES = 96


class AnthropicWire(ChatWire, CountingWire):
    """The ``/v1/messages`` family."""

    name: WireName = ANTHROPIC
    samples: Mapping[str, Sample] = ANTHROPIC_SAMPLES
    chunked_bodies = True

    @override
    def credential(self, asked: Asked) -> str:
        headers = asked.headers
        scheme, _, bearer = headers.get("authorization", "").partition(" ")
        key = headers.get("x-api-key") or (bearer.strip() if scheme.lower() == "bearer" else "")
        if not key:
            raise Refusal(401, "authentication_error", "x-api-key header is required")
        if key == _WRONG_KEY:
            raise Refusal(401, "authentication_error", "invalid x-api-key")
        if "anthropic-version" not in headers:
            raise Refusal(400, "invalid_request_error", "anthropic-version: header is required")
        return key

    @override
    def read(self, asked: Asked) -> Question:
        return read_messages(asked.body)

    @override
    def count(self, asked: Asked) -> tuple[Question, bytes]:
        question = read_messages(asked.body, counting=True)
        return question, msgspec.json.encode({"input_tokens": question.input_tokens})

    @override
    def cached(self, cache: PromptCache, scope: str, question: Question) -> CacheUse:
        return cache.explicit(scope, question.prompt)

    @override
    def headers(self, request_id: str, input_tokens: int) -> Headers:
        now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        used = {
            "requests": 1,
            "tokens": input_tokens,
            "input-tokens": input_tokens,
            "output-tokens": 0,
        }
        limits = []
        for kind, limit in _LIMITS.items():
            name = f"anthropic-ratelimit-{kind}"
            limits += [
                (f"{name}-limit", str(limit)),
                (f"{name}-remaining", str(max(0, limit - used[kind]))),
                (f"{name}-reset", now),
            ]
        return (
            ("request-id", request_id),
            ("anthropic-organization-id", "00000000-0000-4000-8000-000000000000"),
            *limits,
        )

    @override
    def events(self, telling: Telling) -> list[Step]:
        return list(_Stream(telling).steps())

    @override
    def body(self, telling: Telling) -> bytes:
        choice = telling.answer.choices[0]
        document = _envelope(telling)
        document["content"] = _content(telling, choice)
        document["stop_reason"] = _STOP[choice.stop]
        document["stop_sequence"] = choice.matched_stop
        if telling.with_usage:
            document["usage"] = _usage(telling.use, telling.use.output, telling.question)
        return msgspec.json.encode(document)

    @override
    def error_body(self, refusal: Refusal, request_id: str) -> bytes:
        return msgspec.json.encode({**_error(refusal), "request_id": request_id})

    @override
    def error_events(self, breakage: Breakage) -> tuple[bytes, ...]:
        body = self.error_body(breakage.refusal, breakage.request_id)
        return (b"event: error\ndata: " + body + b"\n\n",)

    def models(self, _: Asked) -> bytes:
        """The list of models as a JSON document."""
        shown = [_model(one) for one in models_of(ANTHROPIC)]
        return msgspec.json.encode(
            {
                "data": shown,
                "has_more": False,
                "first_id": shown[0]["id"],
                "last_id": shown[-1]["id"],
            }
        )

    def model(self, asked: Asked) -> bytes:
        """One model as a JSON document.

        Raises:
            Refusal: there is no such model.
        """
        name = asked.params["model"]
        model = find_model(name, ANTHROPIC)
        if model is None:
            raise model_not_found(name)
        return msgspec.json.encode(_model(model))


class _Stream:
    """Writes one answer as events; counts the blocks that it has opened."""

    def __init__(self, telling: Telling) -> None:
        self._telling = telling
        self._block = -1
        self._written = 0

    def steps(self) -> Iterator[Step]:
        telling = self._telling
        choice = telling.answer.choices[0]
        yield self._start()
        pinged = False
        for opening in self._blocks(choice):
            for number, step in enumerate(opening):
                yield step
                if number == 0 and not pinged:
                    pinged = True
                    yield Step(_PING)
        yield self._finish(choice)
        yield self._step("message_stop", {"type": "message_stop"}, kind="end")

    def _start(self) -> Step:
        message = _envelope(self._telling)
        if self._telling.with_usage:
            message["usage"] = _usage(self._telling.use, 1, self._telling.question)
        return self._step(
            "message_start", {"type": "message_start", "message": message}, kind="start"
        )

    def _finish(self, choice: Choice) -> Step:
        event: dict[str, Any] = {
            "type": "message_delta",
            "delta": {
                "stop_reason": _STOP[choice.stop],
                "stop_sequence": choice.matched_stop,
            },
        }
        with_usage = self._telling.with_usage
        if with_usage:
            event["usage"] = _delta_usage(self._telling.use)
        data = self._event("message_delta", event)
        return Step(data, kind="finish", reports_usage=with_usage)

    def _blocks(self, choice: Choice) -> Iterator[Iterator[Step]]:
        if choice.thoughts:
            yield self._thinking(choice)
        if choice.text:
            yield self._pieces({"type": "text", "text": ""}, "text", choice.text)
        for call in choice.calls:
            yield self._call(call)

    def _thinking(self, choice: Choice) -> Iterator[Step]:
        yield self._open({"type": "thinking", "thinking": "", "signature": ""})
        if self._telling.question.show_reasoning:
            yield from self._deltas("thinking", choice.thoughts)
        else:
            yield from beats(len(choice.thoughts))
        signature = _signature(self._telling)
        yield self._delta({"type": "signature_delta", "signature": signature}, 0)
        yield self._close()

    def _pieces(self, block: dict[str, Any], name: str, pieces: tuple[str, ...]) -> Iterator[Step]:
        yield self._open(block)
        yield from self._deltas(name, pieces)
        yield self._close()

    def _call(self, call: Call) -> Iterator[Step]:
        opened = self._open(
            {"type": "tool_use", "id": f"toolu_{call.ident}", "name": call.name, "input": {}}
        )
        yield msgspec.structs.replace(opened, tokens=call.head_tokens)
        yield self._delta({"type": "input_json_delta", "partial_json": ""}, 0)
        for start in range(0, len(call.pieces), _PIECES_PER_DELTA):
            pieces = call.pieces[start : start + _PIECES_PER_DELTA]
            delta = {"type": "input_json_delta", "partial_json": "".join(pieces)}
            yield self._delta(delta, len(pieces))
        yield self._close()

    def _deltas(self, name: str, pieces: tuple[str, ...]) -> Iterator[Step]:
        for start in range(0, len(pieces), _PIECES_PER_DELTA):
            some = pieces[start : start + _PIECES_PER_DELTA]
            yield self._delta({"type": f"{name}_delta", name: "".join(some)}, len(some))

    def _open(self, block: dict[str, Any]) -> Step:
        self._block += 1
        event = {"type": "content_block_start", "index": self._block, "content_block": block}
        # A tool's name is content already; the openings of text and thinking are not.
        kind: StepKind = "content" if block["type"] == "tool_use" else "start"
        return Step(self._event("content_block_start", event), kind=kind)

    def _delta(self, delta: dict[str, Any], tokens: int) -> Step:
        event = {"type": "content_block_delta", "index": self._block, "delta": delta}
        return Step(self._event("content_block_delta", event), tokens, kind="content")

    def _close(self) -> Step:
        event = {"type": "content_block_stop", "index": self._block}
        return Step(self._event("content_block_stop", event), kind="silent")

    def _step(self, name: str, event: dict[str, Any], *, kind: StepKind) -> Step:
        return Step(self._event(name, event), kind=kind)

    def _event(self, name: str, event: dict[str, Any]) -> bytes:
        """One event; Anthropic pads its JSON with spaces of varying number."""
        self._written += 1
        digest = self._telling.answer.digest
        padding = digest[self._written % len(digest)] % _LONGEST_PADDING
        encoded = msgspec.json.encode(event)
        return b"event: " + name.encode() + b"\ndata: " + encoded + b" " * padding + b"\n\n"


def _envelope(telling: Telling) -> dict[str, Any]:
    return {
        "model": telling.question.model.served_as,
        "id": "msg_01" + telling.answer.ident("message", 22),
        "type": "message",
        "role": "assistant",
        "content": [],
        "stop_reason": None,
        "stop_sequence": None,
    }


def _content(telling: Telling, choice: Choice) -> list[dict[str, Any]]:
    content: list[dict[str, Any]] = []
    if choice.thoughts:
        shown = "".join(choice.thoughts) if telling.question.show_reasoning else ""
        content.append({"type": "thinking", "thinking": shown, "signature": _signature(telling)})
    if choice.text:
        content.append({"type": "text", "text": "".join(choice.text)})
    return [*content, *(_tool_use(call) for call in choice.calls)]


def _tool_use(call: Call) -> dict[str, Any]:
    """A whole call; the arguments of one that was cut are no JSON and are left out."""
    return {
        "type": "tool_use",
        "id": f"toolu_{call.ident}",
        "name": call.name,
        "input": msgspec.json.decode(call.arguments) if call.whole else {},
    }


def _signature(telling: Telling) -> str:
    letters = telling.answer.ident("signature", 64) + telling.answer.ident("signature 2", 32)
    return base64.b64encode(letters[:_SIGNATURE_BYTES].encode()).decode()


def _usage(use: TokenUse, output: int, question: Question) -> dict[str, Any]:
    usage: dict[str, Any] = {
        "input_tokens": use.uncached,
        "cache_creation_input_tokens": use.cache_write_5m + use.cache_write_1h,
        "cache_read_input_tokens": use.cache_read,
        "cache_creation": {
            "ephemeral_5m_input_tokens": use.cache_write_5m,
            "ephemeral_1h_input_tokens": use.cache_write_1h,
        },
        "output_tokens": output,
    }
    if use.reasoning and output >= use.reasoning:
        usage["output_tokens_details"] = {"thinking_tokens": use.reasoning}
    return {**usage, "service_tier": question.service_tier}


def _delta_usage(use: TokenUse) -> dict[str, Any]:
    usage: dict[str, Any] = {
        "input_tokens": use.uncached,
        "cache_creation_input_tokens": use.cache_write_5m + use.cache_write_1h,
        "cache_read_input_tokens": use.cache_read,
        "output_tokens": use.output,
    }
    if use.reasoning:
        usage["output_tokens_details"] = {"thinking_tokens": use.reasoning}
    return usage


def _error(refusal: Refusal) -> dict[str, Any]:
    error: dict[str, Any] = {"type": refusal.kind, "message": refusal.message}
    if refusal.code is not None:
        error["details"] = {"error_code": refusal.code}
    return {"type": "error", "error": error}


def _model(model: SimModel) -> dict[str, Any]:
    return {
        "type": "model",
        "id": model.name,
        "display_name": model.name.replace("-", " ").title(),
        "created_at": "2025-06-15T00:00:00Z",
        "lifecycle": "active",
        "line": None,
        "capabilities": None,
        "max_input_tokens": model.context,
        "max_tokens": model.max_output,
    }
