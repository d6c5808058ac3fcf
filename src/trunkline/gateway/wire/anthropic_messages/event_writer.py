"""One stream of this wire, written for a caller from events of the internal form.

The grammar: ``message_start``; blocks one after another, each begun, filled and ended, with indexes
that rise by one; ``message_delta`` with the reason and the whole usage; ``message_stop``. Pings may
stand anywhere. Source: the recorded streams and Anthropic's own SDK.

Thought never ends a message that says something: coding tools show its last block. A signature that
follows the words, as Gemini's does, is told once something else follows it, and left out otherwise.
Source: Claude Code, whose result is empty then; and Google's documentation of thought signatures,
which demands those of calls alone.
"""

from typing import Any, Final, Literal

import msgspec
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
from trunkline.gateway.wire.anthropic_messages.blocks import WIRE
from trunkline.gateway.wire.anthropic_messages.frames import PING, STOP, TAIL, delta_head, frame
from trunkline.gateway.wire.anthropic_messages.pending_call import PendingCall
from trunkline.gateway.wire.anthropic_messages.replies import (
    guessed_output,
    shows_thought,
    write_citation,
    write_stop,
)
from trunkline.gateway.wire.anthropic_messages.seals import seal
from trunkline.gateway.wire.anthropic_messages.usage import write_usage
from trunkline.gateway.wire.contract import Answering, EventWriter
from trunkline.gateway.wire.sse import size_of

_encode = msgspec.json.Encoder().encode
_Open = Literal["", "text", "thinking", "tool", "foreign"]
_THOUGHT: Final[Document] = {"type": "thinking", "thinking": "", "signature": ""}


class MessagesEventWriter(EventWriter):
    """Its state is the open block, the calls and the signatures that wait, and the stop.

    Blocks cannot overlap here, so a call that begins while another one is open is told after it.
    """

    __slots__ = (
        "_answering", "_call", "_calls", "_held", "_index", "_model", "_open", "_prefix", "_shows",
        "_signed", "_size", "_started", "_stop", "_waiting", "_wire",
    )  # fmt: skip

    def __init__(self, answering: Answering) -> None:
        self._answering = answering
        self._model = answering.model
        self._shows = shows_thought(answering)
        self._started = False
        self._open: _Open = ""
        self._index = -1
        self._prefix = b""
        self._signed = False
        self._held: list[str] = []
        self._call = -1
        self._calls: dict[int, PendingCall] = {}
        self._waiting: list[int] = []
        self._stop = Stop()
        self._wire = ""
        self._size = 0

    @override
    def write(self, events: list[Event]) -> bytes:
        if len(events) == 1:
            event = events[0]
            if (
                type(event) is TextDelta
                and not event.choice
                and self._open == "text"
                and event.text
            ):
                # Nearly every frame of a stream is this one.
                self._size += size_of(event.text)
                return self._prefix + _encode(event.text) + TAIL
        out: list[bytes] = []
        for event in events:
            # Nobody can ask for alternatives by this wire.
            if not getattr(event, "choice", 0):
                self._take(event, out)
        return b"".join(out)

    @override
    def close(self, usage: Usage | None) -> bytes:
        out: list[bytes] = []
        self._start(out)
        self._release(out)
        self._close(out)
        if self._index < 0:
            self._tell_held(out)
        report = {"output_tokens": guessed_output(self._size)}
        reason = write_stop(self._stop, self._wire, called=bool(self._calls))
        document = {
            "type": "message_delta",
            "delta": {"stop_reason": reason, "stop_sequence": self._stop.sequence},
            "usage": write_usage(usage) if usage is not None else report,
        }
        out.extend((frame(b"message_delta", document), STOP))
        return b"".join(out)

    def _take(self, event: Event, out: list[bytes]) -> None:  # noqa: C901 - one branch for each kind of event
        if isinstance(event, (TextDelta, RefusalDelta)):
            self._text(event.text, out)
        elif isinstance(event, ToolDelta):
            self._arguments(event, out)
        elif isinstance(event, ReasoningDelta):
            self._thought(event.text, out)
        elif isinstance(event, ToolStarted):
            self._call_begins(event, out)
        elif isinstance(event, ToolEnded):
            self._call_ends(event.index, out)
        elif isinstance(event, PartEnded):
            if self._open in {"text", "thinking"}:
                self._close(out)
        elif isinstance(event, SignatureDelta):
            self._signature(event, out)
        elif isinstance(event, CitationSeen):
            self._begin("text", {"type": "text", "text": ""}, out)
            delta = {"type": "citations_delta", "citation": write_citation(event.citation)}
            out.append(self._piece(delta))
        elif isinstance(event, Started):
            self._model = event.model or self._model
            self._start(out)
        elif isinstance(event, Stopped):
            self._stop = event.stop
        elif event.wire == WIRE:
            self._foreign(event, out)

    def _start(self, out: list[bytes]) -> None:
        if self._started:
            return
        self._started = True
        message: Document = {
            "id": f"msg_{self._answering.id}",
            "type": "message",
            "role": "assistant",
            "model": self._model,
            "content": [],
            "stop_reason": None,
            "stop_sequence": None,
            # Counts so far: other providers tell their input at the end, where it is told here.
            "usage": {"input_tokens": 0, "output_tokens": 0},
        }
        out.append(frame(b"message_start", {"type": "message_start", "message": message}))

    def _begin(self, kind: _Open, block: Document, out: list[bytes]) -> None:
        """Open a block; text goes on in an open one, and thought until it is signed."""
        if kind != "tool" and self._waiting:
            self._release(out)
        if self._open == kind and (kind == "text" or (kind == "thinking" and not self._signed)):
            return
        self._start(out)
        self._close(out)
        self._tell_held(out)
        self._open_block(kind, block, out)

    def _open_block(self, kind: _Open, block: Document, out: list[bytes]) -> None:
        self._index += 1
        self._open = kind
        if kind == "text":
            self._prefix = delta_head(self._index, b"text_delta", b"text")
        elif kind == "thinking":
            self._signed = False
            self._prefix = delta_head(self._index, b"thinking_delta", b"thinking")
        else:
            self._prefix = delta_head(self._index, b"input_json_delta", b"partial_json")
        start = {"type": "content_block_start", "index": self._index, "content_block": block}
        out.append(frame(b"content_block_start", start))

    def _close(self, out: list[bytes]) -> None:
        """End the open block; of a call, what was held back comes first."""
        if not self._open:
            return
        if self._open == "tool":
            call = self._calls[self._call]
            call.ended = True
            rest = call.rest()
            if rest:
                out.append(self._told(rest))
            self._call = -1
        elif self._open == "thinking" and not self._signed:
            # The wire demands a signature, and thought of other makers may have none.
            self._sign(seal(None, "", None), out)
        self._open = ""
        stop = {"type": "content_block_stop", "index": self._index}
        out.append(frame(b"content_block_stop", stop))

    def _told(self, text: str) -> bytes:
        self._size += size_of(text)
        return self._prefix + _encode(text) + TAIL

    def _piece(self, delta: Document) -> bytes:
        document = {"type": "content_block_delta", "index": self._index, "delta": delta}
        return frame(b"content_block_delta", document)

    def _text(self, text: str, out: list[bytes]) -> None:
        if text:
            self._begin("text", {"type": "text", "text": ""}, out)
            out.append(self._told(text))

    def _thought(self, text: str, out: list[bytes]) -> None:
        if not self._shows:
            # The caller did not ask to see it, and still learns that something happens.
            self._start(out)
            out.append(PING)
        elif text:
            self._begin("thinking", _THOUGHT, out)
            out.append(self._told(text))

    def _signature(self, event: SignatureDelta, out: list[bytes]) -> None:
        if not self._shows:
            return
        if event.redacted and event.family == "anthropic":
            self._begin("foreign", {"type": "redacted_thinking", "data": event.signature}, out)
            self._close(out)
            return
        own = event.family == "anthropic"
        text = event.signature if own else seal(event.signature, event.family, event.id)
        if self._open == "thinking" and not self._signed:
            self._sign(text, out)
        else:
            self._held.append(text)

    def _tell_held(self, out: list[bytes]) -> None:
        """Tell the signatures that belong to no words, each in a block of its own."""
        held, self._held = self._held, []
        for signature in held:
            self._open_block("thinking", _THOUGHT, out)
            self._sign(signature, out)
            self._close(out)

    def _sign(self, signature: str, out: list[bytes]) -> None:
        self._signed = True
        out.append(self._piece({"type": "signature_delta", "signature": signature}))

    def _call_begins(self, event: ToolStarted, out: list[bytes]) -> None:
        self._calls[event.index] = PendingCall(event)
        if self._open == "tool":
            self._waiting.append(event.index)
        else:
            self._open_call(event.index, out)

    def _open_call(self, index: int, out: list[bytes]) -> None:
        call = self._calls[index]
        block = {"type": "tool_use", "id": call.id, "name": call.name, "input": {}}
        self._begin("tool", block, out)
        call.started = True
        self._call = index
        held, call.held = call.held, []
        for arguments in held:
            self._told_arguments(call, arguments, out)

    def _arguments(self, event: ToolDelta, out: list[bytes]) -> None:
        call = self._calls.get(event.index)
        if call is None or not event.arguments:
            return
        if event.index == self._call:
            self._told_arguments(call, event.arguments, out)
        else:
            call.held.append(event.arguments)

    def _told_arguments(self, call: PendingCall, arguments: str, out: list[bytes]) -> None:
        if not call.streams and not call.custom:
            call.streams = "".join((*call.held, arguments)).lstrip().startswith("{")
        if call.streams:
            held = "".join(call.held)
            call.held = []
            out.append(self._told(held + arguments))
        else:
            call.held.append(arguments)

    def _call_ends(self, index: int, out: list[bytes]) -> None:
        call = self._calls.get(index)
        if call is None:
            return
        call.ended = True
        if index != self._call:
            return
        self._close(out)
        while self._waiting:
            following = self._waiting.pop(0)
            self._open_call(following, out)
            if not self._calls[following].ended:
                return
            self._close(out)

    def _release(self, out: list[bytes]) -> None:
        """Tell the calls that waited: something else comes, so the one before them is complete."""
        while self._waiting:
            self._close(out)
            self._open_call(self._waiting.pop(0), out)

    def _foreign(self, event: ForeignEvent, out: list[bytes]) -> None:
        """An event of this wire, under the index that its block has here."""
        value: Any = event.value
        kind = value.get("type")
        self._wire = WIRE
        if kind == "content_block_start":
            self._begin("foreign", value["content_block"], out)
        elif kind == "content_block_delta" and self._open:
            out.append(self._piece(value["delta"]))
        elif kind == "content_block_stop":
            self._close(out)
