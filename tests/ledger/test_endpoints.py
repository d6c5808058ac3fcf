"""``GET /api/me/usage`` over the application's own door."""

from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any

import httpx2
import pytest
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse
from tests.ledger.examples import KEY, ORG, START_MS, TEAM, attempt, estimated, outcome

from trunkline.errors import TrunklineError
from trunkline.gateway.caller import Caller
from trunkline.kit.clock import FakeClock
from trunkline.ledger.booking import book
from trunkline.ledger.endpoints import router
from trunkline.ledger.records import Close
from trunkline.ledger.rollups import DAY_MS, HOUR_MS
from trunkline.ledger.service import Ledger
from trunkline.storage.engine import Database

READS = frozenset({"usage:read"})
CALLERS = {
    "full": Caller(ORG, KEY, TEAM, None, READS),
    "blind": Caller(ORG, KEY),
}
LEFT = [{"budget": "month", "left": "1.00"}]


def authenticate(request: Request) -> Caller:
    return CALLERS[request.headers["x-caller"]]


def limits_left(caller: Caller) -> Sequence[Mapping[str, Any]]:
    assert caller.key_id == KEY
    return LEFT


def error_answer(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, TrunklineError)
    return JSONResponse({"code": error.code, "param": error.param}, error.status)


@pytest.fixture(params=[limits_left, None], ids=["limits", "no limits"])
async def client(
    request: pytest.FixtureRequest, sqlite_database: Database
) -> AsyncIterator[httpx2.AsyncClient]:
    clock = FakeClock(START_MS / 1000 + 60)
    app = FastAPI()
    app.add_exception_handler(TrunklineError, error_answer)
    app.include_router(router(Ledger(sqlite_database, clock), authenticate, clock, request.param))
    async with sqlite_database.write(None) as conn:
        closes = [
            Close(attempt(), outcome(cost_nano=1_000_000_000)),
            Close(attempt(opened_ms=START_MS - 20 * DAY_MS), estimated(cost_nano=5)),
            Close(attempt(key_id="other", team_id=None), outcome(cost_nano=7)),
        ]
        await book(conn, closes, START_MS)
    transport = httpx2.ASGITransport(app)
    async with httpx2.AsyncClient(transport=transport, base_url="http://trunkline") as opened:
        opened.headers["x-caller"] = "full"
        yield opened


async def test_a_key_sees_what_it_used(
    client: httpx2.AsyncClient, request: pytest.FixtureRequest
) -> None:
    answer = await client.get("/api/me/usage", params={"period": "today", "by": "model"})
    assert answer.status_code == 200
    used = {
        "spent": "1.00",
        "exact": "1.00",
        "estimated": "0.00",
        "requests": 1,
        "attempts": 1,
        "failures": 0,
        "estimated_attempts": 0,
        "unpriced_attempts": 0,
        "tokens": {
            "input": 11,
            "cache_read": 3,
            "cache_write": 0,
            "cache_write_5m": 0,
            "cache_write_1h": 0,
            "audio_input": 0,
            "output": 7,
            "reasoning": 0,
            "audio_output": 0,
            "searches": 0,
        },
    }
    assert answer.json() == {
        "scope": "key",
        "by": "model",
        "currency": "USD",
        "since_ms": START_MS - START_MS % DAY_MS,
        "until_ms": START_MS + HOUR_MS - START_MS % HOUR_MS,
        "total": used,
        "lines": [{"name": "openai/gpt-4o", **used}],
        "limits": None if "no limits" in request.node.name else LEFT,
    }


@pytest.mark.parametrize(
    ("params", "spent"),
    [
        ({}, "1.000000005"),
        ({"period": "7d"}, "1.00"),
        ({"period": "month"}, "1.00"),
        ({"scope": "team"}, "1.000000005"),
        ({"scope": "org"}, "1.000000012"),
        ({"scope": "org", "by": "tag"}, "1.000000012"),
        ({"since": "2025-05-26T15:00:00Z", "until": "2025-05-26T16:00:00"}, "0.000000005"),
        ({"since": "2025-05-26T17:06:40+02:00", "until": "2025-06-01"}, "0.000000005"),
    ],
)
async def test_the_period_and_the_scope_can_be_chosen(
    client: httpx2.AsyncClient, params: dict[str, str], spent: str
) -> None:
    answer = await client.get("/api/me/usage", params=params)
    assert answer.json()["total"]["spent"] == spent


@pytest.mark.parametrize(
    ("params", "caller", "status", "error"),
    [
        ({}, "blind", 403, {"code": "permission_denied", "param": None}),
        ({"scope": "user"}, "full", 400, {"code": "invalid_request", "param": "scope"}),
        ({"by": "tag"}, "full", 400, {"code": "invalid_request", "param": "by"}),
        ({"since": "1969-01-01"}, "full", 400, {"code": "invalid_request", "param": "since"}),
        ({"since": "2025-06-20"}, "full", 400, {"code": "invalid_request", "param": "until"}),
    ],
)
async def test_what_cannot_be_answered_is_refused(
    client: httpx2.AsyncClient,
    params: dict[str, str],
    caller: str,
    status: int,
    error: dict[str, str | None],
) -> None:
    answer = await client.get("/api/me/usage", params=params, headers={"x-caller": caller})
    assert (answer.status_code, answer.json()) == (status, error)


@pytest.mark.parametrize("params", [{"period": "year"}, {"by": "colour"}, {"key": KEY}])
async def test_unknown_parameters_and_values_are_refused(
    client: httpx2.AsyncClient, params: dict[str, str]
) -> None:
    answer = await client.get("/api/me/usage", params=params)
    assert answer.status_code == 422
    assert answer.json()["detail"][0]["loc"] == ["query", *params]
