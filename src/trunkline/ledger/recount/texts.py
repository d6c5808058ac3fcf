"""The file that goes from the front to the worker: what was asked and answered, and its rates."""

import msgspec

from trunkline.gateway.metering.price import Price

FOLDER = "recount"
"""Where these files lie, in the data directory."""

SUFFIX = ".texts"


class Texts(msgspec.Struct, frozen=True):
    """One attempt whose tokens nobody counted.

    Attributes:
        attempt_id: the row of the ledger.
        made_ms: Unix time in milliseconds.
        model: the upstream id, from which follows how dense its tokens are.
        prompt: the body that was sent.
        answer: the body that came back; empty for a stream, whose text is not kept.
        answer_bytes: UTF-8 bytes of the content, also of a stream's.
        generates: whether output is generated at all; embeddings have none.
        price: what the attempt was held with, or None.
        hold_nano: an estimate is never above it.
    """

    attempt_id: str
    made_ms: int
    model: str
    prompt: bytes
    answer: bytes
    answer_bytes: int
    generates: bool
    price: Price | None
    hold_nano: int | None


encode = msgspec.msgpack.Encoder().encode
decode = msgspec.msgpack.Decoder(Texts).decode
