"""Cohere's chat, as a caller sends it and as a provider speaks it."""

from typing import Final

import msgspec
from typing_extensions import override

from trunkline.errors import InvalidRequest, TrunklineError
from trunkline.gateway.wire.cohere_chat.codec import CohereChatCodec
from trunkline.gateway.wire.cohere_chat.meter import CohereChatReader, is_fault
from trunkline.gateway.wire.cohere_family import errors as cohere_errors
from trunkline.gateway.wire.cohere_family.usage import Reported, usage_of
from trunkline.gateway.wire.contract import (
    CHAT,
    NOWHERE,
    Inbound,
    Malformed,
    Place,
    ProviderFault,
    Reply,
    Wire,
)
from trunkline.gateway.wire.endings import BAD_ENDS
from trunkline.gateway.wire.members import (
    count_marks,
    read_count,
    read_flag,
    read_list,
    read_members,
    require_messages,
    required_model,
    unescaped,
)
from trunkline.gateway.wire.sse import EVENT_STREAM, FrameSplitter
from trunkline.gateway.wire.whole import body_for

_CEILING: Final = "max_tokens"
_ATTACHMENTS: Final = (b'"image_url"',)

_encode = msgspec.json.Encoder().encode


_ABSENT: Final = msgspec.Raw()


class _Reply(msgspec.Struct):
    message: msgspec.Raw = _ABSENT
    finish_reason: str | None = None
    usage: Reported | None = None


_decode_reply = msgspec.json.Decoder(_Reply).decode


class CohereChat(Wire):
    """``/v2/chat``."""

    name = "cohere_chat"
    operations = frozenset({CHAT})
    versioned = True
    keep_alive = b": keep-alive\n\n"
    stream_type = EVENT_STREAM
    codec = CohereChatCodec()
    events = codec

    @override
    def read_request(self, body: bytes, operation: str, place: Place = NOWHERE) -> Inbound:
        fields = read_members(body)
        model = required_model(fields, "model is required")
        require_messages(fields, "messages: at least one message is required")
        ceiling: int | None = read_count(fields, _CEILING, None)
        if ceiling is not None and ceiling < 1:
            raise InvalidRequest(
                f"'{_CEILING}' must be at least 1.",
                code="invalid_value",
                param=_CEILING,
                hint="Leave it out for the model's own maximum.",
            )
        return Inbound(
            fields=fields,
            model=model,
            size=len(body),
            stream=read_flag(fields, "stream"),
            max_tokens=ceiling,
            ceilings=(_CEILING,) if ceiling is not None else (),
            attachments=count_marks(unescaped(body), _ATTACHMENTS),
            has_tools=bool(read_list(fields, "tools", list[msgspec.Raw]())),
        )

    @override
    def write_request(self, request: Inbound, model: str) -> bytes:
        return body_for(request, model)

    @override
    def limit_output(self, request: Inbound, ceiling: int, field: str) -> None:
        # Cohere reads no other member, whatever the provider's field is called.
        request.fields[_CEILING] = msgspec.Raw(b"%d" % ceiling)
        request.max_tokens = ceiling
        request.ceilings = (_CEILING,)

    @override
    def path(self, operation: str, model: str, *, stream: bool) -> bytes:
        return b"/v2/chat"

    @override
    def read_reply(self, body: bytes, operation: str) -> Reply:
        try:
            reply = _decode_reply(body)
        except (msgspec.DecodeError, RecursionError):
            raise Malformed("the answer is not what the wire promises") from None
        if reply.message is _ABSENT:
            raise Malformed("the answer has no message")
        if is_fault(reply.finish_reason):
            raise Malformed(f"its generation ended with {reply.finish_reason}")
        clean = reply.finish_reason not in BAD_ENDS
        return Reply(usage_of(reply.usage, generates=True), clean=clean)

    @override
    def stream_reader(self, request: Inbound) -> CohereChatReader:
        return CohereChatReader()

    @override
    def splitter(self, limit: int) -> FrameSplitter:
        return FrameSplitter(limit)

    @override
    def read_fault(self, status: int, body: bytes) -> ProviderFault:
        return cohere_errors.read_fault(status, body)

    @override
    def error_body(self, error: TrunklineError, request_id: str) -> bytes:
        return cohere_errors.error_body(error, request_id)

    @override
    def error_frame(self, error: TrunklineError, request_id: str) -> bytes:
        delta = {"error": cohere_errors.message_of(error), "finish_reason": "ERROR"}
        data = {"type": "message-end", "id": request_id, "delta": delta}
        return b"event: message-end\ndata: " + _encode(data) + b"\n\n"
