"""What a request used and cost, right after the call and later."""

from pathlib import Path
from typing import Any

from tests.ledger.examples import (
    KEY,
    ORG,
    OTHER_ORG,
    START_MS,
    attempt,
    estimated,
    outcome,
    unpriced,
)

from trunkline.gateway.caller import Caller
from trunkline.gateway.metering.event import Attempt
from trunkline.gateway.metering.usage import Usage
from trunkline.kit.clock import FakeClock
from trunkline.kit.ids import new_id
from trunkline.ledger.adapter import LedgerGenerations, generation_json
from trunkline.ledger.journal import Journal
from trunkline.ledger.rows import Row, attempt_row, attribution_row
from trunkline.ledger.shipping import Shipper
from trunkline.storage.engine import Database

CALLER = Caller(ORG, KEY)
REQUEST = new_id()
FIRST = attempt(request_id=REQUEST, tags=(("app", "crm"),), end_user="u-1")
SECOND = attempt(
    request_id=REQUEST,
    number=2,
    opened_ms=START_MS + 1000,
    provider="azure",
    model="gpt-4o-eu",
    reason="failover",
)


def expected(first: Attempt, second: Attempt) -> dict[str, Any]:
    return {
        "object": "generation",
        "id": REQUEST,
        "client_request_id": "client-1",
        "created_at": "2025-06-15T15:06:40.000Z",
        "model": "fast",
        "provider": "azure",
        "operation": "chat",
        "streamed": True,
        "usage": {
            "input": 22,
            "cache_read": 6,
            "cache_write": 0,
            "cache_write_5m": 0,
            "cache_write_1h": 0,
            "audio_input": 0,
            "output": 14,
            "reasoning": 0,
            "audio_output": 0,
            "searches": 0,
        },
        "total_cost": "0.000014",
        "cost_state": "estimated",
        "currency": "USD",
        "latency_ms": 3000,
        "ttft_ms": 1200,
        "end_user": "u-1",
        "tags": {"app": "crm"},
        "attempts": [
            {
                "id": first.id,
                "number": 1,
                "reason": "first",
                "created_at": "2025-06-15T15:06:40.000Z",
                "provider": "openai",
                "model": "gpt-4o",
                "served_model": "gpt-4o-2024-08-06",
                "service_tier": None,
                "upstream_id": "chatcmpl-1",
                "ending": "timed_out",
                "status": 200,
                "error_code": "upstream_timeout",
                "cost": "0.000009",
                "cost_state": "estimated",
                "price_ref": "openai/gpt-4o@1",
                "usage": {"input": 11, "cache_read": 3, "output": 7},
                "latency_ms": 1500,
                "first_byte_ms": 100,
                "first_token_ms": 200,
            },
            {
                "id": second.id,
                "number": 2,
                "reason": "failover",
                "created_at": "2025-06-15T15:06:41.000Z",
                "provider": "azure",
                "model": "gpt-4o-eu",
                "served_model": "gpt-4o-eu",
                "service_tier": None,
                "upstream_id": "chatcmpl-1",
                "ending": "completed",
                "status": 200,
                "error_code": None,
                "cost": "0.000005",
                "cost_state": "exact",
                "price_ref": "openai/gpt-4o@1",
                "usage": {"input": 11, "cache_read": 3, "output": 7},
                "latency_ms": 2000,
                "first_byte_ms": 100,
                "first_token_ms": 200,
            },
        ],
    }


async def test_a_request_is_the_same_before_and_after_it_is_in_the_ledger(
    tmp_path: Path, database: Database
) -> None:
    clock = FakeClock(START_MS / 1000)
    journal = Journal(tmp_path / "journal", clock)
    await journal.start()
    generations = LedgerGenerations(database, journal)
    shipper = Shipper(database, tmp_path / "journal", clock)
    failed = estimated(cost_nano=9_000, ending="timed_out", error_code="upstream_timeout")
    journal.opened(FIRST)
    journal.closed(FIRST, failed)
    await shipper.drain()
    journal.opened(SECOND)
    journal.closed(SECOND, outcome(closed_ms=START_MS + 3000, served_model="gpt-4o-eu"))
    assert await generations.find(CALLER, REQUEST) == expected(FIRST, SECOND)
    assert await LedgerGenerations(database).find(CALLER, REQUEST) != expected(FIRST, SECOND)
    await shipper.drain()
    assert await LedgerGenerations(database).find(CALLER, REQUEST) == expected(FIRST, SECOND)
    # What was corrected in the ledger stands above what the journal remembers.
    journal.closed(FIRST, outcome(cost_nano=1))
    await shipper.drain()
    later = await generations.find(CALLER, REQUEST)
    assert later is not None
    assert (later["total_cost"], later["cost_state"]) == ("0.000005001", "exact")
    await journal.close()


async def test_another_organisation_sees_nothing(tmp_path: Path, database: Database) -> None:
    journal = Journal(tmp_path / "journal", FakeClock(START_MS / 1000))
    await journal.start()
    generations = LedgerGenerations(database, journal)
    journal.opened(FIRST)
    journal.closed(FIRST, outcome())
    stranger = Caller(OTHER_ORG, "other-key")
    assert await generations.find(stranger, REQUEST) is None
    await Shipper(database, tmp_path / "journal", FakeClock()).drain()
    assert await generations.find(stranger, REQUEST) is None
    assert await generations.find(CALLER, REQUEST) is not None
    await journal.close()


async def test_a_total_with_an_unknown_part_is_unknown(tmp_path: Path, database: Database) -> None:
    journal = Journal(tmp_path / "journal", FakeClock(START_MS / 1000))
    await journal.start()
    for one, ended in ((FIRST, unpriced(usage=Usage(input=1), first_token_ms=None)),):
        journal.opened(one)
        journal.closed(one, ended)
    found = await LedgerGenerations(database, journal).find(CALLER, REQUEST)
    assert found is not None
    assert (found["total_cost"], found["cost_state"], found["ttft_ms"]) == (None, "unpriced", None)
    await journal.close()


async def test_names_of_no_request_are_not_found(database: Database) -> None:
    for name in ("", "nobody", "a\0b", "\ud800", "x" * 500):
        assert await LedgerGenerations(database).find(CALLER, name) is None


def test_the_answer_of_two_attempts_side_by_side_is_that_of_the_one_that_won() -> None:
    def row(made: Attempt, **ended: Any) -> Row:
        return {**attribution_row(made), **attempt_row(made, outcome(**ended), 1)}

    slow = row(FIRST, closed_ms=START_MS + 3000, first_token_ms=2500)
    hedge = attempt(request_id=REQUEST, number=2, provider="azure", reason="hedge")
    given_up = row(hedge, closed_ms=START_MS + 2600, ending="superseded", first_token_ms=None)
    told = generation_json([slow, given_up])
    assert (told["provider"], told["ttft_ms"], told["latency_ms"]) == ("openai", 2500, 3000)
