"""What logs and tracebacks may show of a request: neither its credential nor what it says."""

import pytest
from tests.gateway.http import CHAT, chat, post
from tests.gateway.rig import running

from trunkline.gateway.scope import RequestScope
from trunkline.simulator.server import Simulator


async def test_a_request_is_shown_without_its_credential(
    simulator: Simulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown: list[str] = []
    leave = RequestScope.leave

    def showing(self: RequestScope) -> None:
        shown.extend((repr(self.arrival), repr(self), self.id))
        leave(self)

    monkeypatch.setattr(RequestScope, "leave", showing)
    async with running(simulator) as rig:
        assert (await post(rig, CHAT, chat())).status_code == 200
    arrival, scope, request_id = shown
    assert (arrival, scope) == (f"<Arrival POST {CHAT}>", f"<RequestScope {request_id}>")
