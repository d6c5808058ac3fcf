"""Tokens that no provider counted: from the front's folder to a correction in the ledger."""

import json
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

import bpe_openai  # type: ignore[import-untyped] # it has annotations and does not say so
import pytest
from sqlalchemy import select
from tests.ledger.examples import ORG, START_MS, attempt, estimated, outcome

from trunkline.gateway.metering.event import Attempt
from trunkline.gateway.metering.price import Price, Rates
from trunkline.gateway.metering.usage import Usage
from trunkline.gateway.ports import Unmetered
from trunkline.kit.clock import FakeClock
from trunkline.ledger.journal import Journal
from trunkline.ledger.recount import counting
from trunkline.ledger.recount.backlog import backlog
from trunkline.ledger.recount.counting import MOST_WAIT_MS, Recounter
from trunkline.ledger.recount.process import count_tokens
from trunkline.ledger.recount.spool import MOST_TEXT_BYTES, RecountSpool
from trunkline.ledger.recount.tokens import factor_of, tokens_in
from trunkline.ledger.rollups import DAY_MS
from trunkline.ledger.service import Ledger
from trunkline.ledger.shipping import Shipper
from trunkline.storage.engine import Database
from trunkline.storage.tables.ledger import attempt as attempt_table
from trunkline.storage.tables.ledger import correction

SAID = "The quick brown fox jumps over the lazy dog, and nobody knows why it does."
PROMPT = json.dumps({"model": "m", "messages": [{"role": "user", "content": SAID}]}).encode()
ANSWER = json.dumps({"choices": [{"message": {"role": "assistant", "content": SAID * 2}}]}).encode()
PRICE = Price("p@1", Rates(input=1_000_000_000, output=4_000_000_000))


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock(START_MS / 1000 + 60)


@pytest.fixture
async def journal(tmp_path: Path, clock: FakeClock) -> AsyncIterator[Journal]:
    opened = Journal(tmp_path / "journal", clock)
    await opened.start()
    yield opened
    await opened.close()


class World:
    """A front's spool and a worker's counter over one folder."""

    def __init__(self, database: Database, tmp_path: Path, clock: FakeClock) -> None:
        self.folder = tmp_path / "recount"
        self.database = database
        self.clock = clock
        self.spool = RecountSpool(self.folder, clock)
        self.shipper = Shipper(database, tmp_path / "journal", clock)
        self.recounter = Recounter(database, self.folder, clock)

    async def offer(self, opened: Attempt, **changes: Any) -> None:
        fields: dict[str, Any] = {"price": PRICE, "prompt": PROMPT, "answer": ANSWER}
        fields["answer_bytes"] = len(ANSWER)
        self.spool.offer(Unmetered(opened, **(fields | changes)))
        await self.spool.drain()

    @property
    def files(self) -> list[Path]:
        return list(self.folder.glob("*"))

    async def row(self) -> dict[str, Any]:
        async with self.database.read(ORG) as connection:
            return dict((await connection.execute(select(attempt_table))).mappings().one())

    async def reasons(self) -> list[str]:
        async with self.database.read(ORG) as connection:
            return [*await connection.scalars(select(correction.c.reason))]


@pytest.fixture
def world(database: Database, tmp_path: Path, clock: FakeClock) -> World:
    return World(database, tmp_path, clock)


def counted(text: str) -> int:
    return len(bpe_openai.get_encoding("o200k_base").encode_ordinary(text))


async def test_an_estimate_becomes_a_better_one_and_the_sums_follow(
    world: World, journal: Journal
) -> None:
    opened = attempt(hold_nano=10_000_000)
    journal.opened(opened)
    journal.closed(opened, estimated())
    await world.offer(opened)
    assert await world.recounter.count_all() == 0
    assert [path.suffix for path in world.files] == [".texts"]
    assert world.files[0].stat().st_mode & 0o777 == 0o600
    await world.shipper.drain()
    assert await world.recounter.count_all() == 1
    row = await world.row()
    asked, told = counted(SAID) + 7, counted(SAID * 2) + 7
    assert (row["input"], row["output"], row["cost_state"]) == (asked, told, "estimated")
    assert row["cost_nano"] == asked * 1_000 + told * 4_000
    assert await world.reasons() == ["recount"]
    assert world.files == []
    ledger = Ledger(world.database, world.clock)
    assert await ledger.reconcile(START_MS - DAY_MS, START_MS + DAY_MS) == []


async def test_an_exact_cost_stands_and_the_texts_go(world: World, journal: Journal) -> None:
    opened = attempt()
    journal.opened(opened)
    journal.closed(opened, outcome())
    await world.shipper.drain()
    await world.offer(opened)
    assert await world.recounter.count_all() == 0
    assert (await world.row())["cost_nano"] == 5_000
    assert world.files == []


async def test_an_estimate_is_never_above_its_hold(world: World, journal: Journal) -> None:
    opened = attempt(hold_nano=50)
    journal.opened(opened)
    journal.closed(opened, estimated())
    await world.shipper.drain()
    await world.offer(opened)
    assert await world.recounter.count_all() == 1
    assert (await world.row())["cost_nano"] == 50


async def test_a_stream_is_taken_to_be_as_dense_as_its_prompt(
    world: World, journal: Journal
) -> None:
    opened = attempt(hold_nano=None)
    journal.opened(opened)
    journal.closed(opened, estimated())
    await world.shipper.drain()
    await world.offer(opened, answer=b"", answer_bytes=3 * len(SAID), price=None)
    await world.recounter.count_all()
    row = await world.row()
    asked = counted(SAID) + 7
    assert (row["input"], row["output"]) == (asked, 3 * asked)
    assert (row["cost_state"], row["cost_nano"]) == ("unpriced", None)


async def test_texts_without_a_row_are_kept_for_an_hour_and_broken_ones_not_at_all(
    world: World,
) -> None:
    await world.offer(attempt())
    (world.folder / "broken.texts").write_bytes(b"\xc1")
    await world.recounter.count_all()
    assert len(world.files) == 1
    world.clock.advance(MOST_WAIT_MS / 1000 + 1)
    await world.recounter.count_all()
    assert world.files == []


async def test_one_file_that_breaks_the_counting_does_not_stop_the_others(
    world: World, journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    good, bad = attempt(hold_nano=10_000_000), attempt()
    for opened in (good, bad):
        journal.opened(opened)
        journal.closed(opened, estimated())
        await world.offer(opened)
    await world.shipper.drain()
    # The counting process of this test has no tokenizer for one of the files: it cannot read it.
    real = count_tokens

    async def unreadable(paths: Sequence[Path]) -> list[Usage]:
        if any(path.name.startswith(bad.id) for path in paths):
            for path in paths:
                if path.name.startswith(bad.id):
                    path.write_bytes(b"\xc1")
        return await real(paths)

    monkeypatch.setattr(counting, "count_tokens", unreadable)
    assert await world.recounter.count_all() == 1
    assert world.files == []


async def test_what_is_too_much_keeps_its_first_estimate(world: World, tmp_path: Path) -> None:
    await world.offer(attempt(), prompt=b"x" * (MOST_TEXT_BYTES + 1))
    assert (world.spool.shed, world.folder.exists()) == (1, False)
    world.folder.write_text("in the way")
    await world.offer(attempt())
    assert world.spool.shed == 2


async def test_a_later_process_reads_what_waits_and_removes_what_is_torn(world: World) -> None:
    priced, free = attempt(hold_nano=7), attempt(hold_nano=None)
    assert backlog(world.folder) == {}
    for opened in (priced, free):
        await world.offer(opened)
    (world.folder / "broken.texts").write_bytes(b"\xc1")
    (world.folder / "torn.part").write_bytes(b"\x81")
    assert backlog(world.folder) == {priced.id: 7}
    assert {path.suffix for path in world.files} == {".texts"}


@pytest.mark.parametrize(
    ("model", "factor"),
    [
        ("gpt-4o", 1.0),
        ("claude-3-5-haiku-20241022", 1.13),
        ("claude-sonnet-4-5", 1.13),
        ("claude-opus-4-7", 1.45),
        ("claude-sonnet-5", 1.45),
        ("gemini-2.5-flash", 1.04),
        ("meta-llama/Llama-3-70b-chat-hf", 1.04),
        ("codestral-latest", 1.08),
    ],
)
def test_each_family_has_its_factor(model: str, factor: float) -> None:
    assert factor_of(model) == factor


def test_only_texts_are_counted_and_what_is_no_json_has_none() -> None:
    image = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}
    text = {"type": "text", "text": SAID}
    body = {"model": "m", "messages": [{"role": "user", "content": [text, image]}]}
    assert tokens_in(json.dumps(body).encode()) == (counted(SAID) + 7, len(SAID))
    assert tokens_in(b"{") == (0, 0)
    assert tokens_in(b"[" * 100_000) == (0, 0)
