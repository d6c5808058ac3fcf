import json
from typing import Any

import ollama
import pytest
from hypothesis import given
from tests.gateway.wire.recordings import answering
from tests.gateway.wire.serving import Given, serving
from tests.gateway.wire.shapes import (
    ANY,
    FLAGS,
    NUMBERS,
    WORDS,
    Shape,
    an_object,
    either,
    listed,
    one_of,
    thorough,
    told,
)

from trunkline.errors import InvalidRequest
from trunkline.gateway.exchange.destination import Destination
from trunkline.gateway.exchange.losses import Losses
from trunkline.gateway.exchange.parts import (
    CacheMark,
    Image,
    Inline,
    Link,
    Reasoning,
    Refusal,
    Text,
)
from trunkline.gateway.exchange.reply import (
    Choice,
    Event,
    ReasoningDelta,
    Reply,
    Started,
    Stop,
    Stopped,
    TextDelta,
)
from trunkline.gateway.exchange.request import Message, Request, Tool
from trunkline.gateway.metering.usage import Usage
from trunkline.gateway.wire.contract import COMPLETION, NOWHERE, Malformed, Sight
from trunkline.gateway.wire.lines import NDJSON
from trunkline.gateway.wire.ollama_generate.passing import OllamaGenerate

WIRE = OllamaGenerate()
CODEC = OllamaGenerate.codec
EPOCH = "1970-01-01T00:00:00Z"
LAST = {
    "model": "m",
    "response": "",
    "done": True,
    "done_reason": "length",
    "prompt_eval_count": 3,
    "eval_count": 4,
    "context": [1],
}

REQUEST: Shape = an_object(
    {"model": one_of("m", "n"), "prompt": one_of("p", "q", "")},
    {
        "system": either(WORDS),
        "suffix": either(WORDS),
        "template": either(WORDS),
        "raw": either(FLAGS),
        "images": listed(one_of("iVBORw0KGgoAAAANSUhEUg==", "!")),
        "context": ANY,
        "stream": either(FLAGS),
        "format": one_of("", "json"),
        "options": either(
            an_object({}, {"temperature": NUMBERS, "num_ctx": NUMBERS, "stop": listed(WORDS)})
        ),
        "think": either(FLAGS),
        "keep_alive": ANY,
    },
)


@thorough
@given(REQUEST)
def test_what_is_read_is_written_again_and_everything_else_is_refused(document: Any) -> None:
    try:
        request = CODEC.read_request(document, NOWHERE)
    except InvalidRequest:
        return
    losses = Losses()
    written = CODEC.write_request(request, Destination(request.model), losses)
    assert told(written) == told(document)
    assert not losses


def test_a_prompt_is_a_conversation_of_one_message() -> None:
    request = CODEC.read_request(
        {
            "model": "m",
            "prompt": "def f(",
            "suffix": "return x",
            "system": "you are a coder",
            "images": ["iVBORw0KGgoAAAAN"],
            "raw": True,
            "context": [1, 2],
            "template": "{{ .Prompt }}",
        },
        NOWHERE,
    )
    assert [(message.role, message.parts) for message in request.messages] == [
        ("system", (Text("you are a coder"),)),
        ("user", (Text("def f("), Image(Inline("image/png", "iVBORw0KGgoAAAAN")))),
    ]
    assert (request.suffix, request.raw_prompt, request.stream) == ("return x", True, True)
    assert request.extra == {"context": [1, 2], "template": "{{ .Prompt }}"}


@pytest.mark.parametrize(
    ("sent", "fills"),
    [
        ({}, False),
        ({"suffix": "", "raw": False, "template": ""}, False),
        ({"suffix": "x"}, True),
        ({"raw": True}, True),
        ({"template": "x"}, True),
    ],
)
def test_only_what_no_chat_can_do_needs_a_wire_that_completes(
    sent: dict[str, Any], fills: bool
) -> None:
    body = json.dumps({"model": "m", "prompt": "p", **sent}).encode()
    request = WIRE.read_request(body, COMPLETION)
    assert request.fills is fills
    assert request.stream
    assert WIRE.path(COMPLETION, "m", stream=True) == b"/api/generate"


@pytest.mark.parametrize("sent", [{}, {"prompt": ""}, {"prompt": None}])
def test_without_a_prompt_there_is_nothing_to_complete(sent: dict[str, Any]) -> None:
    with pytest.raises(InvalidRequest) as refused:
        CODEC.read_request({"model": "m", **sent}, NOWHERE)
    assert refused.value.code == "missing_prompt"


def written(*messages: Message, **members: Any) -> tuple[dict[str, Any], tuple[str, ...]]:
    losses = Losses()
    request = Request(wire="elsewhere", model="public", messages=messages, **members)
    return CODEC.write_request(request, Destination("llama3"), losses), losses.names


def test_a_completion_from_elsewhere_is_written() -> None:
    user = Message("user", (Text("def f("), Refusal("x"), Image(Inline("image/png", "aGk="))))
    system = Message("system", (Text("be brief"),))
    document, lost = written(
        system, user, suffix="return x", raw_prompt=True, max_tokens=5, stop=("\n",)
    )
    assert document == {
        "model": "llama3",
        "prompt": "def f(\nx",
        "system": "be brief",
        "images": ["aGk="],
        "suffix": "return x",
        "options": {"num_predict": 5, "stop": ["\n"]},
        "stream": False,
    }
    assert lost == ()


def test_a_prompt_to_be_continued_as_it_stands_is_raw() -> None:
    document, _ = written(Message("user", (Text("Once"),)), raw_prompt=True, stream=True)
    assert document == {"model": "llama3", "prompt": "Once", "raw": True, "stream": True}


def test_what_a_completion_has_no_place_for_is_named() -> None:
    document, lost = written(
        Message(
            "user", (Text("a", cache=CacheMark()), Image(Link("https://h/p.png"))), extra={"x": 1}
        ),
        Message("assistant", (Reasoning("hm"), Text("b"))),
        tools=(Tool("f"),),
        extra={"best_of": 2},
    )
    assert document == {"model": "llama3", "prompt": "a\nb", "stream": False}
    assert lost == ("messages", "x", "cache_control", "image", "reasoning", "tools", "best_of")


def test_without_a_message_of_the_users_there_is_nothing_to_complete() -> None:
    with pytest.raises(InvalidRequest):
        written(Message("system", (Text("s"),)))


def test_ollamas_chat_and_completion_share_what_means_the_same() -> None:
    losses = Losses()
    request = Request(
        wire="ollama_chat",
        model="m",
        messages=(Message("user", (Text("x"),)),),
        extra={"keep_alive": "5m", "options": {"num_ctx": 8}, "odd": 1},
    )
    document = CODEC.write_request(request, Destination("llama3"), losses)
    assert document == {
        "model": "llama3",
        "prompt": "x",
        "keep_alive": "5m",
        "options": {"num_ctx": 8},
        "stream": False,
    }
    assert losses.names == ("odd",)


def test_a_whole_answer_comes_out_as_it_went_in() -> None:
    document = {
        "model": "llama3",
        "created_at": "2024-05-24T20:01:31.01558Z",
        "response": "Hi",
        "thinking": "hm",
        "done": True,
        "done_reason": "stop",
        "context": [1, 2, 3],
        "total_duration": 5,
        "prompt_eval_count": 3,
        "eval_count": 4,
    }
    usage = WIRE.read_reply(json.dumps(document).encode(), COMPLETION).usage
    assert usage == Usage(input=3, output=4)
    reply = CODEC.read_reply(document, "5eed")
    assert reply.choices[0].parts == (Reasoning("hm"), Text("Hi"))
    assert CODEC.write_reply(reply, usage, answering()) == document


@pytest.mark.parametrize("document", [{}, {"response": 5}, {"response": "x", "thinking": 5}])
def test_what_is_no_answer_is_malformed(document: Any) -> None:
    with pytest.raises(Malformed):
        CODEC.read_reply(document, "5eed")


def test_ollamas_own_client_reads_an_answer_from_elsewhere() -> None:
    reply = Reply(
        wire="elsewhere", choices=(Choice((Reasoning("hm"), Text("Hi")), Stop("length")),)
    )
    document = CODEC.write_reply(reply, Usage(input=1, output=2), answering())
    assert document == {
        "model": "public",
        "created_at": EPOCH,
        "response": "Hi",
        "thinking": "hm",
        "done_reason": "length",
        "done": True,
        "prompt_eval_count": 1,
        "eval_count": 2,
    }
    answers = {"/api/generate": Given(json.dumps(document).encode())}
    with serving(answers) as address, ollama.Client(address) as client:
        answer = client.generate("m", "x")
    assert (answer.response, answer.thinking, answer.done_reason) == ("Hi", "hm", "length")


def test_ollamas_own_client_reads_a_stream_from_elsewhere() -> None:
    writer = WIRE.events.event_writer(answering())
    events: list[Event] = [
        Started(None, "claude"),
        ReasoningDelta("hm"),
        TextDelta("Hi"),
        Stopped(Stop()),
    ]
    body = WIRE.keep_alive + writer.write(events) + writer.close(Usage(input=1, output=2))
    answers = {"/api/generate": Given(body, NDJSON)}
    with serving(answers) as address, ollama.Client(address) as client:
        chunks = list(client.generate("m", "x", stream=True))
    assert [(c.model, c.response, c.thinking, c.done) for c in chunks] == [
        ("", "", None, False),
        ("claude", "", "hm", False),
        ("claude", "Hi", None, False),
        ("claude", "", None, True),
    ]
    assert (chunks[-1].done_reason, chunks[-1].eval_count) == ("stop", 2)


def test_a_stream_is_metered_and_read() -> None:
    lines = [
        b'{"model":"m","response":"","thinking":"hm","done":false}\n',
        b'{"model":"m","response":"Hi","done":false}\n',
        json.dumps(LAST).encode() + b"\n",
    ]
    meter = WIRE.stream_reader(WIRE.read_request(b'{"model":"m","prompt":"p"}', COMPLETION))
    assert [meter.read(line) for line in lines] == [Sight.CONTENT, Sight.CONTENT, Sight.END]
    assert meter.usage == Usage(input=3, output=4)
    reader = WIRE.events.event_reader("5eed")
    assert [event for line in lines for event in reader.read(line)] == [
        Started(None, "m"),
        ReasoningDelta("hm"),
        TextDelta("Hi"),
        Stopped(Stop("length", "length")),
    ]
