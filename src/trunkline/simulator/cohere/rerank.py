"""Cohere's rerank, which is billed by searches."""

import hashlib
from typing import Annotated, Any

import msgspec
from typing_extensions import override

from trunkline.simulator.asked import Asked
from trunkline.simulator.billing import TokenUse
from trunkline.simulator.cohere.manners import CohereWire, answer_id, read_body, the_model
from trunkline.simulator.cohere.samples import invalid
from trunkline.simulator.models import WireName
from trunkline.simulator.wire import WorkWire
from trunkline.simulator.work import Work, done, ranked, search_units

_MOST_DOCUMENTS = 10_000
_Positive = Annotated[int, msgspec.Meta(ge=1)]


class _Body(msgspec.Struct, forbid_unknown_fields=True):
    model: str
    query: str
    documents: list[str]
    top_n: _Positive | None = None
    max_tokens_per_doc: _Positive | None = None
    priority: int | None = None
    relevant_spans: Any = None


class CohereRerank(CohereWire, WorkWire):
    """``/v2/rerank``."""

    name: WireName = "cohere_rerank"

    @override
    def work(self, asked: Asked, seed: int, *, with_usage: bool) -> Work:
        wanted = read_body(asked.body, _Body)
        model = the_model(wanted.model, self.name)
        if not wanted.documents:
            raise invalid("list of documents must not be empty")
        if len(wanted.documents) > _MOST_DOCUMENTS:
            raise invalid(f"too many documents: the maximum is {_MOST_DOCUMENTS}")
        scores = ranked(seed, model, wanted.query, wanted.documents)[: wanted.top_n]
        searches = search_units(len(wanted.documents))
        meta: dict[str, Any] = {"api_version": {"version": "2"}}
        if with_usage:
            meta["billed_units"] = {"search_units": searches}
        document = {
            "id": answer_id(hashlib.blake2b(asked.body, digest_size=16).digest()),
            "results": [{"index": index, "relevance_score": score} for index, score in scores],
            "meta": meta,
        }
        body = msgspec.json.encode(document)
        return done(model, TokenUse(searches=searches), body, with_usage=with_usage)
