"""Events as the chunks of a streamed chat.

The stop waits for the usage, which every provider tells last, so that there is one of each.
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, Final

import msgspec
from typing_extensions import override

from trunkline.gateway.exchange.parts import Document, Reasoning
from trunkline.gateway.exchange.reply import (
    CitationSeen,
    Event,
    ForeignEvent,
    PartEnded,
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
from trunkline.gateway.wire.openai_family.calls import signature_content
from trunkline.gateway.wire.openai_family.citations import write_annotations
from trunkline.gateway.wire.openai_family.content import WIRE
from trunkline.gateway.wire.openai_family.custom import custom_names, input_of
from trunkline.gateway.wire.openai_family.reasoning import write_detail
from trunkline.gateway.wire.openai_family.stops import native_word, write_stop
from trunkline.gateway.wire.openai_family.usage import write_usage

_encode = msgspec.json.Encoder().encode
_END: Final = b"data: [DONE]\n\n"
_NO_LOGPROBS: Final = b',"logprobs":null,"finish_reason":null}]'


class ChatEventWriter(EventWriter):
    """Writes ``chat.completion.chunk`` frames up to ``[DONE]``.

    Its state is what has been told of each choice.

    Args:
        answering: the request that is answered.
        prefix: what the id of an answer begins with in the caller's wire.
        wants_usage: whether a chunk of its own shall tell the usage.
        usage_at_stop: whether the last choice's stop tells it instead (Mistral).
        legacy: whether the caller knows ``function_call`` alone.
    """

    __slots__ = (
        "_answering",
        "_choices",
        "_custom",
        "_head",
        "_legacy",
        "_prefix",
        "_tail",
        "_usage_at_stop",
        "_wants_usage",
    )

    def __init__(
        self,
        answering: Answering,
        *,
        prefix: str = "",
        wants_usage: bool = False,
        usage_at_stop: bool = False,
        legacy: bool = False,
    ) -> None:
        self._answering = answering
        self._prefix = prefix
        self._wants_usage = wants_usage
        self._usage_at_stop = usage_at_stop
        self._legacy = legacy
        self._custom = custom_names(answering)
        self._head = b""
        self._tail = (b',"usage":null' if wants_usage else b"") + b"}\n\n"
        self._choices: dict[int, _ChoiceWriter] = {}

    @override
    def write(self, events: list[Event]) -> bytes:
        frames: list[bytes] = []
        for event in events:
            if isinstance(event, TextDelta):
                choice = self._choice(event.choice, frames)
                choice.length += len(event.text)
                said = b'{"content":' + _encode(event.text) + b"}"
                frames.append(self._chunk(event.choice, said, event.logprobs))
            elif isinstance(event, Started):
                self._start(event)
                self._choice(0, frames)
            elif isinstance(event, Stopped):
                self._choice(event.choice, frames).stop = event.stop
            elif not isinstance(event, PartEnded) or event.choice in self._choices:
                delta = self._choice(event.choice, frames).delta_of(event)
                if delta:
                    frames.append(self._chunk(event.choice, _encode(delta)))
        return frames[0] if len(frames) == 1 else b"".join(frames)

    @override
    def close(self, usage: Usage | None) -> bytes:
        frames: list[bytes] = []
        self._choice(0, frames)
        last = max(self._choices)
        for index in sorted(self._choices):
            at_stop = usage if self._usage_at_stop and index == last else None
            frames.append(self._stop(index, self._choices[index], at_stop))
        if usage is not None and self._wants_usage and not self._usage_at_stop:
            frames.append(self._head + b'],"usage":' + _encode(write_usage(usage)) + b"}\n\n")
        frames.append(_END)
        return b"".join(frames)

    def _start(self, event: Started) -> None:
        answering = self._answering
        head = {
            "id": self._prefix + answering.id,
            "object": "chat.completion.chunk",
            "created": event.created or answering.created,
            "model": event.model or answering.model,
        }
        self._head = b"data: " + _encode(head)[:-1] + b',"choices":['

    def _choice(self, index: int, frames: list[bytes]) -> "_ChoiceWriter":
        """A choice, whose first chunk tells the role."""
        choice = self._choices.get(index)
        if choice is None:
            if not self._head:
                self._start(Started())
            choice = self._choices[index] = _ChoiceWriter(self._custom, legacy=self._legacy)
            frames.append(self._chunk(index, b'{"role":"assistant","content":""}'))
        return choice

    def _chunk(self, index: int, delta: bytes, logprobs: Any = None) -> bytes:
        if logprobs is None:
            end = _NO_LOGPROBS
        else:
            end = b',"logprobs":' + _encode(logprobs) + b',"finish_reason":null}]'
        return self._head + b'{"index":%d,"delta":' % index + delta + end + self._tail

    def _stop(self, index: int, choice: "_ChoiceWriter", usage: Usage | None) -> bytes:
        told: Document = {
            "index": index,
            "delta": {},
            "logprobs": None,
            "finish_reason": write_stop(
                choice.stop, called=choice.called, refused=choice.refused, legacy=self._legacy
            ),
        }
        native = native_word(choice.stop)
        if native is not None:
            told["native_finish_reason"] = native
        tail = self._tail
        if usage is not None:
            tail = b',"usage":' + _encode(write_usage(usage)) + b"}\n\n"
        return self._head + _encode(told) + b"]" + tail


class _ChoiceWriter:
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


def _foreign(_choice: _ChoiceWriter, event: ForeignEvent) -> Document | None:
    """An event of these formats' own is a piece of a delta."""
    told = event.value if event.wire == WIRE else None
    return told if isinstance(told, dict) else None


_TELLERS: Final[Mapping[type[Any], Callable[[_ChoiceWriter, Any], Document | None]]] = (
    MappingProxyType(
        {
            ReasoningDelta: _ChoiceWriter.think,
            SignatureDelta: _ChoiceWriter.seal,
            RefusalDelta: _ChoiceWriter.refuse,
            CitationSeen: _ChoiceWriter.cite,
            PartEnded: _ChoiceWriter.end_part,
            ToolStarted: _ChoiceWriter.begin_call,
            ToolDelta: _ChoiceWriter.go_on,
            ToolEnded: _ChoiceWriter.end_call,
            ForeignEvent: _foreign,
        }
    )
)
