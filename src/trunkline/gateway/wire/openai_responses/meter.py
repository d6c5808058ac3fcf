"""Reads the events of a stream for usage, failures and the end, whichever way they pass.

The usage stands in the terminal event, whichever that is. OpenRouter sends no ``event:`` lines and
ends with ``[DONE]`` behind the terminal event; nothing here depends on either.
"""

from typing import Any, Final

import msgspec
from typing_extensions import override

from trunkline.gateway.metering.usage import Usage
from trunkline.gateway.wire.contract import Malformed, ProviderFault, Sight, StreamReader
from trunkline.gateway.wire.endings import may_end_badly
from trunkline.gateway.wire.openai_responses.errors import read_stream_fault
from trunkline.gateway.wire.openai_responses.usage import Reported, ToolUsage, usage_of
from trunkline.gateway.wire.sse import data_of, size_of

_DONE: Final = b"[DONE]"
_TERMINAL: Final = frozenset(
    {"response.completed", "response.incomplete", "response.failed", "response.cancelled"}
)
_FAILED: Final = frozenset({"response.failed", "response.cancelled"})
# Items that are told piece by piece: their beginning has no content yet.
_TOLD_IN_PIECES: Final = frozenset({"message", "reasoning"})
_WHOLE_ARGUMENTS: Final = frozenset(
    {"response.function_call_arguments.done", "response.custom_tool_call_input.done"}
)


# A quotation mark inside a text is escaped, so nothing but such a word looks like this.
_BAD_WORDS: Final = (b'"refusal"', b'"failed"')
# Parts of messages; a refusal is one. What its deltas say is said again in these.
_PARTS: Final = frozenset(
    {"response.content_part.added", "response.content_part.done", "response.refusal.done"}
)
_ABSENT: Final = msgspec.Raw()


class _Item(msgspec.Struct):
    type: str | None = None


class Incomplete(msgspec.Struct):
    """Why an answer is not whole."""

    reason: str | None = None


class _Response(msgspec.Struct):
    status: msgspec.Raw = _ABSENT
    model: str | None = None
    service_tier: str | None = None
    usage: Reported | None = None
    tool_usage: ToolUsage | None = None
    incomplete_details: Incomplete | None = None
    output: msgspec.Raw = _ABSENT


class _Event(msgspec.Struct):
    type: str | None = None
    delta: str | None = None
    item: _Item | None = None
    response: _Response | None = None
    arguments: str | None = None
    input: str | None = None


class _StrangeEvent(msgspec.Struct):
    type: Any = None
    error: Any = None


_decode = msgspec.json.Decoder(_Event).decode
_decode_strange = msgspec.json.Decoder(_StrangeEvent).decode


def is_filtered(incomplete: Incomplete | None) -> bool:
    """Whether a filter ended the answer."""
    return incomplete is not None and incomplete.reason == "content_filter"


def is_whole(incomplete: Incomplete | None) -> bool:
    """Whether an answer ended of itself, or at the length that its request allows."""
    return incomplete is None or incomplete.reason in {None, "max_output_tokens"}


def is_well(told: bytes) -> bool:
    """Whether no item of an output failed and none is a refusal."""
    return not any(word in told for word in _BAD_WORDS)


def _is_clean(response: _Response) -> bool:
    if not is_whole(response.incomplete_details):
        return False
    return is_well(bytes(response.status)) and is_well(bytes(response.output))


class ResponsesMeter(StreamReader):
    """Reads up to the terminal event."""

    __slots__ = (
        "_in_pieces",
        "_searched",
        "clean",
        "content_bytes",
        "error",
        "filtered",
        "input_usage",
        "model",
        "service_tier",
        "usage",
    )

    def __init__(self) -> None:
        self._in_pieces = False
        self._searched = 0
        self.usage: Usage | None = None
        self.input_usage: Usage | None = None
        self.model: str | None = None
        self.service_tier: str | None = None
        self.content_bytes = 0
        self.error: ProviderFault | None = None
        self.filtered = False
        self.clean = True

    @override
    def read(self, frame: bytes) -> Sight:
        data = data_of(frame)
        if not data or data == _DONE:
            return Sight.START
        try:
            event = _decode(data)
        except msgspec.ValidationError:
            return self._read_strange(data)
        except (msgspec.DecodeError, RecursionError):
            raise Malformed("a data line is not JSON") from None
        delta = event.delta
        if delta is not None:
            if not delta:
                return Sight.START
            self._in_pieces = True
            self.content_bytes += size_of(delta)
            return Sight.CONTENT
        kind = event.type
        if kind in _TERMINAL:
            return self._end(event, data)
        if kind is None or kind == "error":
            return self._read_strange(data)
        return self._begin_or_finish(kind, event, data)

    def _begin_or_finish(self, kind: str, event: _Event, data: bytes) -> Sight:
        """An event between the pieces."""
        if kind == "response.output_item.added":
            self._in_pieces = False
            item = event.item.type if event.item is not None else None
            return Sight.START if item in _TOLD_IN_PIECES else Sight.CONTENT
        if kind == "response.output_item.done":
            if event.item is not None and event.item.type == "web_search_call":
                self._searched += 1
            self.clean = self.clean and is_well(data)
            return Sight.CONTENT
        if kind in _PARTS:
            self.clean = self.clean and is_well(data)
            return Sight.START
        if kind in _WHOLE_ARGUMENTS and not self._in_pieces:
            # Some servers tell arguments only when they are whole.
            self.content_bytes += size_of(event.arguments or event.input or "")
            return Sight.CONTENT
        if event.response is not None and self.model is None:
            self.model = event.response.model
        return Sight.START

    def _end(self, event: _Event, data: bytes) -> Sight:
        response = event.response
        if response is not None:
            self.model = response.model or self.model
            self.service_tier = response.service_tier
            self.filtered = is_filtered(response.incomplete_details)
            self.clean = self.clean and _is_clean(response)
            self.usage = usage_of(response.usage, response.tool_usage, self._searched)
        if event.type in _FAILED:
            self.error = read_stream_fault(data)
            return Sight.ERROR
        return Sight.END

    def _read_strange(self, data: bytes) -> Sight:
        """Valid JSON of a shape that we do not know passes as it is, unless it is a failure."""
        self.clean = self.clean and not may_end_badly(data)
        try:
            event = _decode_strange(data)
        except msgspec.ValidationError:
            return Sight.CONTENT
        if event.error is not None or event.type == "error":
            self.error = read_stream_fault(data)
            return Sight.ERROR
        kind = event.type if isinstance(event.type, str) else ""
        if kind in _FAILED:
            self.error = read_stream_fault(data)
            return Sight.ERROR
        # Its end is known even where its usage is not.
        return Sight.END if kind in _TERMINAL else Sight.CONTENT
