"""What requests of an alias usually need, learned from those that completed."""

# ruff: noqa: FURB136 - min and max are calls, and each request would make several of them.

TOKENS_BEFORE_LEARNING = 1_000.0
"""Output tokens reserved for the first requests of an alias."""

LEAST_OBSERVATIONS = 20
"""A cost is expected to be the worst case until this many requests have been seen."""

STEP = 1 / 16
"""Share of the estimate by which one observation above it moves it up."""


class Quantile:
    """A running estimate of a quantile in two numbers, after the frugal-streaming method.

    Source: Ma, Muthukrishnan, Sandler, "Frugal Streaming for Estimating Quantiles" (2013). An
    observation above moves the estimate up by a step, one below moves it down by
    (1 - q) / q of a step, which balance where a share q of all observations lies below.
    """

    __slots__ = ("_fall", "seen", "value")

    def __init__(self, q: float, start: float) -> None:
        self._fall = (1 - q) / q
        self.value = start
        self.seen = 0

    def observe(self, amount: float) -> None:
        """Learn from one completed request."""
        self.seen += 1
        value = self.value
        step = value * STEP + 1.0
        if amount > value:
            moved = value + step
            self.value = moved if moved < amount else amount
        elif amount < value:
            moved = value - step * self._fall
            self.value = moved if moved > amount else amount


class Expectation:
    """The usual output tokens (p90) and cost (p95) of one alias of one organisation."""

    __slots__ = ("_cost", "_output")

    def __init__(self) -> None:
        self._output = Quantile(0.90, TOKENS_BEFORE_LEARNING)
        self._cost = Quantile(0.95, 0.0)

    def observe(self, output_tokens: int, cost_nano: int) -> None:
        """Learn from one completed attempt."""
        # Two floats are compared in a third of the time that a float and an integer take.
        self._output.observe(float(output_tokens))
        cost = float(cost_nano)
        if not self._cost.seen:
            self._cost.value = cost
        self._cost.observe(cost)

    def tokens(self, input_bound: int, output_bound: int) -> int:
        """Tokens to reserve: never more than the bounds, and not the whole of a silly maximum."""
        usual = int(self._output.value) + 1
        return input_bound + (usual if usual < output_bound else output_bound)

    def likely(self, worst_nano: int) -> int:
        """Nano-dollars that 95 in 100 requests stay below, never more than the worst case."""
        if self._cost.seen < LEAST_OBSERVATIONS:
            return worst_nano
        return min(worst_nano, int(self._cost.value) + 1)
