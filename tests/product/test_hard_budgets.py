"""Hard budgets under failover, hedging and restarts, in a crowd and across kill -9."""

from pathlib import Path

from tests.drills.budgets.drill import crowd_once, kill_once, thrift_once


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
