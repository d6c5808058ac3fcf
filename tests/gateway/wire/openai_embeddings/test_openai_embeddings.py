import contextlib
import json
from collections.abc import Iterator
from typing import Any

import openai
import pytest
from hypothesis import event, given
from hypothesis import strategies as st
from tests.gateway.wire.recordings import answering, asked, needs_transcripts, recorded
from tests.gateway.wire.serving import Given, serving
from tests.gateway.wire.shapes import ANY, WORDS, an_object, either, one_of, thorough, told

from trunkline.errors import InvalidRequest, LimitExceeded
from trunkline.gateway.exchange.destination import Destination, Quirks
from trunkline.gateway.exchange.embedding import EmbeddingReply, EmbeddingRequest
from trunkline.gateway.exchange.losses import Losses
from trunkline.gateway.exchange.parts import Document
from trunkline.gateway.metering.usage import Usage
from trunkline.gateway.wire.contract import NOWHERE, Malformed
from trunkline.gateway.wire.openai_embeddings.passing import OpenAIEmbeddings
from trunkline.gateway.wire.vectors import packed

WIRE = OpenAIEmbeddings()
CODEC = WIRE.codec
TOKENS = st.lists(st.integers(0, 9), min_size=1, max_size=3)
REQUESTS = an_object(
    {"model": either(WORDS)},
    {
        "input": either(
            st.one_of(
                WORDS,
                st.lists(WORDS, max_size=3),
                TOKENS,
                st.lists(TOKENS, max_size=3),
                st.lists(ANY, max_size=2),
            )
        ),
        "dimensions": either(st.integers(1, 9)),
        "encoding_format": one_of("float", "base64", "odd"),
        "input_type": one_of("query"),
        "user": either(WORDS),
        "truncation": ANY,
    },
)


def back(document: Document) -> Document:
    request = CODEC.read_request(document, NOWHERE)
    losses = Losses()
    written = CODEC.write_request(request, Destination(model=request.model), losses)
    assert losses.names == ()
    return written


@thorough
@given(REQUESTS)
def test_each_document_that_is_accepted_comes_back_and_others_are_refused(document: Any) -> None:
    if not isinstance(document, dict):
        return
    try:
        written = back(document)
    except InvalidRequest:
        event("refused")
        return
    event("accepted")
    assert told(written) == told(document)


@pytest.mark.parametrize(
    ("sent", "inputs", "single"),
    [
        ("a", ("a",), True),
        ("", ("",), True),
        (["a", "b"], ("a", "b"), False),
        ([1, 2], ((1, 2),), True),
        ([[1, 2], [3]], ((1, 2), (3,)), False),
    ],
)
def test_all_shapes_of_input(sent: Any, inputs: Any, single: bool) -> None:
    request = CODEC.read_request({"model": "m", "input": sent}, NOWHERE)
    assert (request.inputs, request.single) == (inputs, single)


@pytest.mark.parametrize("sent", [None, [], 5, {}, [True], ["a", 1], [["a"]], [[1], 2]])
def test_other_shapes_are_refused(sent: Any) -> None:
    with pytest.raises(InvalidRequest) as caught:
        CODEC.read_request({"model": "m", "input": sent}, NOWHERE)
    assert caught.value.param == "input"


def test_a_request_of_another_wire() -> None:
    request = EmbeddingRequest(
        wire="gemini_embeddings",
        model="public",
        inputs=("a", (1, 2)),
        dimensions=5,
        purpose="query",
        user="ann",
        truncate=True,
        encoding="base64",
        extra={"title": "T"},
    )
    losses = Losses()
    assert CODEC.write_request(request, Destination(model="own"), losses) == {
        "model": "own",
        "input": ["a", [1, 2]],
        "dimensions": 5,
        "user": "ann",
    }
    assert losses.names == ("input_type", "truncate", "title")
    quirks = Quirks(takes=frozenset({"input_type"}), refuses=frozenset({"user"}))
    losses = Losses()
    one = EmbeddingRequest(
        wire="w", model="public", inputs=("a",), single=True, purpose="query", user="ann"
    )
    assert CODEC.write_request(one, Destination(model="own", quirks=quirks), losses) == {
        "model": "own",
        "input": "a",
        "input_type": "query",
    }
    assert losses.names == ("user",)


@needs_transcripts
def test_the_recorded_request_and_answer_come_back() -> None:
    """One rule: how the answer is spelled follows the request, not the provider."""
    document = asked("openai-embeddings/dimensions")
    assert back(document) == document
    data = recorded("openai-embeddings/dimensions.json")
    reply, request = CODEC.read_reply(json.loads(data), ""), CODEC.read_request(document, NOWHERE)
    usage = WIRE.read_reply(data, "embedding").usage
    assert CODEC.write_reply(reply, usage, answering(request)) == json.loads(data)
    numbers = CODEC.write_reply(reply, usage, answering())["data"][0]["embedding"]
    assert packed(numbers) == json.loads(data)["data"][0]["embedding"]


VECTORS = ((0.5, -1.0), (0.25, 2.0))


def test_vectors_come_in_the_order_of_the_inputs() -> None:
    reply = CODEC.read_reply(
        {
            "data": [
                {"embedding": packed(VECTORS[1]), "index": 1},
                {"embedding": list(VECTORS[0]), "index": 0},
            ],
            "model": "m",
            "usage": {"total_tokens": 1},
            "odd": 1,
        },
        "",
    )
    assert reply == EmbeddingReply(
        wire="openai_embeddings", vectors=VECTORS, model="m", extra={"odd": 1}
    )


@pytest.mark.parametrize("data", [None, 5, [{}], [{"embedding": "!"}], [{"embedding": ["a"]}]])
def test_an_answer_that_breaks_its_promise_is_malformed(data: Any) -> None:
    with pytest.raises(Malformed):
        CODEC.read_reply({"data": data}, "")


@pytest.fixture(params=["float", "base64"])
def client(request: pytest.FixtureRequest) -> Iterator[openai.OpenAI]:
    read = CODEC.read_request(
        {"model": "m", "input": "a", "encoding_format": request.param}, NOWHERE
    )
    reply = EmbeddingReply(wire="ollama_embed", vectors=VECTORS, extra={"odd": 1})
    written = CODEC.write_reply(reply, Usage(input=3), answering(read))
    body = json.dumps(written).encode()
    with serving({"/v1/embeddings": Given(body)}) as address:
        yield openai.OpenAI(base_url=f"{address}/v1", api_key="k", max_retries=0)


def test_openais_sdk_reads_numbers_and_base64(client: openai.OpenAI) -> None:
    answer = client.embeddings.create(model="m", input=["a", "b"])
    assert [tuple(one.embedding) for one in answer.data] == list(VECTORS)
    assert [one.index for one in answer.data] == [0, 1]
    assert (answer.model, answer.usage.prompt_tokens, answer.usage.total_tokens) == ("public", 3, 3)


def test_usage_that_nobody_knows_is_not_claimed() -> None:
    reply = EmbeddingReply(wire="w", vectors=())
    assert CODEC.write_reply(reply, None, answering()) == {
        "id": f"embd-{answering().id}",
        "object": "list",
        "data": [],
        "model": "public",
    }


def test_a_request_is_read_as_far_as_the_path_needs_it() -> None:
    sent = {"model": "m", "input": ["a", "b"], "user": "ann", "input_type": "query"}
    read = WIRE.read_request(json.dumps(sent).encode(), "embedding")
    assert (read.model, read.inputs, read.end_user, read.stream) == ("m", 2, "ann", False)
    assert json.loads(WIRE.write_request(read, "own")) == {**sent, "model": "own"}
    plain = WIRE.read_request(b'{"model":"m","input":"a"}', "embedding")
    assert (plain.inputs, plain.end_user) == (1, None)
    assert WIRE.path("embedding", "m", stream=False) == b"/embeddings"


@pytest.mark.parametrize(
    ("raw", "code"),
    [(b"{}", "missing_model"), (b'{"model":"m"}', "missing_input"), (b"", "empty_body")],
)
def test_bad_requests_are_named(raw: bytes, code: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        WIRE.read_request(raw, "embedding")
    assert caught.value.code == code


@given(st.binary(max_size=200))
def test_no_bytes_make_the_reader_raise_anything_but_its_own_error(raw: bytes) -> None:
    with contextlib.suppress(InvalidRequest):
        WIRE.read_request(raw, "embedding")


@pytest.mark.parametrize(
    ("members", "usage"),
    [
        ({"usage": {"prompt_tokens": 3, "total_tokens": 3}}, Usage(input=3)),
        ({"usage": {"total_tokens": 4}}, Usage(input=4)),
        ({}, None),
    ],
)
def test_usage_is_input_alone(members: Any, usage: Usage | None) -> None:
    raw = json.dumps({"data": [], "model": "m", **members}).encode()
    reply = WIRE.read_reply(raw, "embedding")
    assert (reply.usage, reply.model) == (usage, "m")


@pytest.mark.parametrize("raw", [b"", b"{}", b"[]", b'{"data":[],"usage":5}'])
def test_an_answer_that_is_none_is_malformed(raw: bytes) -> None:
    with pytest.raises(Malformed):
        WIRE.read_reply(raw, "embedding")


def test_errors_have_openais_shape() -> None:
    error = LimitExceeded("Too many.")
    assert json.loads(WIRE.error_body(error, "r1"))["error"]["code"] == "rate_limit_exceeded"
    assert WIRE.error_frame(error, "r1").startswith(b'data: {"error":')
    fault = WIRE.read_fault(404, b'{"error":{"message":"Gone.","code":"model_not_found"}}')
    assert (fault.type, fault.message) == ("model_not_found", "Gone.")
