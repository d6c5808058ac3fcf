"""Events of the internal form as those of this wire: each one a whole answer with one more part."""

from typing import Final

import msgspec
from typing_extensions import override

from trunkline.gateway.exchange.parts import Citation, Document, Reasoning, ToolCall
from trunkline.gateway.exchange.reply import (
    CitationSeen,
    Event,
    ForeignEvent,
    ReasoningDelta,
    RefusalDelta,
    SignatureDelta,
    Started,
    Stop,
    Stopped,
    TextDelta,
    ToolDelta,
    ToolEnded,
    ToolStarted,
)
from trunkline.gateway.metering.usage import Usage
from trunkline.gateway.wire.contract import Answering, EventWriter
from trunkline.gateway.wire.gemini.caller_parts import PartTeller
from trunkline.gateway.wire.gemini.citations import write_grounding
from trunkline.gateway.wire.gemini.logprobs import write_logprobs
from trunkline.gateway.wire.gemini.own import WIRE
from trunkline.gateway.wire.gemini.parts import thought
from trunkline.gateway.wire.gemini.replies import finished, response_id
from trunkline.gateway.wire.gemini.usage import write_usage

_encode = msgspec.json.Encoder().encode
_BEFORE: Final = b'data: {"candidates":[{"content":{"parts":['
_BETWEEN: Final = b'],"role":"model"},"index":'
_END: Final = b"}\r\n\r\n"


class _Choice:
    """What is not yet told of one choice: calls under way, its sources, and why it stopped."""

    __slots__ = ("calls", "cited", "stop", "teller", "texts", "thoughts")

    def __init__(self) -> None:
        self.teller = PartTeller()
        self.calls: dict[int, tuple[ToolStarted, list[str]]] = {}
        self.thoughts: list[ReasoningDelta] = []
        self.texts: list[str] = []
        self.cited: list[Citation] = []
        self.stop = Stop()


class GeminiEventWriter(EventWriter):
    """Writes one stream. A call is kept until its arguments are whole, as the format wants."""

    __slots__ = ("_after", "_answering", "_choices", "_first", "_tail")

    def __init__(self, answering: Answering) -> None:
        self._answering = answering
        self._choices: dict[int, _Choice] = {}
        self._begin(None)

    def _begin(self, model: str | None) -> None:
        """What stands behind the candidates of every event."""
        name, given = model or self._answering.model, response_id(self._answering.id)
        self._tail = b',"modelVersion":' + _encode(name) + b',"responseId":' + _encode(given)
        self._after = b"}]" + self._tail + _END
        self._first = _BETWEEN + b"0" + self._after

    @override
    def write(self, events: list[Event]) -> bytes:
        if len(events) == 1:
            return self._frame(events[0])
        return b"".join([self._frame(event) for event in events])

    def _frame(self, event: Event) -> bytes:
        if isinstance(event, Started):
            self._begin(event.model)
            return b""
        choice = self._choice(event.choice)
        if isinstance(event, TextDelta):
            return self._text(choice, event)
        if isinstance(event, ReasoningDelta):
            choice.thoughts.append(event)
            return self._part(thought(event.text, None), event.choice)
        if isinstance(event, ToolStarted):
            choice.thoughts.clear()
            choice.calls[event.index] = (event, [])
        elif isinstance(event, ToolDelta):
            call = choice.calls.get(event.index)
            if call is not None:
                call[1].append(event.arguments)
        elif isinstance(event, ToolEnded):
            return self._call(choice, event.index)
        elif isinstance(event, Stopped):
            choice.stop = event.stop
        else:
            return self._seldom(choice, event)
        return b""

    def _seldom(self, choice: _Choice, event: Event) -> bytes:
        if isinstance(event, RefusalDelta):
            choice.texts.append(event.text)
            return self._part(choice.teller.text(event.text), event.choice)
        if isinstance(event, SignatureDelta):
            return self._signature(choice, event)
        if isinstance(event, CitationSeen):
            choice.cited.append(event.citation)
        elif isinstance(event, ForeignEvent) and event.wire == WIRE:
            return self._part(event.value, event.choice)
        return b""

    def _choice(self, index: int) -> _Choice:
        choice = self._choices.get(index)
        if choice is None:
            choice = self._choices[index] = _Choice()
        return choice

    def _text(self, choice: _Choice, event: TextDelta) -> bytes:
        choice.texts.append(event.text)
        if choice.thoughts:
            choice.thoughts.clear()
        if choice.teller.waits:
            part = _encode(choice.teller.text(event.text))
        else:
            part = b'{"text":' + _encode(event.text) + b"}"
        if event.logprobs is not None:
            listed = write_logprobs(event.logprobs)
            if listed is not None:
                after = b',"logprobsResult":' + _encode(listed) + self._after
                return _BEFORE + part + _BETWEEN + b"%d" % event.choice + after
        if not event.choice:
            return _BEFORE + part + self._first
        return _BEFORE + part + _BETWEEN + b"%d" % event.choice + self._after

    def _part(self, part: Document, index: int) -> bytes:
        return _BEFORE + _encode(part) + _BETWEEN + b"%d" % index + self._after

    def _signature(self, choice: _Choice, event: SignatureDelta) -> bytes:
        """Google's own stands for itself; others wait for the next part, with their words."""
        if event.family == "google":
            choice.thoughts.clear()
            return self._part(thought("", event.signature), event.choice)
        said = [] if event.redacted else choice.thoughts
        choice.teller.keep(
            Reasoning(
                "".join(delta.text for delta in said),
                event.signature,
                event.family,
                event.id or (said[-1].id if said else None),
                redacted=event.redacted,
                summary=any(delta.summary for delta in said),
            )
        )
        if not event.redacted:
            choice.thoughts.clear()
        return b""

    def _call(self, choice: _Choice, number: int) -> bytes:
        found = choice.calls.pop(number, None)
        if found is None:
            return b""
        started, pieces = found
        call = ToolCall(
            started.id,
            started.name,
            "".join(pieces),
            started.kind,
            started.signature,
            started.family,
        )
        return self._part(choice.teller.call(call), started.choice)

    @override
    def close(self, usage: Usage | None) -> bytes:
        choices = self._choices or {0: self._choice(0)}
        frames = [
            self._call(choice, number)
            for choice in choices.values()
            for number in sorted(choice.calls)
        ]
        candidates = [self._finish(index, choice) for index, choice in sorted(choices.items())]
        report = b"" if usage is None else b',"usageMetadata":' + _encode(write_usage(usage))
        frames.append(b'data: {"candidates":' + _encode(candidates) + report + self._tail + _END)
        return b"".join(frames)

    def _finish(self, index: int, choice: _Choice) -> Document:
        content: Document = {"parts": [choice.teller.last()], "role": "model"}
        document = finished(content, choice.stop, index)
        if choice.cited:
            grounding = write_grounding({0: "".join(choice.texts)}, {0: choice.cited})
            if grounding is not None:
                document["groundingMetadata"] = grounding
        return document
