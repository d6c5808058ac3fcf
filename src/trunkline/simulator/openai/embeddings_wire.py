"""OpenAI Embeddings: four shapes of input, floats or packed bytes."""

from typing import Annotated, Any, Literal

import msgspec
from typing_extensions import override

from trunkline.simulator.asked import Asked
from trunkline.simulator.billing import TokenUse
from trunkline.simulator.models import SimModel, WireName
from trunkline.simulator.openai.wire import OpenAiWire, invalid, pretty, required_model
from trunkline.simulator.reading import decode
from trunkline.simulator.tokens import split_tokens
from trunkline.simulator.wire import WorkWire
from trunkline.simulator.work import Work, done, packed, vector

_MOST_INPUTS = 2048


class _Body(msgspec.Struct, forbid_unknown_fields=True):
    model: str
    input: str | list[str | int | list[int]]
    dimensions: Annotated[int, msgspec.Meta(ge=1)] | None = None
    encoding_format: Literal["float", "base64"] = "float"
    user: str | None = None


class Embeddings(OpenAiWire, WorkWire):
    """``/v1/embeddings``."""

    name: WireName = "openai_embeddings"

    @override
    def work(self, asked: Asked, seed: int, *, with_usage: bool) -> Work:
        body = decode(asked.body, _Body, invalid)
        model = required_model(body.model, self.name)
        inputs = _inputs(body.input)
        _check(inputs, model)
        vectors = [
            vector(seed, model, "".join(pieces), _dimensions(body, model)) for pieces in inputs
        ]
        tokens = sum(map(len, inputs))
        document: dict[str, Any] = {
            "object": "list",
            "data": [
                {
                    "object": "embedding",
                    "index": index,
                    "embedding": packed(one) if body.encoding_format == "base64" else one,
                }
                for index, one in enumerate(vectors)
            ],
            "model": model.served_as,
        }
        if with_usage:
            document["usage"] = {"prompt_tokens": tokens, "total_tokens": tokens}
        return done(model, TokenUse(uncached=tokens), pretty(document), with_usage=with_usage)


def _inputs(given: str | list[Any]) -> list[list[str]]:
    """The tokens of each text; numbers are tokens already."""
    match given:
        case str():
            texts: list[Any] = [given]
        case [int(), *_]:
            texts = [given]
        case _:
            texts = given
    return [
        split_tokens(text) if isinstance(text, str) else [f"<{token}>" for token in text]
        for text in texts
    ]


def _check(inputs: list[list[str]], model: SimModel) -> None:
    if not inputs:
        raise invalid("Invalid 'input': input cannot be an empty array.", "input", "empty_array")
    if len(inputs) > _MOST_INPUTS:
        raise invalid(
            f"Invalid 'input': array too long. Expected an array with maximum length "
            f"{_MOST_INPUTS}, but got an array with length {len(inputs)} instead.",
            "input",
            "array_above_max_length",
        )
    for pieces in inputs:
        if not pieces:
            raise invalid("Invalid 'input': input cannot be an empty string.", "input")
        if len(pieces) > model.context:
            raise invalid(
                f"This model's maximum context length is {model.context} tokens, however you "
                f"requested {len(pieces)} tokens ({len(pieces)} in your prompt; 0 for the "
                "completion). Please reduce your prompt; or completion length.",
            )


def _dimensions(body: _Body, model: SimModel) -> int:
    if body.dimensions is None:
        return model.dimensions
    if body.dimensions > model.dimensions:
        raise invalid(
            f"Invalid value for 'dimensions' = {body.dimensions}. Must be less than or equal to "
            f"{model.dimensions}.",
            "dimensions",
        )
    return body.dimensions
