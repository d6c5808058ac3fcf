"""A repeat gets the stored answer or a conflict, and never a second bill."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from trunkline.errors import Conflict
from trunkline.gateway.caller import Caller
from trunkline.gateway.ports import StoredAnswer
from trunkline.identity.service import organisations
from trunkline.kit.clock import FakeClock
from trunkline.repeats.adapter import KEEP_MS, LARGEST_ANSWER, LONGEST_RUN_MS, StoredRepeats
from trunkline.storage.engine import Database

ANSWER = StoredAnswer(200, ((b"content-type", b"application/json"), (b"x-b", b"\xff")), b'{"a":1}')
PRINT, OTHER_PRINT = b"f" * 16, b"g" * 16


class House:
    """Two runs of a front on one database; ``living`` are those that have not died."""

    def __init__(self, database: Database, clock: FakeClock, org_id: str) -> None:
        self.clock = clock
        self.database = database
        self.caller = Caller(org_id=org_id, key_id="key-1")
        self.living = {"run-1", "run-2"}
        self.first = self.run("run-1")
        self.second = self.run("run-2")

    def run(self, owner: str) -> StoredRepeats:
        return StoredRepeats(self.database, owner=owner, is_alive=self.is_alive, clock=self.clock)

    async def is_alive(self, owner: str) -> bool:
        return owner in self.living


@pytest.fixture
async def house(database: Database) -> House:
    clock = FakeClock()
    async with database.write(None) as conn:
        org = await organisations.create_organisation(conn, name="Acme", clock=clock)
    return House(database, clock, org.id)


async def refusal(repeats: StoredRepeats, caller: Caller, fingerprint: bytes = PRINT) -> Conflict:
    with pytest.raises(Conflict) as raised:
        await repeats.begin(caller, "k", fingerprint)
    return raised.value


async def test_a_repeat_gets_the_stored_answer_byte_for_byte(house: House) -> None:
    assert await house.first.begin(house.caller, "k", PRINT) is None
    await house.first.finish(house.caller, "k", ANSWER)
    assert await house.first.begin(house.caller, "k", PRINT) == ANSWER
    assert await house.second.begin(house.caller, "k", PRINT) == ANSWER


async def test_a_repeat_of_a_running_request_is_told_to_wait(house: House) -> None:
    assert await house.first.begin(house.caller, "k", PRINT) is None
    for run in (house.first, house.second):
        error = await refusal(run, house.caller)
        assert (error.code, error.retry_after, error.should_retry) == (
            "idempotency_key_in_use",
            1,
            True,
        )


async def test_of_many_at_once_exactly_one_is_the_first(house: House) -> None:
    async def begin(number: int) -> str:
        run = house.first if number % 2 else house.second
        try:
            return str(await run.begin(house.caller, "k", PRINT))
        except Conflict as error:
            return error.code

    outcomes = await asyncio.gather(*(begin(number) for number in range(20)))
    assert sorted(outcomes) == ["None", *["idempotency_key_in_use"] * 19]


async def test_the_outcome_of_a_dead_process_is_unknown(house: House) -> None:
    assert await house.first.begin(house.caller, "k", PRINT) is None
    house.living.remove("run-1")
    error = await refusal(house.second, house.caller)
    assert (error.code, error.retry_after) == ("idempotency_outcome_unknown", None)


async def test_a_request_that_runs_longer_than_any_may_is_lost(house: House) -> None:
    assert await house.first.begin(house.caller, "k", PRINT) is None
    house.clock.advance(LONGEST_RUN_MS / 1000)
    assert (await refusal(house.first, house.caller)).code == "idempotency_outcome_unknown"


async def test_the_same_key_for_another_request_is_refused(house: House) -> None:
    assert await house.first.begin(house.caller, "k", PRINT) is None
    error = await refusal(house.first, house.caller, OTHER_PRINT)
    assert error.code == "idempotency_key_reused"
    await house.first.finish(house.caller, "k", ANSWER)
    error = await refusal(house.first, house.caller, OTHER_PRINT)
    assert error.code == "idempotency_key_reused"


async def test_an_answer_too_large_is_remembered_but_not_kept(house: House) -> None:
    assert await house.first.begin(house.caller, "k", PRINT) is None
    body = b"x" * (LARGEST_ANSWER + 1)
    await house.first.finish(house.caller, "k", StoredAnswer(200, (), body))
    assert (await refusal(house.first, house.caller)).code == "idempotency_answer_too_large"
    assert await house.first.begin(house.caller, "k2", PRINT) is None
    largest = StoredAnswer(200, (), body[:-1])
    await house.first.finish(house.caller, "k2", largest)
    assert await house.first.begin(house.caller, "k2", PRINT) == largest


async def test_a_key_that_was_given_back_is_free(house: House) -> None:
    assert await house.first.begin(house.caller, "k", PRINT) is None
    await house.first.finish(house.caller, "k", None)
    assert await house.second.begin(house.caller, "k", OTHER_PRINT) is None
    # The first run has nothing left to say about the key.
    await house.first.finish(house.caller, "k", ANSWER)
    assert (await refusal(house.second, house.caller, OTHER_PRINT)).code == (
        "idempotency_key_in_use"
    )


async def test_another_credential_has_keys_of_its_own(house: House) -> None:
    assert await house.first.begin(house.caller, "k", PRINT) is None
    other = Caller(org_id=house.caller.org_id, key_id="key-2")
    assert await house.first.begin(other, "k", OTHER_PRINT) is None


async def test_a_key_is_free_again_after_24_hours(house: House) -> None:
    assert await house.first.begin(house.caller, "k", PRINT) is None
    await house.first.finish(house.caller, "k", ANSWER)
    house.clock.advance(KEEP_MS / 1000 - 1)
    assert await house.first.begin(house.caller, "k", PRINT) == ANSWER
    house.clock.advance(1)
    assert await house.first.begin(house.caller, "k", OTHER_PRINT) is None


async def test_purging_removes_only_what_has_expired(house: House) -> None:
    for number in range(201):
        assert await house.first.begin(house.caller, f"old-{number}", PRINT) is None
    house.clock.advance(KEEP_MS / 2000)
    assert await house.first.begin(house.caller, "k", PRINT) is None
    await house.first.finish(house.caller, "k", ANSWER)
    assert await house.first.purge() == 0
    house.clock.advance(KEEP_MS / 2000)
    assert await house.first.purge() == 201
    assert await house.first.begin(house.caller, "k", PRINT) == ANSWER


@pytest.fixture
async def broken(data_dir: Path) -> AsyncIterator[Database]:
    """A database that cannot be read or written any more."""
    database = await Database.open(None, data_dir=data_dir)
    yield database
    await database.close()


async def test_an_answer_that_cannot_be_kept_does_not_fail_the_request(
    broken: Database,
    data_dir: Path,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("trunkline.repeats.adapter.STORE_PAUSES", (0.0, 0.0))
    async with broken.write(None) as conn:
        await conn.exec_driver_sql("DROP TABLE idempotent_answer")
    house = House(broken, FakeClock(), "org")
    await house.first.finish(house.caller, "k", ANSWER)
    reason = "OperationalError: no such table: idempotent_answer"
    complaint = f"An answer could not be kept for repeats: {reason}"
    assert [record.message for record in caplog.records] == [complaint] * 2
