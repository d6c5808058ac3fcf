"""Anthropic Messages, as a caller sends it and as a provider speaks it.

Source: the recorded transcripts of this wire and the types of Anthropic's own SDK.
"""

from typing import Any, Final

import msgspec
from typing_extensions import override

from trunkline.errors import InvalidRequest, TrunklineError
from trunkline.gateway.metering.usage import Usage
from trunkline.gateway.wire.anthropic_messages import errors as anthropic_errors
from trunkline.gateway.wire.anthropic_messages.codec import AnthropicMessagesCodec
from trunkline.gateway.wire.anthropic_messages.seals import SEAL, unsealed_messages
from trunkline.gateway.wire.anthropic_messages.usage import (
    ReportedUsage,
    is_whole,
    merged,
    read_usage,
    tier_of,
)
from trunkline.gateway.wire.contract import (
    CHAT,
    COUNT_TOKENS,
    NOWHERE,
    Inbound,
    Malformed,
    Place,
    ProviderFault,
    Reply,
    Sight,
    StreamReader,
    Wire,
)
from trunkline.gateway.wire.endings import BAD_ENDS, may_end_badly
from trunkline.gateway.wire.members import (
    count_marks,
    encode_members,
    may_have_parts,
    read_count,
    read_flag,
    read_members,
    read_tags,
    read_text,
    require_messages,
    required_model,
    shortened,
    unescaped,
)
from trunkline.gateway.wire.sse import EVENT_STREAM, FrameSplitter, data_of, size_of

# Anthropic's classifiers stopped the answer; a model's own refusal is an answer like any other.
_REFUSED: Final = "refusal"
_SEAL: Final = f'"{SEAL}'.encode()
_ATTACHMENTS: Final = (b'"image"',)
_FILES: Final = (b'"document"', b'"container_upload"')
_OWN_CEILING: Final = ("max_tokens",)
_PARTICULARS: Final = frozenset({"tools", "mcp_servers", "metadata", "service_tier"})
# What runs at the provider and brings text of its own into the context.
_SERVER_TOOLS: Final = (b'"web_search_', b'"web_fetch_', b'"code_execution_', b'"mcp_toolset"')


class _Reply(msgspec.Struct):
    type: str | None = None
    model: str | None = None
    usage: ReportedUsage | None = None
    input_tokens: int | None = None
    stop_reason: str | None = None


class _Delta(msgspec.Struct):
    text: str | None = None
    partial_json: str | None = None
    thinking: str | None = None
    stop_reason: str | None = None


class _Block(msgspec.Struct):
    type: str | None = None


class _Event(msgspec.Struct):
    type: str
    message: _Reply | None = None
    usage: ReportedUsage | None = None
    delta: _Delta | None = None
    content_block: _Block | None = None


_decode_reply = msgspec.json.Decoder(_Reply).decode
_decode_event = msgspec.json.Decoder(_Event).decode


class AnthropicMessagesReader(StreamReader):
    """Reads message events up to ``message_stop``."""

    __slots__ = (
        "_reported",
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
        self._reported: ReportedUsage | None = None
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
        if not data:
            return Sight.START
        try:
            event = _decode_event(data)
        except msgspec.ValidationError:
            # Valid JSON of a shape that we do not know passes as it is; it only tells us nothing.
            self.clean = self.clean and not may_end_badly(data)
            return Sight.CONTENT
        except (msgspec.DecodeError, RecursionError):
            raise Malformed("a data line is not JSON") from None
        kind = event.type
        if kind == "content_block_delta":
            return self._content(event.delta)
        if kind in {"ping", "content_block_stop"}:
            return Sight.START
        if kind == "content_block_start":
            block = event.content_block.type if event.content_block else None
            return Sight.START if block in {"text", "thinking"} else Sight.CONTENT
        if kind == "message_stop":
            return Sight.END
        if kind == "error":
            self.error = anthropic_errors.read_fault(0, data)
            return Sight.ERROR
        return self._report(event)

    def _content(self, delta: _Delta | None) -> Sight:
        if delta is not None:
            text = delta.text or delta.thinking or delta.partial_json
            if text:
                self.content_bytes += size_of(text)
        return Sight.CONTENT

    def _report(self, event: _Event) -> Sight:
        if event.type == "message_start" and event.message is not None:
            self.model = event.message.model
            self.clean = self.clean and event.message.stop_reason not in BAD_ENDS
            reported = event.message.usage
            if reported is not None:
                self._reported = reported
                self.input_usage = read_usage(reported)
                self.service_tier = tier_of(reported)
            return Sight.START
        if event.type == "message_delta":
            reason = event.delta.stop_reason if event.delta is not None else None
            self.filtered = reason == _REFUSED
            self.clean = self.clean and reason not in BAD_ENDS
            if event.usage is not None:
                self._reported = merged(self._reported or ReportedUsage(), event.usage)
                if is_whole(self._reported) and event.usage.output_tokens is not None:
                    self.usage = read_usage(self._reported)
            return Sight.CONTENT
        return Sight.CONTENT


class AnthropicMessages(Wire):
    """``/v1/messages`` and ``/v1/messages/count_tokens``."""

    name = "anthropic_messages"
    operations = frozenset({CHAT, COUNT_TOKENS})
    versioned = True
    keep_alive = b'event: ping\ndata: {"type": "ping"}\n\n'
    stream_type = EVENT_STREAM
    codec = AnthropicMessagesCodec()
    events = codec

    @override
    def read_request(self, body: bytes, operation: str, place: Place = NOWHERE) -> Inbound:
        fields = read_members(body)
        model = required_model(fields, "model: this field is required.")
        require_messages(fields, "messages: at least one message is required.")
        max_tokens: int | None = read_count(fields, "max_tokens", None)
        if operation == CHAT and (max_tokens is None or max_tokens < 1):
            raise InvalidRequest(
                "max_tokens: a whole number of at least 1 is required.",
                code="missing_max_tokens",
                param="max_tokens",
                hint="Send the most output tokens that you want to pay for.",
            )
        attachments, files = _count_things(body) if may_have_parts(body) else (0, 0)
        request = Inbound(
            fields,
            model,
            len(body),
            stream=operation == CHAT and "stream" in fields and read_flag(fields, "stream"),
            max_tokens=max_tokens,
            ceilings=_OWN_CEILING if max_tokens is not None else (),
            attachments=attachments,
            files=files,
        )
        if not _PARTICULARS.isdisjoint(fields):
            _read_particulars(request)
        return request

    @override
    def write_request(self, request: Inbound, model: str) -> bytes:
        fields = request.fields
        messages = bytes(fields["messages"])
        if may_have_parts(messages) and _SEAL in messages:
            fields = {**fields, "messages": unsealed_messages(fields["messages"])}
        return encode_members(fields if model == request.model else {**fields, "model": model})

    @override
    def limit_output(self, request: Inbound, ceiling: int, field: str) -> None:
        # This wire's requests always name their own ceiling, so there is nothing to set.
        request.max_tokens = request.max_tokens or ceiling

    @override
    def path(self, operation: str, model: str, *, stream: bool) -> bytes:
        return b"/v1/messages/count_tokens" if operation == COUNT_TOKENS else b"/v1/messages"

    @override
    def read_reply(self, body: bytes, operation: str) -> Reply:
        try:
            reply = _decode_reply(body)
        except (msgspec.DecodeError, RecursionError):
            raise Malformed("the answer is not what the wire promises") from None
        if operation == COUNT_TOKENS:
            if reply.input_tokens is None:
                raise Malformed("the answer has no input_tokens")
            return Reply(Usage())
        if reply.type != "message":
            raise Malformed("the answer is not a message")
        filtered, clean = reply.stop_reason == _REFUSED, reply.stop_reason not in BAD_ENDS
        if reply.usage is None:
            return Reply(None, reply.model, None, filtered, clean)
        usage = read_usage(reply.usage) if is_whole(reply.usage) else None
        return Reply(usage, reply.model, tier_of(reply.usage), filtered, clean)

    @override
    def stream_reader(self, request: Inbound) -> AnthropicMessagesReader:
        return AnthropicMessagesReader()

    @override
    def splitter(self, limit: int) -> FrameSplitter:
        return FrameSplitter(limit)

    @override
    def read_fault(self, status: int, body: bytes) -> ProviderFault:
        return anthropic_errors.read_fault(status, body)

    @override
    def error_body(self, error: TrunklineError, request_id: str) -> bytes:
        return anthropic_errors.error_body(error, request_id)

    @override
    def error_frame(self, error: TrunklineError, request_id: str) -> bytes:
        return b"event: error\ndata: " + anthropic_errors.error_body(error, request_id) + b"\n\n"


def _count_things(body: bytes) -> tuple[int, int]:
    """How many pictures there are, and how many files."""
    plain = unescaped(body)
    return count_marks(plain, _ATTACHMENTS), count_marks(plain, _FILES)


def _read_particulars(request: Inbound) -> None:
    """Read what not every request says.

    Raises:
        InvalidRequest: a member is of another type.
    """
    fields = request.fields
    tools = unescaped(bytes(fields["tools"])) if "tools" in fields else b""
    request.has_tools = bool(tools)
    request.server_tools = "mcp_servers" in fields or count_marks(tools, _SERVER_TOOLS) > 0
    request.searches = b'"web_search_' in tools
    metadata: dict[str, Any] = read_tags(fields, "metadata", {})
    end_user = metadata.get("user_id")
    request.end_user = shortened(end_user) if isinstance(end_user, str) else None
    request.service_tier = read_text(fields, "service_tier", None)
