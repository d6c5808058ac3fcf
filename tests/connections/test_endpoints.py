"""``GET /api/routes/explain`` over the application's own door."""

import random
from collections.abc import AsyncIterator

import httpx2
import pytest
from fastapi import Request
from tests.gateway.routing.examples import Seen, alias, targets

from trunkline.connections.endpoints import router
from trunkline.control import build_control
from trunkline.gateway.bare import FixedRoutes
from trunkline.gateway.caller import Caller
from trunkline.gateway.policy import Condition, Rule
from trunkline.gateway.snapshot import Snapshot

READS = frozenset({"models:read"})
CALLERS = {
    "team": Caller("org", "key-1", team_id="t", scopes=READS, tags=(("env", "prod"),)),
    "alone": Caller("org", "key-2", scopes=READS),
    "blind": Caller("org", "key-3", scopes=frozenset({"inference"})),
    "narrow": Caller("org", "key-4", scopes=READS, aliases=frozenset({"other"})),
}
RULE = Rule(Condition(teams=frozenset({"t"}), tags=(("env", "prod"),)), (1,))
ROUTES = FixedRoutes(Snapshot("org", 1, {"fast": alias(targets("a", "b"), rules=(RULE,))}, {}))
HEALTH = Seen(states={"a": "open"}, averages={"b": 0.5}, calls={"b": 1})


def authenticate(request: Request) -> Caller:
    return CALLERS[request.headers["x-caller"]]


@pytest.fixture
async def client() -> AsyncIterator[httpx2.AsyncClient]:
    app = build_control([router(ROUTES, HEALTH, authenticate, random.Random(1))], [])
    transport = httpx2.ASGITransport(app)
    async with httpx2.AsyncClient(transport=transport, base_url="http://trunkline") as opened:
        yield opened


async def explained(
    client: httpx2.AsyncClient, query: str, caller: str = "team"
) -> httpx2.Response:
    return await client.get(f"/api/routes/explain?{query}", headers={"x-caller": caller})


async def test_a_caller_sees_where_its_own_requests_go(client: httpx2.AsyncClient) -> None:
    answer = await explained(client, "model=fast&tag=app%3Dx&input_tokens=9&needs=tools,stream")
    assert answer.status_code == 200
    assert answer.json() == {
        "model": "fast",
        "policy": "ordered",
        "by_chance": False,
        "rules": [{"rule": 1, "held": True, "why": "all of its condition fits"}],
        "targets": [
            {
                "target": "acme/b",
                "place": 1,
                "why": "in the order in which it is written",
                "state": "active",
                "weight": 1,
                "wire": "openai_chat",
                "circuit": "closed",
                "first_content": 0.5,
                "in_flight": 1,
                "likely_cost": None,
            },
            {
                "target": "acme/a",
                "place": None,
                "why": "rule 1 leaves it out",
                "state": "active",
                "weight": 1,
                "wire": "openai_chat",
                "circuit": "open",
                "first_content": None,
                "in_flight": 0,
                "likely_cost": None,
            },
        ],
        "fallbacks": [],
        "facts": {
            "team_id": "t",
            "tags": [["env", "prod"], ["app", "x"]],
            "user": "key-1",
            "conversation": None,
            "goes_on": False,
            "input_tokens": 9,
            "output_tokens": 500,
            "needs": ["stream", "tools"],
        },
    }


async def test_another_caller_gets_another_answer(client: httpx2.AsyncClient) -> None:
    told = (await explained(client, "model=fast", "alone")).json()
    assert told["rules"][0]["why"] == "the caller's team is not one of the rule's"
    assert [(one["target"], one["place"]) for one in told["targets"]] == [
        ("acme/b", 1),
        ("acme/a", 2),
    ]


@pytest.mark.parametrize(
    ("query", "caller", "status", "code"),
    [
        ("model=fast", "blind", 403, "scope_missing"),
        ("model=fast", "narrow", 403, "model_not_allowed"),
        ("model=none", "team", 404, "model_not_found"),
        ("", "team", 400, "invalid_request"),
        ("model=fast&colour=red", "team", 400, "invalid_request"),
        ("model=fast&needs=taste", "team", 400, "invalid_request"),
        ("model=fast&tag=x", "team", 400, "invalid_request"),
        ("model=fast&wire=telex", "team", 400, "invalid_request"),
        ("model=fast&input_tokens=-1", "team", 400, "invalid_request"),
    ],
)
async def test_what_cannot_be_answered_is_refused(
    client: httpx2.AsyncClient, query: str, caller: str, status: int, code: str
) -> None:
    answer = await explained(client, query, caller)
    assert (answer.status_code, answer.json()["error"]["code"]) == (status, code)


async def test_the_answer_is_described(client: httpx2.AsyncClient) -> None:
    document = (await client.get("/api/openapi.json")).json()
    operation = document["paths"]["/api/routes/explain"]["get"]
    assert {one["name"] for one in operation["parameters"]} == {
        "model",
        "wire",
        "input_tokens",
        "max_tokens",
        "needs",
        "tag",
        "user",
        "conversation",
        "goes_on",
    }
    (schema,) = operation["responses"]["200"]["content"]["application/json"].values()
    assert schema == {"$ref": "#/components/schemas/Explanation"}
    assert document["components"]["schemas"]["ToldTarget"]["required"] == [
        "target",
        "place",
        "why",
        "state",
        "weight",
        "wire",
        "circuit",
        "first_content",
        "in_flight",
        "likely_cost",
    ]
