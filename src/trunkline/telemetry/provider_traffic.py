"""How providers did lately, learned from real traffic so that no paid call is ever made to ask."""

from collections import deque
from collections.abc import Iterable
from typing import Literal

import msgspec

from trunkline.gateway.metering.event import Attempt, Outcome
from trunkline.health import CheckResult
from trunkline.kit.clock import Clock

State = Literal["ok", "degraded", "down", "idle"]

_WINDOW = 300.0
_KEPT = 100
_DOWN_AFTER = 5

# Endings for which the provider is to blame. A refusal by status is judged by the status.
_PROVIDER_FAILED = frozenset({"not_sent", "failed", "timed_out"})
_OVERLOADED = frozenset({408, 429})
_SERVER_ERROR = 500


class ProviderState(msgspec.Struct, frozen=True, rename="camel"):
    """One provider as seen from here.

    Attributes:
        state: ``down`` when the last attempts all failed, ``degraded`` when a fifth of the recent
            ones did, ``idle`` when there were none in the last five minutes.
        latency_ms: median until the first byte of the recent answers, or None.
        attempts: recent ones that say something about the provider, at most 100.
        failures: those of them for which it is to blame.
    """

    state: State
    latency_ms: int | None
    attempts: int
    failures: int


class ProviderTraffic:
    """Remembers the last attempts of each provider; updated and read on the event loop.

    Its state is one short queue for each provider, so it is bounded by the number of providers.
    """

    def __init__(self, clock: Clock) -> None:
        self._now = clock.monotonic
        self._recent: dict[str, deque[tuple[float, bool, int | None]]] = {}

    def record(self, attempts: Iterable[tuple[Attempt, Outcome]]) -> None:
        """Take note of attempts, in the order in which they ended."""
        now, recents = self._now(), self._recent
        for attempt, outcome in attempts:
            failed = outcome.ending in _PROVIDER_FAILED
            if not failed:
                status = outcome.status
                if status is None:
                    continue  # A caller's leaving and our shutdown are no news of the provider.
                failed = status >= _SERVER_ERROR or status in _OVERLOADED
            recent = recents.get(attempt.provider)
            if recent is None:
                recent = recents[attempt.provider] = deque(maxlen=_KEPT)
            recent.append((now, failed, outcome.first_byte_ms))

    def states(self) -> dict[str, ProviderState]:
        """By provider, those that had any attempt since the start."""
        oldest = self._now() - _WINDOW
        return {
            provider: _judge([entry for entry in recent if entry[0] >= oldest])
            for provider, recent in sorted(self._recent.items())
        }

    async def check(self) -> CheckResult:
        """For readiness: never fails, because another provider or a failover may still serve."""
        states = self.states()
        bad = [name for name, seen in states.items() if seen.state in {"degraded", "down"}]
        return CheckResult(
            "warn" if bad else "ok",
            detail=f"in trouble: {', '.join(bad)}" if bad else None,
            data={"providers": msgspec.to_builtins(states)},
        )


def _judge(recent: list[tuple[float, bool, int | None]]) -> ProviderState:
    failures = sum(failed for _, failed, _ in recent)
    waits = sorted(wait for _, failed, wait in recent if wait is not None and not failed)
    state: State = "ok"
    if not recent:
        state = "idle"
    elif len(recent) >= _DOWN_AFTER and all(failed for _, failed, _ in recent[-_DOWN_AFTER:]):
        state = "down"
    elif failures * 5 >= len(recent):
        state = "degraded"
    return ProviderState(
        state=state,
        latency_ms=waits[len(waits) // 2] if waits else None,
        attempts=len(recent),
        failures=failures,
    )
