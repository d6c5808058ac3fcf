"""The table of public routes: (method, path, wire, operation), and how a path finds its row."""

from typing import NamedTuple

import msgspec

from trunkline.gateway.generations import find_generation
from trunkline.gateway.lookup import Lookup
from trunkline.gateway.models import describe_model, list_models
from trunkline.gateway.models_ollama import list_local, list_running, show_model, tell_version
from trunkline.gateway.responses import (
    cancel_response,
    delete_response,
    list_input_items,
    show_response,
)
from trunkline.gateway.wire.contract import (
    CHAT,
    COMPLETION,
    COUNT_TOKENS,
    EMBEDDING,
    IMAGE,
    IMAGE_EDIT,
    MODERATION,
    RERANK,
    SPEECH,
    TRANSCRIPTION,
    TRANSLATION,
    Wire,
)
from trunkline.gateway.wire.gemini.passing import Gemini
from trunkline.gateway.wire.gemini_embeddings.passing import GeminiEmbeddings
from trunkline.gateway.wire.registry import WIRES

_READERS = frozenset({"inference", "models:read"})


class Route(msgspec.Struct, frozen=True):
    """One public route. Exactly one of ``operation`` and ``lookup`` is set.

    Attributes:
        path: template; ``{id}`` takes one or more characters, slashes included, since model names
            have them. What stands behind it must match too.
        operation: what the pipeline runs; empty for a look-up.
        lookup: answers from memory or the ledger, for routes that call no provider.
        scopes: a key needs one of these for a look-up.
        reads: the content types that a body may have.
        array: whether its streams are arrays of JSON, unless events are asked for.
    """

    method: str
    path: str
    wire: Wire
    operation: str = ""
    lookup: Lookup | None = None
    scopes: frozenset[str] = _READERS
    reads: tuple[bytes, ...] = (b"application/json",)
    array: bool = False


_CHAT = WIRES["openai_chat"]
_MESSAGES = WIRES["anthropic_messages"]
_RESPONSES = WIRES["openai_responses"]
_LISTENING = WIRES["openai_transcription"]
_UPLOADS = (b"multipart/form-data",)


def _kept(method: str, behind: str, lookup: Lookup) -> Route:
    """A route to one kept response."""
    path = f"/v1/responses/{{id}}{behind}"
    return Route(method, path, _RESPONSES, lookup=lookup, scopes=frozenset({"inference"}))


def _gemini(version: str) -> tuple[Route, ...]:
    """Google's routes, which name the model and then the action."""
    model = f"{version}/models/{{id}}"
    return (
        Route("POST", f"{model}:generateContent", WIRES["gemini"], CHAT),
        Route("POST", f"{model}:streamGenerateContent", Gemini(streams=True), CHAT, array=True),
        Route("POST", f"{model}:countTokens", WIRES["gemini"], COUNT_TOKENS),
        Route("POST", f"{model}:embedContent", GeminiEmbeddings(batch=False), EMBEDDING),
        Route("POST", f"{model}:batchEmbedContents", WIRES["gemini_embeddings"], EMBEDDING),
    )


ROUTES = (
    Route("POST", "/v1/chat/completions", _CHAT, CHAT),
    Route("POST", "/v1/responses", _RESPONSES, CHAT),
    Route("POST", "/v1/responses/input_tokens", _RESPONSES, COUNT_TOKENS),
    _kept("GET", "", show_response),
    _kept("DELETE", "", delete_response),
    _kept("POST", "/cancel", cancel_response),
    _kept("GET", "/input_items", list_input_items),
    Route("POST", "/v1/messages", _MESSAGES, CHAT),
    Route("POST", "/v1/messages/count_tokens", _MESSAGES, COUNT_TOKENS),
    Route("POST", "/anthropic/v1/messages", _MESSAGES, CHAT),
    Route("POST", "/anthropic/v1/messages/count_tokens", _MESSAGES, COUNT_TOKENS),
    Route("POST", "/v1/completions", WIRES["openai_completions"], COMPLETION),
    Route("POST", "/v1/embeddings", WIRES["openai_embeddings"], EMBEDDING),
    Route("POST", "/v1/fim/completions", WIRES["mistral_fim"], COMPLETION),
    *_gemini("/v1beta"),
    *_gemini("/v1"),
    Route("POST", "/api/chat", WIRES["ollama_chat"], CHAT),
    Route("POST", "/api/generate", WIRES["ollama_generate"], COMPLETION),
    Route("POST", "/api/embed", WIRES["ollama_embed"], EMBEDDING),
    Route("POST", "/api/embeddings", WIRES["ollama_embeddings"], EMBEDDING),
    Route("GET", "/api/tags", WIRES["ollama_chat"], lookup=list_local),
    Route("GET", "/api/ps", WIRES["ollama_chat"], lookup=list_running),
    Route("GET", "/api/version", WIRES["ollama_chat"], lookup=tell_version),
    Route("POST", "/api/show", WIRES["ollama_chat"], lookup=show_model),
    Route("POST", "/v2/chat", WIRES["cohere_chat"], CHAT),
    Route("POST", "/v2/embed", WIRES["cohere_embed"], EMBEDDING),
    Route("POST", "/v2/rerank", WIRES["cohere_rerank"], RERANK),
    Route("POST", "/v1/rerank", WIRES["jina_rerank"], RERANK),
    Route("POST", "/jina/v1/rerank", WIRES["jina_rerank"], RERANK),
    Route("POST", "/voyage/v1/rerank", WIRES["voyage_rerank"], RERANK),
    Route("POST", "/voyage/v1/embeddings", WIRES["voyage_embeddings"], EMBEDDING),
    Route("POST", "/v1/images/generations", WIRES["openai_images"], IMAGE),
    Route("POST", "/v1/images/edits", WIRES["openai_images"], IMAGE_EDIT, reads=_UPLOADS),
    Route("POST", "/v1/audio/speech", WIRES["openai_speech"], SPEECH),
    Route("POST", "/v1/audio/transcriptions", _LISTENING, TRANSCRIPTION, reads=_UPLOADS),
    Route("POST", "/v1/audio/translations", _LISTENING, TRANSLATION, reads=_UPLOADS),
    Route("POST", "/v1/moderations", WIRES["openai_moderation"], MODERATION),
    Route("GET", "/v1/models", _CHAT, lookup=list_models),
    Route("GET", "/v1/models/{id}", _CHAT, lookup=describe_model),
    Route("GET", "/v1beta/models", WIRES["gemini"], lookup=list_models),
    Route("GET", "/v1beta/models/{id}", WIRES["gemini"], lookup=describe_model),
    Route("GET", "/anthropic/v1/models", _MESSAGES, lookup=list_models),
    Route("GET", "/anthropic/v1/models/{id}", _MESSAGES, lookup=describe_model),
    Route(
        "GET",
        "/v1/generations/{id}",
        _CHAT,
        lookup=find_generation,
        scopes=frozenset({"inference", "usage:read"}),
    ),
)

PREFIXES = ("/v1/", "/v1beta/", "/v2/", "/anthropic/", "/jina/", "/voyage/")
"""All paths below these belong to the data path, known or not."""


class _Open(NamedTuple):
    """A row whose path has an ``{id}``, with what stands before and behind it."""

    before: str
    behind: str
    row: Route


class RouteTable:
    """Finds the row of a request. Its state is the table, which does not change."""

    def __init__(self, routes: tuple[Route, ...] = ROUTES) -> None:
        plain = [row for row in routes if "{" not in row.path]
        self._exact = {(row.method, row.path): row for row in plain}
        self._plain = frozenset(row.path for row in plain)
        opened = []
        for row in routes:
            before, mark, behind = row.path.partition("{id}")
            if mark:
                opened.append(_Open(before, behind, row))
        # The longest end first: `/v1/responses/{id}/cancel` is no response of that name.
        self._open = sorted(opened, key=lambda entry: len(entry.behind), reverse=True)

    def serves(self, path: str) -> bool:
        """Whether the path lies in the data path's part of the address space."""
        return path in self._plain or path.startswith(PREFIXES)

    def find(self, method: str, path: str) -> tuple[Route | None, str | None]:
        """The row, and what its ``{id}`` stands for. HEAD asks for what GET would answer."""
        if method == "HEAD":
            method = "GET"
        exact = self._exact.get((method, path))
        if exact is not None:
            return exact, None
        for before, behind, row in self._open:
            if method == row.method and path.startswith(before) and path.endswith(behind):
                item = path[len(before) : len(path) - len(behind)]
                if item:
                    return row, item
        return None, None

    def methods(self, path: str) -> list[str]:
        """The methods that this path has, for whoever used another one."""
        known = {
            row.method for row in (*self._exact.values(), *(entry.row for entry in self._open))
        }
        return sorted(method for method in known if self.find(method, path)[0] is not None)
