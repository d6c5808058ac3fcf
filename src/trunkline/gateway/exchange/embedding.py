"""Texts to vectors, whichever wire asks for them."""

from typing import Literal

import msgspec

from trunkline.gateway.exchange.parts import Document


class EmbeddingRequest(msgspec.Struct, frozen=True, kw_only=True):
    """Texts that shall become vectors.

    Attributes:
        inputs: in order; a list of numbers is a text in the model's own tokens.
        single: whether the caller gave one text rather than a list.
        purpose: what the vectors are for: ``query``, ``document`` or a provider's own word.
        encoding: how the caller wants the vectors: numbers, or little-endian float32 in base64.
    """

    wire: str
    model: str
    inputs: tuple[str | tuple[int, ...], ...]
    single: bool = False
    dimensions: int | None = None
    purpose: str | None = None
    encoding: Literal["float", "base64"] = "float"
    truncate: bool | None = None
    user: str | None = None
    extra: Document = {}


class EmbeddingReply(msgspec.Struct, frozen=True, kw_only=True):
    """One vector for each input, in the order of the inputs."""

    wire: str
    vectors: tuple[tuple[float, ...], ...]
    id: str | None = None
    model: str | None = None
    extra: Document = {}
