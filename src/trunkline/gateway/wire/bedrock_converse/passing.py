"""Converse of AWS Bedrock as a provider speaks it: usage, failures and the end.

Source: the recorded transcripts of this wire and the service description in botocore.
"""

from typing import Any, Final
from urllib.parse import quote

import msgspec
from typing_extensions import override

from trunkline.errors import TrunklineError
from trunkline.gateway.metering.usage import Usage
from trunkline.gateway.wire.bedrock_converse import errors as bedrock_errors
from trunkline.gateway.wire.bedrock_converse.codec import BedrockConverseCodec
from trunkline.gateway.wire.bedrock_converse.usage import TokenUsage, read_usage
from trunkline.gateway.wire.contract import (
    CHAT,
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
from trunkline.gateway.wire.event_stream import (
    EVENT_STREAM,
    EventStreamSplitter,
    FrameReader,
    encode_frame,
)
from trunkline.gateway.wire.members import (
    count_marks,
    encode_members,
    read_count,
    read_members,
    read_object,
    require_messages,
    unescaped,
)
from trunkline.gateway.wire.sse import size_of

_encode = msgspec.json.Encoder().encode
_ATTACHMENTS: Final = (b'"image"', b'"audio"')
_FILES: Final = (b'"document"', b'"video"')
_FILTERED: Final = frozenset({"guardrail_intervened", "content_filtered"})


class _ServiceTier(msgspec.Struct):
    type: str | None = None


class _Reply(msgspec.Struct, rename="camel"):
    output: dict[str, Any] | None = None
    usage: TokenUsage | None = None
    service_tier: _ServiceTier | None = None
    stop_reason: str | None = None


class _Tool(msgspec.Struct):
    input: str | None = None


class _Reasoning(msgspec.Struct):
    text: str | None = None


class _Delta(msgspec.Struct, rename="camel"):
    text: str | None = None
    tool_use: _Tool | None = None
    reasoning_content: _Reasoning | None = None


class _DeltaEvent(msgspec.Struct):
    delta: _Delta | None = None


class _Start(msgspec.Struct, rename="camel"):
    tool_use: dict[str, Any] | None = None


class _StartEvent(msgspec.Struct):
    start: _Start | None = None


_decode_reply = msgspec.json.Decoder(_Reply).decode
_decode_delta = msgspec.json.Decoder(_DeltaEvent).decode
_decode_start = msgspec.json.Decoder(_StartEvent).decode


class BedrockConverseReader(StreamReader):
    """Reads the events of a stream up to ``metadata``, which comes last and has the usage."""

    __slots__ = (
        "_frames",
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
        self._frames = FrameReader()
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
        head, payload = self._frames.read(frame)
        if head.kind != "event":
            body = payload or _encode({"message": head.message})
            self.error = bedrock_errors.read_fault(0, body, head.name)
            return Sight.ERROR
        try:
            return self._event(head.name, payload)
        except msgspec.ValidationError:
            # Valid JSON of a shape that we do not know tells us nothing but where it stands.
            self.clean = self.clean and not may_end_badly(payload)
            return Sight.END if head.name == "metadata" else Sight.CONTENT
        except (msgspec.DecodeError, RecursionError):
            raise Malformed("the payload of a frame is not JSON") from None

    def _event(self, name: str, payload: bytes) -> Sight:
        if name == "contentBlockDelta":
            return self._content(_decode_delta(payload).delta)
        if name in {"messageStart", "contentBlockStop"}:
            return Sight.START
        if name == "contentBlockStart":
            start = _decode_start(payload).start
            return Sight.CONTENT if start and start.tool_use is not None else Sight.START
        if name == "metadata":
            told = _decode_reply(payload)
            self.usage = read_usage(told.usage)
            self.service_tier = told.service_tier.type if told.service_tier else None
            return Sight.END
        if name == "messageStop":
            reason = _decode_reply(payload).stop_reason
            self.filtered = reason in _FILTERED
            self.clean = self.clean and reason not in BAD_ENDS
        return Sight.CONTENT

    def _content(self, delta: _Delta | None) -> Sight:
        if delta is None:
            return Sight.START
        text = delta.text
        if text is None and delta.tool_use is not None:
            text = delta.tool_use.input
        elif text is None and delta.reasoning_content is not None:
            text = delta.reasoning_content.text
        if text:
            self.content_bytes += size_of(text)
        # Some models open with a text block that says nothing.
        return Sight.START if text == "" else Sight.CONTENT


class BedrockConverse(Wire):
    """``/model/{id}/converse`` and ``/model/{id}/converse-stream``."""

    name = "bedrock_converse"
    operations = frozenset({CHAT})
    versioned = True
    keep_alive = b""
    stream_type = EVENT_STREAM
    codec = events = BedrockConverseCodec()

    @override
    def read_request(self, body: bytes, operation: str, place: Place = NOWHERE) -> Inbound:
        fields = read_members(body)
        require_messages(fields, "messages: at least one message is required.")
        plain = unescaped(body)
        config: dict[str, msgspec.Raw] = read_object(fields, "inferenceConfig", {})
        ceiling: int | None = read_count(config, "maxTokens", None)
        return Inbound(
            fields=fields,
            model=place.item or "",
            size=len(body),
            max_tokens=ceiling,
            ceilings=("inferenceConfig",) if ceiling is not None else (),
            attachments=count_marks(plain, _ATTACHMENTS),
            files=count_marks(plain, _FILES),
            has_tools="toolConfig" in fields,
            place=place,
        )

    @override
    def write_request(self, request: Inbound, model: str) -> bytes:
        # The model stands in the path alone.
        return encode_members(request.fields)

    @override
    def limit_output(self, request: Inbound, ceiling: int, field: str) -> None:
        config: dict[str, msgspec.Raw] = read_object(request.fields, "inferenceConfig", {})
        config = {**config, "maxTokens": msgspec.Raw(_encode(ceiling))}
        request.fields["inferenceConfig"] = msgspec.Raw(encode_members(config))
        request.max_tokens = ceiling

    @override
    def path(self, operation: str, model: str, *, stream: bool) -> bytes:
        action = "converse-stream" if stream else "converse"
        return f"/model/{quote(model, safe='')}/{action}".encode()

    @override
    def read_reply(self, body: bytes, operation: str) -> Reply:
        try:
            reply = _decode_reply(body)
        except (msgspec.DecodeError, RecursionError):
            raise Malformed("the answer is not what the wire promises") from None
        if reply.output is None:
            raise Malformed("the answer has no output")
        tier = reply.service_tier.type if reply.service_tier else None
        return Reply(
            read_usage(reply.usage),
            service_tier=tier,
            filtered=reply.stop_reason in _FILTERED,
            clean=reply.stop_reason not in BAD_ENDS,
        )

    @override
    def stream_reader(self, request: Inbound) -> BedrockConverseReader:
        return BedrockConverseReader()

    @override
    def splitter(self, limit: int) -> EventStreamSplitter:
        return EventStreamSplitter(limit)

    @override
    def read_fault(self, status: int, body: bytes) -> ProviderFault:
        return bedrock_errors.read_fault(status, body)

    @override
    def error_body(self, error: TrunklineError, request_id: str) -> bytes:
        return bedrock_errors.error_body(error, request_id)

    @override
    def error_frame(self, error: TrunklineError, request_id: str) -> bytes:
        headers = {
            ":message-type": "exception",
            ":exception-type": bedrock_errors.error_type(error),
            ":content-type": "application/json",
        }
        return encode_frame(headers, bedrock_errors.error_body(error, request_id))
