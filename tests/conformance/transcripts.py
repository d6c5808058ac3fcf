"""Recorded answers of the providers, and what they say was used, read apart from the product."""

import json
import os
from pathlib import Path
from typing import Any

import msgspec
import pytest
from tests.product.running import CHAT, MESSAGES

COUNT = "/v1/messages/count_tokens"
TRANSCRIPTS = Path(
    os.environ.get(  # noqa: TID251 - where fixtures lie is no setting of the product
        "TRUNKLINE_FIXTURES", Path(__file__).parents[2] / ".." / "shared" / "fixtures"
    )
).resolve()
MODELS = {CHAT: "gpt-4o", MESSAGES: "claude-haiku-4-5", COUNT: "claude-haiku-4-5"}
ASKED = [{"role": "user", "content": "Why do gateways exist?"}]

needs_transcripts = pytest.mark.skipif(
    not (TRANSCRIPTS / "openai-chat").is_dir(),
    reason=f"no recorded transcripts in {TRANSCRIPTS}; TRUNKLINE_FIXTURES names another folder",
)


class Transcript(msgspec.Struct, frozen=True):
    """One recorded answer.

    Attributes:
        name: path below the folder, as the simulator is asked for it.
        asked: the recorded request under a published model's name.
        usage: recorded tokens by our bucket, zeros left out; None where none were recorded.
    """

    name: str
    path: str
    status: int
    body: bytes
    asked: dict[str, Any]
    usage: dict[str, int] | None

    @property
    def stream(self) -> bool:
        """Whether the answer came as events."""
        return self.name.endswith(".sse")


def transcripts_in(folder: str) -> list[Transcript]:
    """All transcripts of a provider's folder."""
    files = sorted((TRANSCRIPTS / folder).glob("*"))
    return [read_transcript(file) for file in files if not file.name.endswith(".meta.json")]


def read_transcript(file: Path) -> Transcript:
    meta = json.loads(file.with_name(f"{file.name.partition('.')[0]}.meta.json").read_text())
    body = file.read_bytes()
    chat = file.parent.name == "openai-chat"
    path = CHAT if chat else COUNT if "count-tokens" in file.name else MESSAGES
    documents = _documents(file, body)
    return Transcript(
        name=f"{file.parent.name}/{file.name}",
        path=path,
        status=meta["response"]["status"] or 200,
        body=body,
        asked=_asked(path, (meta["request"] or {}).get("body"), stream=file.suffix == ".sse"),
        usage=_chat_usage(documents) if chat else _messages_usage(documents),
    )


def _asked(path: str, recorded: Any, *, stream: bool) -> dict[str, Any]:
    """The recorded request, or the smallest one where it was not kept or is wrong by intent."""
    usable = isinstance(recorded, dict) and recorded.get("messages")
    if usable and recorded.get("max_tokens") != 0:
        return {**recorded, "model": MODELS[path]}
    smallest: dict[str, Any] = {"model": MODELS[path], "messages": ASKED}
    if path == MESSAGES:
        smallest["max_tokens"] = 100
    if stream:
        smallest["stream"] = True
        if path == CHAT:
            smallest["stream_options"] = {"include_usage": True}
    return smallest


def _documents(file: Path, body: bytes) -> list[dict[str, Any]]:
    if file.suffix == ".json":
        return [json.loads(body)]
    lines = [line[5:].strip() for line in body.split(b"\n") if line.startswith(b"data:")]
    return [json.loads(line) for line in lines if line != b"[DONE]"]


def _chat_usage(documents: list[dict[str, Any]]) -> dict[str, int] | None:
    """OpenAI's totals contain cached, audio and reasoning tokens; ours are apart."""
    reports = [document["usage"] for document in documents if document.get("usage")]
    if not reports:
        return None
    usage = reports[-1]
    read = usage.get("prompt_tokens_details") or {}
    made = usage.get("completion_tokens_details") or {}
    cached, heard = read.get("cached_tokens") or 0, read.get("audio_tokens") or 0
    thought, spoken = made.get("reasoning_tokens") or 0, made.get("audio_tokens") or 0
    return _positive(
        input=usage["prompt_tokens"] - cached - heard,
        cache_read=cached,
        audio_input=heard,
        output=usage["completion_tokens"] - thought - spoken,
        reasoning=thought,
        audio_output=spoken,
    )


def _messages_usage(documents: list[dict[str, Any]]) -> dict[str, int] | None:
    """Anthropic's buckets are disjoint; a stream reports some at its start and some at its end."""
    told: dict[str, Any] = {}
    for document in documents:
        usage = document.get("usage") or (document.get("message") or {}).get("usage") or {}
        told |= {name: value for name, value in usage.items() if value is not None}
    if "input_tokens" not in told:
        return None
    written = told.get("cache_creation_input_tokens", 0)
    hour = (told.get("cache_creation") or {}).get("ephemeral_1h_input_tokens", 0)
    thought = (told.get("output_tokens_details") or {}).get("thinking_tokens") or 0
    return _positive(
        input=told["input_tokens"],
        cache_read=told.get("cache_read_input_tokens", 0),
        cache_write_5m=written - hour,
        cache_write_1h=hour,
        output=told["output_tokens"] - thought,
        reasoning=thought,
    )


def _positive(**buckets: int) -> dict[str, int]:
    return {name: tokens for name, tokens in buckets.items() if tokens}
