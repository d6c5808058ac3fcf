import json
from typing import Any

import cohere
import pytest
from hypothesis import given
from tests.gateway.wire.rankings import REPLY, REQUEST, asks, comes_back, written
from tests.gateway.wire.recordings import answering, asked, needs_transcripts, recorded
from tests.gateway.wire.serving import Given, serving
from tests.gateway.wire.shapes import thorough

from trunkline.errors import InvalidRequest
from trunkline.gateway.exchange.rerank import Ranked
from trunkline.gateway.metering.usage import Usage
from trunkline.gateway.wire.cohere_rerank.passing import CohereRerank
from trunkline.gateway.wire.contract import NOWHERE, RERANK, Malformed

WIRE = CohereRerank()
CODEC = CohereRerank.codec
UUID = "01234567-89ab-cdef-0123-456789abcdef"


@thorough
@given(REQUEST)
def test_what_is_read_is_written_again_and_everything_else_is_refused(document: Any) -> None:
    comes_back(CODEC, document)


@needs_transcripts
def test_recorded_requests_and_answers_come_out_as_they_went_in() -> None:
    comes_back(CODEC, asked("cohere/rerank"))
    body = recorded("cohere/rerank.json")
    usage = WIRE.read_reply(body, RERANK).usage
    assert usage == Usage(searches=1)
    reply = CODEC.read_reply(json.loads(body), "5eed")
    assert reply.results[0] == Ranked(3, 0.999071)
    request = CODEC.read_request(asked("cohere/rerank"), NOWHERE)
    assert CODEC.write_reply(reply, usage, answering(request)) == json.loads(body)


def test_a_request_from_elsewhere_is_written_as_texts() -> None:
    document, lost = written(CODEC, top=2, return_documents=True, extra={"truncation": True})
    assert document == {
        "model": "ranker",
        "query": "q",
        "documents": ["first", "second", "third"],
        "top_n": 2,
    }
    assert lost == ("truncation",)


def test_an_object_without_a_text_is_ranked_as_json() -> None:
    assert written(CODEC, documents=({"title": "T", "year": 1},))[0]["documents"] == [
        '{"title":"T","year":1}'
    ]


@pytest.mark.parametrize("document", [{"image": "https://h/p.png"}, {}, 5, None, []])
def test_what_is_no_text_cannot_be_ranked(document: Any) -> None:
    with pytest.raises(InvalidRequest) as refused:
        written(CODEC, documents=("a", document))
    assert refused.value.param == "documents[1]"


@pytest.mark.parametrize("name", ["top_n", "top_k"])
def test_either_name_says_how_many_results_are_wanted(name: str) -> None:
    request = CODEC.read_request({"model": "m", "query": "q", "documents": ["a"], name: 3}, NOWHERE)
    assert request.top == 3
    assert request.extra == {}


@pytest.mark.parametrize(
    ("document", "param"),
    [
        ({"query": "q", "documents": ["a"]}, "model"),
        ({"model": "m", "documents": ["a"]}, "query"),
        ({"model": "m", "query": "q"}, "documents"),
        ({"model": "m", "query": "q", "documents": []}, "documents"),
        ({"model": "m", "query": "q", "documents": ["a"], "top_n": 0}, "top_n"),
        ({"model": "m", "query": "q", "documents": ["a"], "top_n": "x"}, "top_n"),
    ],
)
def test_what_makes_no_sense_is_refused_with_its_field(document: Any, param: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        CODEC.read_request(document, NOWHERE)
    assert refused.value.param == param


@pytest.mark.parametrize(
    "document", [{}, {"results": 5}, {"results": [{}]}, {"results": [{"index": "x"}]}]
)
def test_what_is_no_answer_is_malformed(document: Any) -> None:
    with pytest.raises(Malformed):
        CODEC.read_reply(document, "5eed")


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b'{"results":[],"meta":5}'])
def test_bytes_that_are_no_answer_are_malformed(body: bytes) -> None:
    with pytest.raises(Malformed):
        WIRE.read_reply(body, RERANK)


def test_coheres_own_client_reads_an_answer_from_elsewhere() -> None:
    document = CODEC.write_reply(REPLY, Usage(input=7), answering(asks(top=2)))
    assert document == {
        "id": UUID,
        "results": [
            {"index": 0, "relevance_score": 0.9},
            {"index": 1, "relevance_score": 0.5},
        ],
        "meta": {"api_version": {"version": "2"}, "billed_units": {"input_tokens": 7}},
    }
    with serving({"/v2/rerank": Given(json.dumps(document).encode())}) as address:
        client = cohere.ClientV2("key", base_url=address)
        answer = client.rerank(model="m", query="q", documents=["a"])
    assert [(one.index, one.relevance_score) for one in answer.results] == [(0, 0.9), (1, 0.5)]


def test_documents_come_back_from_the_request_where_they_are_wanted() -> None:
    document = CODEC.write_reply(REPLY, None, answering(asks(return_documents=True)))
    assert [result["document"] for result in document["results"]] == [
        {"text": "first"},
        {"text": "second", "id": 2},
        {"text": "third"},
    ]
    strange = type(REPLY)(wire="elsewhere", results=(Ranked(9, 0.5, {"text": "theirs"}),))
    told = CODEC.write_reply(strange, Usage(searches=1), answering(asks(return_documents=True)))
    assert told["results"][0]["document"] == {"text": "theirs"}
    assert told["meta"]["billed_units"] == {"search_units": 1}


def test_a_request_is_read_as_far_as_the_path_needs_it() -> None:
    sent = json.dumps({"model": "m", "query": "\u00fcber", "documents": ["a", "b", "c"]}).encode()
    request = WIRE.read_request(sent, RERANK)
    assert (request.model, request.size, request.inputs, request.repeated) == (
        "m",
        len(sent),
        3,
        10,
    )
    assert WIRE.path(RERANK, "m", stream=False) == b"/v2/rerank"
    assert WIRE.read_request(b'{"model":"m"}', RERANK).inputs == 1
