"""What the running product says about itself: lines, numbers, health, and what a call cost."""

import json
import re
import uuid
from typing import Any

import pytest
from tests.product.conftest import StartProduct
from tests.product.running import CHAT, MESSAGES, Product

PROMPT = "the secret recipe of my grandmother"
PRIVATE = "ada.lovelace@example.com +44 20 7946 0958 4111 1111 1111 1111"
ALWAYS = ["time", "level", "event", "requestId", "method", "url", "route", "status", "duration"]


def asked(**fields: Any) -> dict[str, Any]:
    hello = [{"role": "user", "content": f"{PROMPT} {PRIVATE}"}]
    return {"model": "sim-fast", "messages": hello, "max_tokens": 60, **fields}


async def access_lines(product: Product) -> list[dict[str, Any]]:
    """The lines of requests, in the order in which they ended."""
    lines = [json.loads(line) for line in (await product.log_text()).splitlines()]
    return [line for line in lines if line["event"] == "request"]


async def test_each_request_leaves_one_line_with_its_fields(product: Product) -> None:
    await product.post(CHAT, asked(stream=True), x_request_id="r-1", user_agent="probe/1.0")
    await product.post(f"{CHAT}?api_key=tl_hidden&x=1", asked(model="none"), x_request_id="r-2")
    await product.get("/nowhere", x_request_id="r-3")
    await product.get("/api/me/usage", x_request_id="r-4")
    lines = {line["requestId"]: line for line in await access_lines(product)}
    served = lines["r-1"]
    assert list(served)[: len(ALWAYS)] == ALWAYS
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", served["time"])
    (row,) = await product.rows()
    described = {name: served[name] for name in ("method", "url", "route", "status", "userAgent")}
    assert described == {
        "method": "POST", "url": CHAT, "route": CHAT, "status": 200, "userAgent": "probe/1.0",
    }  # fmt: skip
    assert (served["org"], served["keyId"]) == (row["org_id"], row["key_id"])
    assert (served["alias"], served["model"], served["provider"], served["attempts"]) == (
        "sim-fast", "sim-fast", "openai", 1,
    )  # fmt: skip
    assert round(float(served["cost"]) * 1e9) == row["cost_nano"]
    assert served["costState"] == "exact"
    assert 0 < served["overhead"] <= served["ttft"] <= served["duration"] < 20_000
    assert lines["r-2"]["errorCode"] == "model_not_found"
    assert "tl_hidden" not in lines["r-2"]["url"]
    assert (lines["r-3"]["status"], lines["r-3"]["route"]) == (404, "unknown")
    assert (lines["r-4"]["status"], lines["r-4"]["keyId"]) == (200, row["key_id"])


@pytest.mark.parametrize("fault", ["status_401", "status_400", "error_in_stream", "reset"])
async def test_neither_bodies_nor_secrets_reach_the_log(product: Product, fault: str) -> None:
    for path in (CHAT, MESSAGES):
        document = asked(model="sim-fast" if path == CHAT else "claude-sim-fast", stream=True)
        await product.post(path, document, x_simulator_fault=fault)
        await product.post(path, document)
    whole = await product.post(CHAT, asked())
    await product.post(CHAT, asked(), key="tl_wrong")
    log = await product.log_text()
    answered = whole.json()["choices"][0]["message"]["content"]
    secret = (product.log.parent / "provider.secret").read_text()
    parts = [PROMPT, *PRIVATE.split(), answered[:30], product.key, secret, "tl_wrong"]
    assert [part for part in parts if part in log and len(part) > 4] == []
    assert log.count('"event":"request"') == 6


async def test_request_ids_are_taken_when_they_are_safe_and_made_when_they_are_not(
    product: Product,
) -> None:
    good = await product.post(CHAT, asked(), x_request_id="a" * 128)
    assert good.headers["x-request-id"] == "a" * 128
    for bad in ("a" * 129, "has space", 'quote"', "semi;colon"):
        for path in (CHAT, "/v1/models", "/health", "/nowhere", "/api/me/usage"):
            answer = await product.get(path, x_request_id=bad)
            made = answer.headers["x-request-id"]
            assert uuid.UUID(made).version == 4, (bad, path)
    refused = await product.post(CHAT, {}, x_request_id="mine")
    assert refused.headers["x-request-id"] == refused.json()["error"]["request_id"] == "mine"


async def test_the_metrics_have_the_named_series(product: Product) -> None:
    await product.post(CHAT, asked(stream=True))
    await product.post(MESSAGES, asked(model="claude-sim-fast"))
    await product.post(CHAT, asked(model="none"))
    await product.log_text()
    text = (await product.get("/metrics")).text
    counted = 'http_requests_total{method="POST",route="/v1/chat/completions",status_code="%d"} 1'
    assert counted % 200 in text
    assert counted % 404 in text
    for name in (
        "http_request_duration_ms_bucket", "http_requests_in_progress", "trunkline_overhead_ms_sum",
        "gen_ai_server_request_duration_seconds_count",
        "gen_ai_server_time_to_first_token_seconds_count", "gen_ai_client_token_usage_sum",
        "trunkline_cost_usd_total", "trunkline_upstream_attempts_total",
        "trunkline_pool_connections", "trunkline_journal_lag_seconds", "trunkline_journal_ready",
        "trunkline_leases", "trunkline_tasks", "process_cpu_seconds_total",
        "process_resident_memory_bytes",
    ):  # fmt: skip
        assert re.search(rf"^{name}(\{{.*\}})? ", text, re.MULTILINE), name
    # Nobody's identity is ever a label.
    (row, _) = await product.rows()
    assert row["org_id"] not in text
    assert row["key_id"] not in text
    forwarded = await product.get("/metrics", x_forwarded_for="203.0.113.7")
    assert forwarded.status_code == 403


async def test_health_answers_without_a_key_and_ready_says_what_it_checked(
    product: Product,
) -> None:
    await product.post(CHAT, asked())
    async with product.client() as client:
        del client.headers["authorization"]
        health = await client.get("/health", headers={"x-request-id": "probe"})
        live = await client.get("/health/live")
        startup = await client.get("/health/startup")
        ready = await client.get("/health/ready")
    assert set(health.json()) == {"status", "env", "timestamp", "requestId"}
    assert (health.json()["status"], health.json()["env"]) == ("ok", "test")
    assert health.json()["requestId"] == health.headers["x-request-id"] == "probe"
    assert [a.status_code for a in (live, startup, ready)] == [200, 200, 200]
    checks = ready.json()["checks"]
    assert {name: check["status"] for name, check in checks.items()} == {
        "database": "ok", "redis": "ok", "journal": "ok", "providers": "ok",
    }  # fmt: skip
    assert all(check["latencyMs"] >= 0 for check in checks.values())
    # Readiness never calls a provider: the simulator saw the one request of this test.
    assert len(product.simulator.ledger) == 1


async def test_a_call_can_be_looked_up_at_once_and_is_in_the_usage_once_shipped(
    product: Product,
) -> None:
    answer = await product.post(CHAT, asked(stream=True), x_request_id="mine")
    path = f"/v1/generations/{answer.headers['x-trunkline-generation-id']}"
    at_once = (await product.get(path)).json()
    (row,) = await product.rows()
    shipped = (await product.get(path)).json()
    assert at_once == shipped
    usage = (await product.get("/api/me/usage")).json()
    total = usage["total"]
    assert (total["requests"], total["attempts"], total["failures"]) == (1, 1, 0)
    assert round(float(total["spent"]) * 1e9) == row["cost_nano"]
    assert total["tokens"]["output"] == row["output"]
    assert (await product.get("/v1/generations/unknown")).status_code == 404


async def test_the_same_holds_on_postgresql(
    postgresql_url: str, start_product: StartProduct
) -> None:
    product = await start_product(database_url=postgresql_url)
    first = await product.post(CHAT, asked(stream=True), idempotency_key="k")
    await product.idle()
    again = await product.post(CHAT, asked(stream=True), idempotency_key="k")
    assert (first.status_code, again.content) == (200, first.content)
    path = f"/v1/generations/{first.headers['x-trunkline-generation-id']}"
    at_once = (await product.get(path)).json()
    (row,) = await product.rows()
    assert (await product.get(path)).json() == at_once
    usage = (await product.get("/api/me/usage")).json()
    assert round(float(usage["total"]["spent"]) * 1e9) == row["cost_nano"]
    assert (await product.standing()).spent_nano == row["cost_nano"]
    assert (await product.get("/health/ready")).status_code == 200
