"""Texts to be embedded and the vectors that come back, wherever their wire has them."""

import binascii
import struct
from base64 import b64decode, b64encode
from typing import Any

import msgspec

from trunkline.errors import InvalidRequest
from trunkline.gateway.exchange.embedding import EmbeddingRequest
from trunkline.gateway.wire.contract import Malformed
from trunkline.gateway.wire.documents import are_texts, missing, wrong_type

Vectors = tuple[tuple[float, ...], ...]

_FLOAT_BYTES = 4


_decode_inputs = msgspec.json.Decoder(list[msgspec.Raw]).decode


def inputs_in(raw: msgspec.Raw | None) -> int:
    """How many texts a request has, counted and not read; what is no list is one."""
    if raw is None:
        return 1
    try:
        return max(1, len(_decode_inputs(raw)))
    except (msgspec.DecodeError, RecursionError):
        return 1


def read_texts(value: Any) -> tuple[str, ...]:
    """The texts of a caller's ``input``.

    Raises:
        InvalidRequest: there is none, or it is something else.
    """
    if isinstance(value, str) and value:
        return (value,)
    if not value:
        raise missing("input", "There is nothing to embed.", "Send a text or a list of texts.")
    if not isinstance(value, list) or not are_texts(value):
        raise wrong_type("input", "a string or an array of strings")
    return tuple(value)


def texts_of(request: EmbeddingRequest) -> list[str]:
    """The inputs, for providers that take no tokens.

    Raises:
        InvalidRequest: an input is a list of tokens, which only its own model understands.
    """
    texts = [text for text in request.inputs if isinstance(text, str)]
    if len(texts) != len(request.inputs):
        raise InvalidRequest(
            "This model's provider embeds texts and not tokens.",
            code="unsupported_input",
            param="input",
            hint="Send the texts as strings.",
        )
    return texts


def read_vectors(listed: Any) -> Vectors:
    """Vectors as a provider tells them: numbers, or little-endian float32 in base64.

    Raises:
        Malformed: they are neither.
    """
    if isinstance(listed, list):
        listed = [unpacked(one) if isinstance(one, str) else one for one in listed]
    try:
        return msgspec.convert(listed, Vectors)
    except msgspec.ValidationError:
        raise Malformed("the answer's vectors are not numbers") from None


def unpacked(data: str) -> tuple[float, ...]:
    """A vector out of base64.

    Raises:
        Malformed: it is not base64 of whole numbers of four bytes.
    """
    try:
        raw = b64decode(data, validate=True)
    except (binascii.Error, ValueError):
        raise Malformed("a vector is not base64") from None
    if len(raw) % _FLOAT_BYTES:
        raise Malformed("a vector is cut off")
    return struct.unpack(f"<{len(raw) // _FLOAT_BYTES}f", raw)


def packed(vector: tuple[float, ...]) -> str:
    """A vector in base64, as SDKs ask for it to spare the digits.

    Raises:
        Malformed: a number is too large for four bytes.
    """
    try:
        return b64encode(struct.pack(f"<{len(vector)}f", *vector)).decode()
    except OverflowError:
        raise Malformed("a vector's number is out of range") from None
