"""All that is remembered of one target."""

import random
from typing import Literal

from trunkline.gateway.policy import DEFAULT_ROUTE, CircuitTerms
from trunkline.gateway.resilience.circuit import Circuit
from trunkline.gateway.resilience.latency import Latency
from trunkline.gateway.resilience.report import TargetReport
from trunkline.gateway.resilience.retry_budget import RetryBudget
from trunkline.gateway.resilience.window import SlidingWindow
from trunkline.gateway.snapshot import Target

_LATELY = 60.0


class Fare:
    """How one target fares.

    Its state is a circuit, a latency, a retry budget and counts; the circuit's own window is
    forgotten whenever it moves, so the calls of the last minute are counted beside it.

    Attributes:
        target: as the newest call named it.
        terms: of the newest call.
        forced: how its circuit is held by hand, or None.
        in_flight: calls under way.
    """

    __slots__ = (
        "_calls",
        "_failures",
        "_lately",
        "budget",
        "circuit",
        "forced",
        "in_flight",
        "latency",
        "target",
        "terms",
    )

    def __init__(
        self, target: Target, rng: random.Random, forced: Literal["open", "closed"] | None
    ) -> None:
        self.target = target
        self.terms: CircuitTerms = DEFAULT_ROUTE.circuit
        self.forced = forced
        self.in_flight = 0
        self.circuit = Circuit(rng)
        self.latency = Latency()
        self.budget = RetryBudget()
        self._lately = SlidingWindow()
        self._calls = 0
        self._failures = 0

    def count(self, now: float, *, failed: bool, slow: bool) -> None:
        """A call ended that tells something about the target."""
        self._calls += 1
        if failed:
            self._failures += 1
        self._lately.add(now, _LATELY, failed=failed, slow=slow)

    def report(self, now: float) -> TargetReport:
        """What is told of it."""
        target, circuit, latency, lately = self.target, self.circuit, self.latency, self._lately
        connection = target.connection
        lately.trim(now, _LATELY)
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
            total_calls=self._calls,
            total_failures=self._failures,
            opened=circuit.opened,
            closed=circuit.closed,
            repeats=self.budget.repeats,
            repeats_refused=self.budget.refused,
        )
