"""Whatever a provider's answer is like, each writer tells it in its own wire."""

import pytest

from trunkline.gateway.exchange.parts import Reasoning, Text, ToolCall
from trunkline.gateway.exchange.reply import Choice, Reply, Stop
from trunkline.gateway.exchange.request import Request
from trunkline.gateway.metering.usage import Usage
from trunkline.gateway.wire.contract import CHAT, COMPLETION, Answering
from trunkline.gateway.wire.registry import WIRES

WRITERS = sorted(
    wire.name
    for wire in WIRES.values()
    if wire.codec is not None and wire.operations & {CHAT, COMPLETION}
)
REPLIES = {
    "nothing": Reply("elsewhere", ()),
    "no parts": Reply("elsewhere", (Choice(()),), created=10**15),
    "before our time": Reply("elsewhere", (Choice((Text("x"),)),), created=-(10**15)),
    "unsigned thought": Reply("elsewhere", (Choice((Reasoning(), Text(""))),)),
    "a call that is no JSON": Reply(
        "elsewhere", (Choice((ToolCall("call_123456789", "f", "{"),), Stop("tools", "odd")),)
    ),
}


@pytest.mark.parametrize("writer", WRITERS)
@pytest.mark.parametrize("reply", REPLIES.values(), ids=REPLIES)
@pytest.mark.parametrize("usage", [None, Usage(input=3, output=4)], ids=["untold", "told"])
def test_each_writer_tells_each_answer_so_that_its_own_reader_takes_it(
    writer: str, reply: Reply, usage: Usage | None
) -> None:
    codec = WIRES[writer].codec
    assert codec is not None
    asked = Request(wire="elsewhere", model="m", messages=())
    document = codec.write_reply(reply, usage, Answering("0" * 32, "m", 1_700_000_000, asked))
    read = codec.read_reply(document, "seed")
    if writer not in WITHOUT_CALLS:
        assert calls_of(read) == calls_of(reply)


WITHOUT_CALLS = {"openai_completions"}


def calls_of(reply: Reply) -> list[str]:
    parts = [part for choice in reply.choices for part in choice.parts]
    return [part.name for part in parts if isinstance(part, ToolCall)]
