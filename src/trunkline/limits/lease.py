"""What one admitted request has taken, and what its attempts hold."""

from typing_extensions import override

from trunkline.gateway.ports import Allowance, Lease
from trunkline.limits.counters.counter import Kind, LimitCounter
from trunkline.limits.counters.hold import Hold
from trunkline.limits.plan import Plan


class InProcessLease(Lease):
    """A lease of ``InProcessAdmission``, which alone changes it.

    Attributes:
        tokens: reserved in the limits of tokens.
        marks: what the limits of tokens must know to settle them.
        at: steady time in milliseconds at which it was admitted.
        wall: time of day in milliseconds at which it was admitted.
        spare: the hold taken at admission until the first attempt takes it over.
        seen: steady time in milliseconds of its last sign of life.
        used: tokens that its settled attempts have used.
        open: holds of attempts whose cost is not known, by attempt id.
        expired: holds of attempts that were charged in full because the lease ran out.
    """

    __slots__ = (
        "at",
        "expired",
        "marks",
        "open",
        "plan",
        "released",
        "seen",
        "spare",
        "tokens",
        "used",
        "wall",
    )

    def __init__(self, plan: Plan, tokens: int, now: int, spare: Hold) -> None:
        self.plan = plan
        self.tokens = tokens
        self.marks = [counter.mark(now) for counter in plan.tokens] if plan.tokens else None
        self.at = now
        self.wall = spare.at
        self.seen = now
        self.spare: Hold | None = spare
        self.used = 0
        self.released = False
        self.open: dict[str, Hold] = {}
        self.expired: dict[str, Hold] | None = None

    @property
    @override
    def allowances(self) -> tuple[Allowance, ...]:
        """The tightest limit of each kind, as it stood when the request was admitted."""
        return tuple(self._tightest(kind, counters) for kind, counters in self.plan.shown)

    def _tightest(self, kind: Kind, counters: tuple[tuple[LimitCounter, int], ...]) -> Allowance:
        now, wall = self.at, self.wall
        best, limit = counters[0]
        left = limit - best.used(now, wall)
        for counter, other in counters[1:]:
            others = other - counter.used(now, wall)
            if others * limit < left * other:
                best, limit, left = counter, other, others
        return Allowance(kind, limit, max(0, left), best.reset(now, wall) / 1000)
