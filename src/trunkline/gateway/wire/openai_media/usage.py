"""Usage as OpenAI's media endpoints report it: totals with their kinds of tokens beside them.

Source: the types of OpenAI's own SDK (images, audio.transcriptions, audio.speech events).
"""

import msgspec

from trunkline.gateway.metering.usage import Usage


class _Details(msgspec.Struct):
    audio_tokens: int | None = None
    cached_tokens: int | None = None


class Reported(msgspec.Struct):
    """The ``usage`` member; ``input_tokens`` is None where seconds are billed and not tokens."""

    input_tokens: int | None = None
    output_tokens: int | None = None
    input_tokens_details: _Details | None = None
    input_token_details: _Details | None = None


def usage_of(reported: Reported | None) -> Usage | None:
    """Disjoint buckets, or None where tokens are not what is told."""
    if reported is None or reported.input_tokens is None or reported.output_tokens is None:
        return None
    details = reported.input_tokens_details or reported.input_token_details or _Details()
    audio, cached = details.audio_tokens or 0, details.cached_tokens or 0
    return Usage(
        input=max(0, reported.input_tokens - audio - cached),
        cache_read=cached,
        audio_input=audio,
        output=reported.output_tokens,
    )
