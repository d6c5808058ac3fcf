"""Many calls at once from one process, each read to its end over a plain socket."""

import asyncio
import random
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from tests.product.answers import Reading, read_answer
from tests.product.running import CHAT, MESSAGES
from tests.simulator.raw import asked, exchange, request

PATIENCE = 120.0


class Call(msgspec.Struct, frozen=True):
    """One request of a load."""

    path: str
    model: str
    stream: bool = True
    max_tokens: int = 300
    fault: str | None = None
    headers: Mapping[str, str] = {}


async def make_call(base_url: str, key: str, call: Call) -> Reading:
    """Send it and read the answer to its end, whatever that is."""
    headers = {"authorization": f"Bearer {key}", **call.headers}
    if call.fault is not None:
        headers["x-simulator-fault"] = call.fault
    fields: dict[str, Any] = {"model": call.model, "max_tokens": call.max_tokens}
    sent = request(call.path, asked(call.path, stream=call.stream, **fields), headers)
    try:
        answer = await exchange(base_url, sent, patience=PATIENCE)
    except OSError:
        return Reading(None, clean=False, text="", error=None)
    return read_answer(call.path, answer, stream=call.stream)


async def make_calls(base_url: str, key: str, calls: Sequence[Call]) -> list[Reading]:
    """Make all of them at once."""
    return list(await asyncio.gather(*(make_call(base_url, key, call) for call in calls)))


def slow_streams(rng: random.Random, count: int) -> list[Call]:
    """Streams of several seconds on both wires."""
    kinds = (
        Call(CHAT, "sim-chat"),
        Call(CHAT, "gpt-4o-mini"),
        Call(MESSAGES, "claude-sim-chat"),
        Call(MESSAGES, "claude-haiku-4-5"),
    )
    return [rng.choice(kinds) for _ in range(count)]
