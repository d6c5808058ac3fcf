"""``/health`` and ``/metrics`` as a plain ASGI application, so that every role can serve them.

Nothing here needs a key, so nothing here shows more than states, latencies and short reasons; what
a check raised stands in the log. The shapes are in docs/observability.md.
"""

import asyncio
import hmac
import ipaddress
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping, MutableMapping
from typing import Any, Literal

import msgspec
import structlog

from trunkline.kit.clock import Clock, SystemClock
from trunkline.observability.metrics import CONTENT_TYPE
from trunkline.observability.request_id import request_id_from
from trunkline.observability.timestamps import Timestamps

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

PATHS = ("/health", "/health/live", "/health/startup", "/health/ready", "/metrics")
CHECK_TIMEOUT = 2.0
KEPT_FOR = 1.0

_JSON = "application/json"
_FORWARDED = (b"forwarded", b"x-forwarded-for", b"x-real-ip")


class CheckResult(msgspec.Struct, frozen=True):
    """What a check found.

    Attributes:
        status: ``fail`` makes the process not ready; ``warn`` is shown and changes nothing.
        detail: a short reason, fit for everybody's eyes.
        data: more fields for the answer, JSON values.
    """

    status: Literal["ok", "warn", "fail"]
    detail: str | None = None
    data: Mapping[str, object] = {}


Check = Callable[[], Awaitable[CheckResult]]


class HealthApp:
    """Answers the paths of ``PATHS``.

    Its state is the last round of checks, kept for a second so that no number of probes adds load
    to what is probed, and the task of a round that is under way. ``close`` ends that task.

    Args:
        checks: by the name that the answer shows, such as ``database``. A check that raises or
            takes longer than ``check_timeout`` seconds has failed.
        env: name of the deployment.
        state: where the process is in its life: starting, serving, draining or stopped.
        render_metrics: the text of ``/metrics``; without it the path is not found.
        metrics_token: what ``/metrics`` asks for as a Bearer token; without one it answers only
            loopback addresses, and no request that a proxy has passed on.
    """

    def __init__(
        self,
        checks: Mapping[str, Check],
        *,
        env: str,
        state: Callable[[], str],
        render_metrics: Callable[[], bytes] | None = None,
        metrics_token: str | None = None,
        clock: Clock | None = None,
        check_timeout: float = CHECK_TIMEOUT,
    ) -> None:
        self._checks = dict(checks)
        self._env = env
        self._state = state
        self._render_metrics = render_metrics
        self._metrics_token = metrics_token
        self._clock = clock or SystemClock()
        self._timeout = check_timeout
        self._timestamps = Timestamps()
        self._kept: tuple[float, dict[str, dict[str, object]]] | None = None
        self._round: asyncio.Task[dict[str, dict[str, object]]] | None = None
        self._statuses: dict[str, str] = {}
        self._log = structlog.get_logger("trunkline.health")

    async def __call__(self, scope: Scope, _receive: Receive, send: Send) -> None:
        """Answer one request; see the ASGI specification."""
        headers: dict[bytes, bytes] = dict(scope["headers"])
        request_id = request_id_from(headers.get(b"x-request-id"))
        path = scope["path"].rstrip("/")
        if path not in PATHS or (path == "/metrics" and self._render_metrics is None):
            status, body = 404, self._error("not_found", "There is nothing here.", request_id)
        elif scope["method"] not in {"GET", "HEAD"}:
            status = 405
            body = self._error("method_not_allowed", "Only GET and HEAD are served.", request_id)
        elif path == "/metrics":
            await self._send_metrics(scope, headers, request_id, send)
            return
        else:
            status, body = await self._answer(path, request_id)
        more = [(b"allow", b"GET, HEAD")] if status == 405 else []
        await self._send(scope, send, status, msgspec.json.encode(body), request_id, more=more)

    async def close(self) -> None:
        """End a round of checks that is under way."""
        if self._round is not None:
            self._round.cancel()
            await asyncio.gather(self._round, return_exceptions=True)

    def passing(self) -> Iterable[tuple[tuple[str, ...], float]]:
        """For metrics: 1 or 0 for each check of the last round, by its name."""
        return [((name,), float(status != "fail")) for name, status in self._statuses.items()]

    async def _answer(self, path: str, request_id: str) -> tuple[int, dict[str, object]]:
        state = self._state()
        common = {"timestamp": self._now(), "requestId": request_id}
        if path == "/health":
            shown = "ok" if state == "serving" else state
            return 200, {"status": shown, "env": self._env, **common}
        if path == "/health/live":
            return 200, {"status": "ok", **common}
        if path == "/health/startup":
            started = state != "starting"
            return (200 if started else 503), {"status": "started" if started else state, **common}
        checks = await self._run_checks()
        failed = any(check["status"] == "fail" for check in checks.values())
        ready = state == "serving" and not failed
        body: dict[str, object] = {
            "status": "ready" if ready else "not_ready",
            "state": state,
            "checks": checks,
            **common,
        }
        return (200 if ready else 503), body

    async def _run_checks(self) -> dict[str, dict[str, object]]:
        now = self._clock.monotonic()
        if self._kept is not None and now - self._kept[0] < KEPT_FOR:
            return self._kept[1]
        if self._round is None or self._round.done():
            self._round = asyncio.create_task(self._run_round(), name="health-checks")
        # A prober that leaves must not end the round for the others.
        return await asyncio.shield(self._round)

    async def _run_round(self) -> dict[str, dict[str, object]]:
        found = await asyncio.gather(
            *(self._run_one(name, check) for name, check in self._checks.items())
        )
        results = dict(zip(self._checks, found, strict=True))
        self._kept = self._clock.monotonic(), results
        return results

    async def _run_one(self, name: str, check: Check) -> dict[str, object]:
        started = time.perf_counter()
        reason: str | None = None
        try:
            async with asyncio.timeout(self._timeout):
                result = await check()
        except TimeoutError:
            result = CheckResult("fail", f"no answer within {self._timeout:g} s")
        except Exception as error:  # noqa: BLE001 - whatever a check raises means that it failed
            result = CheckResult("fail", "the check failed; the log says why")
            reason = f"{type(error).__name__}: {error}"
        if self._statuses.get(name, "ok") != result.status:
            # Only changes are logged; a probe every second would fill the log.
            self._log.warning(
                "check changed", check=name, status=result.status, detail=reason or result.detail
            )
        self._statuses[name] = result.status
        shown: dict[str, object] = {
            "status": result.status,
            "latencyMs": round((time.perf_counter() - started) * 1000, 3),
        }
        if result.detail is not None:
            shown["detail"] = result.detail
        return shown | dict(result.data)

    async def _send_metrics(
        self, scope: Scope, headers: dict[bytes, bytes], request_id: str, send: Send
    ) -> None:
        refusal = self._metrics_refusal(scope, headers)
        if refusal is not None:
            status, code, message = refusal
            body = msgspec.json.encode(self._error(code, message, request_id))
            more = [(b"www-authenticate", b"Bearer")] if code == "invalid_token" else []
            await self._send(scope, send, status, body, request_id, more=more)
        elif self._render_metrics is not None:
            text = self._render_metrics()
            await self._send(scope, send, 200, text, request_id, content_type=CONTENT_TYPE)

    def _metrics_refusal(
        self, scope: Scope, headers: dict[bytes, bytes]
    ) -> tuple[int, str, str] | None:
        if self._metrics_token is not None:
            expected = b"bearer " + self._metrics_token.encode()
            scheme, _, token = headers.get(b"authorization", b"").partition(b" ")
            if hmac.compare_digest(scheme.lower() + b" " + token.strip(), expected):
                return None
            return 401, "invalid_token", "Metrics need the token of TRUNKLINE_METRICS_TOKEN."
        client = scope.get("client")
        if client and _is_loopback(client[0]) and not any(name in headers for name in _FORWARDED):
            return None
        return (
            403,
            "permission_denied",
            "Without TRUNKLINE_METRICS_TOKEN only this machine may read metrics.",
        )

    def _error(self, code: str, message: str, request_id: str) -> dict[str, object]:
        return {"error": {"code": code, "message": message, "requestId": request_id}}

    def _now(self) -> str:
        return self._timestamps.format_ns(round(self._clock.now() * 1e9))

    async def _send(
        self,
        scope: Scope,
        send: Send,
        status: int,
        body: bytes,
        request_id: str,
        *,
        content_type: str = _JSON,
        more: Iterable[tuple[bytes, bytes]] = (),
    ) -> None:
        headers = [
            (b"content-type", content_type.encode()),
            (b"content-length", str(len(body)).encode()),
            (b"cache-control", b"no-store"),
            (b"x-request-id", request_id.encode()),
            *more,
        ]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send(
            {"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else body}
        )


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
