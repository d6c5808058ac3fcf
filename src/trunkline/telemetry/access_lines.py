"""The line that a finished request leaves in the access log."""

from collections.abc import Iterable
from typing import Final

from msgspec import UNSET

from trunkline.gateway.metering.event import Attempt, Finished, Guarded, Outcome
from trunkline.kit.money import format_usd
from trunkline.observability.access_line import AccessLine
from trunkline.observability.redaction import scrub_user_agent
from trunkline.observability.timestamps import Timestamps

_SERVER_ERROR: Final = 500
_NS_PER_MS: Final = 1_000_000


def access_line(event: Finished, timestamps: Timestamps) -> AccessLine:
    """The line of a request."""
    attempts, agent = event.attempts, event.user_agent
    ttft, overhead = event.ttft_ms, event.overhead_ms
    last = attempts[-1][0] if attempts else None
    cost, cost_state = _cost(attempts) if attempts else (UNSET, UNSET)
    # In the order of the fields: by their names it would take twice as long.
    return AccessLine(
        timestamps.format_ns(event.started_ns + int(event.duration_ms * _NS_PER_MS)),
        "error" if event.status >= _SERVER_ERROR else "info",
        "request",
        event.client_request_id,
        event.method,
        event.url,
        event.route,
        event.status,
        # To three places; with them as its second argument, round takes seven times as long.
        round(event.duration_ms * 1000) / 1000,
        scrub_user_agent(agent) if agent else UNSET,
        event.org_id or UNSET,
        event.key_id or UNSET,
        event.alias or UNSET,
        last.model if last else UNSET,
        last.provider if last else UNSET,
        len(attempts) or UNSET,
        cost,
        cost_state,
        UNSET if ttft is None else round(ttft * 1000) / 1000,
        UNSET if overhead is None else round(overhead * 1000) / 1000,
        event.error_code or UNSET,
        tuple([attempt.reason for attempt, _ in attempts]) if len(attempts) > 1 else UNSET,
        event.cache or UNSET,
        format_usd(event.saved_nano) if event.cache and event.saved_nano else UNSET,
        tuple([_guardrail(guarded) for guarded in event.guarded]) if event.guarded else UNSET,
    )


def _cost(attempts: Iterable[tuple[Attempt, Outcome]]) -> tuple[str | None, str]:
    """Dollars of all attempts and the weakest of their states; None when one has no price."""
    total, state = 0, "exact"
    for _, outcome in attempts:
        if outcome.cost_nano is None:
            return None, "unpriced"
        total += outcome.cost_nano
        if outcome.cost_state == "estimated":
            state = "estimated"
    return format_usd(total), state


def _guardrail(guarded: Guarded) -> str:
    """What a guardrail did, in a few words without any text of the request."""
    words = [guarded.guardrail, guarded.way, guarded.action]
    if guarded.kinds:
        words.append(",".join(f"{kind}={count}" for kind, count in guarded.kinds))
    return ":".join(words)
