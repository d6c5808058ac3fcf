"""Token counts as Anthropic reports them, read into disjoint buckets and written from them.

Source: the recorded transcripts of this wire and the types of Anthropic's own SDK.
"""

from typing import Final

import msgspec

from trunkline.gateway.exchange.parts import Document
from trunkline.gateway.metering.usage import Usage

_TIERS: Final = frozenset({"standard", "priority", "batch"})


class _CacheCreation(msgspec.Struct):
    ephemeral_5m_input_tokens: int | None = None
    ephemeral_1h_input_tokens: int | None = None


class _OutputDetails(msgspec.Struct):
    thinking_tokens: int | None = None


class _ServerTools(msgspec.Struct):
    web_search_requests: int | None = None


class ReportedUsage(msgspec.Struct):
    """What an answer or an event reports; None is what it does not say."""

    input_tokens: int | None = None
    cache_creation_input_tokens: int | None = None
    cache_read_input_tokens: int | None = None
    cache_creation: _CacheCreation | None = None
    output_tokens: int | None = None
    output_tokens_details: _OutputDetails | None = None
    server_tool_use: _ServerTools | None = None
    service_tier: str | None = None
    speed: str | None = None


def read_usage(reported: ReportedUsage) -> Usage:
    """Disjoint buckets of a report whose ``input_tokens`` are the uncached ones alone."""
    created = reported.cache_creation_input_tokens or 0
    split = reported.cache_creation
    hour = (split.ephemeral_1h_input_tokens or 0) if split else 0
    # Older answers give the total alone, and the lifetime was always five minutes then.
    minutes = max(created - hour, (split.ephemeral_5m_input_tokens or 0) if split else 0)
    details = reported.output_tokens_details
    thinking = (details.thinking_tokens or 0) if details else 0
    tools = reported.server_tool_use
    return Usage(
        input=reported.input_tokens or 0,
        cache_read=reported.cache_read_input_tokens or 0,
        cache_write_5m=minutes,
        cache_write_1h=hour,
        output=max(0, (reported.output_tokens or 0) - thinking),
        reasoning=thinking,
        searches=(tools.web_search_requests or 0) if tools else 0,
    )


def is_whole(reported: ReportedUsage) -> bool:
    """Whether both totals are there: what is unknown must not be counted as nothing."""
    inputs, outputs = reported.input_tokens, reported.output_tokens
    return inputs is not None and inputs >= 0 and outputs is not None and outputs >= 0


def tier_of(reported: ReportedUsage) -> str | None:
    """The service tier that the price depends on; fast mode is priced like one."""
    return "fast" if reported.speed == "fast" else reported.service_tier


def merged(start: ReportedUsage, later: ReportedUsage) -> ReportedUsage:
    """The cumulative report of ``message_delta`` over the one of ``message_start``."""
    return ReportedUsage(
        *(
            new if (new := getattr(later, name)) is not None else getattr(start, name)
            for name in ReportedUsage.__struct_fields__
        )
    )


def write_usage(usage: Usage, service_tier: str | None = None) -> Document:
    """A report of these buckets.

    Audio counts as plain input. Input that was written to a cache of another provider's only
    lifetime is told in the total and in neither of Anthropic's lifetimes.
    """
    written = usage.cache_write + usage.cache_write_5m + usage.cache_write_1h
    report: Document = {
        "input_tokens": usage.input + usage.audio_input,
        "cache_creation_input_tokens": written,
        "cache_read_input_tokens": usage.cache_read,
        "output_tokens": usage.output_total,
    }
    if usage.cache_write_5m or usage.cache_write_1h:
        report["cache_creation"] = {
            "ephemeral_5m_input_tokens": usage.cache_write_5m,
            "ephemeral_1h_input_tokens": usage.cache_write_1h,
        }
    if usage.reasoning:
        report["output_tokens_details"] = {"thinking_tokens": usage.reasoning}
    if usage.searches:
        report["server_tool_use"] = {
            "web_search_requests": usage.searches,
            "web_fetch_requests": 0,
        }
    if service_tier in _TIERS:
        report["service_tier"] = service_tier
    return report
