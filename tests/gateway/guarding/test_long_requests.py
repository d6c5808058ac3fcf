"""Long requests: the event loop runs on, and what becomes of them is the same."""

import asyncio
import json
import time
from typing import Any

import msgspec
import pytest
from tests.gateway.guarding.asking import guard

from trunkline.gateway.guarding.analysis import NO_ANALYSIS
from trunkline.gateway.guarding.guard import Guard, GuardrailRefused
from trunkline.gateway.guarding.inward import AT_ONCE, guard_request
from trunkline.gateway.guarding.turns import PIECE
from trunkline.gateway.metering.event import Guarded
from trunkline.gateway.wire.contract import Inbound
from trunkline.gateway.wire.registry import WIRES

EMAIL, CARD = "jo.doe@example.com", "4111 1111 1111 1111"
NUMBERED = {"placeholder": "<{kind}_{n}>", "restore": True, "entities": ["email", "credit_card"]}


class Named(msgspec.Struct):
    guards: tuple[Guard, ...]


def read(*texts: str) -> Inbound:
    document = {"model": "m", "messages": [{"role": "user", "content": text} for text in texts]}
    return WIRES["openai_chat"].read_request(json.dumps(document).encode(), "chat")


def told(request: Inbound) -> list[str]:
    return [one["content"] for one in json.loads(bytes(request.fields["messages"]))]


async def look(request: Inbound, *guards: Guard) -> list[Guarded]:
    noted: list[Guarded] = []
    await guard_request(Named(guards), request, noted, NO_ANALYSIS)
    return noted


def filled(length: int, finding: str, at: int) -> str:
    """Prose of a length, with a finding that begins there."""
    prose = ("and so on " * (length // 10 + 1))[: length - len(finding)]
    return prose[: at - 1] + " " + finding + " " + prose[at + 1 :]


@pytest.mark.parametrize("finding", [EMAIL, CARD])
@pytest.mark.parametrize("before", [0, 1, 5, 11, 18, 19, 20])
async def test_what_lies_where_a_piece_ends_is_found(finding: str, before: int) -> None:
    text = filled(4 * PIECE, finding, 2 * PIECE - before)
    long, short = read(text), read(text[2 * PIECE - 200 : 2 * PIECE + 200])
    assert long.size > AT_ONCE > short.size
    assert await look(long, guard()) == await look(short, guard())
    [went] = told(long)
    [excerpt] = told(short)
    assert finding not in went
    assert excerpt in went
    assert len(went) - len(text) == len(excerpt) - 400


async def test_long_and_short_texts_share_their_numbers() -> None:
    texts = [f"{EMAIL}, a@b.co", filled(3 * PIECE, "c@d.co", 900), f"a@b.co {json.dumps([EMAIL])}"]
    request = read(*texts)
    noted = await look(request, guard(pii=NUMBERED))
    first, second, third = told(request)
    assert (first, third) == (
        "<EMAIL_1>, <EMAIL_2>",
        f"<EMAIL_2> {json.dumps(['<EMAIL_1>'])}",
    )
    assert second == filled(3 * PIECE, "c@d.co", 900).replace("c@d.co", "<EMAIL_3>")
    assert noted == [Guarded("pii", "in", "redacted", (("email", 5),))]
    assert request.stand_ins == {"<EMAIL_1>": EMAIL, "<EMAIL_2>": "a@b.co", "<EMAIL_3>": "c@d.co"}


@pytest.mark.parametrize(
    ("ceilings", "passed"),
    [
        ({"characters": 100_000}, "characters"),
        ({"tokens": 25_000}, "tokens"),
        ({"messages": 1}, "messages"),
        ({"message_characters": 99_999}, "longest"),
        ({"message_characters": 100_000, "characters": 100_001, "messages": 2}, None),
    ],
)
async def test_a_long_request_is_measured_once(
    ceilings: dict[str, int], passed: str | None
) -> None:
    size = guard("size", kind="size", action="refuse", size=ceilings)
    request = read("x" * 100_000, "y")
    if passed is None:
        assert await look(request, size) == []
        return
    with pytest.raises(GuardrailRefused, match=passed):
        await look(request, size)


async def test_a_long_request_in_which_nothing_is_found_keeps_its_bytes() -> None:
    request = read(*["and so on " * 400] * 50, "z" * 200_000)
    before = dict(request.fields)
    assert await look(request, guard()) == []
    assert all(request.fields[name] is raw for name, raw in before.items())


async def test_others_run_meanwhile() -> None:
    turns = 0

    async def other() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    request = read("Some prose of 2.5 words, and so on. " * 60_000)
    running = asyncio.create_task(other())
    before = time.perf_counter()
    await look(request, guard())
    took = time.perf_counter() - before
    running.cancel()
    # A turn is a piece, which takes about a millisecond; the bound holds on a busy machine as well.
    assert turns > 20, took


async def test_deep_members_are_refused_in_turns_as_well() -> None:
    deep: Any = b'{"a":' * 900 + b"1" + b"}" * 900
    request = Inbound(fields={"messages": msgspec.Raw(deep)}, model="m", size=AT_ONCE + 1)
    with pytest.raises(Exception, match="nested too deeply"):
        await look(request, guard())
