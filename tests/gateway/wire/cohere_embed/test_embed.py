import json
from base64 import b64encode
from struct import pack
from typing import Any

import cohere
import pytest
from hypothesis import given
from tests.gateway.wire.recordings import answering
from tests.gateway.wire.serving import Given, serving
from tests.gateway.wire.shapes import (
    ANY,
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
from trunkline.gateway.wire.cohere_embed.passing import CohereEmbed
from trunkline.gateway.wire.contract import EMBEDDING, NOWHERE, Malformed, ProviderFault, Reply

WIRE = CohereEmbed()
CODEC = CohereEmbed.codec
TARGET = Destination("embed-v4.0")
UUID = "01234567-89ab-cdef-0123-456789abcdef"

BLOCK = an_object({"type": one_of("text", "image_url")}, {"text": either(WORDS)})
REQUEST: Shape = an_object(
    {"model": one_of("m", "n")},
    {
        "texts": listed(WORDS),
        "inputs": listed(an_object({"content": listed(BLOCK, 1)})),
        "images": ANY,
        "input_type": one_of("search_query", "search_document", "clustering", "query"),
        "embedding_types": listed(one_of("float", "base64", "int8")),
        "output_dimension": either(NUMBERS),
        "truncate": one_of("NONE", "START", "END"),
        "max_tokens": ANY,
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
        texts=["a", "b"],
        input_type="search_query",
        output_dimension=256,
        truncate="END",
        embedding_types=["base64"],
        max_tokens=5,
    )
    assert (request.inputs, request.purpose, request.dimensions) == (("a", "b"), "query", 256)
    assert (request.truncate, request.encoding) == (True, "base64")
    assert request.extra == {"max_tokens": 5}


def test_inputs_that_are_texts_are_texts() -> None:
    content = [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]
    request = read(inputs=[{"content": content}], input_type="clustering", truncate="NONE")
    assert (request.inputs, request.purpose, request.truncate) == (("a\nb",), "clustering", False)


def test_texts_that_were_changed_are_written_as_they_are_now() -> None:
    request = read(inputs=[{"content": [{"type": "text", "text": "secret"}]}])
    changed = type(request)(
        wire="cohere_embed",
        model="m",
        inputs=("hidden",),
        plain=request.plain,  # type: ignore[attr-defined, call-arg] # It is of the reader's own kind.
    )
    assert CODEC.write_request(changed, TARGET, Losses()) == {
        "model": "embed-v4.0",
        "texts": ["hidden"],
    }


@pytest.mark.parametrize(
    ("members", "param"),
    [
        ({}, "texts"),
        ({"texts": []}, "texts"),
        ({"images": ["data:image/png;base64,aGk="]}, "texts"),
        ({"inputs": [{"content": [{"type": "image_url"}]}]}, "inputs[0]"),
        ({"inputs": [5]}, "inputs[0]"),
        ({"texts": [5]}, "texts"),
    ],
)
def test_pictures_and_nothing_only_pass_to_cohere(members: Any, param: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        read(**members)
    assert refused.value.param == param


def test_a_request_from_elsewhere_is_written_and_what_has_no_place_named() -> None:
    losses = Losses()
    request = EmbeddingRequest(
        wire="elsewhere",
        model="public",
        inputs=("a", "b"),
        dimensions=256,
        purpose="query",
        truncate=False,
        user="u",
        encoding="base64",
        extra={"x": 1},
    )
    assert CODEC.write_request(request, TARGET, losses) == {
        "model": "embed-v4.0",
        "texts": ["a", "b"],
        "input_type": "search_query",
        "output_dimension": 256,
        "truncate": "NONE",
        "embedding_types": ["float"],
    }
    assert losses.names == ("user", "x")


def test_a_text_without_a_purpose_is_one_to_be_found() -> None:
    request = EmbeddingRequest(wire="elsewhere", model="public", inputs=("a",))
    assert CODEC.write_request(request, TARGET, Losses())["input_type"] == "search_document"


def test_a_whole_answer_comes_out_as_it_went_in() -> None:
    document = {
        "id": "x",
        "embeddings": {"float": [[0.5, 1.0]], "int8": [[1, 2]]},
        "texts": ["a"],
        "meta": {"api_version": {"version": "2"}, "billed_units": {"input_tokens": 3}},
        "response_type": "embeddings_by_type",
    }
    read = WIRE.read_reply(json.dumps(document).encode(), EMBEDDING)
    assert read == Reply(Usage(input=3))
    reply = CODEC.read_reply(document, "5eed")
    assert reply.vectors == ((0.5, 1.0),)
    again = told(CODEC.write_reply(reply, read.usage, answering()))
    # One rule: kinds of vectors that only Cohere makes pass, and are not told in other words.
    assert again == {**document, "embeddings": {"float": [[0.5, 1.0]]}}


def test_vectors_in_base64_are_read_too() -> None:
    packed = b64encode(pack("<2f", 0.5, 1.0)).decode()
    reply = CODEC.read_reply({"embeddings": {"base64": [packed]}}, "5eed")
    assert reply.vectors == ((0.5, 1.0),)


@pytest.mark.parametrize(
    "document",
    [
        {},
        {"embeddings": [[0.5]]},
        {"embeddings": {}},
        {"embeddings": {"float": ["!"]}},
        {"embeddings": {"float": ["aGk="]}},
        {"embeddings": {"float": [["x"]]}},
    ],
)
def test_what_is_no_answer_is_malformed(document: Any) -> None:
    with pytest.raises(Malformed):
        CODEC.read_reply(document, "5eed")


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b'{"embeddings":{},"meta":5}'])
def test_bytes_that_are_no_answer_are_malformed(body: bytes) -> None:
    with pytest.raises(Malformed):
        WIRE.read_reply(body, EMBEDDING)


def test_a_vector_that_does_not_fit_is_malformed() -> None:
    reply = EmbeddingReply(wire="elsewhere", vectors=((1e300,),))
    with pytest.raises(Malformed):
        CODEC.write_reply(reply, None, answering(read(texts=["a"], embedding_types=["base64"])))


def test_coheres_own_client_reads_an_answer_from_elsewhere() -> None:
    reply = EmbeddingReply(wire="elsewhere", vectors=((0.5, 1.0),), id="e", model="m")
    asked = read(texts=["a"], embedding_types=["float", "base64"])
    document = CODEC.write_reply(reply, Usage(input=3), answering(asked))
    packed = b64encode(pack("<2f", 0.5, 1.0)).decode()
    assert told(document) == {
        "id": UUID,
        "embeddings": {"float": [[0.5, 1.0]], "base64": [packed]},
        "texts": ["a"],
        "meta": {"api_version": {"version": "2"}, "billed_units": {"input_tokens": 3}},
        "response_type": "embeddings_by_type",
    }
    with serving({"/v2/embed": Given(json.dumps(document).encode())}) as address:
        client = cohere.ClientV2("key", base_url=address)
        answer = client.embed(
            model="m", input_type="search_query", texts=["a"], embedding_types=["float"]
        )
    assert answer.embeddings.float_ == [[0.5, 1.0]]
    assert answer.meta is not None
    assert answer.meta.billed_units is not None
    assert answer.meta.billed_units.input_tokens == 3


def test_usage_that_nobody_knows_is_not_told() -> None:
    reply = EmbeddingReply(wire="elsewhere", vectors=())
    meta = CODEC.write_reply(reply, None, answering())["meta"]
    assert meta == {"api_version": {"version": "2"}}


def test_a_request_is_read_as_far_as_the_path_needs_it() -> None:
    sent = json.dumps({"model": "m", "texts": ["a", "b"], "images": ["data:image/png;base64,"]})
    request = WIRE.read_request(sent.encode(), EMBEDDING)
    assert (request.model, request.inputs, request.attachments) == ("m", 3, 1)
    assert WIRE.path(EMBEDDING, "m", stream=False) == b"/v2/embed"
    error = NotFound("There is no such model.")
    assert json.loads(WIRE.error_body(error, "r1")) == {
        "id": "r1",
        "message": "There is no such model.",
        "code": "not_found",
    }
    assert WIRE.error_frame(error, "r1") == WIRE.error_body(error, "r1")
    assert WIRE.read_fault(404, b'{"message":"x"}') == ProviderFault(404, None, "x", ours=False)
