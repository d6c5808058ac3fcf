"""All recorded answers of the providers: which wire each speaks, and which none of ours is."""

import json
from collections.abc import Mapping
from typing import Any

import msgspec
from tests.conformance.transcripts import TRANSCRIPTS

from trunkline.gateway.wire.contract import CHAT, COMPLETION, COUNT_TOKENS, EMBEDDING, RERANK

PAIRS_FOLDER = "translation-pairs"

_FOLDERS: Mapping[str, tuple[str, str]] = {
    **dict.fromkeys(
        ("azure", "deepseek", "groq", "mistral", "openai-chat", "openrouter", "together", "vllm",
         "xai"),
        ("openai_chat", CHAT),
    ),
    "anthropic": ("anthropic_messages", CHAT),
    "bedrock": ("bedrock_converse", CHAT),
    "cohere": ("cohere_chat", CHAT),
    "gemini": ("gemini", CHAT),
    "ollama": ("ollama_chat", CHAT),
    "openai-completions": ("openai_completions", COMPLETION),
    "openai-embeddings": ("openai_embeddings", EMBEDDING),
    "openai-responses": ("openai_responses", CHAT),
    "vertex": ("gemini", CHAT),
    "voyage": ("voyage_rerank", RERANK),
}  # fmt: skip
_FILES: Mapping[str, tuple[str, str]] = {
    "anthropic/count-tokens.json": ("anthropic_messages", COUNT_TOKENS),
    "azure/error-401.json": ("openai_embeddings", EMBEDDING),
    "cohere/rerank.json": ("cohere_rerank", RERANK),
    "deepseek/responses-text.json": ("openai_responses", CHAT),
    "gemini/count-tokens.json": ("gemini", COUNT_TOKENS),
    "mistral/embeddings.json": ("openai_embeddings", EMBEDDING),
    "ollama/openai-compat-reasoning.json": ("openai_chat", CHAT),
    "openai-responses/count-input-tokens.json": ("openai_responses", COUNT_TOKENS),
    "vllm/stream-completion.sse": ("openai_completions", COMPLETION),
    "voyage/embed-shape.json": ("voyage_embeddings", EMBEDDING),
    # Together answers a rerank with Cohere's members, and counts tokens as Jina does.
    "together/rerank-shape.json": ("jina_rerank", RERANK),
}

UNUSED: Mapping[str, str] = {
    "bedrock/invoke-stream-anthropic.eventstream.bin": (
        "InvokeModel is no wire of ours: Bedrock is spoken to by Converse, which serves the same "
        "models."
    ),
}
"""Recordings of what we do not speak, with the reason."""

# The recorder kept these without their status, or with another one.
_STATUSES: Mapping[str, int] = {
    "azure/prompt-filter-error.json": 400,
    "gemini/error-429-shape.json": 429,
    "openai-responses/error-insufficient-quota-shape.json": 429,
}


class Recording(msgspec.Struct, frozen=True):
    """One recorded answer.

    Attributes:
        name: path below the folder of fixtures.
        wire: that the provider speaks.
    """

    name: str
    wire: str
    operation: str
    status: int
    body: bytes

    @property
    def streamed(self) -> bool:
        """Whether it came in pieces."""
        return not self.name.endswith(".json")

    @property
    def document(self) -> Any:
        """A whole answer as JSON."""
        return json.loads(self.body)


def recordings() -> list[Recording]:
    """All recordings of wires that we speak, in the order of their names; none where absent."""
    return [_read(name) for name in recorded_names() if name not in UNUSED]


def recorded_names() -> list[str]:
    """The names of all recordings, whether they are used or not."""
    return sorted(
        f"{file.parent.name}/{file.name}"
        for file in TRANSCRIPTS.glob("*/*")
        if not file.name.endswith(".meta.json") and file.parent.name != PAIRS_FOLDER
    )


def _read(name: str) -> Recording:
    file = TRANSCRIPTS / name
    folder, _, stem = name.partition("/")
    meta = json.loads(file.with_name(f"{stem.partition('.')[0]}.meta.json").read_text())
    wire, operation = _FILES.get(name) or _FOLDERS[folder]
    status = _STATUSES.get(name) or meta["response"]["status"] or 200
    return Recording(name, wire, operation, status, file.read_bytes())
