"""Every fault under every way of surviving it: its kind says what is seen, tried and paid."""

from pathlib import Path

from tests.drills.matrix.calls import Outcome, Report, run_matrix
from tests.drills.matrix.drill import product_for_matrix
from tests.drills.matrix.kinds import harms
from tests.drills.matrix.offer import PATHS
from tests.drills.matrix.promises import MODES

from trunkline.simulator.fault_table import FAULTS


async def test_every_fault_does_what_its_kind_promises_in_every_mode(data_dir: Path) -> None:
    async with product_for_matrix(data_dir.parent, seed=7) as product:
        report = await run_matrix(product)
    assert {one.cell.model: one.problems for one in report.outcomes if one.problems} == {}
    assert report.problems == []
    assert len(report.outcomes) == len(harms()) * len(MODES) * len(PATHS) * 2
    _survives(report)


def _survives(report: Report) -> None:
    """The promises of the modes, told from what the clients saw alone."""
    for outcome in report.outcomes:
        cell = outcome.cell
        if cell.harm.label == "status_400":
            # What is wrong with the request itself is so everywhere.
            assert outcome.reading.status == 400
        elif cell.mode == "buffered" or (cell.mode != "alone" and not _committed(outcome)):
            assert outcome.reading.clean, cell.model


def _committed(outcome: Outcome) -> bool:
    """Whether the first target's content had come before the harm."""
    return outcome.cell.harm.kind(stream=outcome.cell.stream).spoke


def test_every_fault_of_the_simulator_is_in_the_matrix() -> None:
    assert {harm.fault.partition(";")[0] for harm in harms()} == {
        "", *(fault.name for fault in FAULTS),
    }  # fmt: skip
