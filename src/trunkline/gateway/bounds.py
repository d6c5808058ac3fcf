"""Bounds of what a request can use, before anything is known about it."""

from math import ceil

import msgspec

from trunkline.gateway.metering.price import cost_of_input, dearest_cost
from trunkline.gateway.routing.length import WITHOUT_OUTPUT
from trunkline.gateway.routing.speaking import Speech
from trunkline.gateway.snapshot import Connection, Target
from trunkline.gateway.wire.contract import RERANK, Inbound

# One image costs at most this many input tokens: the dearest published rule is that of
# gpt-4o-mini, 2,833 tokens and 5,667 for each of up to six tiles (OpenAI's vision guide).
TOKENS_PER_IMAGE = 37_000

# What providers put in front of a request that has tools (Anthropic publishes up to 804 tokens).
TOKENS_OF_TOOL_PROMPT = 1_000

# Server tools read pages into the context, and a file may have hundreds of its own; without a
# published bound the context window is one.
CONTEXT_UNKNOWN = 1_000_000

# Anthropic and OpenAI run at most this many searches in one answer unless told otherwise.
SEARCHES_PER_ANSWER = 20


# Cohere's price list: a search is one query over up to 100 documents, and a long document counts
# as several of about 500 tokens.
DOCUMENTS_PER_SEARCH = 100
BYTES_PER_CHUNK = 500


class Bounds(msgspec.Struct, frozen=True):
    """What one target may use and cost for one request.

    Attributes:
        input_tokens: upper bound: one token for each UTF-8 byte of the body, and the stated bounds
            for what is not text.
        input_estimate: the likely number, by the model family's bytes per token.
        output_tokens: upper bound over all alternatives.
        hold_nano: nano-dollars at worst; None without a price.
        floor_nano: nano-dollars of the estimated input alone; None without a price.
        output_rate_nano: nano-dollars per million output tokens; None without a price.
    """

    input_tokens: int
    input_estimate: int
    output_tokens: int
    hold_nano: int | None
    floor_nano: int | None
    output_rate_nano: int | None


NOTHING = Bounds(0, 0, 0, 0, 0, 0)


def honoured_ceiling(request: Inbound, connection: Connection) -> int | None:
    """The ceiling of output tokens that binds the provider, or None.

    A provider whose own member is ``max_tokens`` may never have heard of ``max_completion_tokens``
    and then answers at any length; OpenAI, whose member that is, reads the older one as well.
    """
    field = connection.output_limit_field
    if field in request.ceilings or field == "max_completion_tokens":
        return request.max_tokens
    return None


def _reads_beyond(target: Target, window: int) -> bool:
    """Whether the price list knows longer inputs than the window, which a beta header may open."""
    price = target.price
    if price is None or not price.tiers:
        return False
    return any(tier.above_input_tokens >= window for tier in price.tiers)


def bounds_of(request: Inbound, speech: Speech, restored: int = 0) -> Bounds:
    """The bounds of this request at this target, with so many bytes that were kept for it."""
    target, operation = speech.target, speech.operation
    size = request.size + request.repeated + restored
    estimate = ceil(size / target.bytes_per_token)
    tokens = size + request.attachments * TOKENS_PER_IMAGE
    if request.has_tools:
        tokens += TOKENS_OF_TOOL_PROMPT
    if request.server_tools or request.files:
        tokens = max(tokens, target.context_window or CONTEXT_UNKNOWN)
    elif target.context_window is not None and not _reads_beyond(target, target.context_window):
        # Each text to embed or to rank has a context of its own.
        tokens = min(tokens, target.context_window * request.inputs)
    if estimate > tokens:  # noqa: PLR1730 - min is a call, and each target would make it.
        estimate = tokens
    if operation in WITHOUT_OUTPUT:
        output = 0
    else:
        # A translated request names its ceiling in the provider's own member.
        asked = (
            honoured_ceiling(request, target.connection) if speech.passes else request.max_tokens
        )
        output = request.answers * (asked or target.max_output_tokens)
    price = target.price
    if price is None:
        return Bounds(tokens, estimate, output, None, None, None)
    billed, searches = tokens, SEARCHES_PER_ANSWER if request.searches else 0
    if operation == RERANK:
        # Providers bill ranking by tokens or by searches, and a price says which.
        by_search = price.rates.searches is not None
        searches = _searches_of_ranking(request) if by_search else 0
        if by_search and price.rates.input is None:
            billed = 0
    return Bounds(
        tokens,
        estimate,
        output,
        dearest_cost(billed, output, price, searches),
        cost_of_input(estimate, price),
        price.rates.output,
    )


def are_bound_alike(one: Speech, other: Speech) -> bool:
    """Whether any request has the same bounds at both targets; a no may be wrong, a yes is not."""
    return (
        one.target.measure == other.target.measure
        and one.operation == other.operation
        and one.passes is other.passes
    )


def _searches_of_ranking(request: Inbound) -> int:
    """How often the provider may bill a search."""
    return -(-(request.inputs + request.size // BYTES_PER_CHUNK) // DOCUMENTS_PER_SEARCH)
