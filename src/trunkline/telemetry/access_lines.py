"""The line that a finished request leaves in the access log."""

from typing import Final

from msgspec import UNSET

from trunkline.gateway.metering.event import Finished, Guarded
from trunkline.kit.money import format_usd
from trunkline.observability.access_line import AccessLine
from trunkline.observability.redaction import scrub_user_agent
from trunkline.observability.timestamps import Timestamps

_SERVER_ERROR: Final = 500
_NS_PER_MS: Final = 1_000_000


def access_line(event: Finished, timestamps: Timestamps) -> AccessLine:
    """The line of a request."""
    attempts, agent = event.attempts, event.user_agent
    line = AccessLine(
        timestamps.format_ns(event.started_ns + int(event.duration_ms * _NS_PER_MS)),
        "error" if event.status >= _SERVER_ERROR else "info",
        "request",
        event.client_request_id,
        event.method,
        event.url,
        event.route,
        event.status,
        _microseconds(event.duration_ms),
        scrub_user_agent(agent) if agent else UNSET,
        event.org_id or UNSET,
        event.key_id or UNSET,
        event.alias or UNSET,
    )
    if attempts:
        attempt = attempts[-1][0]
        line.model = attempt.model
        line.provider = attempt.provider
        line.attempts = len(attempts)
        line.cost, line.cost_state = cost_of_all(event)
        if len(attempts) > 1:
            line.reasons = tuple([attempt.reason for attempt, _ in attempts])
    if event.ttft_ms is not None:
        line.ttft = _microseconds(event.ttft_ms)
    if event.overhead_ms is not None:
        line.overhead = _microseconds(event.overhead_ms)
    if event.error_code is not None:
        line.error_code = event.error_code
    if event.cache is not None:
        line.cache = event.cache
        if event.saved_nano:
            line.saved = format_usd(event.saved_nano)
    if event.guarded:
        line.guardrails = tuple(map(_guardrail, event.guarded))
    return line


def cost_of_all(event: Finished) -> tuple[str | None, str]:
    """Dollars of all attempts and the weakest of their states; None when one has no price."""
    total, state = 0, "exact"
    for _, outcome in event.attempts:
        if outcome.cost_nano is None:
            return None, "unpriced"
        total += outcome.cost_nano
        if outcome.cost_state == "estimated":
            state = "estimated"
    return format_usd(total), state


def _microseconds(milliseconds: float) -> float:
    """Milliseconds to three places; ``round`` would take seven times as long for the same."""
    return round(milliseconds * 1000) / 1000


def _guardrail(guarded: Guarded) -> str:
    """What a guardrail did, in a few words without any text of the request."""
    words = [guarded.guardrail, guarded.way, guarded.action]
    if guarded.kinds:
        words.append(",".join(f"{kind}={count}" for kind, count in guarded.kinds))
    return ":".join(words)
