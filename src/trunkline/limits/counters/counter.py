"""What every limit counter can do."""

from abc import ABC, abstractmethod
from typing import Literal

from trunkline.limits.rules import LimitRule, Scope

Kind = Literal["requests", "tokens"]


class Tally:
    """How often a rule refused or would have; shared by all counters of the rule."""

    __slots__ = ("refused", "would_refuse")

    def __init__(self) -> None:
        self.refused = 0
        self.would_refuse = 0


class LimitCounter(ABC):
    """The use of one limit by one scope instance.

    ``now`` is steady time, which no clock step moves; ``wall`` is the time of day, for calendar
    windows. Both are in milliseconds.

    Attributes:
        limit: how much the window or bucket holds.
        shadow: whether a refusal is only counted.
        kind: what the allowance headers call it; None is left out of them.
    """

    __slots__ = ("limit", "scope", "scope_id", "shadow", "tally")

    kind: Kind | None = None

    def __init__(
        self, scope: Scope, scope_id: str, tally: Tally, limit: int, *, shadow: bool
    ) -> None:
        self.scope = scope
        self.scope_id = scope_id
        self.tally = tally
        self.limit = limit
        self.shadow = shadow

    @abstractmethod
    def take(self, now: int, wall: int, tokens: int) -> bool:
        """Reserve one request or these tokens; False leaves the counter as it was."""

    @abstractmethod
    def undo(self, tokens: int) -> None:
        """Reverse a ``take`` made at the same moment."""

    @abstractmethod
    def used(self, now: int, wall: int) -> int:
        """How much of the limit is taken."""

    @abstractmethod
    def wait(self, now: int, wall: int, tokens: int) -> int | None:
        """Milliseconds until the same ``take`` can succeed; 0 now, None when nobody knows."""

    @abstractmethod
    def reset(self, now: int, wall: int) -> int:
        """Milliseconds until nothing is taken any more, if nothing else comes."""


class RuleCounter(LimitCounter):
    """A counter that belongs to a limit rule, shared by all callers of its scope instance."""

    __slots__ = ("refs", "rule")

    def __init__(self, rule: LimitRule, scope_id: str, tally: Tally) -> None:
        super().__init__(rule.scope, scope_id, tally, rule.amount, shadow=rule.shadow)
        self.rule = rule
        self.refs = 0

    def amend(self, rule: LimitRule) -> None:
        """Take on an edited rule of the same shape and keep the use."""
        self.rule = rule
        self.limit = rule.amount
        self.shadow = rule.shadow

    def idle(self, now: int, wall: int) -> bool:
        """Whether a fresh counter would behave the same."""
        return self.used(now, wall) <= 0


class RateCounter(RuleCounter):
    """A counter of requests or tokens per time.

    A request that needs more tokens than the whole limit passes when the limit is untouched: the
    input bound is generous, and nobody could otherwise ever send it. It is then counted in full.

    Attributes:
        lost: grows as time makes reserved tokens worthless, where it does; ``settle`` must know
            what it was when the tokens were taken.
    """

    __slots__ = ("kind", "lost", "per_token")

    def __init__(self, rule: LimitRule, scope_id: str, tally: Tally) -> None:
        super().__init__(rule, scope_id, tally)
        self.per_token = rule.counts == "tokens"
        self.kind = "tokens" if self.per_token else "requests"
        self.lost = 0

    @abstractmethod
    def settle(self, now: int, at: int, lost: int, reserved: int, used: int) -> None:
        """Replace tokens that were reserved at the instant ``at`` by the ones that were used.

        What was not used comes back as far as time has not brought it back already; what was used
        beyond the reservation is charged to the present.
        """
