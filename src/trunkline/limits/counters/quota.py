"""Requests per calendar day, as a caller's tier allows."""

from zoneinfo import ZoneInfo

from typing_extensions import override

from trunkline.limits.counters.counter import Kind, LimitCounter, Tally
from trunkline.limits.rules import Scope, Tier
from trunkline.limits.windows import calendar_window


class DailyCount:
    """Requests of one scope instance today; all tiers of an organisation read the same count.

    The day only moves forward: when the clock steps back over midnight, the newer day goes on.

    Attributes:
        known: whether the ledger has said what was used before this process began.
        retry_at: the instant before which the ledger is not asked again after it failed.
        refs: number of compiled plans that use the counter.
    """

    __slots__ = ("_zone", "count", "end", "known", "refs", "retry_at", "scope", "scope_id", "start")

    def __init__(self, scope: Scope, scope_id: str, zone: ZoneInfo, wall: int) -> None:
        self.scope = scope
        self.scope_id = scope_id
        self._zone = zone
        self.count = 0
        self.known = False
        self.retry_at = 0
        self.refs = 0
        self.start, self.end = calendar_window("day", wall, zone)

    def advance(self, wall: int) -> None:
        """Begin a new day when this one is over."""
        if wall >= self.end:
            self.start, self.end = calendar_window("day", wall, self._zone)
            self.count = 0
            self.known = True

    def learn(self, requests: int, since: int) -> None:
        """Take on the ledger's count of the day that began at ``since``.

        What was counted here meanwhile is in the ledger's count too, or will be.
        """
        if since == self.start:
            self.count = max(self.count, requests)
        self.known = True


class Quota(LimitCounter):
    """One tier's view of a daily count. A caller without a tier is counted, never refused."""

    __slots__ = ("daily", "tier")

    kind: Kind | None = "requests"

    def __init__(self, daily: DailyCount, tier: Tier, tally: Tally) -> None:
        super().__init__(daily.scope, daily.scope_id, tally, tier.requests_per_day, shadow=False)
        self.daily = daily
        self.tier = tier

    @override
    def take(self, now: int, wall: int, tokens: int) -> bool:
        daily = self.daily
        if wall >= daily.end:
            daily.advance(wall)
        if daily.count >= self.limit:
            return False
        daily.count += 1
        return True

    @override
    def undo(self, tokens: int) -> None:
        self.daily.count -= 1

    @override
    def used(self, now: int, wall: int) -> int:
        self.daily.advance(wall)
        return self.daily.count

    @override
    def wait(self, now: int, wall: int, tokens: int) -> int:
        if self.used(now, wall) < self.limit:
            return 0
        return self.daily.end - wall

    @override
    def reset(self, now: int, wall: int) -> int:
        return self.daily.end - wall if self.used(now, wall) else 0


class Uncapped(Quota):
    """A caller without a tier: counted where a tier counts the same requests, never refused."""

    __slots__ = ()

    kind = None

    @override
    def take(self, now: int, wall: int, tokens: int) -> bool:
        self.daily.advance(wall)
        self.daily.count += 1
        return True

    @override
    def wait(self, now: int, wall: int, tokens: int) -> int:
        return 0
