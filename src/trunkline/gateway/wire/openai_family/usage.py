"""Usage as OpenAI's formats report it, and what other makers of these formats do differently.

Source: the recorded transcripts of OpenAI, Azure, DeepSeek, xAI, Groq, Mistral, Together and
OpenRouter, and the types of their SDKs.
"""

import msgspec

from trunkline.gateway.exchange.parts import Document
from trunkline.gateway.metering.usage import Usage


class InputDetails(msgspec.Struct):
    """What the input total contains."""

    cached_tokens: int | None = None
    cache_write_tokens: int | None = None
    cache_creation_tokens: int | None = None
    audio_tokens: int | None = None


class OutputDetails(msgspec.Struct):
    """What the output total contains."""

    reasoning_tokens: int | None = None
    audio_tokens: int | None = None


class Reported(msgspec.Struct):
    """The ``usage`` member.

    DeepSeek tells the cache in ``prompt_cache_hit_tokens``, Together and Moonshot in
    ``cached_tokens`` beside the totals, a LiteLLM proxy what was written in
    ``cache_creation_tokens``.
    """

    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    total_tokens: int | None = None
    prompt_tokens_details: InputDetails | None = None
    completion_tokens_details: OutputDetails | None = None
    prompt_cache_hit_tokens: int | None = None
    cached_tokens: int | None = None


_NO_INPUTS = InputDetails()
_NO_OUTPUTS = OutputDetails()


def usage_of(reported: Reported) -> Usage | None:
    """Disjoint buckets of a report whose totals include cached, written and reasoning tokens.

    None where a total is missing or below zero: what is unknown must not be counted as nothing.
    """
    prompt, completion = reported.prompt_tokens, reported.completion_tokens
    if prompt is None or completion is None or prompt < 0 or completion < 0:
        return None
    inputs = reported.prompt_tokens_details or _NO_INPUTS
    outputs = reported.completion_tokens_details or _NO_OUTPUTS
    cached = inputs.cached_tokens or reported.prompt_cache_hit_tokens or reported.cached_tokens or 0
    written = inputs.cache_write_tokens or inputs.cache_creation_tokens or 0
    heard = inputs.audio_tokens or 0
    thought = outputs.reasoning_tokens or 0
    beyond = (reported.total_tokens or 0) - prompt - completion
    if beyond > 0:
        if beyond == thought:
            # xAI's completion leaves the thought out, and its total has it.
            completion += beyond
        elif beyond == cached + written:
            # Some proxies leave the cache out of the prompt, and their total has it.
            prompt += beyond
        elif not thought:
            # Gemini's compatible endpoint tells its thought in the total only.
            thought = beyond
            completion += beyond
    spoken = outputs.audio_tokens or 0
    if spoken + thought > completion:
        spoken = min(spoken, completion)
        thought = min(thought, completion - spoken)
    fresh = prompt - cached - written - heard
    return Usage(
        input=fresh if fresh >= 0 else 0,  # noqa: FURB136 - max is a call, and each answer would make it.
        cache_read=cached,
        cache_write=written,
        audio_input=heard,
        output=completion - thought - spoken,
        reasoning=thought,
        audio_output=spoken,
    )


def write_usage(usage: Usage) -> Document:
    """A report of these buckets, whose totals include everything."""
    inputs, outputs = usage.input_total, usage.output_total
    read: Document = {"cached_tokens": usage.cache_read, "audio_tokens": usage.audio_input}
    written = usage.cache_write + usage.cache_write_5m + usage.cache_write_1h
    if written:
        read["cache_write_tokens"] = written
    return {
        "prompt_tokens": inputs,
        "completion_tokens": outputs,
        "total_tokens": inputs + outputs,
        "prompt_tokens_details": read,
        "completion_tokens_details": {
            "reasoning_tokens": usage.reasoning,
            "audio_tokens": usage.audio_output,
        },
    }
