"""What the events of one choice add to its message."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, Final

from trunkline.gateway.exchange.parts import Document, Reasoning
from trunkline.gateway.exchange.reply import (
    CitationSeen,
    Event,
    ForeignEvent,
    PartEnded,
    ReasoningDelta,
    RefusalDelta,
    SignatureDelta,
    Stop,
    ToolDelta,
    ToolEnded,
    ToolStarted,
)
from trunkline.gateway.wire.openai_family.calls import signature_content
from trunkline.gateway.wire.openai_family.citations import write_annotations
from trunkline.gateway.wire.openai_family.custom import input_of
from trunkline.gateway.wire.openai_family.reasoning import write_detail
from trunkline.gateway.wire.openai_family.sources import WIRE


class ChoiceWriter:
    """One choice: where its text stands, the thought under way, its calls, and its stop."""

    __slots__ = (
        "_arguments",
        "_custom",
        "_custom_names",
        "_details",
        "_legacy",
        "_thought",
        "_wrapped",
        "called",
        "length",
        "refused",
        "stop",
    )

    def __init__(self, custom_names: frozenset[str], *, legacy: bool) -> None:
        self._custom_names = custom_names
        self._legacy = legacy
        self._wrapped: list[str] | None = None
        self._thought: list[ReasoningDelta] = []
        self._details = 0
        self._arguments = False
        self._custom = False
        self.length = 0
        self.called = False
        self.refused = False
        self.stop = Stop()

    def delta_of(self, event: Event) -> Document | None:
        """What an event adds to the message, or None where it has no place or adds nothing."""
        return _TELLERS[event.__class__](self, event)

    def think(self, event: ReasoningDelta) -> Document:
        self._thought.append(event)
        return {"reasoning_content": event.text}

    def seal(self, event: SignatureDelta) -> Document:
        """A signature together with the words that it is for, which may have come in pieces."""
        thought, self._thought = self._thought, []
        part = Reasoning(
            "" if event.redacted else "".join([piece.text for piece in thought]),
            event.signature,
            event.family,
            event.id,
            redacted=event.redacted,
            summary=bool(thought) and thought[0].summary,
        )
        details = write_detail(part, self._details)
        self._details += 1
        return {"reasoning_details": details}

    def refuse(self, event: RefusalDelta) -> Document:
        self.refused = True
        return {"refusal": event.text}

    def cite(self, event: CitationSeen) -> Document:
        return {"annotations": write_annotations([event.citation], 0, self.length)}

    def end_part(self, _event: PartEnded) -> None:
        self._thought.clear()

    def begin_call(self, event: ToolStarted) -> Document | None:
        self.called = True
        self._arguments = False
        # The arguments of a function in the place of a custom tool are its text once whole.
        wrapped = event.kind == "function" and event.name in self._custom_names
        self._wrapped = [] if wrapped else None
        self._custom = wrapped or event.kind == "custom"
        if self._legacy:
            # There is one call in that form, and only one was asked for.
            told = {"name": event.name, "arguments": ""}
            return {"function_call": told} if event.index == 0 else None
        call: Document = {"index": event.index, "id": event.id}
        if self._custom:
            call |= {"type": "custom", "custom": {"name": event.name, "input": ""}}
        else:
            call |= {"type": "function", "function": {"name": event.name, "arguments": ""}}
        if event.signature is not None and event.family == "google":
            call["extra_content"] = signature_content(event.signature)
        return {"tool_calls": [call]}

    def go_on(self, event: ToolDelta) -> Document | None:
        if self._wrapped is not None:
            self._wrapped.append(event.arguments)
            return None
        self._arguments = True
        return self._piece(event.index, event.arguments)

    def end_call(self, event: ToolEnded) -> Document | None:
        if self._wrapped is not None:
            text, self._wrapped = input_of("".join(self._wrapped)), None
            return self._piece(event.index, text)
        if self._arguments or self._custom:
            return None
        return self._piece(event.index, "{}")

    def _piece(self, index: int, arguments: str) -> Document | None:
        if self._legacy:
            return {"function_call": {"arguments": arguments}} if index == 0 else None
        if self._custom:
            return {"tool_calls": [{"index": index, "custom": {"input": arguments}}]}
        return {"tool_calls": [{"index": index, "function": {"arguments": arguments}}]}


def _foreign(_choice: ChoiceWriter, event: ForeignEvent) -> Document | None:
    """An event of these formats' own is a piece of a delta."""
    told = event.value if event.wire == WIRE else None
    return told if isinstance(told, dict) else None


_TELLERS: Final[Mapping[type[Any], Callable[[ChoiceWriter, Any], Document | None]]] = (
    MappingProxyType(
        {
            ReasoningDelta: ChoiceWriter.think,
            SignatureDelta: ChoiceWriter.seal,
            RefusalDelta: ChoiceWriter.refuse,
            CitationSeen: ChoiceWriter.cite,
            PartEnded: ChoiceWriter.end_part,
            ToolStarted: ChoiceWriter.begin_call,
            ToolDelta: ChoiceWriter.go_on,
            ToolEnded: ChoiceWriter.end_call,
            ForeignEvent: _foreign,
        }
    )
)
