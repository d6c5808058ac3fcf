"""Limits, quotas and budgets as callers of both wires meet them."""

import asyncio
import time
from typing import Any

import httpx2
from tests.drills.quota import zone_far_from_midnight
from tests.product.books import disagreements
from tests.product.conftest import StartProduct
from tests.product.running import CHAT, MESSAGES, Product

from trunkline.kit.money import parse_usd

MODELS = {CHAT: "sim-fast", MESSAGES: "claude-sim-fast"}


def asked(path: str, **fields: Any) -> dict[str, Any]:
    hello = [{"role": "user", "content": "hello"}]
    return {"model": MODELS[path], "messages": hello, "max_tokens": 100, **fields}


def section(**members: Any) -> dict[str, Any]:
    return {"slug": "acme", "keys": [{"name": "app"}], **members}


def error_of(answer: httpx2.Response) -> dict[str, Any]:
    found: dict[str, Any] = answer.json()["error"]
    return found


async def test_the_free_tier_is_ten_a_day_and_says_how_to_get_more(
    start_product: StartProduct,
) -> None:
    zone = zone_far_from_midnight(time.time())
    product = await start_product(organisations=[section(tier="free", time_zone=zone)])
    answers = [await product.post(CHAT, asked(CHAT)) for _ in range(6)]
    answers += [await product.post(MESSAGES, asked(MESSAGES)) for _ in range(5)]
    assert [answer.status_code for answer in answers] == [200] * 10 + [429]
    remaining = [answer.headers["x-ratelimit-remaining-requests"] for answer in answers[:10]]
    assert remaining == [str(left) for left in range(9, -1, -1)]
    assert {a.headers["x-ratelimit-limit-requests"] for a in answers[:10]} == {"10"}
    refused = await product.post(CHAT, asked(CHAT))
    for answer in (answers[10], refused):
        error = error_of(answer)
        assert error["code"] == "quota_exceeded"
        assert error["type"] == "rate_limit_error"
        assert "pro tier" in error["hint"]
        assert answer.headers["x-should-retry"] == "false"
        # The day turns in twelve hours, give or take the present one.
        assert 11 * 3600 <= int(answer.headers["retry-after"]) <= 13 * 3600
    assert len(product.simulator.ledger) == 10
    # Counting tokens calls a provider as well, and so do streams.
    streamed = await product.post(CHAT, asked(CHAT, stream=True))
    assert (streamed.status_code, streamed.headers["content-type"]) == (429, "application/json")


async def test_headers_show_the_tightest_limit_and_a_refusal_when_there_is_room(
    start_product: StartProduct,
) -> None:
    limits = [
        {"counts": "requests", "amount": 100, "per_seconds": 60},
        {"counts": "requests", "amount": 2, "per_seconds": 3600, "algorithm": "sliding_window",
         "scope": "key"},
        {"counts": "tokens", "amount": 100_000, "per_seconds": 60},
    ]  # fmt: skip
    product = await start_product(organisations=[section(limits=limits)])
    first = await product.post(CHAT, asked(CHAT))
    second = await product.post(CHAT, asked(CHAT))
    third = await product.post(CHAT, asked(CHAT))
    names = ("x-ratelimit-limit-requests", "x-ratelimit-remaining-requests")
    assert [first.headers[name] for name in names] == ["2", "1"]
    assert [second.headers[name] for name in names] == ["2", "0"]
    assert first.headers["x-ratelimit-limit-tokens"] == "100000"
    assert 0 < int(first.headers["x-ratelimit-remaining-tokens"]) < 100_000
    assert (third.status_code, error_of(third)["code"]) == (429, "rate_limit_exceeded")
    # A sliding window lets go a slice of time late, and never early.
    assert 0 < int(third.headers["retry-after"]) <= 3600 * 1.1


async def test_only_so_many_requests_run_at_once(start_product: StartProduct) -> None:
    limits = [{"counts": "concurrency", "amount": 3}]
    product = await start_product(organisations=[section(limits=limits)])
    slow = {"x_simulator_fault": "latency;seconds=0.4"}
    answers = await asyncio.gather(*(product.post(CHAT, asked(CHAT), **slow) for _ in range(8)))
    statuses = sorted(answer.status_code for answer in answers)
    assert statuses == [200] * 3 + [429] * 5
    refused = next(answer for answer in answers if answer.status_code == 429)
    assert error_of(refused)["code"] == "concurrency_limit_exceeded"
    assert refused.headers["x-should-retry"] == "true"
    await product.idle()
    assert (await product.post(CHAT, asked(CHAT))).status_code == 200


async def test_a_spent_budget_is_402_and_one_that_is_only_held_is_429(
    start_product: StartProduct,
) -> None:
    # One request holds about 0.00027 dollars and costs about a third of it.
    budget = {"name": "small", "amount": "0.00035", "window": "total"}
    product = await start_product(organisations=[section(budgets=[budget])])
    slow = {"x_simulator_fault": "latency;seconds=0.4"}
    running = asyncio.create_task(product.post(CHAT, asked(CHAT), **slow))
    await _held(product)
    for path in (CHAT, MESSAGES):
        held = await product.post(path, asked(path))
        assert (held.status_code, error_of(held)["code"]) == (429, "budget_held")
        assert (held.headers["retry-after"], held.headers["x-should-retry"]) == ("1", "true")
    assert (await running).status_code == 200
    await product.idle()
    while (last := await product.post(CHAT, asked(CHAT))).status_code == 200:
        await product.idle()
    other = await product.post(MESSAGES, asked(MESSAGES, max_tokens=200))
    assert (last.status_code, other.status_code) == (402, 402)
    # OpenAI's tools stop on this word; ours stands beside it.
    assert (error_of(last)["code"], error_of(last)["reason"]) == (
        "insufficient_quota",
        "budget_exhausted",
    )
    assert (error_of(other)["type"], error_of(other)["code"]) == (
        "billing_error",
        "budget_exhausted",
    )
    for answer in (last, other):
        assert answer.headers["x-should-retry"] == "false"
        assert "retry-after" not in answer.headers
    rows = await product.rows()
    assert disagreements(rows, product.simulator.ledger) == []
    standing = await product.standing()
    assert standing.spent_nano == sum(row["cost_nano"] for row in rows) <= parse_usd("0.00035")
    assert standing.held_nano == 0


async def test_shadow_rules_count_and_refuse_nothing(start_product: StartProduct) -> None:
    rules = section(
        limits=[{"counts": "requests", "amount": 1, "per_seconds": 3600, "shadow": True}],
        budgets=[{"name": "shade", "amount": "0.000001", "window": "total", "shadow": True}],
    )
    product = await start_product(organisations=[rules])
    answers = [await product.post(CHAT, asked(CHAT)) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [200, 200, 200]
    stats = product.front.known.admission.stats().rules
    assert sorted((rule.refused, rule.would_refuse) for rule in stats) == [(0, 2), (0, 3)]


async def test_models_have_ceilings_and_narrow_keys_their_own_models(
    start_product: StartProduct,
) -> None:
    target = {"connection": "sim-openai", "model": "sim-fast"}
    capped = {"name": "capped", "targets": [target], "max_tokens": 7}
    keys = [{"name": "app"}, {"name": "narrow", "aliases": ["capped"]}]
    product = await start_product(organisations=[section(keys=keys)], models=[capped])
    greedy = await product.post(CHAT, asked(CHAT, model="capped", max_tokens=8))
    assert (greedy.status_code, error_of(greedy)["code"]) == (400, "max_tokens_too_large")
    document = asked(CHAT, model="capped")
    del document["max_tokens"]
    silent = await product.post(CHAT, document)
    assert silent.json()["usage"]["completion_tokens"] == 7
    narrow = product.chain.texts["acme-narrow"]
    listed = (await product.get("/v1/models", key=narrow)).json()["data"]
    assert [model["id"] for model in listed] == ["capped"]
    refused = await product.post(CHAT, asked(CHAT), key=narrow)
    assert (refused.status_code, error_of(refused)["code"]) == (403, "model_not_allowed")
    assert "'capped'" in error_of(refused)["hint"]
    assert len(product.simulator.ledger) == 1


async def _held(product: Product) -> None:
    """Wait until a running request holds its money."""
    async with asyncio.timeout(10):
        while not product.simulator.ledger:  # noqa: ASYNC110 - it tells nobody
            await asyncio.sleep(0.005)
