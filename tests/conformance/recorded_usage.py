"""What a recorded answer says was used, read apart from the product into disjoint buckets."""

import json
import struct
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from tests.conformance.recordings import Recording

Buckets = dict[str, int]


def documents_of(recording: Recording) -> list[Any]:
    """The documents of an answer, of which a whole one has one."""
    body = recording.body
    if recording.name.endswith(".json"):
        return [json.loads(body)]
    if recording.name.endswith(".ndjson"):
        return [json.loads(line) for line in body.splitlines() if line]
    if recording.name.endswith(".bin"):
        return list(_payloads(body))
    datas = [line[5:].strip() for line in body.splitlines() if line.startswith(b"data:")]
    return [json.loads(data) for data in datas if data != b"[DONE]"]


def _payloads(body: bytes) -> Iterator[Any]:
    """The payloads of AWS's frames: lengths and a checksum, headers, payload, a checksum."""
    while body:
        total, headers = struct.unpack_from(">II", body)
        yield json.loads(body[12 + headers : total - 4])
        body = body[total:]


def recorded_usage(recording: Recording) -> Buckets | None:
    """Tokens by bucket, zeros left out; None where the provider said nothing."""
    found = _READERS[recording.wire](documents_of(recording))
    if found is None:
        return None
    return {name: count for name, count in found.items() if count}


def _last(documents: list[Any], *path: str) -> Any:
    """The newest report: some providers repeat it, and the last one is whole."""
    found = None
    for document in documents:
        value = document
        for name in path:
            value = (value or {}).get(name) if isinstance(value, dict) else None
        found = value or found
    return found


def _openai(documents: list[Any]) -> Buckets | None:
    usage = _last(documents, "usage") or _last(documents, "x_groq", "usage")
    if usage is None:
        return None
    prompt, completion = usage.get("prompt_tokens", 0), usage.get("completion_tokens", 0)
    read = usage.get("prompt_tokens_details") or {}
    made = usage.get("completion_tokens_details") or {}
    cached = read.get("cached_tokens") or usage.get("prompt_cache_hit_tokens") or 0
    thought = made.get("reasoning_tokens") or 0
    # xAI's completion leaves the thought out, and only its total contains it.
    apart = usage.get("total_tokens") == prompt + completion + thought
    return {
        "input": prompt - cached,
        "cache_read": cached,
        "output": completion if apart else completion - thought,
        "reasoning": thought,
    }


def _responses(documents: list[Any]) -> Buckets | None:
    usage = _last(documents, "usage") or _last(documents, "response", "usage")
    if usage is None:
        return None
    read, made = usage.get("input_tokens_details") or {}, usage.get("output_tokens_details") or {}
    cached, written = read.get("cached_tokens") or 0, read.get("cache_write_tokens") or 0
    thought = made.get("reasoning_tokens") or 0
    return {
        "input": usage["input_tokens"] - cached - written,
        "cache_read": cached,
        "cache_write": written,
        "output": usage["output_tokens"] - thought,
        "reasoning": thought,
    }


def _messages(documents: list[Any]) -> Buckets | None:
    told: dict[str, Any] = {}
    for document in documents:
        usage = document.get("usage") or (document.get("message") or {}).get("usage") or {}
        told |= {name: value for name, value in usage.items() if value is not None}
    if not told:
        return None
    written = told.get("cache_creation_input_tokens", 0)
    hour = (told.get("cache_creation") or {}).get("ephemeral_1h_input_tokens", 0)
    thought = (told.get("output_tokens_details") or {}).get("thinking_tokens") or 0
    return {
        "input": told["input_tokens"],
        "cache_read": told.get("cache_read_input_tokens", 0),
        "cache_write_5m": written - hour,
        "cache_write_1h": hour,
        "output": told["output_tokens"] - thought,
        "reasoning": thought,
    }


def _gemini(documents: list[Any]) -> Buckets | None:
    usage = _last(documents, "usageMetadata")
    if usage is None:
        return None
    cached = usage.get("cachedContentTokenCount", 0)
    return {
        "input": usage["promptTokenCount"] - cached + usage.get("toolUsePromptTokenCount", 0),
        "cache_read": cached,
        "output": usage.get("candidatesTokenCount", 0),
        "reasoning": usage.get("thoughtsTokenCount", 0),
    }


def _ollama(documents: list[Any]) -> Buckets | None:
    last = documents[-1]
    return {"input": last["prompt_eval_count"], "output": last["eval_count"]}


def _cohere(documents: list[Any]) -> Buckets | None:
    usage = _last(documents, "usage") or _last(documents, "delta", "usage")
    billed = usage["billed_units"]
    return {"input": int(billed["input_tokens"]), "output": int(billed["output_tokens"])}


def _bedrock(documents: list[Any]) -> Buckets | None:
    usage = _last(documents, "usage")
    return {
        "input": usage["inputTokens"],
        "cache_read": usage.get("cacheReadInputTokens", 0),
        "cache_write_5m": usage.get("cacheWriteInputTokens", 0),
        "output": usage["outputTokens"],
    }


def _searches(documents: list[Any]) -> Buckets | None:
    return {"searches": documents[0]["meta"]["billed_units"]["search_units"]}


def _totals(documents: list[Any]) -> Buckets | None:
    return {"input": documents[0]["usage"]["total_tokens"]}


_READERS: Mapping[str, Callable[[list[Any]], Buckets | None]] = {
    "anthropic_messages": _messages,
    "bedrock_converse": _bedrock,
    "cohere_chat": _cohere,
    "cohere_rerank": _searches,
    "gemini": _gemini,
    "jina_rerank": _totals,
    "ollama_chat": _ollama,
    "openai_chat": _openai,
    "openai_completions": _openai,
    "openai_embeddings": _openai,
    "openai_responses": _responses,
    "voyage_embeddings": _totals,
    "voyage_rerank": _totals,
}
