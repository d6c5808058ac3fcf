"""The byte pass of Ollama's generating formats."""

from typing import Final

import msgspec
from typing_extensions import override

from trunkline.errors import TrunklineError
from trunkline.gateway.wire.contract import Inbound, Malformed, ProviderFault, Reply, Wire
from trunkline.gateway.wire.endings import BAD_ENDS
from trunkline.gateway.wire.lines import NDJSON, LineSplitter
from trunkline.gateway.wire.members import (
    count_marks,
    encode_members,
    member,
    read_count,
    read_object,
    unescaped,
)
from trunkline.gateway.wire.ollama_family import errors as ollama_errors
from trunkline.gateway.wire.ollama_family.counts import Counts, usage_of
from trunkline.gateway.wire.ollama_family.meter import OllamaReader
from trunkline.gateway.wire.whole import body_for

# The option in which a request names its ceiling; Ollama itself always honours it.
CEILING: Final = "num_predict"
# By its own name and by the one that connections call it when they do not say another.
_CEILINGS: Final = (CEILING, "max_tokens")

_ATTACHMENTS: Final = (b'"images"',)
_NOTHING: Final = (b"null", b"[]", b'""')
_ABSENT: Final = msgspec.Raw()

_read_switch = member(bool | None, "true or false")


class _Message(msgspec.Struct):
    content: str | None = None
    thinking: str | None = None
    tool_calls: msgspec.Raw = _ABSENT


class _Reply(Counts):
    model: str | None = None
    message: _Message | None = None
    response: str | None = None
    done: bool | None = None


_decode_reply = msgspec.json.Decoder(_Reply).decode


class OllamaWire(Wire):
    """Lines of JSON, streamed unless the request says otherwise."""

    versioned = True
    stream_type = NDJSON

    def read_common(self, body: bytes, fields: dict[str, msgspec.Raw], model: str) -> Inbound:
        """What the path needs of either format.

        Raises:
            InvalidRequest: with the field in ``param``.
        """
        streams: bool = True
        options = read_object(fields, "options", dict[str, msgspec.Raw]())
        ceiling: int | None = read_count(options, CEILING, None)
        # Zero and below are Ollama's words for "no ceiling".
        limited = ceiling is not None and ceiling > 0
        return Inbound(
            fields=fields,
            model=model,
            size=len(body),
            stream=_read_switch(fields, "stream", streams),
            max_tokens=ceiling if limited else None,
            ceilings=_CEILINGS if limited else (),
            attachments=count_marks(unescaped(body), _ATTACHMENTS),
        )

    @override
    def write_request(self, request: Inbound, model: str) -> bytes:
        return body_for(request, model)

    @override
    def limit_output(self, request: Inbound, ceiling: int, field: str) -> None:
        options = read_object(request.fields, "options", dict[str, msgspec.Raw]())
        options = {**options, CEILING: msgspec.Raw(b"%d" % ceiling)}
        request.fields["options"] = msgspec.Raw(encode_members(options))
        request.max_tokens = ceiling
        request.ceilings = _CEILINGS

    @override
    def read_reply(self, body: bytes, operation: str) -> Reply:
        try:
            reply = _decode_reply(body)
        except (msgspec.DecodeError, RecursionError):
            raise Malformed("the answer is not what the wire promises") from None
        if reply.message is None and reply.response is None:
            raise Malformed("the answer has neither a message nor a response")
        usage = usage_of(reply, answered=_answers(reply))
        return Reply(usage, reply.model, clean=reply.done_reason not in BAD_ENDS)

    @override
    def stream_reader(self, request: Inbound) -> OllamaReader:
        return OllamaReader()

    @override
    def splitter(self, limit: int) -> LineSplitter:
        return LineSplitter(limit)

    @override
    def read_fault(self, status: int, body: bytes) -> ProviderFault:
        return ollama_errors.read_fault(status, body)

    @override
    def error_body(self, error: TrunklineError, request_id: str) -> bytes:
        return ollama_errors.error_body(error)

    @override
    def error_frame(self, error: TrunklineError, request_id: str) -> bytes:
        return ollama_errors.error_body(error) + b"\n"


def _answers(reply: _Reply) -> bool:
    message = reply.message
    if message is None:
        return bool(reply.response)
    calls = message.tool_calls
    called = calls is not _ABSENT and bytes(calls).strip() not in _NOTHING
    return bool(message.content or message.thinking) or called
