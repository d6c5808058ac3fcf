"""Requests that other applications answer leave the same traces as those of the data path."""

import time
from collections.abc import Awaitable, Callable, Container, Coroutine, MutableMapping
from typing import Any

from trunkline.gateway.metering.event import Finished
from trunkline.gateway.ports import Observer
from trunkline.kit.ids import new_id
from trunkline.observability.redaction import scrub_url
from trunkline.observability.request_id import request_id_from

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Coroutine[Any, Any, None]]


class ObservedApp:
    """Wraps an ASGI application: a request id on every answer, one event for every request.

    The id is also put into the request's headers, so that the application speaks of the same.
    """

    def __init__(
        self, app: Application, observer: Observer, paths: Container[str] = frozenset()
    ) -> None:
        """Wrap an application.

        Args:
            app: puts its route into the scope as FastAPI does, or serves only ``paths``.
            observer: hears of every request.
            paths: exact paths, which are their own templates.
        """
        self._app = app
        self._observer = observer
        self._paths = paths

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one HTTP request; see the ASGI specification."""
        started_ns, started = time.time_ns(), time.perf_counter()
        headers = dict(scope["headers"])
        request_id = request_id_from(headers.get(b"x-request-id"))
        name = (b"x-request-id", request_id.encode())
        scope["headers"] = [pair for pair in scope["headers"] if pair[0] != name[0]] + [name]
        status = 500

        async def tell(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                passed = [pair for pair in message.get("headers", ()) if pair[0] != name[0]]
                message = {**message, "headers": [*passed, name]}
            await send(message)

        self._observer.began()
        try:
            await self._app(scope, receive, tell)
        finally:
            path = scope["path"]
            template = path if path in self._paths else getattr(scope.get("route"), "path", None)
            user_agent = headers.get(b"user-agent")
            self._observer.finished(
                Finished(
                    started_ns=started_ns,
                    request_id=new_id(),
                    client_request_id=request_id,
                    method=scope["method"],
                    url=scrub_url(path, scope["query_string"]),
                    route=template or "unknown",
                    status=status,
                    duration_ms=(time.perf_counter() - started) * 1000,
                    user_agent=user_agent.decode("latin-1") if user_agent is not None else None,
                    org_id=scope.get("trunkline.org_id"),
                    key_id=scope.get("trunkline.key_id"),
                )
            )
