"""Cohere's events, written."""

from typing import Any, Final

import msgspec
from typing_extensions import override

from trunkline.gateway.exchange.parts import Document
from trunkline.gateway.exchange.reply import (
    CitationSeen,
    Event,
    PartEnded,
    ReasoningDelta,
    RefusalDelta,
    Started,
    Stop,
    Stopped,
    TextDelta,
    ToolDelta,
    ToolEnded,
    ToolStarted,
)
from trunkline.gateway.metering.usage import Usage
from trunkline.gateway.wire.cohere_chat.citations import write_citation
from trunkline.gateway.wire.cohere_chat.logprobs import write_logprobs
from trunkline.gateway.wire.cohere_chat.replies import finish_word
from trunkline.gateway.wire.cohere_family.ids import answer_id
from trunkline.gateway.wire.cohere_family.usage import usage_for
from trunkline.gateway.wire.contract import Answering, EventWriter

_encode = msgspec.json.Encoder().encode

_EMPTY_MESSAGE: Final[Document] = {
    "role": "assistant",
    "content": [],
    "tool_plan": "",
    "tool_calls": [],
    "citations": [],
}
_DELTA: Final = (
    b"event: content-delta\n"
    b'data: {"type":"content-delta","index":%d,"delta":{"message":{"content":{"%s":'
)
_DELTA_END: Final = b"}}}}\n\n"
_DONE: Final = b"data: [DONE]\n\n"


def _frame(kind: str, members: Document) -> bytes:
    return b"event: %s\ndata: %s\n\n" % (kind.encode(), _encode({"type": kind, **members}))


def _in_message(member: str, value: Any) -> Document:
    return {"message": {member: value}}


class CohereEventWriter(EventWriter):
    """Writes one stream. Its state is the block or call that is open, and what came before it."""

    __slots__ = (
        "_answering",
        "_argued",
        "_block",
        "_blocks",
        "_citations",
        "_delta",
        "_started",
        "_stop",
        "_text",
        "_tool",
    )

    def __init__(self, answering: Answering) -> None:
        self._answering = answering
        self._started = False
        self._block = ""
        self._blocks = 0
        self._delta = b""
        self._text: list[str] = []
        self._tool: int | None = None
        self._argued = False
        self._citations = 0
        self._stop = Stop()

    @override
    def write(self, events: list[Event]) -> bytes:
        if len(events) == 1:
            return self._one(events[0])
        return b"".join([self._one(event) for event in events])

    def _one(self, event: Event) -> bytes:
        """The frames that an event makes. A caller of this wire has one answer."""
        if isinstance(event, TextDelta):
            return b"" if event.choice else self._say("text", event.text, event.logprobs)
        if isinstance(event, Started):
            return self._start()
        if event.choice:
            return b""
        if isinstance(event, (ReasoningDelta, RefusalDelta)):
            kind = "thinking" if isinstance(event, ReasoningDelta) else "text"
            return self._say(kind, event.text, None)
        if isinstance(event, (ToolStarted, ToolDelta, ToolEnded)):
            return self._use_tool(event)
        return self._mark(event)

    def _mark(self, event: Event) -> bytes:
        """The frames of what ends a block or belongs to it."""
        if isinstance(event, PartEnded):
            return self._end_block()
        if isinstance(event, CitationSeen):
            return self._cite(event)
        if isinstance(event, Stopped):
            self._stop = event.stop
        return b""

    def _start(self) -> bytes:
        if self._started:
            return b""
        self._started = True
        told = {"id": answer_id(self._answering.id), "delta": {"message": _EMPTY_MESSAGE}}
        return _frame("message-start", told)

    def _say(self, kind: str, text: str, logprobs: Any) -> bytes:
        if not text:
            return b""
        opening = b"" if kind == self._block else self._open_block(kind)
        self._text.append(text)
        piece = self._delta + _encode(text)
        listed = write_logprobs(logprobs)
        if not listed:
            return opening + piece + _DELTA_END
        return opening + piece + b'}}},"logprobs":' + _encode(listed[0]) + b"}\n\n"

    def _open_block(self, kind: str) -> bytes:
        before = self._start() + self._end_block() + self._end_tool()
        self._block = kind
        self._delta = _DELTA % (self._blocks, kind.encode())
        content = _in_message("content", {"type": kind, kind: ""})
        return before + _frame("content-start", {"index": self._blocks, "delta": content})

    def _end_block(self) -> bytes:
        if not self._block:
            return b""
        self._block = ""
        self._text.clear()
        self._blocks += 1
        return _frame("content-end", {"index": self._blocks - 1})

    def _cite(self, event: CitationSeen) -> bytes:
        cited = write_citation(event.citation, "".join(self._text), self._blocks)
        index = {"index": self._citations}
        self._citations += 1
        told = {**index, "delta": _in_message("citations", cited)}
        return self._start() + _frame("citation-start", told) + _frame("citation-end", index)

    def _use_tool(self, event: ToolStarted | ToolDelta | ToolEnded) -> bytes:
        if isinstance(event, ToolStarted):
            before = self._start() + self._end_block() + self._end_tool()
            self._tool, self._argued = event.index, False
            function = {"name": event.name, "arguments": ""}
            call = {"id": event.id, "type": "function", "function": function}
            told = {"index": event.index, "delta": _in_message("tool_calls", call)}
            return before + _frame("tool-call-start", told)
        if isinstance(event, ToolDelta):
            return self._argue(event.index, event.arguments)
        return self._end_tool()

    def _argue(self, index: int, piece: str) -> bytes:
        self._argued = True
        call = {"function": {"arguments": piece}}
        return _frame("tool-call-delta", {"index": index, "delta": _in_message("tool_calls", call)})

    def _end_tool(self) -> bytes:
        index = self._tool
        if index is None:
            return b""
        none = b"" if self._argued else self._argue(index, "{}")
        self._tool = None
        return none + _frame("tool-call-end", {"index": index})

    @override
    def close(self, usage: Usage | None) -> bytes:
        before = self._start() + self._end_block() + self._end_tool()
        delta: Document = {"finish_reason": finish_word(self._stop)}
        if usage is not None:
            delta["usage"] = usage_for(usage)
        return before + _frame("message-end", {"delta": delta}) + _DONE
