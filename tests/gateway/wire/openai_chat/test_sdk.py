"""OpenAI's own SDK puts together what the writers of its formats tell."""

import json
from typing import Any

from openai import OpenAI
from tests.gateway.wire.recordings import answering
from tests.gateway.wire.serving import Given, serving

from trunkline.gateway.exchange.parts import Citation, Reasoning, Text, ToolCall
from trunkline.gateway.exchange.reply import (
    Choice,
    CitationSeen,
    Event,
    PartEnded,
    ReasoningDelta,
    Reply,
    SignatureDelta,
    Started,
    Stop,
    Stopped,
    TextDelta,
    ToolDelta,
    ToolEnded,
    ToolStarted,
)
from trunkline.gateway.exchange.request import Request
from trunkline.gateway.metering.usage import Usage
from trunkline.gateway.wire.openai_chat.passing import OpenAIChat
from trunkline.gateway.wire.openai_completions.passing import OpenAICompletions

CHAT, COMPLETIONS = OpenAIChat(), OpenAICompletions()
USAGE = Usage(input=5, cache_read=3, output=4, reasoning=2)
ASKED: Any = {"model": "m", "messages": [{"role": "user", "content": "hi"}]}


def client(address: str) -> OpenAI:
    return OpenAI(api_key="k", base_url=f"{address}/v1", max_retries=0)


def stream_of(wire: Any, *events: Event) -> Given:
    request = Request(wire=wire.name, model="m", messages=(), wants_usage=True)
    writer = wire.events.event_writer(answering(request))
    body: bytes = b"".join(writer.write([event]) for event in events) + writer.close(USAGE)
    return Given(body, b"text/event-stream")


def test_a_whole_chat_is_understood() -> None:
    parts = (
        Reasoning("hm", "s", "anthropic"),
        Text("ab", citations=(Citation("https://x.test", "t"),)),
        ToolCall("x", "f", '{"a":1}'),
    )
    reply = Reply(wire="anthropic_messages", choices=(Choice(parts, Stop("tools", "tool_use")),))
    document = CHAT.codec.write_reply(reply, USAGE, answering())
    with serving({"/v1/chat/completions": Given(json.dumps(document).encode())}) as address:
        answer = client(address).chat.completions.create(**ASKED)
    choice = answer.choices[0]
    assert (choice.message.content, choice.finish_reason) == ("ab", "tool_calls")
    assert choice.message.annotations is not None
    assert choice.message.annotations[0].url_citation.end_index == 2
    assert choice.message.tool_calls is not None
    assert choice.message.tool_calls[0].to_dict() == {
        "id": "x",
        "type": "function",
        "function": {"name": "f", "arguments": '{"a":1}'},
    }
    assert answer.usage is not None
    assert (answer.usage.prompt_tokens, answer.usage.completion_tokens) == (8, 6)


def test_a_streamed_chat_is_put_together() -> None:
    given = stream_of(
        CHAT,
        Started("x", "up", 5),
        ReasoningDelta("hm"),
        SignatureDelta("s", "anthropic"),
        PartEnded(),
        TextDelta("a"),
        TextDelta("b"),
        CitationSeen(Citation("https://x.test", "t")),
        PartEnded(),
        ToolStarted(0, "x", "f"),
        ToolDelta(0, '{"a"'),
        ToolDelta(0, ":1}"),
        ToolEnded(0),
        ToolStarted(1, "y", "g"),
        ToolEnded(1),
        Stopped(Stop("tools", "tool_use")),
    )
    with (
        serving({"/v1/chat/completions": given}) as address,
        client(address).chat.completions.stream(**ASKED) as stream,
    ):
        answer = stream.get_final_completion()
    choice = answer.choices[0]
    assert (choice.message.content, choice.finish_reason) == ("ab", "tool_calls")
    assert choice.message.tool_calls is not None
    calls = [
        (call.id, call.function.name, call.function.arguments) for call in choice.message.tool_calls
    ]
    assert calls == [("x", "f", '{"a":1}'), ("y", "g", "{}")]
    assert answer.usage is not None
    assert answer.usage.total_tokens == 14


def test_completions_are_understood_whole_and_streamed() -> None:
    reply = Reply(wire="openai_chat", choices=(Choice((Text("ab"),), Stop("length")),))
    document = COMPLETIONS.codec.write_reply(reply, USAGE, answering())
    with serving({"/v1/completions": Given(json.dumps(document).encode())}) as address:
        answer = client(address).completions.create(model="m", prompt="x")
    assert (answer.choices[0].text, answer.choices[0].finish_reason) == ("ab", "length")
    given = stream_of(
        COMPLETIONS, Started("x", "up"), TextDelta("a"), TextDelta("b"), Stopped(Stop("length"))
    )
    with serving({"/v1/completions": given}) as address:
        chunks = list(client(address).completions.create(model="m", prompt="x", stream=True))
    texts = [choice.text for chunk in chunks for choice in chunk.choices]
    assert "".join(texts) == "ab"
    assert [choice.finish_reason for choice in chunks[-2].choices] == ["length"]
    assert chunks[-1].usage is not None
    assert chunks[-1].usage.total_tokens == 14
