"""A run in the background keeps its answer, or says why there is none."""

import json
from typing import Any

import pytest
from typing_extensions import override

from trunkline.errors import Unavailable
from trunkline.gateway.background import BackgroundRuns, BackgroundSink
from trunkline.gateway.bare import NoResponses
from trunkline.gateway.caller import Caller
from trunkline.gateway.wire.contract import CHAT, Inbound
from trunkline.gateway.wire.openai_responses.passing import OpenAIResponses

WIRE = OpenAIResponses()
CALLER = Caller("org", "key")
REQUEST = WIRE.read_request(b'{"model":"m","input":"hi","background":true}', CHAT)
LOST = {"code": "server_error", "message": "The response ended without an answer."}


class Noted(NoResponses):
    """Notes how responses begin and end."""

    def __init__(self) -> None:
        self.noted: list[Any] = []

    @override
    async def begin(self, caller: Caller, request: Inbound, response: bytes) -> None:
        self.noted.append(("begin", response))

    @override
    async def keep(
        self, caller: Caller, request: Inbound, response: bytes, under: str | None = None
    ) -> None:
        self.noted.append(("keep", response, under))

    @override
    async def fail(self, caller: Caller, response_id: str, error: dict[str, str]) -> None:
        self.noted.append(("fail", response_id, error))


async def test_an_answer_is_kept_under_the_id_that_the_caller_has() -> None:
    responses = Noted()
    runs = BackgroundRuns(responses)
    run = await runs.begin(CALLER, REQUEST, "resp_1", b"{}", lambda: None)
    await run.keep(b"answer")
    await run.end()
    assert responses.noted == [("begin", b"{}"), ("keep", b"answer", "resp_1")]


async def test_an_answer_that_never_came_has_failed() -> None:
    responses = Noted()
    run = await BackgroundRuns(responses).begin(CALLER, REQUEST, "resp_1", b"{}", lambda: None)
    await run.end()
    assert responses.noted[1:] == [("fail", "resp_1", LOST)]


async def test_a_run_is_cancelled_once_and_not_after_its_end() -> None:
    cancelled: list[str] = []
    runs = BackgroundRuns(Noted())
    await runs.begin(CALLER, REQUEST, "resp_1", b"{}", lambda: cancelled.append("1"))
    run = await runs.begin(CALLER, REQUEST, "resp_2", b"{}", lambda: cancelled.append("2"))
    await run.end()
    for response_id in ("resp_1", "resp_1", "resp_2", "resp_3"):
        runs.cancel("org", response_id)
    runs.cancel("other", "resp_1")
    assert cancelled == ["1"]


ERROR = Unavailable("Closed.", code="shutting_down")
FAILED = {"code": "shutting_down", "message": "Closed."}
PROVIDERS = b'event: error\ndata: {"type":"error","code":null,"message":"Down.","param":null}\n\n'
DOWN = {"code": "server_error", "message": "Down."}


@pytest.mark.parametrize(
    ("last", "error"),
    [
        (WIRE.error_frame(ERROR, "r"), FAILED),
        (PROVIDERS, DOWN),
        (PROVIDERS + b'data: {"type":"response.failed","response":{}}\n\n', DOWN),
        (b"data: [DONE]\n\n", LOST),
        (b"", LOST),
        (b"data: {\n\n", LOST),
    ],
)
async def test_the_last_words_of_a_stream_say_why_it_failed(
    last: bytes, error: dict[str, str]
) -> None:
    sink = BackgroundSink()
    sink.start(200, [])
    sink.write_soon(b": keep-alive\n\n")
    await sink.write(b"data: {}\n\n")
    await sink.write(last)
    assert sink.push(b"") is False
    sink.finish()
    assert sink.error == (error if last else LOST)


async def test_an_error_before_any_answer_says_why_it_failed() -> None:
    sink = BackgroundSink()
    sink.respond(503, [], WIRE.error_body(ERROR, "r"))
    assert sink.error == FAILED
    assert json.loads(WIRE.error_body(ERROR, "r"))["error"]["code"] == "shutting_down"


async def test_only_the_end_of_a_long_answer_is_remembered() -> None:
    sink = BackgroundSink()
    sink.push(b"data: " + b"x" * 1_000_000 + b"\n\n")
    assert len(sink._last) == 65_536
