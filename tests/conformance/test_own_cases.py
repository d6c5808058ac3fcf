"""Odd but lawful streams pass as they are; those that break say so in the caller's wire."""

import json
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

import pytest_asyncio
from tests.conformance.own_cases import BROKEN, CASES, Case
from tests.product.running import CHAT, Product
from tests.simulator.raw import Raw, exchange, request

from trunkline.simulator.server import Simulator
from trunkline.storage.tables.ledger import TOKEN_BUCKETS

SPLITS = range(3)
MODELS = {True: "sim-fast", False: "claude-sim-fast"}


@pytest_asyncio.fixture
async def simulator(tmp_path: Path) -> AsyncIterator[Simulator]:
    """A simulator that plays our own cases."""
    folder = tmp_path / "cases"
    folder.mkdir()
    for name, case in {**CASES, **BROKEN}.items():
        (folder / _file_of(name, case)).write_bytes(case.body)
    running = Simulator(seed=3, speed=1e6, transcripts=folder)
    await running.start()
    yield running
    await running.stop()


def _file_of(name: str, case: Case) -> str:
    return f"{name}.sse" if case.stream else f"{name}.json"


async def play(product: Product, name: str, case: Case, split: int) -> Raw:
    """The answer to a request that is answered with this case."""
    asked: dict[str, Any] = {
        "model": MODELS[case.path == CHAT],
        "messages": [{"role": "user", "content": "hello"}],
        "max_tokens": 200,
        "stream": case.stream,
    }
    if case.path == CHAT and case.stream and case.asks_for_usage:
        asked["stream_options"] = {"include_usage": True}
    headers = {
        "authorization": f"Bearer {product.key}",
        "x-simulator-replay": _file_of(name, case),
        "x-simulator-split": str(split),
        "x-request-id": name.replace(" ", "-").replace(",", ""),
    }
    return await exchange(product.base_url, request(case.path, asked, headers))


def sequence(stream: bytes) -> list[tuple[str, str]]:
    """The events of a stream as the HTML standard says: name and data of each."""
    found, name, data = [], "message", list[str]()
    for line in stream.decode().replace("\r\n", "\n").split("\n"):
        if not line:
            if data:
                found.append((name, "\n".join(data)))
            name, data = "message", []
            continue
        field, _, value = line.partition(":")
        if field == "event":
            name = value.removeprefix(" ")
        elif field == "data":
            data.append(value.removeprefix(" "))
    return found


async def test_lawful_answers_pass_as_they_are_however_they_are_split(product: Product) -> None:
    got: dict[tuple[str, int], Any] = {}
    wanted: dict[tuple[str, int], Any] = {}
    for name, case in CASES.items():
        for split in SPLITS:
            answer = await play(product, name, case, split)
            got[name, split] = (answer.status, answer.ended_well, answer.body)
            wanted[name, split] = (200, True, case.wanted)
            assert sequence(answer.body) == sequence(case.wanted), name
    assert got == wanted


async def test_what_they_used_is_metered_wherever_they_say_it(product: Product) -> None:
    for name, case in CASES.items():
        await play(product, name, case, split=0)
    rows = {row["client_request_id"].replace("-", " "): row for row in await product.rows()}
    got = {
        name: _buckets(row) if row["cost_state"] == "exact" else None
        for name, row in rows.items()
        if row["cost_state"] != "unpriced"
    }
    # The searches of one case have no price here, so its cost is known not to be known.
    (unpriced,) = [row for row in rows.values() if row["cost_state"] == "unpriced"]
    searching = CASES["messages caches, thinking and searches"]
    assert _buckets(unpriced) == searching.usage
    assert got == {
        name.replace(",", ""): case.usage for name, case in CASES.items() if case is not searching
    }


async def test_what_breaks_ends_with_an_error_event_after_all_that_came_whole(
    product: Product,
) -> None:
    for name, case in BROKEN.items():
        for split in SPLITS:
            answer = await play(product, name, case, split)
            assert answer.body.startswith(case.wanted), (name, split)
            ((kind, data),) = sequence(answer.body[len(case.wanted) :])
            error = json.loads(data)["error"]
            assert kind == ("message" if case.path == CHAT else "error")
            assert error["code"] == "upstream_malformed"
            assert error["message"].startswith("The provider's answer cannot be used: ")
    rows = await product.rows()
    assert {(row["ending"], row["cost_state"]) for row in rows} == {("failed", "estimated")}
    assert len(rows) == len(BROKEN) * len(SPLITS)


def _buckets(row: Mapping[str, Any]) -> dict[str, int]:
    return {name: row[name] for name in TOKEN_BUCKETS if row[name]}
