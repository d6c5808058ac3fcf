"""The pieces of one choice as events: parts one after another, then its calls, then its stop."""

from typing import Any, Final

from trunkline.gateway.exchange.parts import Reasoning
from trunkline.gateway.exchange.reply import (
    CitationSeen,
    Event,
    ForeignEvent,
    PartEnded,
    ReasoningDelta,
    RefusalDelta,
    SignatureDelta,
    Stopped,
    TextDelta,
)
from trunkline.gateway.wire.openai_family.call_reader import CallReader
from trunkline.gateway.wire.openai_family.chunks import Choice, Delta
from trunkline.gateway.wire.openai_family.citations import read_annotation
from trunkline.gateway.wire.openai_family.content_reader import read_thinking
from trunkline.gateway.wire.openai_family.reasoning import read_block, read_detail
from trunkline.gateway.wire.openai_family.sources import WIRE
from trunkline.gateway.wire.openai_family.stops import read_stop

_TEXT: Final = "text"
_THOUGHT: Final = "thought"
_REFUSAL: Final = "refusal"


class ChoiceReader:
    """One choice: the part that is under way, its calls, and why it stopped."""

    __slots__ = ("_calls", "_index", "_kind", "_last", "_refused")

    def __init__(self, index: int, seed: str) -> None:
        self._index = index
        self._kind = ""
        self._calls = CallReader(index, seed)
        self._last: Choice | None = None
        self._refused = False

    def read(self, choice: Choice, events: list[Event]) -> None:
        delta = choice.delta
        if delta is not None:
            content = delta.content
            if content and self._kind is _TEXT and content.__class__ is str and _is_plain(delta):
                events.append(TextDelta(content, self._index, choice.logprobs))
            else:
                self._read_delta(delta, choice.logprobs, events)
        if choice.finish_reason is not None or choice.native_finish_reason is not None:
            self._last = choice

    def close(self, events: list[Event]) -> None:
        self._turn_to("", events)
        last = self._last or Choice()
        stop = read_stop(
            last.finish_reason,
            last.native_finish_reason,
            last.stop_reason,
            called=self._calls.called,
            refused=self._refused,
        )
        events.append(Stopped(stop, self._index))

    def _turn_to(self, kind: str, events: list[Event]) -> None:
        """End what is under way if something else comes."""
        self._calls.end(events)
        if self._kind != kind:
            if self._kind:
                events.append(PartEnded(self._index))
            self._kind = kind

    def _read_delta(self, delta: Delta, logprobs: Any, events: list[Event]) -> None:
        self._read_thought(delta, events)
        content = delta.content
        if isinstance(content, str):
            if content:
                self._say(content, logprobs, events)
        elif content is not None:
            self._read_list(content, logprobs, events)
        if delta.annotations:
            events.extend(
                CitationSeen(read_annotation(item), self._index) for item in delta.annotations
            )
        if delta.refusal:
            self._refused = True
            self._turn_to(_REFUSAL, events)
            events.append(RefusalDelta(delta.refusal, self._index))
        for name in ("audio", "images"):
            value = getattr(delta, name)
            if value:
                events.append(ForeignEvent(WIRE, {name: value}, self._index))
        if delta.tool_calls:
            self._end_part(events)
            for call in delta.tool_calls:
                self._calls.read(call, events)
        if delta.function_call is not None:
            self._end_part(events)
            self._calls.read_legacy(delta.function_call, events)

    def _end_part(self, events: list[Event]) -> None:
        if self._kind:
            events.append(PartEnded(self._index))
            self._kind = ""

    def _say(self, text: str, logprobs: Any, events: list[Event]) -> None:
        self._turn_to(_TEXT, events)
        events.append(TextDelta(text, self._index, logprobs))

    def _read_thought(self, delta: Delta, events: list[Event]) -> None:
        text = delta.reasoning_content or delta.reasoning or ""
        pieces: list[Reasoning] = []
        for items, read in (
            (delta.reasoning_details, read_detail),
            (delta.thinking_blocks, read_block),
        ):
            if items and not pieces:
                pieces = [piece for piece in map(read, items) if piece is not None]
        if text:
            self._think(Reasoning(text, summary=bool(pieces) and pieces[0].summary), events)
        for piece in pieces:
            # The words stand in two members, and once is enough.
            self._think(piece, events, worded=not text)

    def _think(self, piece: Reasoning, events: list[Event], *, worded: bool = True) -> None:
        if piece.text and worded:
            self._turn_to(_THOUGHT, events)
            events.append(ReasoningDelta(piece.text, self._index, piece.summary, piece.id))
        if piece.signature:
            self._turn_to(_THOUGHT, events)
            events.append(
                SignatureDelta(piece.signature, piece.family, self._index, piece.redacted, piece.id)
            )

    def _read_list(self, items: list[Any], logprobs: Any, events: list[Event]) -> None:
        for item in items:
            kind = item.get("type") if isinstance(item, dict) else None
            text = item.get("text") if kind == "text" else item
            thought = read_thinking(item) if kind == "thinking" else None
            if thought is not None:
                self._think(thought, events)
            elif isinstance(text, str):
                if text:
                    self._say(text, logprobs, events)
            else:
                events.append(ForeignEvent(WIRE, {"content": [item]}, self._index))


def _is_plain(delta: Delta) -> bool:
    """Whether a delta of text has nothing beside it."""
    return (
        delta.tool_calls is None
        and delta.reasoning_content is None
        and delta.reasoning is None
        and delta.reasoning_details is None
        and delta.annotations is None
        and delta.refusal is None
        and delta.thinking_blocks is None
        and delta.function_call is None
        and delta.audio is None
        and delta.images is None
    )
