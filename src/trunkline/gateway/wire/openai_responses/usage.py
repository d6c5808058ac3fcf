"""Usage as the Responses API reports it.

Source: the recorded transcripts of OpenAI and DeepSeek, and the types of OpenAI's own SDK. Totals
include what was read from and written to the cache, and thought.
"""

import msgspec

from trunkline.gateway.exchange.parts import Document
from trunkline.gateway.metering.usage import Usage


class _InputDetails(msgspec.Struct):
    cached_tokens: int | None = None
    cache_write_tokens: int | None = None


class _OutputDetails(msgspec.Struct):
    reasoning_tokens: int | None = None


class Reported(msgspec.Struct):
    """The member ``usage``."""

    input_tokens: int | None = None
    input_tokens_details: _InputDetails | None = None
    output_tokens: int | None = None
    output_tokens_details: _OutputDetails | None = None


class _Searches(msgspec.Struct):
    num_requests: int | None = None


class ToolUsage(msgspec.Struct):
    """The member ``tool_usage``: what the provider's own tools were used for."""

    web_search: _Searches | None = None


_NO_INPUTS = _InputDetails()
_NO_OUTPUTS = _OutputDetails()


def usage_of(
    reported: Reported | None, tools: ToolUsage | None = None, searched: int = 0
) -> Usage | None:
    """Disjoint buckets of a report; None where a total is missing or below zero.

    Args:
        reported: the report.
        tools: what it says of searches.
        searched: searches among the items of the answer, for providers that do not say it.
    """
    if reported is None:
        return None
    read, made = reported.input_tokens, reported.output_tokens
    if read is None or made is None or read < 0 or made < 0:
        return None
    inputs = reported.input_tokens_details or _NO_INPUTS
    outputs = reported.output_tokens_details or _NO_OUTPUTS
    cached, written = inputs.cached_tokens or 0, inputs.cache_write_tokens or 0
    thought = min(outputs.reasoning_tokens or 0, made)
    told = tools.web_search.num_requests if tools is not None and tools.web_search else None
    return Usage(
        input=max(0, read - cached - written),
        cache_read=cached,
        cache_write=written,
        output=made - thought,
        reasoning=thought,
        searches=searched if told is None else told,
    )


def write_usage(usage: Usage) -> Document:
    """A report of these buckets, whose totals include everything."""
    inputs, outputs = usage.input_total, usage.output_total
    return {
        "input_tokens": inputs,
        "input_tokens_details": {
            "cached_tokens": usage.cache_read,
            "cache_write_tokens": usage.cache_write + usage.cache_write_5m + usage.cache_write_1h,
        },
        "output_tokens": outputs,
        "output_tokens_details": {"reasoning_tokens": usage.reasoning},
        "total_tokens": inputs + outputs,
    }
