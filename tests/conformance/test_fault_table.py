"""Every fault on both wires, streamed and not, keeps all promises about answers and money."""

import asyncio
from pathlib import Path

from tests.drills.faults import FaultRow, fault_table, leftovers, product_for_faults

from trunkline.simulator.fault_table import FAULTS

UNHARMED = {"none", "latency", "slow_first_token", "huge_chunk", "byte_by_byte", "no_usage", "gzip"}
# A stream's own end comes whole and only HTTP's is missing after it.
UNHARMED_STREAMS = UNHARMED | {"wrong_length"}


def clean_ends(table: list[FaultRow], *, stream: bool) -> set[str]:
    return {row.fault for row in table if row.reading.clean and row.stream == stream}


async def test_every_fault_ends_honestly_and_costs_what_the_ledger_says(tmp_path: Path) -> None:
    async with product_for_faults(tmp_path, seed=7) as product:
        tasks = len(asyncio.all_tasks())
        table = await fault_table(product)
        assert {row.name: row.problems for row in table if row.problems} == {}
        assert leftovers(product) == []
        assert len(asyncio.all_tasks()) == tasks
    assert len(table) == 4 * (len(FAULTS) + 1)
    assert clean_ends(table, stream=False) == UNHARMED
    assert clean_ends(table, stream=True) == UNHARMED_STREAMS
    # Nothing that may have been billed is repeated behind the caller's back.
    assert {len(row.seen) for row in table} == {1}
