"""Bedrock's report of what was used, and back.

``inputTokens`` are the uncached ones alone. The lifetime of what was written to the cache is told
in ``cacheDetails``; without it the lifetime is five minutes, Bedrock's own default.
"""

import msgspec

from trunkline.gateway.exchange.parts import Document
from trunkline.gateway.metering.usage import Usage


class CacheDetail(msgspec.Struct, rename="camel"):
    """Tokens that were written to the cache with one lifetime."""

    ttl: str | None = None
    input_tokens: int | None = None


class TokenUsage(msgspec.Struct, rename="camel"):
    """The report of an answer."""

    input_tokens: int | None = None
    output_tokens: int | None = None
    cache_read_input_tokens: int | None = None
    cache_write_input_tokens: int | None = None
    cache_details: list[CacheDetail] | None = None


def read_usage(reported: TokenUsage | None) -> Usage | None:
    """Disjoint buckets, or None where a total is missing: the unknown is not counted as nothing."""
    if reported is None:
        return None
    inputs, outputs = reported.input_tokens, reported.output_tokens
    if inputs is None or outputs is None or inputs < 0 or outputs < 0:
        return None
    details = reported.cache_details or ()
    hour = sum(detail.input_tokens or 0 for detail in details if detail.ttl == "1h")
    return Usage(
        input=inputs,
        cache_read=reported.cache_read_input_tokens or 0,
        cache_write_5m=max(0, (reported.cache_write_input_tokens or 0) - hour),
        cache_write_1h=hour,
        output=outputs,
    )


def write_usage(usage: Usage) -> Document:
    """The report for a caller; cache members only where there was a cache."""
    written = usage.cache_write + usage.cache_write_5m + usage.cache_write_1h
    told: Document = {
        "inputTokens": usage.input + usage.audio_input,
        "outputTokens": usage.output_total,
        "totalTokens": usage.input_total + usage.output_total,
    }
    if usage.cache_read or written:
        told["cacheReadInputTokens"] = usage.cache_read
        told["cacheWriteInputTokens"] = written
    if usage.cache_write_1h:
        told["cacheDetails"] = [
            {"ttl": "1h", "inputTokens": usage.cache_write_1h},
            {"ttl": "5m", "inputTokens": usage.cache_write + usage.cache_write_5m},
        ]
    return told
