"""Requests for rankings, for Hypothesis, and what the tests of their wires share."""

from typing import Any

from tests.gateway.wire.shapes import (
    ANY,
    FLAGS,
    NUMBERS,
    WORDS,
    Shape,
    an_object,
    either,
    listed,
    one_of,
    told,
)

from trunkline.errors import InvalidRequest
from trunkline.gateway.exchange.destination import Destination
from trunkline.gateway.exchange.losses import Losses
from trunkline.gateway.exchange.rerank import Ranked, RerankReply, RerankRequest
from trunkline.gateway.wire.contract import NOWHERE, Codec

REQUEST: Shape = an_object(
    {"model": one_of("m", "n"), "query": either(WORDS), "documents": listed(ANY, 1)},
    {
        "top_n": either(NUMBERS),
        "top_k": either(NUMBERS),
        "return_documents": either(FLAGS),
        "truncation": ANY,
        "max_tokens_per_doc": ANY,
    },
)
TARGET = Destination("ranker")
DOCUMENTS = ("first", {"text": "second", "id": 2}, "third")
REPLY = RerankReply(
    wire="elsewhere",
    results=(Ranked(2, 0.1), Ranked(0, 0.9, {"text": "theirs"}), Ranked(1, 0.5)),
    id="e",
    model="theirs",
    extra={"odd": 1},
)

Ranking = Codec[RerankRequest, RerankReply]


def comes_back(codec: Ranking, document: Any) -> None:
    """What is read is written again, and everything else refused."""
    try:
        request = codec.read_request(document, NOWHERE)
    except InvalidRequest:
        return
    losses = Losses()
    written = codec.write_request(request, Destination(request.model), losses)
    assert told(written) == told(document)
    assert not losses


def asks(**members: Any) -> RerankRequest:
    return RerankRequest(
        wire="elsewhere", model="public", **{"query": "q", "documents": DOCUMENTS, **members}
    )


def written(codec: Ranking, **members: Any) -> tuple[dict[str, Any], tuple[str, ...]]:
    losses = Losses()
    return codec.write_request(asks(**members), TARGET, losses), losses.names
