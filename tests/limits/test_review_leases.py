"""A request that outlives its lease: what it uses later counts, and nothing comes back twice."""

import pytest
from tests.limits.world import ORG, World, ask, outcome

from trunkline.limits.rules import Algorithm, LimitRule, OrgRules

DAY = 86_400


@pytest.mark.parametrize("algorithm", ["token_bucket", "sliding_window", "fixed_window"])
async def test_tokens_come_back_once_from_a_lease_that_ran_out_before_its_attempt(
    algorithm: Algorithm,
) -> None:
    limit = LimitRule("rule", ORG, "key", "tokens", 100, algorithm=algorithm, per_seconds=365 * DAY)
    world = World(OrgRules((limit,)))
    waits = await world.admission.admit(ask(tokens=(20, 20)))
    other = await world.admission.admit(ask(tokens=(20, 20)))
    await world.admission.cover(other, "other", 0)
    world.admission.settle(other, "other", outcome(tokens=(20, 20)))
    world.admission.release(other)
    world.clock.advance(1201)
    assert world.admission.sweep() == 1
    await world.admission.cover(waits, "late", 0)
    world.admission.settle(waits, "late", outcome(tokens=(5, 5)))
    world.admission.release(waits)
    after = await world.admission.admit(ask(tokens=(1, 0)))
    [tokens] = after.allowances
    assert tokens.limit - tokens.remaining == 40 + 10 + 1
