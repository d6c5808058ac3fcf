import json
from typing import Any

import pytest
from hypothesis import given
from tests.gateway.wire.rankings import REPLY, REQUEST, asks, comes_back, written
from tests.gateway.wire.recordings import answering, asked, needs_transcripts, recorded
from tests.gateway.wire.shapes import thorough

from trunkline.gateway.metering.usage import Usage
from trunkline.gateway.wire.contract import NOWHERE, RERANK, Malformed, Reply
from trunkline.gateway.wire.voyage_rerank.passing import VoyageRerank

WIRE = VoyageRerank()
CODEC = VoyageRerank.codec


@thorough
@given(REQUEST)
def test_what_is_read_is_written_again_and_everything_else_is_refused(document: Any) -> None:
    comes_back(CODEC, document)


@needs_transcripts
def test_recorded_requests_and_answers_come_out_as_they_went_in() -> None:
    comes_back(CODEC, asked("voyage/rerank"))
    body = recorded("voyage/rerank.json")
    read = WIRE.read_reply(body, RERANK)
    assert read == Reply(Usage(input=57), "rerank-2-lite")
    reply = CODEC.read_reply(json.loads(body), "5eed")
    request = CODEC.read_request(asked("voyage/rerank"), NOWHERE)
    assert CODEC.write_reply(reply, read.usage, answering(request)) == json.loads(body)


def test_a_request_from_elsewhere_is_written_as_texts() -> None:
    document, lost = written(CODEC, top=2, return_documents=True, extra={"rank_fields": ["a"]})
    assert document == {
        "model": "ranker",
        "query": "q",
        "documents": ["first", "second", "third"],
        "top_k": 2,
    }
    assert lost == ("rank_fields",)


@pytest.mark.parametrize(
    ("wanted", "documents"),
    [(None, [None, None]), (True, ["first", {"text": "second", "id": 2}])],
)
def test_results_have_their_documents_where_they_are_wanted(
    wanted: bool | None, documents: list[Any]
) -> None:
    asked = asks(top=2, return_documents=wanted)
    document = CODEC.write_reply(REPLY, Usage(input=7), answering(asked))
    assert [result.pop("document", None) for result in document["data"]] == documents
    assert document == {
        "object": "list",
        "data": [{"relevance_score": 0.9, "index": 0}, {"relevance_score": 0.5, "index": 1}],
        "model": "theirs",
        "usage": {"total_tokens": 7},
    }


def test_usage_that_nobody_knows_is_not_told() -> None:
    assert "usage" not in CODEC.write_reply(REPLY, None, answering(asks()))


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b'{"data":[],"usage":5}'])
def test_bytes_that_are_no_answer_are_malformed(body: bytes) -> None:
    with pytest.raises(Malformed):
        WIRE.read_reply(body, RERANK)


def test_a_request_is_read_as_far_as_the_path_needs_it() -> None:
    request = WIRE.read_request(b'{"model":"m","query":"q","documents":["a","b"]}', RERANK)
    assert (request.model, request.inputs, request.repeated) == ("m", 2, 1)
    assert WIRE.path(RERANK, "m", stream=False) == b"/rerank"
