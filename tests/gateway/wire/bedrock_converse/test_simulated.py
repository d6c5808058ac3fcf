"""A whole way to Bedrock: a request of another wire, signed, sent, and its answer read."""

import json
from collections.abc import AsyncIterator
from urllib.parse import urlsplit

import pytest
from tests.gateway.transport.hostile import opened_pool
from tests.gateway.wire.bedrock_converse.recorded import WIRE, written

from trunkline.gateway.exchange.destination import Destination, Traits
from trunkline.gateway.exchange.parts import CacheMark, Image, Inline, Text, ToolCall, ToolResult
from trunkline.gateway.exchange.reply import Stopped, TextDelta, ToolStarted
from trunkline.gateway.exchange.request import Message, ReasoningAsk, Request, Tool, ToolChoice
from trunkline.gateway.providers.aws import AccessKey, AwsSigner
from trunkline.gateway.snapshot import Origin
from trunkline.gateway.transport import UpstreamPool, UpstreamRequest, UpstreamResponse
from trunkline.gateway.wire.contract import CHAT, Inbound, Sight
from trunkline.kit.clock import SystemClock
from trunkline.simulator.server import Simulator

CLAUDE = "us.anthropic.claude-sonnet-4-5-20250929-v1:0"
PIXEL = (
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJg"
    "gg=="
)
WEATHER = Tool(
    "get_weather",
    description="The weather in a city.",
    schema={"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
)
KEY = AccessKey("AKIASIMULATOR", "sim-secret")
TARGET = Destination(CLAUDE, 8192, family="anthropic", traits=Traits(thinking="budget"))


@pytest.fixture
async def pool() -> AsyncIterator[UpstreamPool]:
    async with opened_pool() as opened:
        yield opened


async def sent(
    pool: UpstreamPool, simulator: Simulator, request: Request, key: AccessKey = KEY
) -> UpstreamResponse:
    """The answer to a request of another wire."""
    document, losses = written(request, TARGET)
    assert losses == ()
    url = urlsplit(simulator.base_url)
    origin = Origin("http", url.hostname or "", url.port or 0)
    target = WIRE.path(CHAT, CLAUDE, stream=request.stream)
    body = json.dumps(document).encode()
    signer = AwsSigner(key, "us-east-1", SystemClock())
    headers = await signer.headers(b"POST", f"{origin.host}:{origin.port}", target, body)
    kind = ((b"content-type", b"application/json"),)
    return await pool.open(
        UpstreamRequest(b"POST", origin, target, kind + headers, body, private=True)
    )


def asked(*messages: Message, **more: object) -> Request:
    first = Message("user", (Text("Why do gateways exist?"),))
    return Request(wire="openai_chat", model="m", messages=messages or (first,), **more)  # type: ignore[arg-type] # members of the request


FULL = asked(
    Message("system", (Text("Be brief.", cache=CacheMark()),)),
    Message("user", (Text("What is the weather?"), Image(Inline("image/png", PIXEL)))),
    Message("assistant", (Text("Hm."), ToolCall("call|1", "get_weather", '{"city":"Bonn"}'))),
    Message("user", (ToolResult("call|1", (Text("Rain."),)),)),
    tools=(WEATHER,),
    max_tokens=500,
    temperature=0.5,
    stop=("END",),
)  # fmt: skip


@pytest.mark.parametrize("stream", [False, True])
async def test_a_full_request_is_accepted_and_its_answer_is_metered(
    pool: UpstreamPool, simulator: Simulator, stream: bool
) -> None:
    request = FULL if not stream else asked(*FULL.messages, tools=FULL.tools, stream=True)
    response = await sent(pool, simulator, request)
    body = await response.read(1_000_000)
    assert response.status == 200, body
    if not stream:
        metered = WIRE.read_reply(body, CHAT)
        reply = WIRE.codec.read_reply(json.loads(body), "seed")
        assert metered.usage is not None
        assert (metered.usage.output > 0, reply.choices[0].stop.reason) == (True, "end")
        return
    reader, events = WIRE.stream_reader(Inbound({}, "", 0)), WIRE.events.event_reader("seed")
    told = []
    for frame in WIRE.splitter(1_000_000).feed(body):
        sight = reader.read(frame)
        told += events.read(frame)
    assert (sight, reader.error) == (Sight.END, None)
    assert reader.usage is not None
    assert any(isinstance(event, TextDelta) for event in told)
    assert [event.stop.reason for event in told if isinstance(event, Stopped)] == ["end"]


async def test_a_forced_tool_is_called_with_arguments(
    pool: UpstreamPool, simulator: Simulator
) -> None:
    choice = ToolChoice("required", ("get_weather",))
    response = await sent(pool, simulator, asked(tools=(WEATHER,), tool_choice=choice, stream=True))
    events = WIRE.events.event_reader("seed")
    told = [
        event
        for frame in WIRE.splitter(1_000_000).feed(await response.read(1_000_000))
        for event in events.read(frame)
    ]
    (call,) = [event for event in told if isinstance(event, ToolStarted)]
    assert (call.index, call.name) == (0, "get_weather")
    assert [e.stop.reason for e in told if isinstance(e, Stopped)] == ["tools"]


async def test_thought_comes_with_the_signature_that_is_wanted_back(
    pool: UpstreamPool, simulator: Simulator
) -> None:
    ask = ReasoningAsk(enabled=True, budget=1024)
    response = await sent(pool, simulator, asked(reasoning=ask))
    reply = WIRE.codec.read_reply(json.loads(await response.read(1_000_000)), "seed")
    thought, *_ = parts = reply.choices[0].parts
    again = asked(
        Message("user", (Text("Why?"),)),
        Message("assistant", parts),
        Message("user", (Text("And then?"),)),
        reasoning=ask,
    )
    assert getattr(thought, "family", None) == "anthropic"
    second = await sent(pool, simulator, again)
    assert (second.status, bool(await second.read(1_000_000))) == (200, True)


async def test_a_wrong_secret_is_told_as_a_failure_of_ours(
    pool: UpstreamPool, simulator: Simulator
) -> None:
    response = await sent(pool, simulator, asked(), AccessKey("AKIASIMULATOR", "wrong"))
    fault = WIRE.read_fault(response.status, await response.read(10_000))
    assert (fault.status, fault.type, fault.ours) == (403, "AccessDeniedException", True)
