"""One Idempotency-Key on several endpoints: a repeat is the same request at the same one."""

import json
from typing import Any

import pytest
from tests.gateway.http import HELLO, MESSAGES, post
from tests.gateway.rig import running
from typing_extensions import override

from trunkline.errors import Conflict
from trunkline.gateway.bare import NoRepeats
from trunkline.gateway.caller import Caller
from trunkline.gateway.ports import StoredAnswer
from trunkline.simulator.server import Simulator

SAID = {"contents": [{"role": "user", "parts": [{"text": "say one two three"}]}]}
MODEL = "/v1beta/models/gemini:sim-fast"


class KeptRepeats(NoRepeats):
    """Keeps answers by their keys, for requests that are the same."""

    def __init__(self) -> None:
        self._begun: dict[str, bytes] = {}
        self._kept: dict[str, StoredAnswer] = {}

    @override
    async def begin(self, caller: Caller, key: str, fingerprint: bytes) -> StoredAnswer | None:
        if self._begun.setdefault(key, fingerprint) != fingerprint:
            raise Conflict("Another request.", code="idempotency_key_reused", hint="Use another.")
        return self._kept.get(key)

    @override
    async def finish(self, caller: Caller, key: str, answer: StoredAnswer | None) -> None:
        if answer is not None:
            self._kept[key] = answer


@pytest.mark.parametrize(
    ("first", "second", "body"),
    [
        (f"{MODEL}:generateContent", "/v1beta/models/gemini:sim-think:generateContent", SAID),
        (f"{MODEL}:streamGenerateContent?alt=sse", f"{MODEL}:generateContent", SAID),
        ("/v1/chat/completions", MESSAGES, {"model": "sim-fast", "messages": HELLO}),
    ],
    ids=["model", "stream", "wire"],
)
async def test_a_key_of_another_endpoint_gets_no_answer_of_that_one(
    simulator: Simulator, first: str, second: str, body: dict[str, Any]
) -> None:
    body = {**body, "max_tokens": 9} if "model" in body else body
    async with running(simulator, repeats=KeptRepeats()) as rig:
        answered = await post(rig, first, body, idempotency_key="k")
        refused = await post(rig, second, body, idempotency_key="k")
    assert answered.status_code == 200
    assert refused.status_code == 409


async def test_a_repeated_array_is_an_array_again(simulator: Simulator) -> None:
    async with running(simulator, repeats=KeptRepeats()) as rig:
        path = f"{MODEL}:streamGenerateContent"
        answers = [await post(rig, path, SAID, idempotency_key="k") for _ in range(2)]
        events = await post(rig, f"{path}?alt=sse", SAID, idempotency_key="k")
    first, again = answers
    assert again.headers["x-trunkline-replayed"] == "true"
    assert again.headers["content-type"] == first.headers["content-type"]
    assert again.json() == first.json()
    assert events.headers["content-type"].startswith("text/event-stream")
    told = [json.loads(line[5:]) for line in events.text.splitlines() if line.startswith("data:")]
    assert told == first.json()
    assert len(rig.recorded.outcomes) == 1
