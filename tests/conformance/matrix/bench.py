"""What every cell runs on: the data path before a strict simulator, and both their books."""

import asyncio
from typing import NamedTuple

from tests.gateway.rig import KEY, Rig

from trunkline.gateway.metering.event import Attempt, Outcome
from trunkline.gateway.metering.usage import Usage
from trunkline.simulator.ledger import SeenAttempt
from trunkline.simulator.rules import RuleRequest

_PATIENCE = 20.0
_PLAIN = {"openai_chat": "", "anthropic_messages": "claude:"}

SPEAKER, THINKER = "sim-fast", "sim-think"
"""The simulator's model that answers at once, and the one that thinks before."""


def public_name(provider: str, model: str) -> str:
    """What clients call a simulator's model behind this provider wire."""
    return _PLAIN.get(provider, f"{provider}:") + model


class Call(NamedTuple):
    """One attempt in both books."""

    seen: SeenAttempt
    attempt: Attempt
    outcome: Outcome

    @property
    def usage(self) -> Usage:
        """What was recorded."""
        return self.outcome.usage


class Bench:
    """A running data path with what a test asks of it. The fixture ``bench`` owns it."""

    key = KEY

    def __init__(self, rig: Rig) -> None:
        self._rig = rig

    @property
    def url(self) -> str:
        """The address without any path."""
        return self._rig.base_url

    def model(self, provider: str, name: str = SPEAKER) -> str:
        """The public name of a simulator's model behind this provider wire."""
        return public_name(provider, name)

    def fail(self, fault: str) -> None:
        """All further attempts meet this fault."""
        self._rig.simulator.faults.add(RuleRequest(fault))

    def heal(self) -> None:
        """No attempt meets a fault any more."""
        self._rig.simulator.faults.clear()

    async def calls(self, provider: str, count: int) -> list[Call]:
        """All attempts until now, which are ``count`` and all went to this provider wire.

        Each was sent once and recorded once, with the usage and the money of the simulator's bill.
        """
        found = await self._paired(count)
        for call in found:
            seen, usage = call.seen, call.usage
            assert (call.attempt.wire, seen.complete) == (provider, True)
            assert (call.outcome.ending, call.outcome.cost_state) == ("completed", "exact")
            assert call.outcome.cost_nano == seen.bill_nano
            assert usage.input_total == seen.input_tokens
            assert usage.output_total == seen.output_tokens
            assert usage.cache_read == seen.cache_read_tokens
        return found

    async def failures(self, provider: str) -> list[Call]:
        """All attempts until now; each was sent once and recorded once, and none is free money.

        What the provider refused costs nothing; what broke costs between its input and its hold.
        """
        found = await self._paired(None)
        assert found
        for seen, attempt, outcome in found:
            assert attempt.wire == provider
            assert outcome.ending in {"refused", "failed"}
            if outcome.cost_state == "exact":
                assert outcome.cost_nano == seen.bill_nano
                continue
            cost, floor, hold = outcome.cost_nano, attempt.floor_nano, attempt.hold_nano
            assert cost is not None
            assert floor is not None
            assert hold is not None
            assert min(floor, seen.input_only_nano) <= cost <= hold
            assert seen.bill_nano <= hold
        return found

    async def _paired(self, count: int | None) -> list[Call]:
        recorded, ledger = self._rig.recorded, self._rig.simulator.ledger
        async with asyncio.timeout(_PATIENCE):
            while self._rig.observed.running or any(row.ended is None for row in ledger):
                await asyncio.sleep(0.001)
                ledger = self._rig.simulator.ledger
        seen = {row.reference: row for row in ledger}
        outcomes = {attempt.id: (attempt, outcome) for attempt, outcome in recorded.outcomes}
        assert len(outcomes) == len(recorded.outcomes) == len(recorded.attempts)
        assert (len(seen), set(seen)) == (len(ledger), set(outcomes))
        if count is not None:
            assert len(outcomes) == count
        return [Call(seen[name], *outcomes[name]) for name in outcomes]
