"""What one admitted request has taken, and what its attempts hold."""

import msgspec

from trunkline.gateway.ports import Allowance
from trunkline.limits.counters.hold import Hold
from trunkline.limits.plan import Plan


class InProcessLease(msgspec.Struct, eq=False):
    """The ``Lease`` of ``InProcessAdmission``, which alone changes it.

    Attributes:
        tokens: reserved in the limits of tokens.
        lost: as the limits of tokens had it then; they must know it to settle them.
        at: steady time in milliseconds at which it was admitted.
        wall: time of day in milliseconds at which it was admitted.
        seen: steady time in milliseconds of its last sign of life.
        spare: the hold taken at admission until the first attempt takes it over.
        used: tokens that its settled attempts have used.
        open: holds of attempts whose cost is not known, by attempt id.
        expired: holds of attempts that were charged in full because the lease ran out.
    """

    plan: Plan
    tokens: int
    lost: list[int]
    at: int
    wall: int
    seen: int
    spare: Hold | None
    used: int = 0
    released: bool = False
    open: dict[str, Hold] = {}
    expired: dict[str, Hold] | None = None

    @property
    def allowances(self) -> tuple[Allowance, ...]:
        """The tightest limit of each kind, as it stood when the request was admitted."""
        now, wall = self.at, self.wall
        tightest = []
        for kind, first, others in self.plan.shown:
            counter, limit = first
            left = limit - counter.used(now, wall)
            for other, its_limit in others:
                its_left = its_limit - other.used(now, wall)
                if its_left * limit < left * its_limit:
                    counter, limit, left = other, its_limit, its_left
            remaining = left if left > 0 else 0  # noqa: FURB136 - max is a call, and each request would make it.
            tightest.append(Allowance(kind, limit, remaining, counter.reset(now, wall)))
        return tuple(tightest)
