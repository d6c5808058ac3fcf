"""Voyage's embeddings."""

from collections.abc import Callable, Mapping
from typing import Annotated, Any, Literal

import msgspec
from typing_extensions import override

from trunkline.simulator.asked import Asked
from trunkline.simulator.billing import TokenUse
from trunkline.simulator.detail_wire import DetailWire, invalid, read_body, the_model
from trunkline.simulator.models import WireName
from trunkline.simulator.tokens import count_tokens
from trunkline.simulator.wire import WorkWire
from trunkline.simulator.work import Work, done, packed, vector

_DIMENSIONS = (256, 512, 1024, 2048)
_SHARE = 127


class _Body(msgspec.Struct, forbid_unknown_fields=True):
    model: str
    input: str | Annotated[list[str], msgspec.Meta(min_length=1, max_length=1000)]
    input_type: Literal["query", "document"] | None = None
    truncation: bool = True
    output_dimension: int | None = None
    output_dtype: Literal["float", "int8", "uint8"] = "float"
    encoding_format: Literal["base64"] | None = None


class VoyageEmbeddings(DetailWire, WorkWire):
    """``/voyage/v1/embeddings``."""

    name: WireName = "voyage_embeddings"

    @override
    def work(self, asked: Asked, seed: int, *, with_usage: bool) -> Work:
        wanted = read_body(asked.body, _Body)
        model = the_model(wanted.model, self.name)
        texts = [wanted.input] if isinstance(wanted.input, str) else wanted.input
        dimensions = wanted.output_dimension or model.dimensions
        if dimensions not in _DIMENSIONS or dimensions > model.dimensions:
            raise invalid(f"The output_dimension must be one of {list(_DIMENSIONS)}.")
        write = _WRITTEN["base64" if wanted.encoding_format else wanted.output_dtype]
        data = [
            {
                "object": "embedding",
                "embedding": write(vector(seed, model, text, dimensions)),
                "index": index,
            }
            for index, text in enumerate(texts)
        ]
        tokens = sum(map(count_tokens, texts))
        document: dict[str, Any] = {"object": "list", "data": data, "model": model.served_as}
        if with_usage:
            document["usage"] = {"total_tokens": tokens}
        body = msgspec.json.encode(document)
        return done(model, TokenUse(uncached=tokens), body, with_usage=with_usage)


_WRITTEN: Mapping[str, Callable[[list[float]], Any]] = {
    "float": lambda floats: floats,
    "int8": lambda floats: [round(number * _SHARE) for number in floats],
    "uint8": lambda floats: [round(number * _SHARE) + _SHARE + 1 for number in floats],
    "base64": packed,
}
