"""Short versions of the drills: killed, stopped and overrun, the product keeps its books."""

import re
from pathlib import Path

import pytest
from tests.drills.kill import kill_once
from tests.drills.quota import budget_once, quota_once, zone_far_from_midnight
from tests.drills.sigterm import stop_once


@pytest.mark.parametrize(("seed", "longest"), [(1, 0.6), (2, 1.6)])
async def test_what_a_killed_front_had_sent_is_in_the_ledger_and_in_its_budget(
    tmp_path: Path, seed: int, longest: float
) -> None:
    verdict = await kill_once(tmp_path, seed, streams=40, longest=longest)
    assert verdict.problems == ()


async def test_streams_end_or_say_that_they_do_not_when_the_front_is_told_to_stop(
    tmp_path: Path,
) -> None:
    verdict = await stop_once(tmp_path, seed=1, streams=30, deadline=2.5)
    assert verdict.problems == ()
    # Both ways were taken: some are short enough for the deadline and some are not.
    assert re.match(r"[1-9]\d* streams finished, [1-9]\d* ended with an error", verdict.figures)


async def test_parallel_calls_never_pass_a_daily_quota_not_even_after_a_restart(
    tmp_path: Path,
) -> None:
    verdict = await quota_once(tmp_path, seed=1, calls=120, allowed=50)
    assert verdict.problems == ()


async def test_parallel_calls_never_pass_a_budget_not_even_after_a_restart(tmp_path: Path) -> None:
    verdict = await budget_once(tmp_path, seed=1, calls=120, amount="0.004")
    assert verdict.problems == ()


@pytest.mark.parametrize("hour", range(24))
def test_the_zone_of_the_quota_drill_is_never_near_midnight(hour: int) -> None:
    zone = zone_far_from_midnight(hour * 3600.0)
    ahead = 0 if zone == "Etc/GMT" else -int(zone.removeprefix("Etc/GMT"))
    assert 11 <= (hour + ahead) % 24 <= 13
