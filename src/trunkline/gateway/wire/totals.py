"""Usage as one total, where nothing is generated."""

import msgspec

from trunkline.gateway.exchange.parts import Document
from trunkline.gateway.metering.usage import Usage


class Totals(msgspec.Struct):
    """``usage`` of rankings and embeddings."""

    total_tokens: int | None = None
    prompt_tokens: int | None = None


def usage_of(totals: Totals | None) -> Usage | None:
    """All of it is input; None where nothing is told."""
    if totals is None:
        return None
    total = totals.prompt_tokens if totals.total_tokens is None else totals.total_tokens
    return None if total is None or total < 0 else Usage(input=total)


def usage_for(usage: Usage) -> Document:
    """``usage`` for a caller."""
    return {"total_tokens": usage.input_total}
