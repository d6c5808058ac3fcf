"""``/api/providers/health``, its short form, and orders to circuits, at the application's door."""

import random
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import httpx2
import pytest
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse
from tests.telemetry.events import attempt

from trunkline.errors import NotFound, TrunklineError, UpstreamFailed
from trunkline.gateway.bare import FixedRoutes
from trunkline.gateway.caller import Caller
from trunkline.gateway.metering.event import Attempt
from trunkline.gateway.policy import CircuitTerms
from trunkline.gateway.resilience.health import Health
from trunkline.gateway.snapshot import Alias, Connection, Credential, Origin, Snapshot, Target
from trunkline.gateway.upstream_errors import AttemptFailed
from trunkline.kit.clock import FakeClock
from trunkline.telemetry.endpoints import HealthParts, router
from trunkline.telemetry.schemas import CircuitOrder
from trunkline.telemetry.target_traffic import TargetTraffic

ORG = "org-1"
READS = frozenset({"models:read"})
CALLERS = {
    "reader": Caller(ORG, "key-1", scopes=READS),
    "narrow": Caller(ORG, "key-2", scopes=READS, aliases=frozenset({"smart", "openai/odd"})),
    "blind": Caller(ORG, "key-3", scopes=frozenset({"inference"})),
    "operator": Caller(ORG, "key-4", scopes=frozenset({"circuits:write"})),
}
TERMS = CircuitTerms(minimum=8)
BROKEN = AttemptFailed(UpstreamFailed("Broken."), "failed")


def connection(name: str, provider: str) -> Connection:
    return Connection(
        id=f"id-{name}",
        name=name,
        provider=provider,
        wires={"openai_chat": "/v1"},
        origin=Origin("https", "api.example.com", 443),
        headers=(),
        credentials=(Credential("1"), Credential("2"), Credential("3")),
    )


OPENAI, TOGETHER = connection("openai", "openai"), connection("together", "together")
FAST, SMART = Target(OPENAI, "gpt-mini", None), Target(OPENAI, "gpt-max", None)
LLAMA, ODD = Target(TOGETHER, "meta/llama", None), Target(OPENAI, "odd", None)
SNAPSHOT = Snapshot(
    ORG,
    1,
    {
        "fast": Alias("fast", (FAST, LLAMA)),
        "also-fast": Alias("also-fast", (FAST,)),
        "smart": Alias("smart", (SMART,)),
    },
    {"openai": OPENAI, "together": TOGETHER},
)


class World:
    """Health and traffic of a process, and the API that shows them."""

    def __init__(self) -> None:
        self.clock = FakeClock()
        self.health = Health(self.clock, random.Random(1))
        self.under_way: list[Attempt] = []
        self.traffic = TargetTraffic(self.clock, lambda: self.under_way)
        self.orders: list[tuple[str, CircuitOrder]] = []
        app = FastAPI()
        app.add_exception_handler(TrunklineError, error_answer)
        parts = HealthParts(
            FixedRoutes(SNAPSHOT), self.health, self.traffic.uses, self.order, self.clock
        )
        app.include_router(router(parts, lambda request: CALLERS[request.headers["x-caller"]]))
        self.client = httpx2.AsyncClient(
            transport=httpx2.ASGITransport(app), base_url="http://trunkline"
        )

    async def order(self, caller: Caller, order: CircuitOrder) -> None:
        if order.connection == "shared":
            raise NotFound("There is no such connection.", code="connection_not_found")
        self.orders.append((caller.org_id, order))

    def call(self, target: Target, *, seconds: float = 0.1, failed: bool = False) -> None:
        """One attempt of the organisation at a target."""
        call = self.health.begin(target, TERMS)
        assert call is not None
        self.clock.advance(seconds)
        if not failed:
            call.first_content()
            self.clock.advance(1)
        call.ended(BROKEN if failed else None, 0 if failed else 50)
        self.traffic.count([of(target)])

    async def get(self, path: str, caller: str = "reader") -> Any:
        answer = await self.client.get(path, headers={"x-caller": caller})
        assert answer.status_code == 200, answer.text
        return answer.json()


def of(target: Target, org_id: str = ORG) -> Attempt:
    return attempt(org_id=org_id, connection_id=target.connection.id, model=target.model)


def error_answer(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, TrunklineError)
    return JSONResponse({"code": error.code, "param": error.param}, error.status)


@pytest.fixture
async def world() -> AsyncIterator[World]:
    made = World()
    async with made.client:
        yield made


IDLE = {
    "state": "idle",
    "circuit": {"state": "closed", "forced": None, "reason": None, "probe_in": 0.0},
    "latency_ms": {"average": None, "p50": None, "p95": None},
    "error_share": None,
    "tokens_per_second": None,
    "share": 0.0,
    "in_flight": 0,
    "credentials_resting": 0,
}


async def test_published_targets_are_idle_before_the_first_call(world: World) -> None:
    told = await world.get("/api/providers/health")
    assert told["targets"] == [
        {"connection": "openai", "provider": "openai", "model": "gpt-max", "aliases": ["smart"]}
        | IDLE,
        {
            "connection": "openai",
            "provider": "openai",
            "model": "gpt-mini",
            "aliases": ["also-fast", "fast"],
        }
        | IDLE,
        {"connection": "together", "provider": "together", "model": "meta/llama"}
        | {"aliases": ["fast"]}
        | IDLE,
    ]
    idle = {"state": "idle", "circuits_open": 0, "error_share": None, "share": 0.0}
    idle |= {"in_flight": 0, "credentials_resting": 0}
    assert told["providers"] == [
        {"provider": "openai", "targets": 2} | idle,
        {"provider": "together", "targets": 1} | idle,
    ]
    short = await world.get("/api/llm/health")
    assert short == {
        "status": "ok",
        "providers": {"openai": "idle", "together": "idle"},
        "updated": told["updated"],
    }
    moment = datetime.fromisoformat(told["updated"])
    assert moment == datetime.fromtimestamp(world.clock.now(), UTC)


async def test_calls_and_secrets_show_in_the_numbers(world: World) -> None:
    for _ in range(24):
        world.call(FAST, seconds=0.2)
    for number in range(8):
        world.call(LLAMA, failed=number % 2 == 0)
    world.under_way.append(of(FAST))
    world.health.credentials.rests(OPENAI, "2", "dead", None)
    world.health.credentials.rests(OPENAI, "3", "barred", 30.0, "other")
    told = await world.get("/api/providers/health")
    fast, llama = told["targets"][1:]
    assert (fast["model"], fast["state"], fast["in_flight"]) == ("gpt-mini", "ok", 1)
    assert fast["latency_ms"] == {"average": 200.0, "p50": 200.0, "p95": 200.0}
    assert (fast["error_share"], fast["tokens_per_second"], fast["share"]) == (0.0, 50.0, 0.75)
    assert fast["credentials_resting"] == 1
    assert llama["circuit"] == {
        "state": "open",
        "forced": None,
        "reason": "4 of 8 calls failed",
        "probe_in": pytest.approx(60.0, abs=1.2),
    }
    assert (llama["state"], llama["error_share"], llama["share"]) == ("down", 0.5, 0.25)
    assert [
        (one["provider"], one["state"], one["circuits_open"], one["share"], one["in_flight"])
        for one in told["providers"]
    ] == [("openai", "ok", 0, 0.75, 1), ("together", "down", 1, 0.25, 0)]
    short = await world.get("/api/llm/health")
    assert (short["status"], short["providers"]) == (
        "degraded",
        {"openai": "ok", "together": "down"},
    )
    world.clock.advance(61)
    assert (await world.get("/api/llm/health"))["providers"]["together"] == "degraded"


async def test_everything_down_is_down(world: World) -> None:
    for _ in range(5):
        world.call(FAST, failed=True)
    assert (await world.get("/api/llm/health"))["status"] == "down"
    world.call(FAST)
    assert (await world.get("/api/llm/health"))["status"] == "degraded"


async def test_a_circuit_that_is_held_by_hand_says_so(world: World) -> None:
    world.call(FAST)
    world.health.override({FAST.key: "open"})
    circuit = (await world.get("/api/providers/health"))["targets"][1]["circuit"]
    assert (circuit["state"], circuit["forced"]) == ("open", "open")


async def test_traffic_is_that_of_the_own_organisation(world: World) -> None:
    world.call(FAST)
    for _ in range(9):
        world.under_way.append(of(FAST, "org-2"))
        world.traffic.count([of(LLAMA, "org-2"), of(ODD, "org-2")])
    assert world.health.begin(ODD, TERMS) is not None
    targets = (await world.get("/api/providers/health"))["targets"]
    assert [(one["model"], one["share"], one["in_flight"]) for one in targets] == [
        ("gpt-max", 0.0, 0),
        ("gpt-mini", 1.0, 0),
        ("meta/llama", 0.0, 0),
    ]


async def test_a_target_without_an_alias_shows_once_it_was_asked(world: World) -> None:
    world.call(ODD)
    gone = attempt(connection_id="id-of-a-connection-that-is-gone")
    world.traffic.count([gone])
    targets = (await world.get("/api/providers/health"))["targets"]
    (odd,) = [one for one in targets if one["model"] == "odd"]
    assert (odd["aliases"], odd["state"], odd["share"]) == ([], "ok", 0.5)


async def test_a_key_with_a_list_of_models_sees_their_targets_only(world: World) -> None:
    world.call(ODD)
    world.call(FAST)
    targets = (await world.get("/api/providers/health", "narrow"))["targets"]
    assert [(one["model"], one["aliases"]) for one in targets] == [
        ("gpt-max", ["smart"]),
        ("odd", []),
    ]


@pytest.mark.parametrize("path", ["/api/providers/health", "/api/llm/health"])
async def test_reading_needs_its_scope(world: World, path: str) -> None:
    answer = await world.client.get(path, headers={"x-caller": "blind"})
    assert (answer.status_code, answer.json()["code"]) == (403, "scope_missing")


async def test_an_order_goes_to_the_circuits_with_the_callers_organisation(world: World) -> None:
    order = {"connection": "openai", "model": "gpt-mini", "state": "open", "reason": "a drill"}

    async def give(caller: str = "operator", **changes: object) -> httpx2.Response:
        return await world.client.post(
            "/api/providers/circuit", json=order | changes, headers={"x-caller": caller}
        )

    answer = await give()
    assert (answer.status_code, answer.json()) == (200, order)
    assert world.orders == [(ORG, CircuitOrder(**order))]  # type: ignore[arg-type] # values of one type
    assert (await give("reader")).status_code == 403
    refused = await give(connection="shared")
    assert (refused.status_code, refused.json()["code"]) == (404, "connection_not_found")
    for wrong in ({"state": "shut"}, {"until": 1}, {"reason": "x" * 501}):
        assert (await give(**wrong)).status_code == 422
    assert len(world.orders) == 1
