"""Answers that are kept, in the whole product: who shares them, what they cost, how they go."""

import asyncio
import sys
from typing import Any

import pytest
from tests.product.books import disagreements
from tests.product.conftest import StartProduct
from tests.product.running import CHAT, Product

from trunkline.storage.changes import newest_change
from trunkline.storage.tables.ledger import TOKEN_BUCKETS

KEYS = [{"name": "app"}, {"name": "admin", "scopes": ["usage:read", "cache:write"]}]
MINE: dict[str, Any] = {"slug": "acme", "keys": KEYS}
OTHER: dict[str, Any] = {"slug": "rival", "keys": [{"name": "app"}]}


def asked(model: str = "sim-fast", **members: Any) -> dict[str, Any]:
    hello = [{"role": "user", "content": "hello"}]
    return {"model": model, "messages": hello, "max_tokens": 60, **members}


async def use(product: Product, key: str | None = None, model: str = "sim-fast") -> str:
    """How the cache was used for one request."""
    answer = await product.post(CHAT, asked(model), key=key)
    assert answer.status_code == 200
    return answer.headers.get("x-trunkline-cache", "none")


async def test_answers_are_kept_for_an_organisation_and_forgotten_on_demand(
    start_product: StartProduct,
) -> None:
    product = await start_product(organisations=[MINE, OTHER], llm_cache_enabled=True)
    app, admin, rival = product.chain.texts.values()
    assert [await use(product, key) for key in (app, app, rival)] == ["miss", "hit", "miss"]
    report = (await product.get("/api/cache", key=admin)).json()
    size = report.pop("bytes")
    saved = report.pop("saved")
    assert report == {
        "entries": 1, "hits": 1, "near": 0, "followed": 0, "misses": 1, "hitRate": 0.5,
    }  # fmt: skip
    assert size > 500
    assert float(saved) > 0
    async with product.client(admin) as client:
        kept = await client.delete("/api/cache", params={"prefix": "simulator"})
        gone = await client.delete("/api/cache", params={"model": "sim-fast"})
        unclear = await client.delete("/api/cache")
    assert kept.json() == {"forgotten": 0}
    assert gone.json() == {"forgotten": 1}
    assert (unclear.status_code, unclear.json()["error"]["code"]) == (400, "cache_choice")
    assert [await use(product, key) for key in (app, rival)] == ["miss", "hit"]
    async with product.client(admin) as client:
        everything = await client.delete("/api/cache", params={"all": "true"})
    assert everything.json() == {"forgotten": 1}


@pytest.mark.parametrize("method", ["GET", "DELETE"])
async def test_a_key_without_the_scope_is_refused(start_product: StartProduct, method: str) -> None:
    section = {**MINE, "keys": [{"name": "app", "scopes": ["inference"]}]}
    product = await start_product(organisations=[section])
    async with product.client() as client:
        refused = await client.request(method, "/api/cache?all=true")
    assert (refused.status_code, refused.json()["error"]["code"]) == (403, "scope_missing")


@pytest.mark.parametrize(
    ("choice", "goes"),
    [(("--model", "sim-fast"), True), (("--all",), True), (("--prefix", "x"), False)],
)
async def test_a_command_has_a_running_front_forget(
    start_product: StartProduct,
    monkeypatch: pytest.MonkeyPatch,
    choice: tuple[str, ...],
    *,
    goes: bool,
) -> None:
    product = await start_product(organisations=[MINE], llm_cache_enabled=True)
    monkeypatch.setenv("TRUNKLINE_DATA_DIR", str(product.settings.data_dir))
    assert await use(product) == "miss"
    output = await command(product, "cache", "clear", *choice)
    assert output.endswith("forgotten for acme.\n")
    async with asyncio.timeout(20):
        while product.front.known.poller.seq < await newest(product):  # noqa: ASYNC110 - tells nobody
            await asyncio.sleep(0.01)
    assert await use(product) == ("miss" if goes else "hit")


async def test_a_charged_answer_is_a_row_of_its_own(start_product: StartProduct) -> None:
    section = {**MINE, "budgets": [{"name": "all", "amount": "10.00", "window": "total"}]}
    target = {"connection": "sim-openai", "model": "sim-fast"}
    model = {"name": "charged", "targets": [target], "cache": {"enabled": True, "charge": "full"}}
    product = await start_product(organisations=[section], models=[model])
    first = await product.post(CHAT, asked("charged"))
    again = await product.post(CHAT, asked("charged"))
    streamed = [await product.post(CHAT, asked("charged", stream=True)) for _ in range(2)]
    await product.idle()
    rows = await product.rows()
    assert again.headers["x-trunkline-cache"] == "hit"
    assert again.headers["x-trunkline-cost"] == first.headers["x-trunkline-cost"]
    assert "x-trunkline-saved" not in again.headers
    assert streamed[1].headers["x-trunkline-cache"] == "hit"
    assert [row["provider"] == "cache" for row in rows] == [False, True, False, True]
    for made, given in (rows[:2], rows[2:]):
        assert given["cost_nano"] == made["cost_nano"]
        assert [given[name] for name in TOKEN_BUCKETS] == [made[name] for name in TOKEN_BUCKETS]
        assert given["request_id"] != made["request_id"]
    assert (
        disagreements([row for row in rows if row["provider"] != "cache"], product.simulator.ledger)
        == []
    )
    standing = await product.standing()
    assert (standing.spent_nano, standing.held_nano) == (sum(row["cost_nano"] for row in rows), 0)


async def newest(product: Product) -> int:
    """The sequence number of the newest change."""
    async with product.front.kept.database.read(None) as conn:
        return await newest_change(conn)


async def command(product: Product, *arguments: str) -> str:
    """What a command says that runs beside the front."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "trunkline.cli.main", *arguments,
        cwd=product.settings.data_dir, stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    output, _ = await process.communicate()
    assert process.returncode == 0
    return output.decode()
