"""The money of one budget at one scope instance: what is spent and what is held for attempts."""

from zoneinfo import ZoneInfo

from trunkline.limits.counters.counter import Tally
from trunkline.limits.counters.hold import Hold
from trunkline.limits.counters.slices import Slices
from trunkline.limits.rules import BudgetRule
from trunkline.limits.windows import calendar_window

SLICES = 24
"""Money leaves a rolling window at most a twenty-fourth of its length late, never early."""


class Turns:
    """Numbers the turns of all windows, so that a hold knows which windows it was taken in.

    A count rather than an instant, because the clock may step back.
    """

    __slots__ = ("count",)

    def __init__(self) -> None:
        self.count = 0


class Budget:
    """Spent and held nano-dollars. ``spent + held`` never passes the amount by a reservation.

    An attempt belongs to the window in which its hold was taken, as in the ledger. When a calendar
    window turns, its holds stay behind with it, and their costs do not reach the new window. The
    window only moves forward: when the clock steps back, the newer window goes on.

    Attributes:
        end: the instant, by the time of day in milliseconds, from which ``advance`` has work to do.
        known: whether the ledger has said what was spent before this process began.
        retry_at: the instant before which the ledger is not asked again after it failed.
        refs: number of compiled plans that use the counter.
        turn: the number of the turn at which the present window began.
        seq: the change up to which corrections are in what the ledger said.
    """

    __slots__ = (
        "_early",
        "_slices",
        "_turns",
        "end",
        "held",
        "known",
        "refs",
        "retry_at",
        "rule",
        "scope_id",
        "seq",
        "spent",
        "start",
        "tally",
        "turn",
        "zone",
    )

    def __init__(
        self,
        rule: BudgetRule,
        scope_id: str,
        zone: ZoneInfo,
        tally: Tally,
        turns: Turns,
        wall: int,
    ) -> None:
        self.rule = rule
        self.scope_id = scope_id
        self.tally = tally
        self.spent = 0
        self.held = 0
        self.known = False
        self.retry_at = 0
        self.refs = 0
        self.zone = zone
        self._turns = turns
        self.turn = turns.count
        self.seq = 0
        self._early: list[tuple[int, int, int]] = []
        self._slices: Slices | None = None
        if rule.rolling_seconds is not None:
            self._slices = Slices(-(-rule.rolling_seconds * 1000 // SLICES), SLICES, wall)
            self.start = 0
            self.end = self._slices.ends
        else:
            self.start, self.end = calendar_window(rule.window, wall, zone)

    def amend(self, rule: BudgetRule) -> None:
        """Take on an edited rule of the same shape and keep what is spent and held."""
        self.rule = rule

    def advance(self, wall: int) -> None:
        """Move to the window that contains this instant, if that is a later one."""
        if wall < self.end:
            return
        if self._slices is not None:
            self._slices.advance(wall)
            self.spent = self._slices.total
            self.end = self._slices.ends
            return
        self.start, self.end = calendar_window(self.rule.window, wall, self.zone)
        self.spent = 0
        self._forget_holds()
        self._know()
        self._turns.count += 1
        self.turn = self._turns.count

    def take(self, hold: Hold) -> bool:
        """Hold money for an attempt; False leaves the counter as it was."""
        if hold.at >= self.end:
            self.advance(hold.at)
        held = self.held + hold.worst
        if self.spent + held > self.rule.amount_nano:
            if self.rule.enforced:
                return False
            self.tally.would_refuse += 1
        self.held = held
        return True

    def give(self, hold: Hold) -> None:
        """Give back a hold."""
        if hold.turn >= self.turn:
            self.held -= hold.worst

    def settle(self, hold: Hold, cost: int) -> None:
        """Replace a hold by the cost of its attempt."""
        if hold.turn >= self.turn:
            self.held -= hold.worst
            if self._slices is None:
                self.spent += cost
            else:
                self._book(hold.at, cost)

    def charge(self, hold: Hold, delta: int) -> None:
        """Move what was settled for the attempt that once had this hold."""
        if hold.turn >= self.turn:
            self._book(hold.at, delta)

    def correct(self, delta: int, at: int, seq: int) -> None:
        """Move what was spent by an attempt that was opened at the instant ``at``.

        ``seq`` numbers the change that told of it. Until the ledger has answered nobody knows
        whether its answer has the correction in it, so corrections wait for it.
        """
        if not self.known:
            self._early.append((delta, at, seq))
        elif seq > self.seq and at >= self.start:
            self._book(at, delta)

    def keep_back(self, nano: int, at: int) -> Hold | None:
        """Hold money for an attempt of an earlier process, opened at the instant ``at``.

        Its bytes have left long ago, so nothing refuses it. None comes back where the attempt
        belongs to a window that has passed.
        """
        if at < self.since()[0]:
            return None
        hold = Hold(nano, nano, at, self.turn)
        self.held += nano
        return hold

    def exhausted(self, hold: Hold) -> bool:
        """Whether the spent money alone leaves no room, whatever is held."""
        return self.spent + hold.worst > self.rule.amount_nano

    def since(self) -> tuple[int, ...]:
        """The instants from which the ledger must sum to rebuild this counter, oldest first."""
        if self._slices is None:
            return (self.start,)
        return self._slices.starts()

    def learn(self, since: tuple[int, ...], sums: list[int], seq: int) -> None:
        """Take on the ledger's sums from each of these instants on, as of this change."""
        if self._slices is not None:
            # Only a budget that refuses nothing can have spent before it knew; what it counted
            # is in the ledger's sum too, or will be.
            missing = sums[0] - self._slices.total
            for at, total, later in zip(since, sums, [*sums[1:], 0], strict=True):
                share = min(total - later, missing)
                self._slices.add_at(at, share)
                missing -= share
            self.spent = self._slices.total
            self.seq = seq
        elif since[0] == self.start:
            self.spent = max(self.spent, sums[0])
            self.seq = seq
        self._know()

    def frees(self, nano: int) -> int | None:
        """The instant at which the window will have room for this much; None when it never will."""
        if nano > self.rule.amount_nano:
            return None
        if self._slices is not None:
            return self._slices.frees(self.spent + nano - self.rule.amount_nano)
        return self.end

    def _book(self, at: int, amount: int) -> None:
        if self._slices is None:
            self.spent += amount
        else:
            self._slices.add_at(at, amount)
            self.spent = self._slices.total

    def _know(self) -> None:
        self.known = True
        early, self._early = self._early, []
        for delta, at, seq in early:
            self.correct(delta, at, seq)

    def _forget_holds(self) -> None:
        self.held = 0
