"""Requests of ``/v2/embed``."""

from typing import Any, Final

from trunkline.errors import InvalidRequest
from trunkline.gateway.exchange.destination import Destination
from trunkline.gateway.exchange.embedding import EmbeddingRequest
from trunkline.gateway.exchange.losses import Losses
from trunkline.gateway.exchange.parts import Document
from trunkline.gateway.wire.documents import (
    members_of,
    missing,
    note_extras,
    require_model,
    take_count,
    take_list,
    take_text,
    take_texts,
)
from trunkline.gateway.wire.spelling import SpelledEmbedding
from trunkline.gateway.wire.vectors import texts_of

WIRE: Final = "cohere_embed"

# Cohere's words for what vectors are for, where others have words too.
_PURPOSES: Final = {"search_query": "query", "search_document": "document"}
_INPUT_TYPES: Final = {ours: theirs for theirs, ours in _PURPOSES.items()}
_USUAL_INPUT_TYPE: Final = "search_document"
_UNKNOWN: Final = "the provider's API has no such setting"


def read_request(document: Document) -> EmbeddingRequest:
    """A caller's request.

    Raises:
        InvalidRequest: with the field in ``param``; also where there are pictures, which only pass.
    """
    rest = members_of(document)
    plain: Document = {}
    model = require_model(rest)
    purpose = take_text(rest, "input_type")
    if purpose in _INPUT_TYPES:
        # Cohere has other words for these two, and is the one to refuse them.
        plain["input_type"] = purpose
    inputs = _read_inputs(rest, plain)
    _read_types(rest, plain)
    return SpelledEmbedding(
        wire=WIRE,
        model=model,
        inputs=inputs,
        dimensions=take_count(rest, "output_dimension"),
        purpose=None if purpose is None else _PURPOSES.get(purpose, purpose),
        encoding="base64" if plain.get("embedding_types") == ["base64"] else "float",
        truncate=_read_truncate(rest),
        plain=plain,
        extra=rest,
    )


def _read_inputs(rest: Document, plain: Document) -> tuple[str, ...]:
    texts = take_texts(rest, "texts")
    mixed = take_list(rest, "inputs")
    if texts:
        if mixed is not None:
            rest["inputs"] = mixed
        return texts
    if texts is not None:
        plain["texts"] = []
    if not mixed:
        raise missing(
            "texts",
            "There is no text to embed; pictures only pass to Cohere itself.",
            "Send texts, or use a model whose provider speaks Cohere's own API.",
        )
    plain["inputs"] = mixed
    return _texts_in(mixed)


def _texts_in(mixed: list[Any]) -> tuple[str, ...]:
    return tuple(_text_in(value, number) for number, value in enumerate(mixed))


def _text_in(value: Any, number: int) -> str:
    """The text of an input, which is a list of blocks."""
    blocks = value.get("content") if isinstance(value, dict) else None
    texts = []
    for block in blocks if isinstance(blocks, list) else ():
        match block:
            case {"type": "text", "text": str(text)}:
                texts.append(text)
            case _:
                texts.clear()
                break
    if not texts:
        raise InvalidRequest(
            f"'inputs[{number}]' is more than text, which only passes to Cohere itself.",
            code="unsupported_input",
            param=f"inputs[{number}]",
            hint="Send texts, or use a model whose provider speaks Cohere's own API.",
        )
    return "\n".join(texts)


def _read_types(rest: Document, plain: Document) -> None:
    """Floats and their base64 are what any provider's vectors become; other kinds stay."""
    types = rest.get("embedding_types")
    if types in (["float"], ["base64"], ["float", "base64"], ["base64", "float"], []):
        plain["embedding_types"] = rest.pop("embedding_types")


def _read_truncate(rest: Document) -> bool | None:
    """Whether too long texts are cut at their end; any other word stays where it is."""
    word = rest.get("truncate")
    if not isinstance(word, str) or word not in {"NONE", "END"}:
        return None
    del rest["truncate"]
    return word == "END"


def _inputs_back(request: EmbeddingRequest) -> Document:
    """The texts in the member that they came by, unless somebody has changed them since."""
    plain = request.plain if isinstance(request, SpelledEmbedding) else {}
    mixed = plain.get("inputs")
    if mixed and _texts_in(mixed) == request.inputs:
        return plain
    others = {name: value for name, value in plain.items() if name not in {"inputs", "texts"}}
    return {"texts": list(request.inputs), **others}


def write_request(request: EmbeddingRequest, destination: Destination, losses: Losses) -> Document:
    """The document for a provider that speaks this wire.

    Raises:
        InvalidRequest: an input is a list of tokens.
    """
    document: Document = {"model": destination.model}
    purpose = request.purpose
    if purpose is not None:
        document["input_type"] = _INPUT_TYPES.get(purpose, purpose)
    if request.dimensions is not None:
        document["output_dimension"] = request.dimensions
    if request.truncate is not None:
        document["truncate"] = "END" if request.truncate else "NONE"
    if request.wire == WIRE:
        return document | _inputs_back(request) | request.extra
    document["texts"] = texts_of(request)
    # Cohere's newer models demand a purpose, and most texts are embedded to be found.
    document.setdefault("input_type", _USUAL_INPUT_TYPE)
    document["embedding_types"] = ["float"]
    if request.user is not None:
        losses.lose("user", _UNKNOWN)
    note_extras(request.extra, losses)
    return document
