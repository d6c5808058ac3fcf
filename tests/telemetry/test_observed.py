"""Other applications under the observer: one id everywhere, one event whatever happens."""

from typing import Any

import pytest
from typing_extensions import override

from trunkline.gateway.metering.event import Finished
from trunkline.gateway.ports import Observer
from trunkline.telemetry.observed import Application, ObservedApp


class Kept(Observer):
    """Keeps what it is told."""

    def __init__(self) -> None:
        self.begun = 0
        self.events: list[Finished] = []

    @override
    def began(self) -> None:
        self.begun += 1

    @override
    def finished(self, event: Finished) -> None:
        self.events.append(event)


async def receive() -> Any:
    return {"type": "http.disconnect"}


async def call(app: Application, *headers: tuple[bytes, bytes]) -> tuple[Kept, list[Any]]:
    observer, sent = Kept(), list[Any]()

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {
        "type": "http",
        "method": "GET",
        "path": "/api/me",
        "query_string": b"token=abc&page=2",
        "headers": list(headers),
    }
    await ObservedApp(app, observer)(scope, receive, send)
    return observer, sent


async def test_the_id_of_the_request_is_in_the_scope_the_answer_and_the_event() -> None:
    async def app(scope: Any, _receive: Any, send: Any) -> None:
        seen = dict(scope["headers"])[b"x-request-id"]
        scope["route"] = type("Route", (), {"path": "/api/{who}"})()
        await send(
            {
                "type": "http.response.start",
                "status": 201,
                "headers": [(b"x-request-id", b"other"), (b"x-seen", seen)],
            }
        )
        await send({"type": "http.response.body", "body": b""})

    observer, sent = await call(app, (b"x-request-id", b"mine"), (b"user-agent", b"cli/1"))
    assert sent[0]["headers"] == [(b"x-seen", b"mine"), (b"x-request-id", b"mine")]
    (event,) = observer.events
    assert observer.begun == 1
    assert (event.client_request_id, event.status, event.route) == ("mine", 201, "/api/{who}")
    assert (event.url, event.user_agent) == ("/api/me?token=[secret]&page=2", "cli/1")
    assert event.duration_ms >= 0


async def test_an_application_that_raises_is_a_finished_request_with_status_500() -> None:
    kept: list[Kept] = []

    async def app(_scope: Any, _receive: Any, _send: Any) -> None:
        raise ValueError("broken")

    observer = Kept()
    kept.append(observer)
    scope = {"method": "GET", "path": "/x", "query_string": b"", "headers": []}
    with pytest.raises(ValueError, match="broken"):
        await ObservedApp(app, observer)(scope, receive, receive)  # type: ignore[arg-type] # nothing is sent
    assert [(event.status, event.route) for event in observer.events] == [(500, "unknown")]
