import json
from typing import Any

import cohere
import pytest
from tests.gateway.wire.recordings import answering, needs_transcripts, recorded
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
from trunkline.gateway.wire.cohere_chat.passing import CohereChat
from trunkline.gateway.wire.contract import CHAT, Malformed

WIRE = CohereChat()
CODEC = CohereChat.codec
UUID = "01234567-89ab-cdef-0123-456789abcdef"
LOGPROBS = [{"token": "Hi", "logprob": -0.5, "bytes": None, "top_logprobs": []}]


@needs_transcripts
def test_a_recorded_answer_comes_out_as_it_went_in() -> None:
    body = recorded("cohere/chat.json")
    usage = WIRE.read_reply(body, CHAT).usage
    assert usage == Usage(input=7, output=88)
    reply = CODEC.read_reply(json.loads(body), "5eed")
    assert CODEC.write_reply(reply, usage, answering()) == json.loads(body)


@needs_transcripts
def test_no_arguments_are_an_empty_object() -> None:
    """One rule: what Cohere tells as the text ``null`` is told as an object."""
    body = recorded("cohere/null-tool-args-shape.json")
    document = json.loads(body)
    usage = WIRE.read_reply(body, CHAT).usage
    assert usage == Usage(input=46, output=14)
    reply = CODEC.read_reply(document, "5eed")
    plan = "I will use the currentTime tool to find the current time."
    assert reply.choices[0].parts == (
        Text(plan),
        ToolCall("currentTime_tf4dywn8wgnk", "currentTime", "{}"),
    )
    document["message"]["tool_calls"][0]["function"]["arguments"] = "{}"
    assert CODEC.write_reply(reply, usage, answering()) == document


def answer(finish_reason: Any = "COMPLETE", **message: Any) -> dict[str, Any]:
    return {"id": "x", "message": message, "finish_reason": finish_reason}


def test_a_plan_stands_between_the_thought_and_the_calls_as_in_a_stream() -> None:
    call = {"id": "f_tf4dywn8wgnk", "function": {"name": "f", "arguments": "{}"}}
    document = answer(
        tool_plan="I look.",
        content=[{"type": "thinking", "thinking": "hm"}],
        tool_calls=[{"type": "function", **call}],
    )
    reply = CODEC.read_reply(document, "5eed")
    assert reply.choices[0].parts == (
        Reasoning("hm"),
        Text("I look."),
        ToolCall("f_tf4dywn8wgnk", "f", "{}"),
    )
    written = CODEC.write_reply(reply, None, answering())
    assert written["message"] == {"role": "assistant", **document["message"]}


def test_an_answer_has_thought_text_sources_and_calls() -> None:
    source = {"type": "document", "id": "d", "document": {"title": "T", "snippet": "S", "url": "U"}}
    cited = {"start": 0, "end": 2, "text": "Hi", "sources": [source], "content_index": 1}
    loose = {"start": "x", "sources": [{"type": "tool"}], "content_index": 7}
    document = answer(
        content=[{"type": "thinking", "thinking": "hm"}, {"type": "text", "text": "Hi"}],
        citations=[cited, loose, 5],
        tool_calls=[{"function": {"name": "f", "arguments": '{"a":1}'}}],
    )
    document["logprobs"] = [
        {"text": "Hi", "token_ids": [1, 2], "logprobs": [-0.25, -0.25]},
        {"text": "!", "token_ids": []},
        5,
    ]
    reply = CODEC.read_reply(document, "5eed")
    choice = reply.choices[0]
    assert choice.parts == (
        Reasoning("hm"),
        Text(
            "Hi",
            citations=(
                Citation("U", "T", "S", 0, 2, "cohere_chat", cited),
                Citation(wire="cohere_chat", native=loose),
                Citation(wire="cohere_chat", native=5),
            ),
        ),
        ToolCall("call_5eed_0", "f", '{"a":1}'),
    )
    assert choice.stop == Stop("tools", "COMPLETE")
    assert choice.logprobs == {"content": LOGPROBS}
    assert reply.id == "x"


def test_sources_of_no_text_are_kept_for_cohere_alone() -> None:
    reply = CODEC.read_reply(answer(citations=[{"start": 0}]), "5eed")
    assert reply.choices[0].parts == ()
    assert CODEC.write_reply(reply, None, answering())["message"]["citations"] == [{"start": 0}]


@pytest.mark.parametrize(
    ("word", "stop"),
    [
        ("COMPLETE", Stop("end", "COMPLETE")),
        ("STOP_SEQUENCE", Stop("stop_sequence", "STOP_SEQUENCE")),
        ("MAX_TOKENS", Stop("length", "MAX_TOKENS")),
        ("TOOL_CALL", Stop("end", "TOOL_CALL")),
        ("ERROR_TOXIC", Stop("filtered", "ERROR_TOXIC")),
        ("SOMETHING", Stop("end", "SOMETHING")),
        (None, Stop("end")),
    ],
)
def test_why_the_model_stopped(word: Any, stop: Stop) -> None:
    assert CODEC.read_reply(answer(word), "5eed").choices[0].stop == stop


@pytest.mark.parametrize(
    "document",
    [
        {},
        {"message": "x"},
        {"message": {"content": 5}},
        {"message": {"tool_calls": 5}},
        {"message": {"tool_calls": [{}]}},
    ],
)
def test_what_is_no_answer_is_malformed(document: Any) -> None:
    with pytest.raises(Malformed):
        CODEC.read_reply(document, "5eed")


def test_a_content_that_is_a_string_is_read_too() -> None:
    assert CODEC.read_reply(answer(content="Hi"), "5eed").choices[0].parts == (Text("Hi"),)


def written(*parts: Part, usage: Usage | None = None, **members: Any) -> dict[str, Any]:
    reply = Reply(wire="elsewhere", choices=(Choice(parts, **members),), id="e", extra={"odd": 1})
    return CODEC.write_reply(reply, usage, answering())


def test_an_answer_from_elsewhere_is_whole_and_claims_nothing_unknown() -> None:
    native = {"start": 3, "sources": []}
    citations = (
        Citation("https://h", "T", "S", 0, 2),
        Citation("https://g"),
        Citation(wire="cohere_chat", native=native),
    )
    usage = Usage(input=3, cache_read=4, output=5, reasoning=6, searches=1)
    document = written(
        Reasoning("hm", signature="s", family="anthropic", extra={"odd": 1}),
        Reasoning("", signature="s", redacted=True),
        Text("Hi", citations=citations, extra={"odd": 1}),
        Refusal("No."),
        Foreign("elsewhere", {}),
        ToolCall("c1", "f", '{"a":1}'),
        usage=usage,
        stop=Stop("tools", "tool_use"),
        logprobs={"content": [*LOGPROBS, 5]},
    )
    source = {"type": "document", "id": "https://h", "document": {
        "url": "https://h", "title": "T", "snippet": "S"
    }}  # fmt: skip
    other = {"type": "document", "id": "https://g", "document": {"url": "https://g"}}
    function = {"name": "f", "arguments": '{"a":1}'}
    assert document == {
        "id": UUID,
        "message": {
            "role": "assistant",
            "content": [
                {"type": "thinking", "thinking": "hm"},
                {"type": "text", "text": "Hi"},
                {"type": "text", "text": "No."},
            ],
            "tool_calls": [{"id": "c1", "type": "function", "function": function}],
            "citations": [
                {
                    "sources": [source],
                    "content_index": 1,
                    "start": 0,
                    "end": 2,
                    "text": "Hi",
                    "type": "TEXT_CONTENT",
                },
                {"sources": [other], "content_index": 1, "type": "TEXT_CONTENT"},
                native,
            ],
        },
        "finish_reason": "TOOL_CALL",
        "usage": {
            "billed_units": {"input_tokens": 7, "output_tokens": 11, "search_units": 1},
            "tokens": {"input_tokens": 7, "output_tokens": 11},
            "cached_tokens": 4,
        },
        "logprobs": [{"text": "Hi", "token_ids": [], "logprobs": [-0.5]}],
    }


@pytest.mark.parametrize(
    ("stop", "word"),
    [
        (Stop("end"), "COMPLETE"),
        (Stop("stop_sequence"), "STOP_SEQUENCE"),
        (Stop("length"), "MAX_TOKENS"),
        (Stop("refusal"), "COMPLETE"),
        (Stop("filtered"), "COMPLETE"),
        (Stop("paused"), "COMPLETE"),
    ],
)
def test_each_reason_has_coheres_word(stop: Stop, word: str) -> None:
    assert written(Text("Hi"), stop=stop) == {
        "id": UUID,
        "message": {"role": "assistant", "content": [{"type": "text", "text": "Hi"}]},
        "finish_reason": word,
    }


def test_an_answer_without_any_alternative_is_an_empty_one() -> None:
    document = CODEC.write_reply(Reply(wire="elsewhere", choices=()), None, answering())
    assert document["message"] == {"role": "assistant"}


def test_coheres_own_client_reads_the_answer() -> None:
    citation = Citation("https://h", "T", "S", 0, 2)
    document = written(
        Reasoning("hm"),
        Text("Hi", citations=(citation,)),
        ToolCall("c1", "f", '{"a":1}'),
        usage=Usage(input=3, output=5),
        stop=Stop("tools"),
        logprobs={"content": LOGPROBS},
    )
    with serving({"/v2/chat": Given(json.dumps(document).encode())}) as address:
        client = cohere.ClientV2("key", base_url=address)
        read = client.chat(model="m", messages=[cohere.UserChatMessageV2(content="x")])
    assert (read.id, read.finish_reason) == (UUID, "TOOL_CALL")
    content = read.message.content or []
    assert [(block.type, getattr(block, block.type)) for block in content] == [
        ("thinking", "hm"),
        ("text", "Hi"),
    ]
    (call,) = read.message.tool_calls or []
    assert call.function is not None
    assert (call.id, call.function.name, call.function.arguments) == ("c1", "f", '{"a":1}')
    (cited,) = read.message.citations or []
    assert (cited.start, cited.end, cited.text) == (0, 2, "Hi")
    assert read.usage is not None
    assert read.usage.tokens is not None
    assert (read.usage.tokens.input_tokens, read.usage.tokens.output_tokens) == (3, 5)
    assert [(item.text, item.logprobs) for item in read.logprobs or []] == [("Hi", [-0.5])]
