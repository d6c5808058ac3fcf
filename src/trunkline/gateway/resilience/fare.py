"""All that is remembered of one target."""

import random
from collections.abc import Callable
from typing import Literal

from trunkline.gateway.policy import DEFAULT_ROUTE, CircuitTerms
from trunkline.gateway.resilience.circuit import Circuit
from trunkline.gateway.resilience.latency import Latency
from trunkline.gateway.resilience.report import TargetReport
from trunkline.gateway.resilience.retry_budget import RetryBudget
from trunkline.gateway.resilience.window import SlidingWindow
from trunkline.gateway.snapshot import Connection, Target

LATELY = 60.0
"""Seconds over which a report counts calls."""


class Fare:
    """How one target fares.

    Its state is a circuit, a latency, a retry budget and counts; the circuit's own window is
    forgotten whenever it moves, so the calls of the last minute are counted beside it.

    Attributes:
        monotonic: steady time in seconds.
        works: whether a connection has a secret that its provider does not refuse.
        target: as the newest call named it.
        terms: of the newest call.
        used: when the newest call began.
        forced: how its circuit is held by hand, or None.
        in_flight: calls under way.
        ended: the calls that ended and tell something about the target.
    """

    __slots__ = (
        "budget",
        "circuit",
        "ended",
        "forced",
        "in_flight",
        "latency",
        "monotonic",
        "target",
        "terms",
        "used",
        "works",
    )

    def __init__(
        self,
        target: Target,
        rng: random.Random,
        forced: Literal["open", "closed"] | None,
        monotonic: Callable[[], float],
        works: Callable[[Connection], bool],
    ) -> None:
        self.monotonic = monotonic
        self.works = works
        self.target = target
        self.terms: CircuitTerms = DEFAULT_ROUTE.circuit
        self.used = 0.0
        self.forced = forced
        self.in_flight = 0
        self.circuit = Circuit(rng)
        self.latency = Latency()
        self.budget = RetryBudget()
        self.ended = SlidingWindow()

    def report(self, now: float) -> TargetReport:
        """What is told of it."""
        target, circuit, latency = self.target, self.circuit, self.latency
        connection = target.connection
        lately = self.ended.lately(now, LATELY)
        return TargetReport(
            key=target.key,
            connection_id=connection.id,
            connection=connection.name,
            provider=connection.provider,
            model=target.model,
            state=self.forced or circuit.state(now),
            forced=self.forced,
            reason=circuit.reason,
            until_probe=circuit.until_probe(now),
            terms=self.terms,
            calls=lately.calls,
            failures=lately.failures,
            slow=lately.slow,
            in_flight=self.in_flight,
            first_content=latency.average(now),
            p50=latency.percentile(50),
            p95=latency.percentile(95),
            p99=latency.percentile(99),
            tokens_per_second=latency.tokens_per_second(),
            total_calls=self.ended.calls,
            total_failures=self.ended.failures,
            opened=circuit.opened,
            closed=circuit.closed,
            repeats=self.budget.repeats,
            repeats_refused=self.budget.refused,
        )
