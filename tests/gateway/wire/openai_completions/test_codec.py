import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.gateway.wire.recordings import (
    answering,
    asked,
    metered,
    needs_transcripts,
    recorded,
    retold,
)
from tests.gateway.wire.shapes import (
    ANY,
    FLAGS,
    NUMBERS,
    WORDS,
    an_object,
    either,
    listed,
    one_of,
    thorough,
    told,
)

from trunkline.errors import InvalidRequest
from trunkline.gateway.exchange.destination import Destination, Quirks
from trunkline.gateway.exchange.losses import Losses
from trunkline.gateway.exchange.parts import Image, Link, Reasoning, Refusal, Text, ToolCall
from trunkline.gateway.exchange.reply import (
    Choice,
    Event,
    PartEnded,
    ReasoningDelta,
    RefusalDelta,
    Reply,
    Started,
    Stop,
    Stopped,
    TextDelta,
)
from trunkline.gateway.exchange.request import Message, OutputFormat, ReasoningAsk, Request, Tool
from trunkline.gateway.metering.usage import Usage
from trunkline.gateway.wire.contract import NOWHERE, Malformed
from trunkline.gateway.wire.openai_chat.codec import ChatCodec
from trunkline.gateway.wire.openai_completions.passing import OpenAICompletions
from trunkline.gateway.wire.openai_family.spelling import SpelledRequest

WIRE = OpenAICompletions()
CODEC = WIRE.codec
PROMPT = (Message("user", (Text("x"),), bare=True),)
COUNT = either(st.integers(0, 9))
REQUEST = an_object(
    {"model": one_of("m"), "prompt": st.one_of(either(WORDS), listed(WORDS))},
    {
        "suffix": either(WORDS),
        "echo": either(FLAGS),
        "best_of": COUNT,
        "n": COUNT,
        "logprobs": COUNT,
        "max_tokens": COUNT,
        "temperature": either(NUMBERS),
        "stop": st.one_of(either(WORDS), listed(WORDS)),
        "stream": either(FLAGS),
        "stream_options": an_object({}, {"include_usage": either(FLAGS)}),
        "logit_bias": st.dictionaries(WORDS, NUMBERS, max_size=2),
        "seed": COUNT,
        "user": either(WORDS),
    },
)


def write(request: Request, **quirks: Any) -> tuple[dict[str, Any], tuple[str, ...]]:
    losses = Losses()
    destination = Destination(model=request.model, quirks=Quirks(**quirks))
    return CODEC.write_request(request, destination, losses), losses.names


@needs_transcripts
@pytest.mark.parametrize(
    "name",
    [
        "openai-completions/basic",
        "openai-completions/stream-usage",
        "openai-completions/suffix-fim",
        "vllm/stream-completion",
    ],
)
def test_a_recorded_request_comes_out_as_it_went_in(name: str) -> None:
    document = asked(name)
    written, lost = write(CODEC.read_request(document, NOWHERE))
    assert (told(written), lost) == (told(document), ())


@settings(thorough, max_examples=150)
@given(st.one_of(REQUEST, ANY.filter(lambda value: isinstance(value, dict))))
def test_each_document_comes_out_as_it_went_in_or_is_refused(document: Any) -> None:
    try:
        request = CODEC.read_request(document, NOWHERE)
    except InvalidRequest:
        return
    written, lost = write(request)
    assert (told(written), lost) == (told(document), ())


def test_a_prompt_is_one_message_that_no_template_may_touch() -> None:
    document = {
        "model": "m",
        "prompt": "x",
        "suffix": "y",
        "echo": True,
        "best_of": 3,
        "n": 2,
        "logprobs": 4,
        "max_tokens": 9,
        "stop": ["a"],
        "stream": True,
    }
    assert CODEC.read_request(document, NOWHERE) == SpelledRequest(
        wire="openai_completions",
        model="m",
        messages=PROMPT,
        suffix="y",
        raw_prompt=True,
        stream=True,
        wants_usage=False,
        answers=2,
        logprobs=True,
        top_logprobs=4,
        max_tokens=9,
        stop=("a",),
        extra={"echo": True, "best_of": 3},
    )


@pytest.mark.parametrize("prompt", [["a", "b"], [1, 2], [[1]], [], {}, 3])
def test_several_prompts_and_tokens_can_only_be_passed(prompt: Any) -> None:
    with pytest.raises(InvalidRequest) as caught:
        CODEC.read_request({"model": "m", "prompt": prompt}, NOWHERE)
    assert caught.value.param == "prompt"
    with pytest.raises(InvalidRequest):
        CODEC.read_request({"model": "m"}, NOWHERE)


def test_a_completion_without_a_suffix_goes_to_a_chat() -> None:
    request = CODEC.read_request(
        {"model": "m", "prompt": ["x"], "logprobs": 2, "max_tokens": 9, "echo": True}, NOWHERE
    )
    losses = Losses()
    document = ChatCodec().write_request(request, Destination(model="up"), losses)
    assert document == {
        "model": "up",
        "messages": [{"role": "user", "content": "x"}],
        "max_tokens": 9,
        "logprobs": True,
        "top_logprobs": 2,
    }
    assert losses.names == ("raw", "echo")


def foreign(*messages: Message, **members: Any) -> Request:
    return Request(wire="mistral_fim", model="m", messages=messages or PROMPT, **members)


def test_a_request_of_another_wire_is_a_prompt() -> None:
    document, lost = write(
        foreign(
            suffix="y",
            stream=True,
            raw_prompt=True,
            seed=7,
            max_tokens=9,
            stop=("a",),
            top_k=3,
            answers=1,
            logprobs=True,
        ),
        takes=frozenset({"top_k"}),
        refuses=frozenset({"n"}),
        renamed=(("seed", "random_seed"),),
    )
    assert document == {
        "model": "m",
        "prompt": "x",
        "suffix": "y",
        "random_seed": 7,
        "top_k": 3,
        "logprobs": 0,
        "max_tokens": 9,
        "stop": ["a"],
        "stream": True,
        "stream_options": {"include_usage": True},
    }
    assert lost == ()
    assert "stream_options" not in write(foreign(stream=True), stream_options=False)[0]


def test_what_is_no_prompt_is_told_to_be_lost() -> None:
    document, lost = write(
        foreign(
            Message("system", (Text("s"),), extra={"odd": 1}),
            Message("user", (Text("a"), Image(Link("https://x.test/a.png")))),
            Message("user", (Text("b"),)),
            tools=(Tool("f"),),
            output=OutputFormat("json"),
            reasoning=ReasoningAsk(effort="low"),
            verbosity="low",
            extra={"min_tokens": 3},
        )
    )
    assert document == {"model": "m", "prompt": "a\nb"}
    assert lost == (
        "odd",
        "system",
        "image",
        "messages",
        "tools",
        "response_format",
        "reasoning",
        "verbosity",
        "min_tokens",
    )
    with pytest.raises(InvalidRequest):
        write(foreign(Message("system", (Text("s"),))))


@needs_transcripts
@pytest.mark.parametrize("name", ["basic", "suffix-fim"])
def test_a_recorded_answer_comes_out_as_it_went_in(name: str) -> None:
    body = recorded(f"openai-completions/{name}.json")
    document = json.loads(body)
    usage = WIRE.read_reply(body, "completion").usage
    written = told(CODEC.write_reply(CODEC.read_reply(document, "5eed"), usage, answering()))
    expected = told(document)
    # The id is ours, and usage is compared by its totals.
    assert written.pop("id") == "cmpl-0123456789abcdef0123456789abcdef"
    for each in (written, expected):
        each["usage"] = {key: each["usage"][key] for key in ("prompt_tokens", "total_tokens")}
    del expected["id"]
    assert written == expected


LOGPROBS = {
    "text_offset": [0, 2],
    "token_logprobs": [-0.1, None],
    "tokens": ["ab", "\u00e9"],
    "top_logprobs": [{"ab": -0.1, "c": -3}, {}],
}
LISTED = {
    "content": [
        {
            "token": "ab",
            "logprob": -0.1,
            "bytes": [97, 98],
            "top_logprobs": [
                {"token": "ab", "logprob": -0.1, "bytes": [97, 98]},
                {"token": "c", "logprob": -3, "bytes": [99]},
            ],
        },
        {"token": "\u00e9", "logprob": None, "bytes": [195, 169], "top_logprobs": []},
    ]
}


def test_log_probabilities_have_the_shape_of_chats_inside() -> None:
    choice = {"text": "ab\u00e9", "index": 0, "logprobs": LOGPROBS, "finish_reason": "stop"}
    reply = CODEC.read_reply({"choices": [choice]}, "5eed")
    assert reply.choices[0].logprobs == LISTED
    other = Reply(wire="openai_chat", choices=(Choice((Text("ab\u00e9"),), logprobs=LISTED),))
    assert CODEC.write_reply(other, None, answering())["choices"][0]["logprobs"] == LOGPROBS


@pytest.mark.parametrize(
    "logprobs",
    [
        3,
        {},
        {"tokens": ["a"], "token_logprobs": []},
        {"tokens": [1], "token_logprobs": [2]},
        {"tokens": "ab", "token_logprobs": [2]},
    ],
)
def test_log_probabilities_of_another_shape_are_not_read(logprobs: Any) -> None:
    document = {"choices": [{"text": "a", "logprobs": logprobs}]}
    assert CODEC.read_reply(document, "5eed").choices[0].logprobs is None


@pytest.mark.parametrize(
    "logprobs",
    [3, {"content": 3}, {"content": [3]}, {"content": [{"token": 3}]}],
)
def test_log_probabilities_of_another_shape_are_not_written(logprobs: Any) -> None:
    reply = Reply(wire="x", choices=(Choice((Text("a"),), logprobs=logprobs),))
    assert CODEC.write_reply(reply, None, answering())["choices"][0]["logprobs"] is None


def test_tokens_without_alternatives_have_none() -> None:
    listed = {"content": [{"token": "a", "logprob": -1, "top_logprobs": 3}]}
    reply = Reply(wire="x", choices=(Choice((Text("a"),), logprobs=listed),))
    told_lists = CODEC.write_reply(reply, None, answering())["choices"][0]["logprobs"]
    assert told_lists["top_logprobs"] == [{}]
    document = {"choices": [{"text": "a", "logprobs": {"tokens": ["a"], "token_logprobs": [-1]}}]}
    read_back = CODEC.read_reply(document, "5eed").choices[0].logprobs
    assert read_back["content"][0]["top_logprobs"] == []


def test_an_answer_of_another_wire_is_a_completion() -> None:
    parts = (Reasoning("hm"), Text("a"), Refusal("b"), ToolCall("x", "f"))
    reply = Reply(wire="gemini", choices=(Choice(parts, Stop("filtered", "SAFETY")),), created=5)
    assert CODEC.write_reply(reply, Usage(input=1, output=2), answering()) == {
        "id": "cmpl-0123456789abcdef0123456789abcdef",
        "object": "text_completion",
        "created": 5,
        "model": "public",
        "choices": [
            {
                "text": "ab",
                "index": 0,
                "logprobs": None,
                "finish_reason": "content_filter",
                "reasoning_content": "hm",
                "native_finish_reason": "SAFETY",
            }
        ],
        "usage": {
            "prompt_tokens": 1,
            "completion_tokens": 2,
            "total_tokens": 3,
            "prompt_tokens_details": {"cached_tokens": 0, "audio_tokens": 0},
            "completion_tokens_details": {"reasoning_tokens": 0, "audio_tokens": 0},
        },
    }


def test_vllms_stop_sequence_is_kept() -> None:
    choice = {"text": "a", "index": 0, "finish_reason": "stop", "stop_reason": "#", "odd": 1}
    reply = CODEC.read_reply({"choices": [choice], "odd": 2}, "5eed")
    assert reply.choices[0].stop == Stop("stop_sequence", "stop", "#")
    written = CODEC.write_reply(reply, None, answering())
    assert told(written["choices"]) == [choice]
    assert written["odd"] == 2


@pytest.mark.parametrize("document", [{}, {"choices": [3]}, {"choices": [{"text": None}]}])
def test_what_is_no_completion_is_malformed(document: Any) -> None:
    with pytest.raises(Malformed):
        CODEC.read_reply(document, "5eed")


@settings(thorough, max_examples=150)
@given(
    an_object(
        {
            "choices": listed(
                an_object({"text": either(WORDS)}, {"finish_reason": ANY, "logprobs": ANY})
            )
        },
        {"id": ANY, "model": ANY, "created": ANY},
    )
)
def test_no_answer_makes_the_reader_raise_anything_but_its_own_error(document: Any) -> None:
    try:
        reply = CODEC.read_reply(document, "5eed") if isinstance(document, dict) else None
    except Malformed:
        return
    if reply is not None:
        json.dumps(CODEC.write_reply(reply, None, answering()))


def frame(*choices: Any, **members: Any) -> bytes:
    document = {"id": "c1", "created": 5, "model": "up", "choices": choices, **members}
    return b"data: " + json.dumps(document).encode() + b"\n\n"


def read(*frames: bytes) -> list[Event]:
    reader = CODEC.event_reader("5eed")
    events = [event for each in frames for event in reader.read(each)]
    return events + reader.close()


def test_a_stream_is_read_choice_by_choice() -> None:
    assert read(
        b": ping\n\n",
        frame({"text": "", "index": 0}),
        frame({"text": "a", "index": 0}, {"text": "b", "index": 1, "logprobs": LOGPROBS}),
        frame({"text": "c", "index": 0, "finish_reason": "length"}),
        frame({"text": "", "index": 2}),
        frame(usage={}),
        b"data: [DONE]\n\n",
    ) == [
        Started("c1", "up", 5),
        TextDelta("a"),
        TextDelta("b", 1, LISTED),
        TextDelta("c"),
        PartEnded(0),
        Stopped(Stop("length", "length")),
        PartEnded(1),
        Stopped(Stop(), 1),
        Stopped(Stop(), 2),
    ]
    assert read() == [Stopped(Stop())]
    with pytest.raises(Malformed):
        read(b"data: nope\n\n")


def written(*events: Event, usage: Usage | None = None, wants: bool = False) -> list[Any]:
    request = Request(wire="openai_completions", model="m", messages=(), wants_usage=wants)
    writer = CODEC.event_writer(answering(request))
    data = writer.write(list(events)) + writer.close(usage)
    frames = data.split(b"\n\n")
    assert frames[-2:] == [b"data: [DONE]", b""]
    documents = [json.loads(each[6:]) for each in frames[:-2]]
    heads = [
        [document.pop(name) for name in ("id", "object", "created", "model")]
        for document in documents
    ]
    started = next((event for event in events if isinstance(event, Started)), Started())
    assert heads == [
        [
            "cmpl-0123456789abcdef0123456789abcdef",
            "text_completion",
            started.created or 0,
            started.model or "public",
        ]
    ] * len(heads)
    return documents


def piece(text: str, finish: str | None = None, index: int = 0, **members: Any) -> Any:
    choice = {"index": index, "text": text, "logprobs": None, "finish_reason": finish, **members}
    return {"choices": [choice]}


def test_a_stream_of_another_wire_is_told_as_completions() -> None:
    assert written(
        Started("x", "up", 5),
        ReasoningDelta("hm"),
        TextDelta("ab"),
        TextDelta("ab\u00e9", logprobs=LISTED),
        RefusalDelta("no", 1),
        PartEnded(),
        Stopped(Stop("end", "STOP")),
    ) == [
        piece("", reasoning_content="hm"),
        piece("ab"),
        piece("ab\u00e9", logprobs={**LOGPROBS, "text_offset": [2, 4]}),
        piece("no", index=1),
        piece("", "stop", native_finish_reason="STOP"),
        piece("", "stop", 1),
    ]
    assert written() == [piece("", "stop")]


def test_usage_is_told_to_who_asked_for_it() -> None:
    last = written(TextDelta("a"), usage=Usage(input=1, output=2), wants=True)[-1]
    assert last["choices"] == []
    assert last["usage"]["total_tokens"] == 3
    assert written(TextDelta("a"), wants=True) == [
        {**piece("a"), "usage": None},
        {**piece("", "stop"), "usage": None},
    ]


@needs_transcripts
@pytest.mark.parametrize(
    "name", ["openai-completions/stream-usage.sse", "vllm/stream-completion.sse"]
)
def test_a_recorded_stream_is_retold_with_the_same_events(name: str) -> None:
    data = recorded(name).rstrip() + b"\n\n"
    request = Request(wire="openai_completions", model="m", messages=(), wants_usage=True)
    again = retold(WIRE, WIRE, data, answering(request), lambda each: each)
    reader, _, frames = metered(WIRE, [data])
    assert read(*again)[1:] == read(*frames)[1:]
    assert metered(WIRE, again)[0].usage == reader.usage
