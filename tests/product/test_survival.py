"""Short versions of the drills of routes: what callers see of bad providers, and of each other."""

from pathlib import Path

import pytest
from tests.drills import configuration, failover, flight


async def test_callers_of_the_default_alias_do_not_notice_that_its_provider_is_cut_off(
    tmp_path: Path,
) -> None:
    circuit = {"open": 2.0, "minimum": 5}
    verdict = await failover.cut_off(tmp_path, 7, before=0.5, down=0.5, circuit=circuit)
    assert verdict.problems == ()


@pytest.mark.parametrize("circuit", [True, False])
async def test_a_target_that_fails_most_of_its_calls_is_no_matter_of_its_callers(
    tmp_path: Path, circuit: bool
) -> None:
    verdict = await failover.failing(
        tmp_path, 7, policy="ordered", seconds=3.0, circuit=circuit, rate=60.0
    )
    assert verdict.problems == ()


async def test_callers_of_a_silent_target_wait_for_its_first_token_and_one_attempt(
    tmp_path: Path,
) -> None:
    verdict = await failover.silent(tmp_path, 7, first_token=0.5, seconds=3.0, slack=15.0)
    assert verdict.problems == ()


@pytest.mark.parametrize("stream", [True, False])
async def test_many_who_ask_the_same_at_once_get_one_answer(tmp_path: Path, stream: bool) -> None:
    async with flight.staged(tmp_path, 7, speed=4.0) as stage:
        verdicts = [await flight.crowded(stage, 200, stream=stream)]
        verdicts.append(await flight.nothing_left(stage))
    assert [verdict.problems for verdict in verdicts] == [(), ()]


async def test_nobody_suffers_from_those_who_leave_or_lead_in_vain(tmp_path: Path) -> None:
    async with flight.staged(tmp_path, 7, speed=3.0) as stage:
        verdicts = [await part(stage) for part in flight.MISBEHAVIOUR]
        verdicts.append(await flight.nothing_left(stage))
    assert {verdict.name: verdict.problems for verdict in verdicts if verdict.problems} == {}


async def test_a_change_of_the_configuration_drops_nobody_and_is_never_half_in_use(
    tmp_path: Path,
) -> None:
    verdict = await configuration.changing(
        tmp_path, 7, changes=10, every=0.5, rate=40.0, latest=10.0
    )
    assert verdict.problems == ()


async def test_streams_end_well_at_targets_that_were_drained_or_disabled(tmp_path: Path) -> None:
    verdict = await configuration.leaving(tmp_path, 7, streams=10)
    assert verdict.problems == ()
