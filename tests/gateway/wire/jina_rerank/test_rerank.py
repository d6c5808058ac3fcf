import json
from typing import Any

import pytest
from hypothesis import given
from tests.gateway.wire.rankings import DOCUMENTS, REPLY, REQUEST, asks, comes_back, written
from tests.gateway.wire.recordings import answering, needs_transcripts, recorded
from tests.gateway.wire.shapes import thorough

from trunkline.errors import NotFound
from trunkline.gateway.metering.usage import Usage
from trunkline.gateway.wire.contract import RERANK, Malformed, ProviderFault, Reply
from trunkline.gateway.wire.jina_rerank.passing import JinaRerank

WIRE = JinaRerank()
CODEC = JinaRerank.codec


@thorough
@given(REQUEST)
def test_what_is_read_is_written_again_and_everything_else_is_refused(document: Any) -> None:
    comes_back(CODEC, document)


@needs_transcripts
def test_an_answer_of_together_comes_out_as_it_went_in() -> None:
    body = recorded("together/rerank-shape.json")
    read = WIRE.read_reply(body, RERANK)
    assert read == Reply(Usage(input=2966), "Salesforce/Llama-Rank-v1")
    reply = CODEC.read_reply(json.loads(body), "5eed")
    assert CODEC.write_reply(reply, read.usage, answering()) == json.loads(body)


def test_a_request_from_elsewhere_is_written_with_its_objects() -> None:
    document, lost = written(CODEC, top=2, return_documents=True, extra={"truncation": True})
    assert document == {
        "model": "ranker",
        "query": "q",
        "documents": list(DOCUMENTS),
        "top_n": 2,
        "return_documents": False,
    }
    assert lost == ("truncation",)


@pytest.mark.parametrize(
    ("wanted", "documents"),
    [
        (None, [{"text": "first"}, {"text": "second", "id": 2}]),
        (True, [{"text": "first"}, {"text": "second", "id": 2}]),
        (False, [None, None]),
    ],
)
def test_results_have_their_documents_unless_nobody_wants_them(
    wanted: bool | None, documents: list[Any]
) -> None:
    asked = asks(top=2, return_documents=wanted)
    document = CODEC.write_reply(REPLY, Usage(input=7), answering(asked))
    assert document["model"] == "theirs"
    assert document["object"] == "list"
    assert document["usage"] == {"total_tokens": 7}
    assert [(r["index"], r["relevance_score"]) for r in document["results"]] == [(0, 0.9), (1, 0.5)]
    assert [result.get("document") for result in document["results"]] == documents


def test_usage_that_nobody_knows_is_not_told() -> None:
    document = CODEC.write_reply(REPLY, None, answering(asks(return_documents=False)))
    assert document == {
        "model": "theirs",
        "object": "list",
        "results": [
            {"index": 0, "relevance_score": 0.9},
            {"index": 1, "relevance_score": 0.5},
            {"index": 2, "relevance_score": 0.1},
        ],
    }


@pytest.mark.parametrize(
    ("usage", "read"),
    [
        ({"total_tokens": 5}, Usage(input=5)),
        ({"prompt_tokens": 4}, Usage(input=4)),
        ({"total_tokens": -1}, None),
        ({}, None),
        (None, None),
    ],
)
def test_all_of_the_usage_is_input(usage: Any, read: Usage | None) -> None:
    body = json.dumps({"model": "j", "results": [], "usage": usage}).encode()
    assert WIRE.read_reply(body, RERANK) == Reply(read, "j")


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b'{"results":[],"usage":5}'])
def test_bytes_that_are_no_answer_are_malformed(body: bytes) -> None:
    with pytest.raises(Malformed):
        WIRE.read_reply(body, RERANK)


@pytest.mark.parametrize(
    ("status", "told", "fault"),
    [
        (422, b'{"detail":"bad"}', ProviderFault(422, None, "bad", ours=False)),
        (
            422,
            b'{"detail":[{"loc":[],"msg":"a"},{"msg":"b"},5]}',
            ProviderFault(422, None, "a; b", ours=False),
        ),
        (422, b'{"detail":[]}', ProviderFault(422, None, None, ours=False)),
        (
            400,
            b'{"error":{"message":"bad","type":"invalid_request_error"}}',
            ProviderFault(400, "invalid_request_error", "bad", ours=False),
        ),
        (400, b'{"message":"bad"}', ProviderFault(400, None, "bad", ours=False)),
        (402, b'{"detail":{"msg":5}}', ProviderFault(402, None, None, ours=True)),
        (500, b"oops", ProviderFault(500, None, None, ours=False)),
    ],
)
def test_failures_of_the_provider_are_understood(
    status: int, told: bytes, fault: ProviderFault
) -> None:
    assert WIRE.read_fault(status, told) == fault


def test_our_errors_have_jinas_shape() -> None:
    error = NotFound("There is no such model.", hint="Look it up.")
    told = {"detail": "There is no such model. Look it up.", "code": "not_found"}
    assert json.loads(WIRE.error_body(error, "r")) == told
    assert json.loads(WIRE.error_frame(error, "r")) == told


def test_a_request_is_read_as_far_as_the_path_needs_it() -> None:
    request = WIRE.read_request(b'{"model":"m","query":"q","documents":["a","b"]}', RERANK)
    assert (request.model, request.inputs, request.repeated) == ("m", 2, 1)
    assert WIRE.path(RERANK, "m", stream=False) == b"/rerank"
    assert not WIRE.versioned
