"""Jina's rerank, which is billed by tokens."""

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


class _Document(msgspec.Struct):
    text: str = ""
    image: str = ""


class _Body(msgspec.Struct):
    model: str
    query: str
    documents: list[str | _Document]
    top_n: Annotated[int, msgspec.Meta(ge=1)] | None = None
    return_documents: bool = True


class JinaRerank(DetailWire, WorkWire):
    """``/v1/rerank`` without ``top_k``."""

    name: WireName = "jina_rerank"

    @override
    def work(self, asked: Asked, seed: int, *, with_usage: bool) -> Work:
        wanted = read_body(asked.body, _Body)
        model = the_model(wanted.model, self.name)
        if not wanted.documents:
            raise invalid("The documents must not be empty.")
        texts = [one if isinstance(one, str) else one.text or one.image for one in wanted.documents]
        tokens = len(texts) * count_tokens(wanted.query) + sum(map(count_tokens, texts))
        results = []
        for index, score in ranked(seed, model, wanted.query, texts)[: wanted.top_n]:
            result: dict[str, Any] = {"index": index, "relevance_score": score}
            if wanted.return_documents:
                result["document"] = {"text": texts[index]}
            results.append(result)
        document: dict[str, Any] = {"model": model.served_as, "object": "list"}
        if with_usage:
            document["usage"] = {"total_tokens": tokens}
        body = msgspec.json.encode({**document, "results": results})
        return done(model, TokenUse(uncached=tokens), body, with_usage=with_usage)
