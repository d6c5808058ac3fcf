"""What Cohere bills. Billed units are what money counts; plain tokens are all that went through."""

from typing import Any

import msgspec

from trunkline.gateway.exchange.parts import Document
from trunkline.gateway.metering.usage import Usage


class _Units(msgspec.Struct):
    # Cohere's own types say that all of these are floats.
    input_tokens: float | None = None
    output_tokens: float | None = None
    search_units: float | None = None


class Reported(msgspec.Struct):
    """``usage`` of a chat and ``meta`` of the other operations."""

    billed_units: _Units | None = None
    tokens: _Units | None = None
    cached_tokens: float | None = None


def usage_of(reported: Reported | None, *, generates: bool) -> Usage | None:
    """Disjoint buckets, or None where what is billed is not told.

    Billed tokens leave out what Cohere puts around a request, and what its cache gave. Where only
    the tokens are told, the cached ones are among them.
    """
    if reported is None:
        return None
    billed, plain = reported.billed_units, reported.tokens
    if billed is not None and _counts(billed, generates=generates):
        return Usage(
            input=_whole(billed.input_tokens),
            output=_whole(billed.output_tokens),
            searches=_whole(billed.search_units),
        )
    if plain is not None and _counts(plain, generates=generates):
        cached = min(_whole(reported.cached_tokens), _whole(plain.input_tokens))
        return Usage(
            input=_whole(plain.input_tokens) - cached,
            cache_read=cached,
            output=_whole(plain.output_tokens),
        )
    return None


def _counts(units: _Units, *, generates: bool) -> bool:
    """Whether all is told that is billed: what is missing is not zero."""
    if generates:
        return units.input_tokens is not None and units.output_tokens is not None
    return units.input_tokens is not None or units.search_units is not None


def _whole(units: float | None) -> int:
    return max(0, int(units or 0))


def usage_for(usage: Usage) -> Document:
    """``usage`` of a chat for a caller: to other providers, what is billed are the tokens."""
    counted = {"input_tokens": usage.input_total, "output_tokens": usage.output_total}
    document: Document = {"billed_units": counted, "tokens": dict(counted)}
    if usage.searches:
        document["billed_units"] = {**counted, "search_units": usage.searches}
    if usage.cache_read:
        document["cached_tokens"] = usage.cache_read
    return document


def meta_for(usage: Usage | None) -> Document:
    """``meta`` of the other operations for a caller, with the units that are known."""
    meta: Document = {"api_version": {"version": "2"}}
    if usage is None:
        return meta
    billed: dict[str, Any] = {}
    if usage.searches:
        billed["search_units"] = usage.searches
    if usage.input_total or not usage.searches:
        billed["input_tokens"] = usage.input_total
    meta["billed_units"] = billed
    return meta
