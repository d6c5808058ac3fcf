"""A small world around an admission: a clock that can be stepped, a ledger in memory, callers."""

import asyncio
from collections.abc import Sequence

from typing_extensions import override

from trunkline.gateway.caller import Caller
from trunkline.gateway.metering.event import Ending, Outcome
from trunkline.gateway.metering.usage import Usage
from trunkline.gateway.ports import Ask
from trunkline.kit.clock import FakeClock
from trunkline.limits.adapter import InProcessAdmission
from trunkline.limits.ports import Spending
from trunkline.limits.rules import OrgRules, Scope

ORG = "org-1"


class SteppedClock(FakeClock):
    """A clock whose time of day can be set while steady time goes on."""

    def __init__(self, start: float = 1_750_000_000.0) -> None:
        super().__init__(start)
        self._offset = 0.0

    @override
    def now(self) -> float:
        return super().now() + self._offset

    def step(self, seconds: float) -> None:
        self._offset += seconds


class LedgerInMemory(Spending):
    """What was spent before; counts the questions, and can be dead or frozen."""

    def __init__(self) -> None:
        self.rows: list[tuple[Scope, str, int, int]] = []
        self.seq = 0
        self.questions = 0
        self.dead = False
        self.gate = asyncio.Event()
        self.gate.set()

    def add(self, scope: Scope, scope_id: str, at_ms: int, nano: int) -> None:
        self.rows.append((scope, scope_id, at_ms, nano))

    async def _since(self, scope: Scope, scope_id: str, since_ms: int) -> list[int]:
        self.questions += 1
        await self.gate.wait()
        if self.dead:
            raise OSError("the ledger is away")
        return [n for s, i, at, n in self.rows if (s, i) == (scope, scope_id) and at >= since_ms]

    @override
    async def history(
        self, org_id: str, scope: Scope, scope_id: str, since_ms: Sequence[int]
    ) -> tuple[list[int], int]:
        assert org_id == ORG
        seq = self.seq
        return [sum(await self._since(scope, scope_id, at)) for at in since_ms], seq

    @override
    async def requests(self, org_id: str, scope: Scope, scope_id: str, since_ms: int) -> int:
        assert org_id == ORG
        return len(await self._since(scope, scope_id, since_ms))


class World:
    """An admission with its clock and ledger."""

    def __init__(self, rules: OrgRules, *, time_zone: str = "UTC", plans: int = 8192) -> None:
        self.clock = SteppedClock()
        self.ledger = LedgerInMemory()
        self.admission = InProcessAdmission(
            self.clock, self.ledger, plans=plans, ledger_timeout=0.2
        )
        self.admission.load(ORG, rules, time_zone)

    @property
    def wall_ms(self) -> int:
        return int(self.clock.now() * 1000)

    def spent(self) -> dict[tuple[str, str], tuple[int, int]]:
        """Spent and held nano-dollars by rule and scope instance."""
        return {
            (row.rule_id, row.scope_id): (row.spent_nano, row.held_nano)
            for row in self.admission.standings(ORG)
        }


def caller(key: str = "key-1", **levels: str | None) -> Caller:
    return Caller(
        ORG,
        key,
        team_id=levels.get("team", "team-1"),
        user_id=levels.get("user", "user-1"),
        tier=levels.get("tier"),
    )


def ask(
    who: Caller | None = None,
    *,
    alias: str = "gpt",
    hold: int | None = 0,
    tokens: tuple[int, int] = (0, 0),
) -> Ask:
    return Ask("request", who or caller(), alias, hold, *tokens)


def outcome(
    cost: int | None = 0, *, tokens: tuple[int, int] = (0, 0), ending: Ending = "completed"
) -> Outcome:
    usage = Usage(input=tokens[0], output=tokens[1])
    return Outcome(0, ending, 200, cost_nano=cost, usage=usage)
