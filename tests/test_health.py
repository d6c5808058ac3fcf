"""Health and metrics over a real socket."""

import asyncio
import json
import re
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any

import httpx2
import pytest
import uvicorn

from trunkline.errors import Unavailable
from trunkline.health import Check, CheckResult, HealthApp
from trunkline.kit.clock import FakeClock
from trunkline.observability.metrics import CONTENT_TYPE, Metrics

Get = Callable[..., Awaitable[httpx2.Response]]


async def fine() -> CheckResult:
    return CheckResult("ok")


@asynccontextmanager
async def served(app: HealthApp) -> AsyncIterator[httpx2.AsyncClient]:
    listener = socket.create_server(("127.0.0.1", 0))
    config = uvicorn.Config(app, lifespan="off", log_config=None, ws="none")
    server = uvicorn.Server(config)
    serving = asyncio.create_task(server.serve(sockets=[listener]))
    address = f"http://127.0.0.1:{listener.getsockname()[1]}"
    try:
        async with httpx2.AsyncClient(base_url=address, trust_env=False) as client:
            yield client
    finally:
        server.should_exit = True
        await serving
        await app.close()
        listener.close()


def health(
    checks: Mapping[str, Check] | None = None, *, state: str = "serving", **changes: Any
) -> HealthApp:
    return HealthApp(
        checks or {"database": fine},
        env="test",
        state=lambda: state,
        clock=changes.pop("clock", FakeClock(1_763_686_923.456)),
        **changes,
    )


def without_latency(checks: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
    for check in checks.values():
        assert check.pop("latencyMs") >= 0
    return checks


async def test_health_needs_no_key_and_says_where_and_when() -> None:
    async with served(health()) as client:
        answer = await client.get("/health", headers={"x-request-id": "mine-1"})
    assert answer.status_code == 200
    assert answer.headers["x-request-id"] == "mine-1"
    assert answer.headers["cache-control"] == "no-store"
    assert answer.json() == {
        "status": "ok",
        "env": "test",
        "timestamp": "2025-11-21T01:02:03.456Z",
        "requestId": "mine-1",
    }


async def test_a_request_without_an_id_gets_one() -> None:
    async with served(health()) as client:
        answer = await client.get("/health")
    assert re.fullmatch(r"[0-9a-f-]{36}", answer.headers["x-request-id"])
    assert answer.json()["requestId"] == answer.headers["x-request-id"]


@pytest.mark.parametrize(
    ("state", "path", "status", "shown"),
    [
        ("starting", "/health", 200, "starting"),
        ("draining", "/health", 200, "draining"),
        ("starting", "/health/live", 200, "ok"),
        ("draining", "/health/live", 200, "ok"),
        ("starting", "/health/startup", 503, "starting"),
        ("serving", "/health/startup", 200, "started"),
        ("draining", "/health/startup", 200, "started"),
        ("starting", "/health/ready", 503, "not_ready"),
        ("serving", "/health/ready", 200, "ready"),
        ("serving", "/health/ready/", 200, "ready"),
        ("draining", "/health/ready", 503, "not_ready"),
    ],
)
async def test_each_probe_answers_for_its_part_of_the_life(
    state: str, path: str, status: int, shown: str
) -> None:
    async with served(health(state=state)) as client:
        answer = await client.get(path)
    assert (answer.status_code, answer.json()["status"]) == (status, shown)


async def test_ready_shows_each_check_and_a_warning_does_not_make_it_fail() -> None:
    async def warned() -> CheckResult:
        return CheckResult(
            "warn", "in trouble: openai", {"providers": {"openai": {"state": "down"}}}
        )

    async with served(health({"database": fine, "providers": warned})) as client:
        answer = await client.get("/health/ready", headers={"x-request-id": "r"})
    assert answer.status_code == 200
    body = answer.json()
    assert without_latency(body.pop("checks")) == {
        "database": {"status": "ok"},
        "providers": {
            "status": "warn",
            "detail": "in trouble: openai",
            "providers": {"openai": {"state": "down"}},
        },
    }
    assert body == {
        "status": "ready",
        "state": "serving",
        "timestamp": "2025-11-21T01:02:03.456Z",
        "requestId": "r",
    }


async def test_a_check_that_fails_raises_or_hangs_makes_the_process_not_ready() -> None:
    async def failed() -> CheckResult:
        return CheckResult("fail", "the journal cannot be written")

    async def raised() -> CheckResult:
        raise Unavailable("cannot connect to 10.1.2.3 as admin with hunter2")

    async def hung() -> CheckResult:
        await asyncio.Event().wait()
        raise AssertionError

    app = health({"a": fine, "b": failed, "c": raised, "d": hung}, check_timeout=0.05)
    async with served(app) as client:
        answer = await client.get("/health/ready")
    assert answer.status_code == 503
    assert without_latency(answer.json()["checks"]) == {
        "a": {"status": "ok"},
        "b": {"status": "fail", "detail": "the journal cannot be written"},
        "c": {"status": "fail", "detail": "the check failed; the log says why"},
        "d": {"status": "fail", "detail": "no answer within 0.05 s"},
    }
    assert list(app.passing()) == [(("a",), 1.0), (("b",), 0.0), (("c",), 0.0), (("d",), 0.0)]


async def test_probes_share_a_round_of_checks_and_its_result_for_a_second() -> None:
    clock, rounds, begun, gate = FakeClock(), 0, asyncio.Event(), asyncio.Event()

    async def counted() -> CheckResult:
        nonlocal rounds
        rounds += 1
        begun.set()
        await gate.wait()
        return CheckResult("ok", data={"round": rounds})

    app = health({"database": counted}, clock=clock)
    async with served(app) as client:
        many = asyncio.gather(*(client.get("/health/ready") for _ in range(5)))
        async with asyncio.timeout(20):
            await begun.wait()
        gate.set()
        await many
        clock.advance(0.9)
        second = await client.get("/health/ready")
        assert second.json()["checks"]["database"]["round"] == 1
        clock.advance(0.2)
        third = await client.get("/health/ready")
    assert third.json()["checks"]["database"]["round"] == 2


async def test_closing_ends_a_round_that_is_under_way() -> None:
    ended, begun = asyncio.Event(), asyncio.Event()

    async def hung() -> CheckResult:
        begun.set()
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()
        raise AssertionError

    app = health({"database": hung}, check_timeout=60)
    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    async def receive() -> Any:
        return {"type": "http.disconnect"}

    probe = asyncio.create_task(
        app({"method": "GET", "path": "/health/ready", "headers": []}, receive, send)
    )
    await begun.wait()
    await app.close()
    assert ended.is_set()
    with pytest.raises(asyncio.CancelledError):
        await probe
    assert sent == []


async def test_head_sends_the_headers_of_get_without_the_body() -> None:
    async with served(health()) as client:
        head = await client.head("/health", headers={"x-request-id": "r"})
        get = await client.get("/health", headers={"x-request-id": "r"})
    assert head.status_code == 200
    assert head.content == b""
    assert head.headers["content-length"] == get.headers["content-length"]


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("POST", "/health", 405, "method_not_allowed"),
        ("DELETE", "/metrics", 405, "method_not_allowed"),
        ("GET", "/health/other", 404, "not_found"),
    ],
)
async def test_what_is_not_served_is_refused_in_json(
    method: str, path: str, status: int, code: str
) -> None:
    async with served(health(render_metrics=Metrics().render)) as client:
        answer = await client.request(method, path, headers={"x-request-id": "r"})
    assert answer.status_code == status
    assert answer.headers.get("allow") == ("GET, HEAD" if status == 405 else None)
    error = answer.json()["error"]
    assert (error["code"], error["requestId"]) == (code, "r")
    assert error["message"].endswith(".")


async def test_without_metrics_their_path_is_not_found() -> None:
    async with served(health()) as client:
        assert (await client.get("/metrics")).status_code == 404


async def test_loopback_reads_metrics_unless_a_proxy_passed_the_request_on() -> None:
    async with served(health(render_metrics=Metrics().render)) as client:
        answer = await client.get("/metrics")
        passed_on = await client.get("/metrics", headers={"X-Forwarded-For": "203.0.113.1"})
    assert answer.status_code == 200
    assert answer.headers["content-type"] == CONTENT_TYPE
    assert "http_requests_in_progress 0" in answer.text
    assert "process_resident_memory_bytes" in answer.text
    assert passed_on.status_code == 403
    assert passed_on.json()["error"]["code"] == "permission_denied"


@pytest.mark.parametrize("client", [("203.0.113.1", 5), None, ("testclient", 5)])
async def test_nobody_else_reads_metrics_without_a_token(client: tuple[str, int] | None) -> None:
    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    async def receive() -> Any:
        return {"type": "http.disconnect"}

    app = health(render_metrics=Metrics().render)
    scope: dict[str, Any] = {
        "method": "GET",
        "path": "/metrics",
        "headers": [],
        "client": client,
    }
    await app(scope, receive, send)
    assert sent[0]["status"] == 403
    assert json.loads(sent[1]["body"])["error"]["code"] == "permission_denied"


@pytest.mark.parametrize(
    ("authorization", "status"),
    [
        ("Bearer the-token", 200),
        ("bearer the-token", 200),
        ("Bearer other", 401),
        ("Basic the-token", 401),
        (None, 401),
    ],
)
async def test_a_configured_token_is_asked_of_everyone(
    authorization: str | None, status: int
) -> None:
    app = health(render_metrics=Metrics().render, metrics_token="the-token")
    headers = {} if authorization is None else {"Authorization": authorization}
    async with served(app) as client:
        answer = await client.get("/metrics", headers=headers)
    assert answer.status_code == status
    assert answer.headers.get("www-authenticate") == ("Bearer" if status == 401 else None)
