"""Cohere's embeddings."""

import hashlib
from collections.abc import Callable, Mapping
from typing import Annotated, Any, Literal

import msgspec
from typing_extensions import override

from trunkline.simulator.asked import Asked
from trunkline.simulator.billing import TokenUse
from trunkline.simulator.cohere.manners import CohereWire, answer_id, read_body, the_model
from trunkline.simulator.cohere.samples import invalid
from trunkline.simulator.models import WireName
from trunkline.simulator.tokens import count_tokens
from trunkline.simulator.wire import WorkWire
from trunkline.simulator.work import Work, done, packed, vector

IMAGE_TOKENS = 256

_MOST_TEXTS = 96
_DIMENSIONS = (256, 512, 1024, 1536)
_SHARE = 127

_Kind = Literal["float", "int8", "uint8", "binary", "ubinary", "base64"]


class _Body(msgspec.Struct, forbid_unknown_fields=True):
    model: str
    input_type: Literal["search_document", "search_query", "classification", "clustering", "image"]
    texts: list[str] | None = None
    images: Annotated[list[str], msgspec.Meta(max_length=1)] | None = None
    inputs: list[dict[str, Any]] | None = None
    max_tokens: int | None = None
    output_dimension: int | None = None
    embedding_types: list[_Kind] | None = None
    truncate: Literal["NONE", "START", "END"] = "END"
    priority: int | None = None


class CohereEmbed(CohereWire, WorkWire):
    """``/v2/embed``."""

    name: WireName = "cohere_embed"

    @override
    def work(self, asked: Asked, seed: int, *, with_usage: bool) -> Work:
        wanted = read_body(asked.body, _Body)
        model = the_model(wanted.model, self.name)
        texts = _texts(wanted)
        dimensions = wanted.output_dimension or model.dimensions
        if dimensions not in _DIMENSIONS or dimensions > model.dimensions:
            raise invalid(f"output_dimension must be one of {list(_DIMENSIONS)}")
        vectors = [vector(seed, model, text, dimensions) for text in texts]
        kinds = wanted.embedding_types or ["float"]
        images = len(wanted.images or ())
        tokens = sum(map(count_tokens, texts[: len(texts) - images])) + images * IMAGE_TOKENS
        document: dict[str, Any] = {
            "id": answer_id(hashlib.blake2b(asked.body, digest_size=16).digest()),
            "embeddings": {kind: [_WRITTEN[kind](one) for one in vectors] for kind in kinds},
            "texts": wanted.texts or [],
            "response_type": "embeddings_by_type",
            "meta": {"api_version": {"version": "2"}},
        }
        if with_usage:
            counted = {"image_tokens" if images else "input_tokens": tokens}
            document["meta"]["billed_units"] = counted
        body = msgspec.json.encode(document)
        return done(model, TokenUse(uncached=tokens), body, with_usage=with_usage)


def _texts(wanted: _Body) -> list[str]:
    given = [one for one in (wanted.texts, wanted.images, wanted.inputs) if one]
    if len(given) != 1:
        raise invalid("exactly one of texts, images and inputs must be provided")
    if wanted.images and wanted.input_type != "image":
        raise invalid("input_type must be 'image' where images are provided")
    if len(given[0]) > _MOST_TEXTS:
        raise invalid(f"at most {_MOST_TEXTS} texts can be embedded at once")
    return [one if isinstance(one, str) else msgspec.json.encode(one).decode() for one in given[0]]


def _bits(floats: list[float], offset: int) -> list[int]:
    """One bit for the sign of each number, eight in one."""
    bits = []
    for start in range(0, len(floats), 8):
        byte = 0
        for number in floats[start : start + 8]:
            byte = byte << 1 | (number > 0)
        bits.append(byte - offset)
    return bits


_WRITTEN: Mapping[str, Callable[[list[float]], Any]] = {
    "float": lambda floats: floats,
    "int8": lambda floats: [round(number * _SHARE) for number in floats],
    "uint8": lambda floats: [round(number * _SHARE) + _SHARE + 1 for number in floats],
    "binary": lambda floats: _bits(floats, 128),
    "ubinary": lambda floats: _bits(floats, 0),
    "base64": packed,
}
