import json
from base64 import b64encode
from struct import pack
from typing import Any

import pytest
from hypothesis import given
from tests.gateway.wire.recordings import answering, needs_transcripts, recorded
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

from trunkline.errors import InvalidRequest
from trunkline.gateway.exchange.destination import Destination
from trunkline.gateway.exchange.embedding import EmbeddingReply, EmbeddingRequest
from trunkline.gateway.exchange.losses import Losses
from trunkline.gateway.metering.usage import Usage
from trunkline.gateway.wire.contract import EMBEDDING, NOWHERE, Malformed, Reply
from trunkline.gateway.wire.voyage_embeddings.passing import VoyageEmbeddings

WIRE = VoyageEmbeddings()
CODEC = VoyageEmbeddings.codec
TARGET = Destination("voyage-3.5")

REQUEST: Shape = an_object(
    {"model": one_of("m", "n"), "input": either(WORDS) | listed(WORDS, 1)},
    {
        "input_type": one_of("query", "document", "other"),
        "truncation": either(FLAGS),
        "output_dimension": either(NUMBERS),
        "output_dtype": one_of("float", "int8"),
        "encoding_format": one_of("base64", "other"),
        "user": ANY,
    },
)


@thorough
@given(REQUEST)
def test_what_is_read_is_written_again_and_everything_else_is_refused(document: Any) -> None:
    try:
        request = CODEC.read_request(document, NOWHERE)
    except InvalidRequest:
        return
    losses = Losses()
    written = CODEC.write_request(request, Destination(request.model), losses)
    assert told(written) == told(document)
    assert not losses


def read(**members: Any) -> EmbeddingRequest:
    return CODEC.read_request({"model": "m", **members}, NOWHERE)


def test_a_request_says_the_same_in_the_internal_form() -> None:
    request = read(
        input=["a", "b"],
        input_type="query",
        truncation=False,
        output_dimension=256,
        output_dtype="int8",
        encoding_format="base64",
    )
    assert (request.inputs, request.single, request.purpose) == (("a", "b"), False, "query")
    assert (request.truncate, request.dimensions, request.encoding) == (False, 256, "base64")
    assert request.extra == {"output_dtype": "int8"}
    assert read(input="a", output_dtype="float").extra == {}


@pytest.mark.parametrize("value", [None, "", [], 5, [5], {}])
def test_what_is_no_text_is_refused(value: Any) -> None:
    with pytest.raises(InvalidRequest) as refused:
        read(input=value)
    assert refused.value.param == "input"


def asks(**members: Any) -> EmbeddingRequest:
    return EmbeddingRequest(wire="elsewhere", model="public", **{"inputs": ("a", "b"), **members})


def test_a_request_from_elsewhere_is_written() -> None:
    losses = Losses()
    request = asks(dimensions=256, purpose="document", truncate=True, encoding="base64")
    assert CODEC.write_request(request, TARGET, losses) == {
        "model": "voyage-3.5",
        "input": ["a", "b"],
        "output_dimension": 256,
        "truncation": True,
        "input_type": "document",
    }
    assert losses.names == ()


def test_what_voyage_has_no_place_for_is_named() -> None:
    losses = Losses()
    request = asks(inputs=("a",), single=True, purpose="clustering", user="u", extra={"x": 1})
    assert CODEC.write_request(request, TARGET, losses) == {"model": "voyage-3.5", "input": "a"}
    assert losses.names == ("input_type", "user", "x")


@needs_transcripts
def test_a_recorded_answer_comes_out_as_it_went_in() -> None:
    """One rule: what was null is left out."""
    body = recorded("voyage/embed-shape.json")
    read = WIRE.read_reply(body, EMBEDDING)
    assert read == Reply(Usage(input=12), "voyage-3.5")
    reply = CODEC.read_reply(json.loads(body), "5eed")
    assert told(CODEC.write_reply(reply, read.usage, answering())) == told(json.loads(body))


def test_vectors_are_put_into_the_order_of_the_texts() -> None:
    data = [{"embedding": [2.0], "index": 1}, {"embedding": [1], "index": 0}]
    assert CODEC.read_reply({"data": data}, "5eed").vectors == ((1.0,), (2.0,))


@pytest.mark.parametrize(
    "document",
    [{}, {"data": 5}, {"data": [{"index": 0}]}, {"data": [{"index": 0, "embedding": 5}]}],
)
def test_what_is_no_answer_is_malformed(document: Any) -> None:
    with pytest.raises(Malformed):
        CODEC.read_reply(document, "5eed")


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b'{"data":[],"usage":5}'])
def test_bytes_that_are_no_answer_are_malformed(body: bytes) -> None:
    with pytest.raises(Malformed):
        WIRE.read_reply(body, EMBEDDING)


def test_an_answer_from_elsewhere_is_told_as_the_caller_wants_it() -> None:
    reply = EmbeddingReply(wire="elsewhere", vectors=((0.5, 1.0),))
    plain = CODEC.write_reply(reply, Usage(input=3), answering(read(input="a")))
    assert told(plain) == {
        "object": "list",
        "data": [{"object": "embedding", "embedding": [0.5, 1.0], "index": 0}],
        "model": "public",
        "usage": {"total_tokens": 3},
    }
    asked = read(input="a", encoding_format="base64")
    packed = CODEC.write_reply(reply, None, answering(asked))
    assert packed["data"][0]["embedding"] == b64encode(pack("<2f", 0.5, 1.0)).decode()
    assert "usage" not in packed


def test_a_request_is_read_as_far_as_the_path_needs_it() -> None:
    request = WIRE.read_request(b'{"model":"m","input":["a","b"]}', EMBEDDING)
    assert (request.model, request.inputs) == ("m", 2)
    assert WIRE.path(EMBEDDING, "m", stream=False) == b"/embeddings"
