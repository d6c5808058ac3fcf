import json
from typing import Any

import ollama
import pytest
from tests.gateway.wire.recordings import answering, asked, needs_transcripts, recorded
from tests.gateway.wire.serving import Given, serving

from trunkline.gateway.exchange.parts import (
    Citation,
    Foreign,
    Part,
    Reasoning,
    Refusal,
    Text,
    ToolCall,
)
from trunkline.gateway.exchange.reply import Choice, Reply, Stop
from trunkline.gateway.metering.usage import Usage
from trunkline.gateway.wire.contract import NOWHERE, Malformed
from trunkline.gateway.wire.ollama_chat.passing import OllamaChat

WIRE = OllamaChat()
CODEC = OllamaChat.codec
LOGPROBS = [{"token": "Hi", "logprob": -0.1, "top_logprobs": []}]


@needs_transcripts
@pytest.mark.parametrize("name", ["chat", "tool-history"])
def test_recorded_answers_come_out_as_they_went_in(name: str) -> None:
    body = recorded(f"ollama/{name}.json")
    document = json.loads(body)
    request = CODEC.read_request(asked(f"ollama/{name}"), NOWHERE)
    usage = WIRE.read_reply(body, "chat").usage
    assert usage == Usage(input=document["prompt_eval_count"], output=document["eval_count"])
    reply = CODEC.read_reply(document, "5eed")
    assert CODEC.write_reply(reply, usage, answering(request)) == document


def test_an_answer_has_thought_text_and_calls_with_ids() -> None:
    call = {"function": {"name": "f", "arguments": {"a": None}}}
    message = {"role": "assistant", "content": "Hi", "thinking": "hm", "tool_calls": [call, call]}
    document = {
        "model": "llama3",
        "created_at": "2024-05-24T20:01:31.01558Z",
        "message": message,
        "done": True,
        "done_reason": "stop",
        "logprobs": LOGPROBS,
    }
    reply = CODEC.read_reply(document, "0123456789abcdef0123456789abcdef")
    assert reply == Reply(
        wire="ollama_chat",
        model="llama3",
        created=1716580891,
        choices=(
            Choice(
                (
                    Reasoning("hm"),
                    Text("Hi"),
                    ToolCall("call_89abcdef0123456789abcdef_0", "f", '{"a":null}'),
                    ToolCall("call_89abcdef0123456789abcdef_1", "f", '{"a":null}'),
                ),
                Stop("tools", "stop"),
                {"content": LOGPROBS},
                {"role": "assistant"},
            ),
        ),
        extra={"created_at": "2024-05-24T20:01:31.01558Z", "done": True},
    )


def test_ids_of_calls_are_the_providers_where_it_has_them() -> None:
    call = {"id": "call_x", "function": {"name": "f", "arguments": {}}}
    reply = CODEC.read_reply({"message": {"tool_calls": [call]}}, "5eed")
    assert reply.choices[0].parts == (ToolCall("call_x", "f", "{}"),)


@pytest.mark.parametrize(
    ("native", "stop"),
    [
        ("stop", Stop("end", "stop")),
        ("length", Stop("length", "length")),
        ("load", Stop("end", "load")),
        (None, Stop("end")),
        (5, Stop("end")),
    ],
)
def test_why_the_model_stopped(native: Any, stop: Stop) -> None:
    reply = CODEC.read_reply({"message": {}, "done_reason": native}, "5eed")
    assert reply.choices[0].stop == stop


@pytest.mark.parametrize(
    "document",
    [
        {},
        {"message": []},
        {"error": "out of memory"},
        {"message": {"content": 5}},
        {"message": {"thinking": []}},
        {"message": {"tool_calls": 5}},
        {"message": {"tool_calls": [{"function": {"name": 5}}]}},
        {"message": {"tool_calls": [{}]}},
    ],
)
def test_what_is_no_answer_is_malformed(document: Any) -> None:
    with pytest.raises(Malformed):
        CODEC.read_reply(document, "5eed")


@pytest.mark.parametrize("stamp", [5, "yesterday", "9999-99-99T00:00:00Z", None])
def test_a_time_that_is_none_is_left_out(stamp: Any) -> None:
    assert CODEC.read_reply({"message": {}, "created_at": stamp}, "5eed").created is None


def written(*parts: Part, usage: Usage | None = None, **members: Any) -> dict[str, Any]:
    reply = Reply(wire="elsewhere", choices=(Choice(parts, **members),), extra={"odd": 1})
    return CODEC.write_reply(reply, usage, answering(created=1716580891))


def test_an_answer_from_elsewhere_is_whole_and_claims_nothing_unknown() -> None:
    parts = (
        Reasoning("h", signature="s", family="anthropic"),
        Reasoning("m"),
        Text("Hello", citations=(Citation("https://h"),)),
        Text(" you"),
        Refusal(", no."),
        Foreign("elsewhere", {}),
        ToolCall("c1", "f", '{"a":1}'),
    )
    usage = Usage(input=3, cache_read=4, cache_write_5m=1, output=5, reasoning=6)
    assert written(
        *parts,
        usage=usage,
        stop=Stop("tools", "tool_use"),
        logprobs={"content": LOGPROBS},
        extra={"index": 0},
    ) == {
        "model": "public",
        "created_at": "2024-05-24T20:01:31Z",
        "message": {
            "role": "assistant",
            "content": "Hello you, no.",
            "thinking": "hm",
            "tool_calls": [
                {"id": "c1", "function": {"index": 0, "name": "f", "arguments": {"a": 1}}}
            ],
        },
        "done_reason": "stop",
        "done": True,
        "prompt_eval_count": 8,
        "eval_count": 11,
        "logprobs": LOGPROBS,
    }


def test_an_answer_whose_usage_nobody_knows_has_no_counts() -> None:
    assert written(Text("Hi"), stop=Stop("length")) == {
        "model": "public",
        "created_at": "2024-05-24T20:01:31Z",
        "message": {"role": "assistant", "content": "Hi"},
        "done_reason": "length",
        "done": True,
    }


def test_an_answer_without_any_alternative_is_an_empty_one() -> None:
    document = CODEC.write_reply(Reply(wire="elsewhere", choices=()), None, answering())
    assert document["message"] == {"role": "assistant", "content": ""}


def test_ollamas_own_client_reads_the_answer() -> None:
    document = written(
        Reasoning("hm"),
        Text("Hello"),
        ToolCall("c1", "f", '{"a":1}'),
        usage=Usage(input=8, output=11),
        stop=Stop("tools"),
        logprobs={"content": LOGPROBS},
    )
    answers = {"/api/chat": Given(json.dumps(document).encode())}
    with serving(answers) as address, ollama.Client(address) as client:
        answer = client.chat("m", [{"role": "user", "content": "x"}])
    assert answer.message.content == "Hello"
    assert answer.message.thinking == "hm"
    calls = answer.message.tool_calls or []
    assert [(call.function.name, call.function.arguments) for call in calls] == [("f", {"a": 1})]
    assert (answer.done, answer.done_reason) == (True, "stop")
    assert (answer.prompt_eval_count, answer.eval_count) == (8, 11)
    assert answer.total_duration is None
    assert [(item.token, item.logprob) for item in answer.logprobs or []] == [("Hi", -0.1)]
