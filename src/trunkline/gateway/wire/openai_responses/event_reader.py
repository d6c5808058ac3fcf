"""The events of a provider's stream, read.

Tolerant of what servers do otherwise: arguments that come only when they are whole, empty pieces,
items that were never announced, and answers that stand in the terminal event alone. Source: the
recorded transcripts, and LM Studio's, LiteLLM's and OpenRouter's ways of speaking this wire.
"""

from typing import Any, Final

import msgspec
from typing_extensions import override

from trunkline.gateway.exchange.parts import (
    Document,
    Reasoning,
    Refusal,
    Text,
    ToolCall,
)
from trunkline.gateway.exchange.reply import (
    CitationSeen,
    Event,
    ForeignEvent,
    PartEnded,
    ReasoningDelta,
    RefusalDelta,
    SignatureDelta,
    Started,
    Stopped,
    TextDelta,
)
from trunkline.gateway.wire.contract import EventReader, Malformed
from trunkline.gateway.wire.openai_responses.content import read_annotation
from trunkline.gateway.wire.openai_responses.names import WIRE
from trunkline.gateway.wire.openai_responses.read_call import CallReader
from trunkline.gateway.wire.openai_responses.replies import read_output, read_stop
from trunkline.gateway.wire.sse import data_of

_DONE: Final = b"[DONE]"
# Tuples, since what is looked for in them may be of any type.
_CALLS: Final = ("function_call", "custom_tool_call")
_TOLD: Final = ("message", "reasoning", *_CALLS)


_ABSENT: Final = msgspec.Raw()
_EMPTY: Final = frozenset({b"[]", b"null"})


class _Event(msgspec.Struct):
    """What the pieces of every kind have; other events are decoded whole."""

    type: str | None = None
    delta: str | None = None
    item_id: str | None = None
    output_index: int | None = None
    logprobs: msgspec.Raw = _ABSENT


_decode = msgspec.json.Decoder(_Event).decode
_decode_whole = msgspec.json.Decoder(dict[str, Any]).decode
_decode_any = msgspec.json.Decoder().decode


class ResponsesEventReader(EventReader):
    """Reads one stream.

    Its state is the calls by their items, which items have been told, and the text under way.
    """

    __slots__ = (
        "_anything",
        "_calls",
        "_open",
        "_refused",
        "_seed",
        "_started",
        "_stopped",
        "_told",
    )

    def __init__(self, seed: str) -> None:
        self._seed = seed
        self._calls = CallReader(seed)
        self._started = False
        self._stopped = False
        self._open = False
        self._refused = False
        self._anything = False
        self._told = False

    @override
    def read(self, frame: bytes) -> list[Event]:
        data = data_of(frame)
        if not data or data == _DONE:
            return []
        try:
            event = _decode(data)
            kind = event.type or ""
            if event.delta is None:
                events = self._whole(kind, _decode_whole(data))
            elif kind == "response.output_text.delta":
                events = self._text(event.delta, event.logprobs)
            else:
                events = self._piece(kind, event.delta, event)
        except msgspec.ValidationError:
            return []
        except (msgspec.DecodeError, RecursionError):
            raise Malformed("a data line is not JSON") from None
        if events and not self._started:
            self._started = True
            return [Started(), *events]
        return events

    def _text(self, delta: str, logprobs: msgspec.Raw) -> list[Event]:
        if not delta:
            return []
        self._open = self._told = True
        if logprobs is _ABSENT or bytes(logprobs) in _EMPTY:
            return [TextDelta(delta)]
        return [TextDelta(delta, 0, {"content": _decode_any(logprobs)})]

    def _piece(self, kind: str, delta: str, event: _Event) -> list[Event]:
        """A piece of anything but text."""
        if kind in {
            "response.function_call_arguments.delta",
            "response.custom_tool_call_input.delta",
        }:
            return self._calls.piece(event.item_id, event.output_index, delta)
        if not delta:
            return []
        if kind == "response.refusal.delta":
            self._open = self._told = self._refused = True
            return [RefusalDelta(delta)]
        if kind in {"response.reasoning_summary_text.delta", "response.reasoning_summary.delta"}:
            return self._think(delta, event.item_id, summary=True)
        if kind in {"response.reasoning_text.delta", "response.reasoning.delta"}:
            return self._think(delta, event.item_id, summary=False)
        return []

    def _think(self, delta: str, item_id: str | None, *, summary: bool) -> list[Event]:
        self._open = self._told = True
        return [ReasoningDelta(delta, 0, summary, item_id)]

    def _whole(self, kind: str, event: Document) -> list[Event]:
        match kind:
            case "response.created" | "response.in_progress" | "response.queued":
                return self._start(event.get("response"))
            case "response.output_item.added" | "response.output_item.done":
                added = kind.endswith(".added")
                return self._added(event) if added else self._done(event)
            case "response.content_part.added" | "response.reasoning_summary_part.added":
                return self._end_part()
            case "response.content_part.done":
                return [] if _is_thought(event.get("part")) else self._end_part()
            case "response.output_text.annotation.added":
                return [CitationSeen(read_annotation(event.get("annotation")))]
            case "response.function_call_arguments.done" | "response.custom_tool_call_input.done":
                return self._calls.whole(event, event.get("arguments", event.get("input")))
            case "response.completed" | "response.incomplete":
                return self._finish(event.get("response"))
        return []

    def _start(self, response: Any) -> list[Event]:
        if self._started or not isinstance(response, dict):
            return []
        self._started = True
        known, model, created = (response.get(n) for n in ("id", "model", "created_at"))
        return [
            Started(
                known if isinstance(known, str) else None,
                model if isinstance(model, str) else None,
                int(created) if isinstance(created, int | float) else None,
            )
        ]

    def _added(self, event: Document) -> list[Event]:
        item = event.get("item")
        kind = item.get("type") if isinstance(item, dict) else None
        ended = self._end_part()
        self._told = False
        if kind in _CALLS:
            return ended + self._calls.added(event, item)
        if isinstance(kind, str) and kind not in _TOLD:
            ended.append(ForeignEvent(WIRE, event))
        return ended

    def _done(self, event: Document) -> list[Event]:
        item = event.get("item")
        kind = item.get("type") if isinstance(item, dict) else None
        self._anything = True
        if kind in _CALLS:
            return self._end_part() + self._calls.done(event, item)
        if kind == "reasoning" and isinstance(item, dict):
            return self._seal(item)
        if kind == "message":
            events = [] if self._told else self._untold(item)
            self._told = False
            return events + self._end_part()
        return [ForeignEvent(WIRE, event)] if isinstance(kind, str) else []

    def _seal(self, item: Document) -> list[Event]:
        """The end of a thought, whose signature counts as it is told now and not before."""
        events = [] if self._told else self._untold(item)
        if self._told:
            parts = read_output(item, self._seed, 0).parts
            last = parts[-1] if parts else None
            if isinstance(last, Reasoning) and last.signature is not None:
                events.append(_signature(last))
                self._open = True
        self._told = False
        return events + self._end_part()

    def _untold(self, item: Any) -> list[Event]:
        """The content of an item that came whole."""
        events: list[Event] = []
        for part in read_output(item, self._seed, 0).parts:
            if isinstance(part, Text):
                events.append(TextDelta(part.text))
                events += [CitationSeen(citation) for citation in part.citations]
            elif isinstance(part, Refusal):
                self._refused = True
                events.append(RefusalDelta(part.text))
            elif isinstance(part, Reasoning):
                if part.text:
                    events.append(ReasoningDelta(part.text, 0, part.summary, part.id))
                if part.signature is not None:
                    events.append(_signature(part))
            else:
                continue
            events.append(PartEnded())
        return events

    def _end_part(self) -> list[Event]:
        was, self._open = self._open, False
        return [PartEnded()] if was else []

    def _finish(self, response: Any) -> list[Event]:
        """The terminal event; what was never told before stands in it."""
        document = response if isinstance(response, dict) else {}
        events = self._start(document) + self._end_part()
        listed = document.get("output")
        output = listed if isinstance(listed, list) else []
        if not (self._anything or self._told or self._calls.called):
            for number, item in enumerate(output):
                kind = item.get("type") if isinstance(item, dict) else None
                place = {"output_index": number, "item": item}
                events += self._calls.done(place, item) if kind in _CALLS else self._untold(item)
        events += self._calls.close()
        self._stopped = True
        marks: tuple[Any, ...] = (Refusal(""),) if self._refused else ()
        if self._calls.called:
            marks = (ToolCall("", ""),)
        return [*events, Stopped(read_stop(document, marks))]

    @override
    def close(self) -> list[Event]:
        if self._stopped:
            return []
        return self._finish(None)


def _is_thought(part: Any) -> bool:
    """Whether a part waits for the signature, which comes with the end of its item."""
    return isinstance(part, dict) and part.get("type") == "reasoning_text"


def _signature(part: Reasoning) -> SignatureDelta:
    return SignatureDelta(part.signature or "", part.family, 0, part.redacted, part.id)
