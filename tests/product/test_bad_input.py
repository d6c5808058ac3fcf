"""Bad input to our own API: always a clear refusal in our own shape, on both databases."""

import json
import random
from typing import Any

import httpx2
import pytest
from tests.product.conftest import StartProduct
from tests.product.running import Product

SCOPES = ["inference", "models:read", "usage:read", "cache:write", "circuits:write"]
MINE: dict[str, Any] = {"slug": "acme", "keys": [{"name": "app", "scopes": SCOPES}]}

PROCESS = "/api/llm/process"
ODD: list[Any] = [
    None, True, 0, -1, 1 << 70, 1.5, "", " ", "x" * 5000, "a\x00b", "\ud800", "\u202e", "🙂",
    "../..", "%00", "sim-fast", "sim-openai/x", "sim-openai/", "/", [], ["a"], {}, {"a": None},
    [[[]]],
]  # fmt: skip
BODIES = [
    b"", b"{", b"[]", b"null", b'"x"', b"\xff", b"{} {}", b'{"prompt":"x","prompt":1}',
    b'{"prompt":"\\ud800","model":"sim-fast"}', b'{"prompt":"\xff","model":"sim-fast"}',
    b"[" * 50_000, b'{"a":' * 50_000, b'{"prompt":NaN}', b'{"prompt":"x","model":1e999}',
]  # fmt: skip


def is_ours(answer: httpx2.Response) -> bool:
    """Whether a refusal is told in the shape of our own API."""
    error = answer.json()["error"]
    told = {"code", "message", "hint", "param", "request_id"}
    return set(error) == told and bool(error["code"]) and bool(error["message"])


async def refused_or_answered(client: httpx2.AsyncClient, request: httpx2.Request) -> None:
    answer = await client.send(request)
    shown = f"{request.method} {request.url} {request.content[:200]!r}: {answer.text[:300]}"
    assert answer.status_code < 500, shown
    assert answer.status_code < 400 or is_ours(answer), shown


def mixed(names: list[str], rng: random.Random) -> dict[str, Any]:
    """Some of these members with odd values."""
    return {name: rng.choice(ODD) for name in names if rng.random() < 0.7}


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest) -> str | None:
    """None for the file in the data directory."""
    if request.param == "sqlite":
        return None
    url: str = request.getfixturevalue("postgresql_url")
    return url


@pytest.fixture
async def product(database_url: str | None, start_product: StartProduct) -> Product:
    return await start_product(
        organisations=[MINE],
        database_url=database_url,
        llm_cache_enabled=True,
        default_model="sim-fast",
    )


async def test_bad_bodies_are_refused(product: Product) -> None:
    rng = random.Random(4)
    names = {
        PROCESS: ["prompt", "model", "userId", "maxTokens", "system", "odd"],
        "/api/providers/circuit": ["connection", "model", "state", "reason", "odd"],
    }
    async with product.client() as client:
        for path, members in names.items():
            contents = list(BODIES)
            contents += [json.dumps(mixed(members, rng)).encode() for _ in range(40)]
            good = {"prompt": "hi", "connection": "c", "model": "m", "state": "open"}
            good = {name: value for name, value in good.items() if name in members}
            for name in members:
                contents += [json.dumps({**good, name: odd}).encode() for odd in ODD]
            for content in contents:
                headers = {"content-type": "application/json"}
                request = client.build_request("POST", path, content=content, headers=headers)
                await refused_or_answered(client, request)


async def test_bad_queries_are_refused(product: Product) -> None:
    rng = random.Random(4)
    calls = {
        ("GET", "/api/routes/explain"): [
            "model", "wire", "input_tokens", "max_tokens", "needs", "tag", "user", "conversation",
            "goes_on", "odd",
        ],
        ("DELETE", "/api/cache"): ["model", "prefix", "all", "odd"],
        ("GET", "/api/cache"): ["odd"],
        ("GET", "/api/providers/health"): ["odd"],
        ("GET", "/api/llm/health"): ["odd"],
    }  # fmt: skip
    values = [str(odd) for odd in ODD if odd != "\ud800"] + [
        "true",
        "1",
        "a=b",
        "=",
        "a=",
        "tools,",
    ]
    async with product.client() as client:
        for (method, path), names in calls.items():
            queries = [{name: value} for name in names for value in values]
            queries += [{name: rng.choice(values) for name in names} for _ in range(15)]
            for query in queries:
                await refused_or_answered(client, client.build_request(method, path, params=query))
            for raw in (
                b"?model=%00",
                b"?model=%ff%fe",
                b"?model=%ED%A0%80",
                b"?prefix=%00&a",
                b"?;;&&==%",
            ):
                url = f"{path}{raw.decode()}"
                await refused_or_answered(client, client.build_request(method, url))
