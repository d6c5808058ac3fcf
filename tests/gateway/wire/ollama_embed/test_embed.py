import json
import warnings
from typing import Any

import ollama
import pytest
from hypothesis import given
from tests.gateway.wire.recordings import NOBODY, answering
from tests.gateway.wire.serving import Given, serving
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
    thorough,
    told,
)

from trunkline.errors import InvalidRequest, NotFound
from trunkline.gateway.exchange.destination import Destination
from trunkline.gateway.exchange.embedding import EmbeddingReply, EmbeddingRequest
from trunkline.gateway.exchange.losses import Losses
from trunkline.gateway.metering.usage import Usage
from trunkline.gateway.wire.contract import EMBEDDING, NOWHERE, Malformed, ProviderFault, Reply
from trunkline.gateway.wire.ollama_embed.passing import OllamaEmbed, OllamaEmbeddings

WIRE = OllamaEmbed()
OLDER = OllamaEmbeddings()
TARGET = Destination("nomic")

REQUEST: Shape = an_object(
    {"model": one_of("m", "n"), "input": either(WORDS) | listed(WORDS)},
    {
        "truncate": either(FLAGS),
        "dimensions": either(NUMBERS),
        "options": ANY,
        "keep_alive": ANY,
    },
)
OLDER_REQUEST: Shape = an_object(
    {"model": one_of("m", "n"), "prompt": either(WORDS)}, {"options": ANY, "keep_alive": ANY}
)


@thorough
@given(REQUEST)
def test_what_is_read_is_written_again_and_everything_else_is_refused(document: Any) -> None:
    comes_back(WIRE, document)


@thorough
@given(OLDER_REQUEST)
def test_the_older_shape_is_written_again_too(document: Any) -> None:
    comes_back(OLDER, document)


def comes_back(wire: OllamaEmbed, document: Any) -> None:
    try:
        request = wire.codec.read_request(document, NOWHERE)
    except InvalidRequest:
        return
    losses = Losses()
    written = wire.codec.write_request(request, Destination(request.model), losses)
    assert told(written) == told(document)
    assert not losses


def asks(**members: Any) -> EmbeddingRequest:
    return EmbeddingRequest(wire="elsewhere", model="public", **{"inputs": ("a", "b"), **members})


def test_a_request_from_elsewhere_is_written_and_what_has_no_place_named() -> None:
    losses = Losses()
    request = asks(
        dimensions=256, truncate=False, purpose="query", user="u", encoding="base64", extra={"x": 1}
    )
    assert WIRE.codec.write_request(request, TARGET, losses) == {
        "model": "nomic",
        "input": ["a", "b"],
        "dimensions": 256,
        "truncate": False,
    }
    assert losses.names == ("input_type", "user", "x")


def test_one_text_stays_one_text() -> None:
    request = asks(inputs=("a",), single=True)
    assert WIRE.codec.write_request(request, TARGET, Losses())["input"] == "a"


def test_the_older_shape_takes_one_text_and_no_settings() -> None:
    losses = Losses()
    request = asks(inputs=("a",), dimensions=256, truncate=False)
    assert OLDER.codec.write_request(request, TARGET, losses) == {"model": "nomic", "prompt": "a"}
    assert losses.names == ("dimensions", "truncate")
    with pytest.raises(InvalidRequest, match="one text at a time"):
        OLDER.codec.write_request(asks(), TARGET, Losses())


def test_tokens_mean_nothing_to_another_model() -> None:
    with pytest.raises(InvalidRequest, match="texts and not tokens"):
        WIRE.codec.write_request(asks(inputs=("a", (1, 2))), TARGET, Losses())


def test_a_whole_answer_comes_out_as_it_went_in() -> None:
    document = {
        "model": "nomic",
        "embeddings": [[0.5, 1], [0, -1e-9]],
        "total_duration": 5,
        "load_duration": 1,
        "prompt_eval_count": 8,
    }
    read = WIRE.read_reply(json.dumps(document).encode(), EMBEDDING)
    assert read == Reply(Usage(input=8), "nomic")
    reply = WIRE.codec.read_reply(document, "5eed")
    assert reply.vectors == ((0.5, 1.0), (0.0, -1e-9))
    assert told(WIRE.codec.write_reply(reply, read.usage, answering())) == document
    older = {"embedding": [0.5, 1]}
    old = OLDER.codec.read_reply(older, "5eed")
    assert OLDER.read_reply(json.dumps(older).encode(), EMBEDDING) == Reply(None)
    assert told(OLDER.codec.write_reply(old, None, answering())) == older


@pytest.mark.parametrize(
    "document", [{}, {"embeddings": 5}, {"embeddings": [5]}, {"embeddings": [["x"]]}]
)
def test_what_is_no_answer_is_malformed(document: Any) -> None:
    with pytest.raises(Malformed):
        WIRE.codec.read_reply(document, "5eed")
    with pytest.raises(Malformed):
        OLDER.codec.read_reply(document, "5eed")


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b'{"embeddings":[],"prompt_eval_count":"x"}'])
def test_bytes_that_are_no_answer_are_malformed(body: bytes) -> None:
    with pytest.raises(Malformed):
        WIRE.read_reply(body, EMBEDDING)


def test_ollamas_own_client_reads_an_answer_from_elsewhere() -> None:
    reply = EmbeddingReply(wire="elsewhere", vectors=((0.5, 1.0),), model="text-embedding-3")
    document = WIRE.codec.write_reply(reply, Usage(input=8), answering())
    assert told(document) == {
        "model": "text-embedding-3",
        "embeddings": [[0.5, 1.0]],
        "prompt_eval_count": 8,
    }
    assert "prompt_eval_count" not in WIRE.codec.write_reply(reply, None, answering())
    nothing = EmbeddingReply(wire="elsewhere", vectors=())
    assert OLDER.codec.write_reply(nothing, None, answering()) == {"embedding": ()}
    older = OLDER.codec.write_reply(reply, None, answering())
    answers = {
        "/api/embed": Given(json.dumps(document).encode()),
        "/api/embeddings": Given(json.dumps(older).encode()),
    }
    with serving(answers) as address, ollama.Client(address) as client:
        answer = client.embed("m", "x")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            old = client.embeddings("m", "x")
    assert [list(vector) for vector in answer.embeddings] == [[0.5, 1.0]]
    assert answer.prompt_eval_count == 8
    assert list(old.embedding) == [0.5, 1.0]


@pytest.mark.parametrize(
    ("sent", "inputs"),
    [({"input": "a"}, 1), ({"input": ["a", "b"]}, 2), ({}, 1), ({"input": []}, 1)],
)
def test_a_request_is_read_as_far_as_the_path_needs_it(sent: dict[str, Any], inputs: int) -> None:
    body = json.dumps({"model": "m", **sent}).encode()
    request = WIRE.read_request(body, EMBEDDING)
    assert (request.model, request.size, request.inputs) == ("m", len(body), inputs)
    assert not request.stream
    WIRE.limit_output(request, 5, "max_tokens")
    assert json.loads(WIRE.write_request(request, "n")) == {"model": "n", **sent}


def test_the_paths_and_errors_of_both_shapes() -> None:
    assert WIRE.path(EMBEDDING, "m", stream=False) == b"/api/embed"
    assert OLDER.path(EMBEDDING, "m", stream=False) == b"/api/embeddings"
    error = NotFound("There is no such model.")
    assert json.loads(WIRE.error_body(error, "r"))["error"] == "There is no such model."
    assert json.loads(WIRE.error_frame(error, "r"))["error"] == "There is no such model."
    assert WIRE.read_fault(404, b'{"error":"x"}') == ProviderFault(404, None, "x", ours=False)


def test_vectors_are_never_streamed() -> None:
    with pytest.raises(AssertionError):
        WIRE.stream_reader(NOBODY)
    with pytest.raises(AssertionError):
        WIRE.splitter(1)
