"""Events as the frames of a streamed response, in OpenAI's grammar.

Each item is added, told piece by piece, and done; the numbers of the sequence grow by one. The
terminal event waits for the usage and has the whole response. Source: the recorded transcripts and
the types of OpenAI's own SDK.
"""

from typing_extensions import override

from trunkline.gateway.exchange.parts import Document
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
from trunkline.gateway.wire.openai_responses import output
from trunkline.gateway.wire.openai_responses.frames import Frames
from trunkline.gateway.wire.openai_responses.names import WIRE
from trunkline.gateway.wire.openai_responses.told_call import ToldCall
from trunkline.gateway.wire.openai_responses.told_message import ToldMessage
from trunkline.gateway.wire.openai_responses.told_thought import ToldThought
from trunkline.gateway.wire.openai_responses.tools import Called
from trunkline.gateway.wire.openai_responses.usage import write_usage


class ResponsesEventWriter(EventWriter):
    """Writes one stream. Its state is the response so far and the items that are open."""

    __slots__ = (
        "_answering",
        "_calls",
        "_foreign",
        "_frames",
        "_message",
        "_refused",
        "_response",
        "_stop",
        "_thought",
        "_tools",
    )

    def __init__(self, answering: Answering) -> None:
        self._answering = answering
        self._tools = output.known_tools(answering)
        self._frames = Frames()
        self._response: Document | None = None
        self._message: ToldMessage | None = None
        self._thought: ToldThought | None = None
        self._calls: dict[int, ToldCall] = {}
        self._foreign: dict[int, int] = {}
        self._stop = Stop()
        self._refused = False

    @override
    def write(self, events: list[Event]) -> bytes:
        frames = self._frames
        for event in events:
            if isinstance(event, TextDelta) and self._message is not None and not event.choice:
                # Nearly every frame is a piece of the text that is under way.
                self._message.say(event.text, event.logprobs)
            elif not getattr(event, "choice", 0):
                self._take(event)
        return frames.taken()

    def _take(self, event: Event) -> None:
        if self._response is None:
            self._start(event if isinstance(event, Started) else Started())
        if isinstance(event, TextDelta):
            self._said().say(event.text, event.logprobs)
        elif isinstance(event, RefusalDelta):
            self._refused = True
            self._said().refuse(event.text)
        elif isinstance(event, CitationSeen):
            self._said().cite(event.citation)
        elif isinstance(event, ReasoningDelta):
            self._thinking(event.id).think(event.text, summary=event.summary)
        elif isinstance(event, SignatureDelta):
            thought = None if event.redacted else self._thought
            if thought is None or not thought.goes_on(event.id or thought.known_as):
                thought = self._new_thought(event.id)
            thought.sign(event.signature, event.family, redacted=event.redacted)
        elif isinstance(event, PartEnded):
            self._end_part()
        elif isinstance(event, (ToolStarted, ToolDelta, ToolEnded)):
            self._call(event)
        elif isinstance(event, Stopped):
            self._stop = event.stop
        elif isinstance(event, ForeignEvent) and event.wire == WIRE:
            self._pass_on(event.value)

    def _start(self, started: Started) -> None:
        answering = self._answering
        created = answering.created if started.created is None else started.created
        response = output.response(answering, started.model or answering.model, created)
        self._response = response
        self._frames.add("response.created", response=response)
        self._frames.add("response.in_progress", response=response)

    def _said(self) -> ToldMessage:
        """The message that is under way."""
        if self._message is None:
            self._end_thought()
            self._message = ToldMessage(self._frames, self._answering)
        return self._message

    def _thinking(self, known_as: str | None) -> ToldThought:
        """The thought that is under way, if it is this one."""
        thought = self._thought
        if thought is not None and thought.goes_on(known_as):
            return thought
        return self._new_thought(known_as)

    def _new_thought(self, known_as: str | None) -> ToldThought:
        self._end_message("completed")
        self._end_thought()
        self._thought = ToldThought(self._frames, self._answering, known_as)
        return self._thought

    def _end_part(self) -> None:
        if self._message is not None:
            self._message.end_part()
        if self._thought is not None:
            self._thought.end_part()
            if self._thought.known_as is None:
                self._end_thought()

    def _end_message(self, status: str) -> None:
        if self._message is not None:
            self._message.end(status)
            self._message = None

    def _end_thought(self) -> None:
        if self._thought is not None:
            self._thought.end()
            self._thought = None

    def _call(self, event: ToolStarted | ToolDelta | ToolEnded) -> None:
        if isinstance(event, ToolStarted):
            self._end_message("completed")
            self._end_thought()
            known = self._tools.get(event.name)
            called = known or Called(event.name, custom=event.kind == "custom")
            call = ToldCall(self._frames, self._answering, event, called)
            self._calls[event.index] = call
            return
        found = self._calls.get(event.index)
        if found is None:
            return
        if isinstance(event, ToolDelta):
            found.tell(event.arguments)
        else:
            found.end()
            del self._calls[event.index]

    def _pass_on(self, value: Document) -> None:
        """An event that only this API has, at the place that its item has here."""
        told = {k: v for k, v in value.items() if k not in {"type", "sequence_number"}}
        place = value.get("output_index")
        if isinstance(place, int):
            self._end_message("completed")
            self._end_thought()
            if place not in self._foreign:
                self._foreign[place] = self._frames.reserve()
            told["output_index"] = self._foreign[place]
            if value.get("type") == "response.output_item.done":
                self._frames.output[self._foreign[place]] = value.get("item")
        self._frames.add(str(value.get("type")), **told)

    @override
    def close(self, usage: Usage | None) -> bytes:
        response = self._response
        if response is None:
            self._start(Started())
            return self.close(usage)
        for call in self._calls.values():
            call.end()
        self._calls.clear()
        cut = output.cut_short(self._stop, refused=self._refused)
        self._end_thought()
        self._end_message("completed" if cut is None else "incomplete")
        output.finish(response, [item for item in self._frames.output if item is not None], cut)
        response["usage"] = None if usage is None else write_usage(usage)
        self._frames.add(f"response.{response['status']}", response=response)
        return self._frames.taken()
