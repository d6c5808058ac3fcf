"""Ollama's embeddings."""

from typing import Any

import msgspec
from typing_extensions import override

from trunkline.simulator.asked import Asked
from trunkline.simulator.billing import TokenUse
from trunkline.simulator.models import WireName
from trunkline.simulator.ollama.manners import OllamaWire
from trunkline.simulator.ollama.request import the_model, unreadable
from trunkline.simulator.ollama.samples import invalid
from trunkline.simulator.ollama.shapes import EmbedBody
from trunkline.simulator.reading import decode
from trunkline.simulator.tokens import split_tokens
from trunkline.simulator.wire import WorkWire
from trunkline.simulator.work import Work, done, vector

_LOADING = 1_631_208
_PER_TOKEN = 150_000


class EmbedApi(OllamaWire, WorkWire):
    """``/api/embed``."""

    name: WireName = "ollama_embed"

    @override
    def work(self, asked: Asked, seed: int, *, with_usage: bool) -> Work:
        wanted = decode(asked.body, EmbedBody, unreadable)
        model = the_model(wanted.model, self.name)
        texts = [wanted.input] if isinstance(wanted.input, str) else wanted.input or []
        dimensions = wanted.dimensions or model.dimensions
        if not 1 <= dimensions <= model.dimensions:
            raise invalid(f"dimensions must be between 1 and {model.dimensions}")
        pieces = [split_tokens(text) for text in texts]
        if max(map(len, pieces), default=0) > model.context:
            if wanted.truncate is False:
                raise invalid("the input length exceeds the context length")
            pieces = [some[: model.context] for some in pieces]
        tokens = sum(map(len, pieces))
        document: dict[str, Any] = {
            "model": model.served_as,
            "embeddings": [vector(seed, model, "".join(some), dimensions) for some in pieces],
        }
        if with_usage:
            document |= {
                "total_duration": _LOADING + tokens * _PER_TOKEN,
                "load_duration": _LOADING,
                "prompt_eval_count": tokens,
            }
        body = msgspec.json.encode(document)
        return done(model, TokenUse(uncached=tokens), body, with_usage=with_usage)
