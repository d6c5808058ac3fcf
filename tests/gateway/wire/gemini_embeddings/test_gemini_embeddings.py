import contextlib
import json
from typing import Any

import msgspec
import pytest
from google import genai
from google.genai import types
from hypothesis import event, given
from hypothesis import strategies as st
from tests.gateway.wire.recordings import answering
from tests.gateway.wire.serving import Given, serving
from tests.gateway.wire.shapes import ANY, WORDS, an_object, either, listed, one_of, thorough, told

from trunkline.errors import InvalidRequest, LimitExceeded
from trunkline.gateway.exchange.destination import Destination
from trunkline.gateway.exchange.embedding import EmbeddingReply, EmbeddingRequest
from trunkline.gateway.exchange.losses import Losses
from trunkline.gateway.exchange.parts import Document
from trunkline.gateway.metering.usage import Usage
from trunkline.gateway.wire.contract import NOWHERE, Malformed, Place
from trunkline.gateway.wire.gemini_embeddings.passing import GeminiEmbeddings

BATCH, ONE = GeminiEmbeddings(), GeminiEmbeddings(batch=False)
HERE = Place(item="public")
TEXT = an_object({"text": either(WORDS)})
CONTENT = an_object({"parts": listed(TEXT)}, {"role": one_of("user")})
SETTINGS = {
    "taskType": one_of("RETRIEVAL_QUERY", "CLUSTERING"),
    "outputDimensionality": either(st.integers(1, 9)),
    "model": one_of("models/public"),
    "title": ANY,
}
SNAKE = {"task_type": one_of("RETRIEVAL_DOCUMENT"), "output_dimensionality": st.integers(1, 9)}
EMBED = st.one_of(
    an_object({"content": either(CONTENT)}, SETTINGS), an_object({"content": CONTENT}, SNAKE)
)
EMBEDS = an_object({"requests": listed(EMBED, 1)}, {"labels": ANY})


def content(*texts: str) -> Document:
    return {"parts": [{"text": text} for text in texts]}


def back(wire: GeminiEmbeddings, document: Document, model: str = "public") -> Document:
    request = wire.codec.read_request(document, HERE)
    losses = Losses()
    written = wire.codec.write_request(request, Destination(model=model), losses)
    assert losses.names == ()
    return written


@pytest.mark.parametrize(("wire", "shape"), [(ONE, EMBED), (BATCH, EMBEDS)], ids=["one", "batch"])
def test_each_document_that_is_accepted_comes_back_and_others_are_refused(
    wire: GeminiEmbeddings, shape: st.SearchStrategy[Any]
) -> None:
    @thorough
    @given(shape)
    def comes_back(document: Any) -> None:
        if not isinstance(document, dict):
            return
        try:
            written = back(wire, document)
        except InvalidRequest:
            event("refused")
            return
        event("accepted")
        assert told(written) == told(document)

    comes_back()


def test_a_batch_in_the_internal_form() -> None:
    request = BATCH.codec.read_request(
        {
            "requests": [
                {
                    "model": "models/public",
                    "content": content("a", "b"),
                    "task_type": "RETRIEVAL_QUERY",
                    "output_dimensionality": 5,
                },
                {
                    "content": content("c"),
                    "taskType": "CLUSTERING",
                    "outputDimensionality": 6,
                    "title": "T",
                },
            ],
            "odd": 1,
        },
        HERE,
    )
    assert (request.inputs, request.single, request.model) == (("a\nb", "c"), False, "public")
    assert (request.dimensions, request.purpose) == (5, "query")
    # Other wires have one setting for all texts, so those of the second one are told to be lost.
    assert request.extra == {
        "taskType": "CLUSTERING",
        "outputDimensionality": 6,
        "title": "T",
        "odd": 1,
    }


def test_one_content_in_the_internal_form() -> None:
    request = ONE.codec.read_request({"content": content("a"), "model": "models/m"}, NOWHERE)
    assert (request.inputs, request.single, request.model) == (("a",), True, "m")
    assert (request.dimensions, request.purpose, request.extra) == (None, None, {})


def test_a_text_that_was_changed_on_the_way_is_written_anew() -> None:
    request = ONE.codec.read_request({"content": content("a"), "model": "models/public"}, HERE)
    changed = msgspec.structs.replace(request, inputs=("b",))
    written = ONE.codec.write_request(changed, Destination(model="own"), Losses())
    assert written == {"content": content("b"), "model": "models/own"}


@pytest.mark.parametrize(
    ("wire", "document", "code"),
    [
        (BATCH, {}, "missing_requests"),
        (BATCH, {"requests": []}, "missing_requests"),
        (BATCH, {"requests": [5]}, "invalid_type"),
        (ONE, {}, "missing_content"),
        (ONE, {"content": {"parts": []}}, "missing_content"),
        (ONE, {"content": {"parts": [{"inlineData": {}}]}}, "unsupported_input"),
        (ONE, {"content": content("a"), "taskType": 5}, "invalid_type"),
        (ONE, {"content": content("a"), "taskType": "A", "task_type": "B"}, "invalid_value"),
    ],
)
def test_bad_requests_are_named(wire: GeminiEmbeddings, document: Document, code: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        wire.codec.read_request(document, HERE)
    assert caught.value.code == code


def test_a_request_without_a_model_is_refused() -> None:
    with pytest.raises(InvalidRequest) as caught:
        ONE.codec.read_request({"content": content("a")}, NOWHERE)
    assert caught.value.code == "missing_model"


@pytest.mark.parametrize(
    ("purpose", "task", "lost"),
    [
        ("query", "RETRIEVAL_QUERY", ()),
        ("search_document", "RETRIEVAL_DOCUMENT", ()),
        ("FACT_VERIFICATION", "FACT_VERIFICATION", ()),
        ("odd", None, ("input_type",)),
        (None, None, ()),
    ],
)
def test_a_request_of_another_wire_is_a_batch(
    purpose: str | None, task: str | None, lost: tuple[str, ...]
) -> None:
    request = EmbeddingRequest(
        wire="openai_embeddings",
        model="public",
        inputs=("a", "b"),
        dimensions=5,
        purpose=purpose,
    )
    losses = Losses()
    settings = {"model": "models/own", "outputDimensionality": 5}
    if task is not None:
        settings["taskType"] = task
    assert BATCH.codec.write_request(request, Destination(model="own"), losses) == {
        "requests": [{**settings, "content": content("a")}, {**settings, "content": content("b")}]
    }
    assert losses.names == lost


def test_what_has_no_place_is_noted_and_tokens_are_refused() -> None:
    request = EmbeddingRequest(
        wire="w", model="m", inputs=("a",), truncate=True, user="ann", extra={"odd": 1}
    )
    losses = Losses()
    BATCH.codec.write_request(request, Destination(model="own"), losses)
    assert losses.names == ("truncate", "user", "odd")
    tokens = EmbeddingRequest(wire="w", model="m", inputs=((1, 2),))
    with pytest.raises(InvalidRequest):
        BATCH.codec.write_request(tokens, Destination(model="own"), Losses())


VECTORS = ((0.5, -1.0), (0.25, 2.0))


def test_answers_in_either_shape_are_read() -> None:
    several = {"embeddings": [{"values": list(one)} for one in VECTORS], "usageMetadata": {}}
    assert BATCH.codec.read_reply(several, "") == EmbeddingReply(
        wire="gemini_embeddings", vectors=VECTORS
    )
    one = BATCH.codec.read_reply({"embedding": {"values": list(VECTORS[0])}, "odd": 1}, "")
    assert one == EmbeddingReply(wire="gemini_embeddings", vectors=VECTORS[:1], extra={"odd": 1})


@pytest.mark.parametrize(
    "document", [{}, {"embeddings": 5}, {"embeddings": [{}]}, {"embedding": {"values": ["a"]}}]
)
def test_an_answer_that_breaks_its_promise_is_malformed(document: Document) -> None:
    with pytest.raises(Malformed):
        BATCH.codec.read_reply(document, "")


def test_an_answer_comes_back_as_it_was() -> None:
    several = {
        "embeddings": [{"values": one} for one in VECTORS],
        "usageMetadata": {"promptTokenCount": 3},
        "odd": 1,
    }
    reply = BATCH.codec.read_reply(json.loads(json.dumps(several)), "")
    assert BATCH.codec.write_reply(reply, Usage(input=3), answering()) == several


def test_googles_sdk_reads_what_other_providers_made() -> None:
    reply = EmbeddingReply(wire="ollama_embed", vectors=VECTORS, extra={"odd": 1})
    several = json.dumps(BATCH.codec.write_reply(reply, Usage(input=3), answering())).encode()
    with (
        serving({"/v1/models/m:batchEmbedContents": Given(several)}) as address,
        genai.Client(api_key="k", http_options=types.HttpOptions(base_url=address)) as client,
    ):
        answer = client.models.embed_content(model="m", contents=["a", "b"])
    assert [tuple(one.values or ()) for one in answer.embeddings or ()] == list(VECTORS)
    assert ONE.codec.write_reply(reply, None, answering()) == {"embedding": {"values": VECTORS[0]}}


def test_a_request_is_read_as_far_as_the_path_needs_it() -> None:
    picture = {"parts": [{"inlineData": {"mimeType": "image/png", "data": "aGk="}}]}
    sent: Document = {
        "requests": [
            {"model": "models/public", "content": picture},
            {"content": {"parts": [{"file_data": {}}]}},
        ]
    }
    read = BATCH.read_request(json.dumps(sent).encode(), "embedding", HERE)
    assert (read.model, read.inputs, read.attachments, read.files) == ("public", 2, 1, 1)
    assert (read.stream, read.place) == (False, HERE)
    assert json.loads(BATCH.write_request(read, "public")) == sent
    sent["requests"][0]["model"] = "models/own"
    assert json.loads(BATCH.write_request(read, "own")) == sent
    one = ONE.read_request(b'{"content":{},"model":"models/m"}', "embedding")
    assert (one.model, one.inputs) == ("m", 1)
    assert json.loads(ONE.write_request(one, "own")) == {"content": {}, "model": "models/own"}


def test_the_action_stands_in_the_path() -> None:
    assert BATCH.path("embedding", "m", stream=False) == b"/models/m:batchEmbedContents"
    assert ONE.path("embedding", "m", stream=False) == b"/models/m:embedContent"


@pytest.mark.parametrize(
    ("wire", "raw", "code"),
    [
        (BATCH, b"{}", "missing_requests"),
        (BATCH, b'{"requests":[1]}', "invalid_type"),
        (BATCH, b'{"requests":[{}]}', "missing_content"),
        (ONE, b"{}", "missing_content"),
        (ONE, b'{"content":{}}', "missing_model"),
    ],
)
def test_bodies_without_sense_are_refused(wire: GeminiEmbeddings, raw: bytes, code: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        wire.read_request(raw, "embedding")
    assert caught.value.code == code


@given(st.binary(max_size=200))
def test_no_bytes_make_the_reader_raise_anything_but_its_own_error(raw: bytes) -> None:
    for wire in (ONE, BATCH):
        with contextlib.suppress(InvalidRequest):
            wire.read_request(raw, "embedding", HERE)


@pytest.mark.parametrize(
    ("raw", "usage"),
    [
        (b'{"embedding":{}}', None),
        (b'{"embeddings":[],"usageMetadata":{}}', None),
        (b'{"embeddings":[],"usageMetadata":{"promptTokenCount":3}}', Usage(input=3)),
        (b'{"embeddings":[],"usageMetadata":{"promptTokenCount":-1}}', None),
    ],
)
def test_usage_is_told_by_the_newest_models_only(raw: bytes, usage: Usage | None) -> None:
    assert BATCH.read_reply(raw, "embedding").usage == usage


@pytest.mark.parametrize("raw", [b"", b"{}", b"[]"])
def test_an_answer_that_is_none_is_malformed(raw: bytes) -> None:
    with pytest.raises(Malformed):
        BATCH.read_reply(raw, "embedding")


def test_errors_have_googles_shape() -> None:
    error = LimitExceeded("Too many.")
    assert json.loads(ONE.error_body(error, "r"))["error"]["status"] == "RESOURCE_EXHAUSTED"
    assert ONE.error_frame(error, "r").startswith(b'data: {"error":')
    assert ONE.read_fault(404, b'{"error":{"status":"NOT_FOUND"}}').type == "NOT_FOUND"
