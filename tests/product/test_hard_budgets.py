"""Hard budgets under failover, hedging and restarts, in a crowd and across kill -9."""

import asyncio
from functools import partial
from pathlib import Path

from tests.drills.budgets.books import sampled
from tests.drills.budgets.drill import crowd_once, kill_once, thrift_once
from tests.drills.load import Call, make_calls
from tests.product.books import spent
from tests.product.offer import ACME, KeyChain
from tests.product.recounting import recounting
from tests.product.running import CHAT, PATIENCE, Product, running_product

from trunkline.simulator.rules import RuleRequest
from trunkline.simulator.server import Simulator


async def test_no_budget_is_passed_while_attempts_fail_over_hedge_and_restart(
    data_dir: Path,
) -> None:
    verdict = await crowd_once(data_dir.parent, 7, 300, "0.03")
    assert verdict.problems == ()
    for reason in ("retry", "restart", "failover", "hedge"):
        assert reason in verdict.figures


async def test_a_cheaper_model_serves_when_the_budget_no_longer_covers_the_dear_one(
    data_dir: Path,
) -> None:
    assert (await thrift_once(data_dir.parent, 7)).problems == ()


async def test_no_budget_is_passed_across_a_kill_in_the_middle(tmp_path: Path) -> None:
    assert (await kill_once(tmp_path, 7, 60, "0.02")).problems == ()


async def test_a_budget_is_never_passed_by_answers_whose_tokens_are_counted_afterwards(
    data_dir: Path,
) -> None:
    simulator = Simulator(speed=1e6)
    simulator.faults.add(RuleRequest("no_usage"))
    section = {**ACME, "budgets": [{"name": "all", "amount": "0.001", "window": "total"}]}
    call = Call(CHAT, "gpt-4o", stream=False, max_tokens=50)
    await simulator.start()
    try:
        async with running_product(data_dir, simulator, organisations=[section]) as product:
            async with sampled(product) as samples, recounting(product):
                refusals = await _until_refused(product, call)
            rows, standing = await product.rows(), await product.standing()
    finally:
        await simulator.stop()
    assert refusals <= {"budget_held", "budget_exhausted"}
    assert {(row["ending"], row["cost_state"], row["revision"]) for row in rows} == {
        ("completed", "estimated", 1)
    }
    assert spent(rows) == standing.spent_nano <= standing.amount_nano
    assert samples.most <= standing.amount_nano


async def test_a_front_that_starts_again_keeps_back_what_is_still_to_be_counted(
    data_dir: Path,
) -> None:
    simulator = Simulator(speed=1e6)
    simulator.faults.add(RuleRequest("no_usage"))
    section = {**ACME, "budgets": [{"name": "all", "amount": "0.1", "window": "total"}]}
    chain = KeyChain(data_dir.parent)
    call = Call(CHAT, "gpt-4o", stream=False, max_tokens=5_000)
    run = partial(running_product, data_dir, simulator, organisations=[section], chain=chain)
    await simulator.start()
    try:
        async with run() as product:
            await make_calls(product.base_url, product.key, [call])
            await product.idle()
            held = (await product.standing()).held_nano
        async with run() as product:
            before = await product.standing()
            rows = await product.rows()
            async with recounting(product):
                pass
            after = await product.standing()
            counted = await product.rows()
    finally:
        await simulator.stop()
    assert [row["revision"] for row in rows + counted] == [0, 1]
    assert before.spent_nano == spent(rows)
    assert before.spent_nano < before.spent_nano + before.held_nano == held
    assert (after.spent_nano, after.held_nano) == (spent(counted), 0)


async def _until_refused(product: Product, call: Call) -> set[str | None]:
    """Crowds of calls until the money is spent; what refused them."""
    refusals: set[str | None] = set()
    async with asyncio.timeout(2 * PATIENCE):
        while "budget_exhausted" not in refusals:
            readings = await make_calls(product.base_url, product.key, [call] * 8)
            refusals |= {reading.error for reading in readings} - {None}
    return refusals
