"""From what is known at the end of an attempt to its cost, exact or said not to be."""

import math

import msgspec

from trunkline.gateway.metering.event import Attempt, CostState, Ending, Outcome
from trunkline.gateway.metering.price import Price, cost_of
from trunkline.gateway.metering.usage import NO_USAGE, Usage, is_believable

# Anthropic: "Token counting is free to use".
FREE_OPERATIONS = frozenset({"count_tokens"})

# What the ledger keeps of a name.
LONGEST_WORD = 256


class Evidence(msgspec.Struct):
    """What an attempt has shown so far; filled by whoever sees it, read once at the end.

    Attributes:
        usage: the whole usage as the provider reported it, or None.
        input_usage: the input buckets alone, where they came at the start.
        content_bytes: UTF-8 bytes of content seen.
    """

    usage: Usage | None = None
    input_usage: Usage | None = None
    content_bytes: int = 0
    status: int | None = None
    model: str | None = None
    service_tier: str | None = None
    upstream_id: str | None = None
    first_byte_ms: int | None = None
    first_token_ms: int | None = None


def settle(
    attempt: Attempt,
    evidence: Evidence,
    price: Price | None,
    bytes_per_token: float,
    ending: Ending,
    closed_ms: int,
    error_code: str | None = None,
) -> Outcome:
    """The outcome of an attempt.

    Nothing is billed where no byte left, where the provider answered with an error status, and for
    counting tokens. A usage that the provider reported is exact, however the caller's side ended.
    Everything else is estimated: the input, and the content that was seen, never more than the
    hold. So is a usage that nobody can mean, such as a negative count.
    """
    usage: Usage = NO_USAGE
    state: CostState = "exact"
    cost: int | None = 0
    if ending not in {"not_sent", "refused"} and attempt.operation not in FREE_OPERATIONS:
        reported = evidence.usage
        if reported is not None and is_believable(reported):
            usage = reported
        else:
            state = "estimated"
            usage = _estimate(attempt, evidence, bytes_per_token)
        cost = None if price is None else cost_of(usage, price, evidence.service_tier)
        if cost is None:
            state = "unpriced"
        elif state == "estimated" and attempt.hold_nano is not None:
            cost = min(cost, attempt.hold_nano)
    model, tier = evidence.model, evidence.service_tier
    # In the order of the record: with names, making it would cost twice as much.
    return Outcome(
        closed_ms,
        ending,
        evidence.status,
        state,
        cost,
        usage,
        price.ref if price is not None else None,
        # What a provider said, as much of it as is worth keeping.
        model[:LONGEST_WORD] if model is not None else None,
        tier[:LONGEST_WORD] if tier is not None else None,
        evidence.upstream_id,
        error_code,
        evidence.first_byte_ms,
        evidence.first_token_ms,
        evidence.content_bytes,
    )


def _estimate(attempt: Attempt, evidence: Evidence, bytes_per_token: float) -> Usage:
    start = evidence.input_usage
    output = math.ceil(evidence.content_bytes / bytes_per_token)
    if start is None or not is_believable(start):
        return Usage(input=attempt.input_estimate, output=output)
    return msgspec.structs.replace(start, output=max(output, start.output))
