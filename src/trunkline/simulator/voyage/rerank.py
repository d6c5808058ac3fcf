"""Voyage's rerank, which is billed by tokens."""

from typing import Annotated, Any

import msgspec
from typing_extensions import override

from trunkline.simulator.asked import Asked
from trunkline.simulator.billing import TokenUse
from trunkline.simulator.detail_wire import DetailWire, invalid, read_body, the_model
from trunkline.simulator.models import WireName
from trunkline.simulator.tokens import count_tokens
from trunkline.simulator.wire import WorkWire
from trunkline.simulator.work import Work, done, ranked

_MOST_DOCUMENTS = 1_000


class _Body(msgspec.Struct, forbid_unknown_fields=True):
    model: str
    query: str
    documents: list[str]
    top_k: Annotated[int, msgspec.Meta(ge=1)] | None = None
    return_documents: bool = False
    truncation: bool = True


class VoyageRerank(DetailWire, WorkWire):
    """``/v1/rerank`` with ``top_k``."""

    name: WireName = "voyage_rerank"

    @override
    def work(self, asked: Asked, seed: int, *, with_usage: bool) -> Work:
        wanted = read_body(asked.body, _Body)
        model = the_model(wanted.model, self.name)
        texts = wanted.documents
        if not 1 <= len(texts) <= _MOST_DOCUMENTS:
            raise invalid(f"The number of documents must be between 1 and {_MOST_DOCUMENTS}.")
        tokens = len(texts) * count_tokens(wanted.query) + sum(map(count_tokens, texts))
        data = []
        for index, score in ranked(seed, model, wanted.query, texts)[: wanted.top_k]:
            result: dict[str, Any] = {"relevance_score": score, "index": index}
            if wanted.return_documents:
                result["document"] = texts[index]
            data.append(result)
        document: dict[str, Any] = {"object": "list", "data": data, "model": model.served_as}
        if with_usage:
            document["usage"] = {"total_tokens": tokens}
        body = msgspec.json.encode(document)
        return done(model, TokenUse(uncached=tokens), body, with_usage=with_usage)
