"""Every fault on both wires, streamed and not, keeps all promises about answers and money."""

import asyncio
from pathlib import Path

import pytest
from tests.drills.faults import MODELS, FaultRow, fault_table, leftovers, product_for_faults
from tests.product.answers import read_answer
from tests.product.books import disagreements
from tests.product.running import CHAT, MESSAGES
from tests.simulator.raw import asked, exchange, request

from trunkline.simulator.fault_table import FAULTS

UNHARMED = {"none", "latency", "slow_first_token", "huge_chunk", "byte_by_byte", "no_usage", "gzip"}
# A stream's own end comes whole and only HTTP's is missing after it.
UNHARMED_STREAMS = UNHARMED | {"wrong_length"}


def clean_ends(table: list[FaultRow], *, stream: bool) -> set[str]:
    return {row.fault for row in table if row.reading.clean and row.stream == stream}


async def test_every_fault_ends_honestly_and_costs_what_the_ledger_says(data_dir: Path) -> None:
    async with product_for_faults(data_dir.parent, seed=7) as product:
        tasks = len(asyncio.all_tasks())
        table = await fault_table(product)
        assert {row.name: row.problems for row in table if row.problems} == {}
        assert leftovers(product) == []
        assert len(asyncio.all_tasks()) == tasks
    assert len(table) == 4 * (len(FAULTS) + 1)
    assert clean_ends(table, stream=False) == UNHARMED
    assert clean_ends(table, stream=True) == UNHARMED_STREAMS
    # Nothing that may have been billed is repeated behind the caller's back.
    repeated = [row for row in table if len(row.seen) > 1]
    assert {row.fault for row in repeated} == {
        "status_429", "status_500", "status_503", "status_529", "overloaded",
    }  # fmt: skip
    assert all(seen.bill_nano == 0 for row in repeated for seen in row.seen)


@pytest.mark.parametrize("path", [CHAT, MESSAGES])
async def test_who_was_told_to_wait_gets_an_event_and_never_a_clean_end(
    data_dir: Path, path: str
) -> None:
    wire = "sim-openai" if path == CHAT else "sim-anthropic"
    target = {"connection": wire, "model": "sim-fast"}
    early = {"name": "early", "targets": [target], "hold_headers": 0.05}
    ends = {}
    async with product_for_faults(data_dir.parent, seed=7, models=[early]) as product:
        for fault in ("silence", "latency;seconds=0.4", "slow_first_token;seconds=0.4"):
            headers = {"authorization": f"Bearer {product.key}", "x-simulator-fault": fault}
            body = asked(path, stream=True, model="early")
            answer = await exchange(product.base_url, request(path, body, headers))
            keep_alive = b": keep-alive\n\n" if path == CHAT else b"event: ping\n"
            assert answer.body.startswith(keep_alive)
            assert answer.body.count(keep_alive) > 1
            reading = read_answer(path, answer, stream=True)
            ends[fault.partition(";")[0]] = (reading.status, reading.clean, reading.error)
        await product.idle()
        assert disagreements(await product.rows(), product.simulator.ledger) == []
    assert ends == {
        "silence": (200, False, "upstream_timeout"),
        "latency": (200, True, None),
        "slow_first_token": (200, True, None),
    }


@pytest.mark.parametrize("path", [CHAT, MESSAGES])
async def test_a_caller_who_leaves_is_booked_and_lets_go_of_everything(
    data_dir: Path, path: str
) -> None:
    async with product_for_faults(data_dir.parent, seed=7) as product:
        for fault in ("latency;seconds=5", "slow_first_token;seconds=5", "silence_in_stream"):
            headers = {"authorization": f"Bearer {product.key}", "x-simulator-fault": fault}
            body = asked(path, stream=True, model=MODELS[path])
            sent = request(path, body, headers)
            await exchange(product.base_url, sent, patience=0.15)
            await product.idle()
        rows = await product.rows()
        assert [row["ending"] for row in rows] == ["client_gone"] * 3
        assert disagreements(rows, product.simulator.ledger) == []
        assert leftovers(product) == []
        standing = await product.standing()
    assert (standing.spent_nano, standing.held_nano) == (sum(r["cost_nano"] for r in rows), 0)
