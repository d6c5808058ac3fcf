"""Requests of Gemini's embeddings: one content, or a batch of contents with settings of their own.

Source: the types of google-genai. The internal form has one set of settings for all texts; where a
batch differs from text to text, other wires get those of its first one and are told of the rest.
"""

from typing import Any, Final

import msgspec

from trunkline.errors import InvalidRequest
from trunkline.gateway.exchange.embedding import EmbeddingRequest
from trunkline.gateway.exchange.losses import Losses
from trunkline.gateway.exchange.parts import Document
from trunkline.gateway.wire.contract import Place
from trunkline.gateway.wire.documents import (
    members_of,
    missing,
    note_extras,
    take_count,
    take_list,
    take_text,
    wrong_type,
)
from trunkline.gateway.wire.gemini_family.models import full_name, no_model, short_name
from trunkline.gateway.wire.gemini_family.spelling import spelled
from trunkline.gateway.wire.vectors import texts_of

WIRE: Final = "gemini_embeddings"

_PURPOSES: Final = {"RETRIEVAL_QUERY": "query", "RETRIEVAL_DOCUMENT": "document"}
_TASKS: Final = {
    **{purpose: task for task, purpose in _PURPOSES.items()},
    "search_query": "RETRIEVAL_QUERY",
    "search_document": "RETRIEVAL_DOCUMENT",
    "classification": "CLASSIFICATION",
    "clustering": "CLUSTERING",
}
_KNOWN: Final = ("content", "taskType", "outputDimensionality", "model")


class OwnEmbedding(EmbeddingRequest, frozen=True, kw_only=True):
    """A request for vectors, with the request of each text as it came, and what is around them."""

    given: tuple[Document, ...] = ()
    around: Document = msgspec.field(default_factory=dict)


class _One(msgspec.Struct):
    """One text and its settings."""

    text: str
    task: str | None
    dimensions: int | None
    model: str | None
    rest: Document


def read_one(document: Document, place: Place) -> OwnEmbedding:
    """The body of an embedContent.

    Raises:
        InvalidRequest: with the field in ``param``.
    """
    return _request([_read(document, "")], (document,), place.item, single=True)


def read_batch(document: Document, place: Place) -> OwnEmbedding:
    """The body of a batchEmbedContents.

    Raises:
        InvalidRequest: with the field in ``param``.
    """
    around = members_of(document)
    requests = take_list(around, "requests")
    if not requests:
        raise missing("requests", "requests is not specified.", "Send at least one request.")
    ones = [_read(one, f"requests[{index}].") for index, one in enumerate(requests)]
    read = _request(ones, tuple(requests), place.item, single=False)
    return msgspec.structs.replace(read, around=around, extra=read.extra | around)


def _request(
    ones: list[_One], given: tuple[Document, ...], item: str | None, *, single: bool
) -> OwnEmbedding:
    first = ones[0]
    model = short_name(item or first.model or "")
    if not model:
        raise no_model()
    extra: Document = {}
    for one in ones:
        extra |= one.rest
        if one.task != first.task:
            extra["taskType"] = one.task
        if one.dimensions != first.dimensions:
            extra["outputDimensionality"] = one.dimensions
    return OwnEmbedding(
        wire=WIRE,
        model=model,
        inputs=tuple(one.text for one in ones),
        single=single,
        dimensions=first.dimensions,
        purpose=_PURPOSES.get(first.task, first.task) if first.task is not None else None,
        extra=extra,
        given=given,
    )


def _read(document: Any, where: str) -> _One:
    if not isinstance(document, dict):
        raise wrong_type(where.removesuffix("."), "an object")
    rest = members_of(document)
    for name in _KNOWN:
        other = spelled(rest, name)
        if other != name:
            rest[name] = rest.pop(other)
    text = _text_in(rest.pop("content", None), f"{where}content")
    return _One(
        text,
        take_text(rest, "taskType", where),
        take_count(rest, "outputDimensionality", where),
        take_text(rest, "model", where),
        rest,
    )


def _text_in(content: Any, where: str) -> str:
    parts = content.get("parts") if isinstance(content, dict) else None
    if not isinstance(parts, list) or not parts:
        raise missing("content", f"{where} is not specified.", "Send a content with a text.")
    texts = [part.get("text") if isinstance(part, dict) else None for part in parts]
    if not all(isinstance(text, str) for text in texts):
        raise InvalidRequest(
            "This model's provider embeds texts only.",
            code="unsupported_input",
            param=where,
            hint="Send the texts as parts of their own.",
        )
    return "\n".join(str(text) for text in texts)


def request_back(request: EmbeddingRequest, model: str) -> Document:
    """The document of a request that came by this wire; a text that was changed is written anew."""
    given = request.given if isinstance(request, OwnEmbedding) else ()
    documents = [
        _back(one, str(text), request.model, model)
        for one, text in zip(given, request.inputs, strict=True)
    ]
    if request.single:
        return documents[0]
    around = request.around if isinstance(request, OwnEmbedding) else {}
    return {"requests": documents, **around}


def _back(given: Document, text: str, asked: str, model: str) -> Document:
    document = members_of(given)
    if _text_in(document["content"], "content") != text:
        document["content"] = {"parts": [{"text": text}]}
    if model != asked and "model" in document:
        document["model"] = full_name(model)
    return document


def write_batch(request: EmbeddingRequest, model: str, losses: Losses) -> Document:
    """The document of a request that came by another wire, as a batch whatever their number.

    Raises:
        InvalidRequest: an input is a list of tokens.
    """
    settings: Document = {"model": full_name(model)}
    if request.purpose is not None:
        task = _TASKS.get(request.purpose, request.purpose)
        if task.isupper():
            settings["taskType"] = task
        else:
            losses.lose("input_type", "the provider has no such kind of vector")
    if request.dimensions is not None:
        settings["outputDimensionality"] = request.dimensions
    for name, value in (("truncate", request.truncate), ("user", request.user)):
        if value is not None:
            losses.lose(name, "the provider's API has no such setting")
    note_extras(request.extra, losses)
    return {
        "requests": [
            {**settings, "content": {"parts": [{"text": text}]}} for text in texts_of(request)
        ]
    }
