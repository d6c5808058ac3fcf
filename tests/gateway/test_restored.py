"""What was kept for a conversation is sent, and held for, with its next turn."""

import asyncio
import json
from typing import Any

import pytest
from tests.gateway.http import MESSAGES, post
from tests.gateway.rig import connection, price_of, running

from trunkline.gateway.exchange.destination import Quirks, Traits
from trunkline.gateway.snapshot import Alias, Origin, Target
from trunkline.simulator.prices import PRICES
from trunkline.simulator.server import Simulator

THOUGHT = "A long thought. " * 4_000
TOOLS = [{"name": "look", "input_schema": {"type": "object"}}]


class Thinker:
    """A provider that thinks, calls a tool by an id, and then answers."""

    def __init__(self, call_id: str) -> None:
        self.bodies: list[bytes] = []
        self._id = call_id

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        length = next(line for line in head.lower().split(b"\r\n") if b"content-length" in line)
        body = await reader.readexactly(int(length.partition(b":")[2]))
        self.bodies.append(body)
        said = self._call() if len(json.loads(body)["messages"]) == 1 else {"content": "Done."}
        usage = {"prompt_tokens": 9, "completion_tokens": 9, "total_tokens": 18}
        choice = {"index": 0, "message": {"role": "assistant", **said}, "finish_reason": "stop"}
        answer = json.dumps({"id": "a", "choices": [choice], "usage": usage}).encode()
        writer.write(
            b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nconnection: close\r\n"
            b"content-length: %d\r\n\r\n%b" % (len(answer), answer)
        )
        await writer.drain()
        writer.close()

    def _call(self) -> dict[str, Any]:
        call = {"id": self._id, "type": "function", "function": {"name": "look", "arguments": "{}"}}
        return {"content": None, "reasoning_content": THOUGHT, "tool_calls": [call]}


def asked(*turns: dict[str, Any]) -> dict[str, Any]:
    first = {"role": "user", "content": "Look."}
    return {"model": "m", "max_tokens": 9, "tools": TOOLS, "messages": [first, *turns]}


@pytest.mark.parametrize(
    ("call_id", "kept"), [("call_9Cx8gDfOEx9vKkVQtJm1pS3B", True), ("functions.look:0", False)]
)
async def test_kept_thought_is_held_for_and_found_by_unique_ids_only(
    simulator: Simulator, call_id: str, kept: bool
) -> None:
    thinker = Thinker(call_id)
    server = await asyncio.start_server(thinker.serve, "127.0.0.1", 0)
    async with server:
        account = connection(
            simulator,
            "openai_chat",
            origin=Origin("http", "127.0.0.1", server.sockets[0].getsockname()[1]),
            quirks=Quirks(reasoning_member="reasoning_content"),
        )
        traits = Traits(thinking="switch", thinks_always=True)
        target = Target(account, "m", price_of("m", PRICES["sim-fast"]), traits=traits)
        alias = Alias(name="m", targets=(target,))
        async with running(simulator, extra=[alias]) as rig:
            answer = await post(rig, MESSAGES, asked())
            call = next(p for p in answer.json()["content"] if p["type"] == "tool_use")
            result = {"type": "tool_result", "tool_use_id": call["id"], "content": "Seen."}
            turns = (
                {"role": "assistant", "content": [call]},
                {"role": "user", "content": [result]},
            )
            await post(rig, MESSAGES, asked(*turns))
    assert (THOUGHT.encode() in thinker.bodies[1]) == kept
    attempt, outcome = rig.recorded.outcomes[1]
    # One token for each byte that was sent; what is only syntax differs between the formats.
    assert attempt.input_bound + 1_000 >= len(thinker.bodies[1])
    assert rig.admitted.covered[attempt.id] == attempt.hold_nano
    assert outcome.ending == "completed"
