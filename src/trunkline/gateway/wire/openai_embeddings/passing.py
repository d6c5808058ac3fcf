"""OpenAI's embeddings, as a caller asks for them and as many providers give them.

Source: the types of OpenAI's own SDK and the recorded transcript of this wire.
"""

from typing import Final

import msgspec
from typing_extensions import override

from trunkline.errors import TrunklineError
from trunkline.gateway.wire.contract import (
    EMBEDDING,
    NOWHERE,
    Inbound,
    Malformed,
    Place,
    ProviderFault,
    Reply,
)
from trunkline.gateway.wire.documents import missing
from trunkline.gateway.wire.members import read_members, read_text, required_model, shortened
from trunkline.gateway.wire.openai_embeddings.codec import WIRE, OpenAIEmbeddingsCodec
from trunkline.gateway.wire.openai_family import errors as openai_errors
from trunkline.gateway.wire.totals import Totals, usage_of
from trunkline.gateway.wire.vectors import inputs_in
from trunkline.gateway.wire.whole import WholeWire

_ABSENT: Final = msgspec.Raw()


class _Reply(msgspec.Struct):
    data: msgspec.Raw = _ABSENT
    usage: Totals | None = None
    model: str | None = None


_decode_reply = msgspec.json.Decoder(_Reply).decode


class OpenAIEmbeddings(WholeWire):
    """``/embeddings``."""

    name = WIRE
    operations = frozenset({EMBEDDING})
    versioned = False
    codec = OpenAIEmbeddingsCodec()

    @override
    def read_request(self, body: bytes, operation: str, place: Place = NOWHERE) -> Inbound:
        fields = read_members(body)
        model = required_model(fields, "'model' is missing.")
        if "input" not in fields:
            raise missing("input", "'input' is missing.", "Send a text or a list of texts.")
        return Inbound(
            fields=fields,
            model=model,
            size=len(body),
            inputs=inputs_in(fields["input"]),
            end_user=shortened(read_text(fields, "user", None)) if "user" in fields else None,
        )

    @override
    def path(self, operation: str, model: str, *, stream: bool) -> bytes:
        return b"/embeddings"

    @override
    def read_reply(self, body: bytes, operation: str) -> Reply:
        try:
            reply = _decode_reply(body)
        except (msgspec.DecodeError, RecursionError):
            raise Malformed("the answer is not what the wire promises") from None
        if reply.data is _ABSENT:
            raise Malformed("the answer has no data")
        return Reply(usage_of(reply.usage), reply.model)

    @override
    def read_fault(self, status: int, body: bytes) -> ProviderFault:
        return openai_errors.read_fault(status, body)

    @override
    def error_body(self, error: TrunklineError, request_id: str) -> bytes:
        return openai_errors.error_body(error, request_id)

    @override
    def error_frame(self, error: TrunklineError, request_id: str) -> bytes:
        return b"data: " + openai_errors.error_body(error, request_id) + b"\n\n"
