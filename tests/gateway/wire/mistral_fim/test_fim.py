import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mistralai.client import Mistral
from tests.gateway.wire.recordings import answering, metered
from tests.gateway.wire.serving import Given, serving
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
from trunkline.gateway.exchange.destination import Destination
from trunkline.gateway.exchange.losses import Losses
from trunkline.gateway.exchange.parts import Text
from trunkline.gateway.exchange.reply import (
    Choice,
    Event,
    PartEnded,
    Reply,
    Started,
    Stop,
    Stopped,
    TextDelta,
)
from trunkline.gateway.exchange.request import Message, Request
from trunkline.gateway.metering.usage import Usage
from trunkline.gateway.wire.contract import NOWHERE, Sight
from trunkline.gateway.wire.mistral_fim.passing import MistralFim
from trunkline.gateway.wire.ollama_generate.passing import OllamaGenerate
from trunkline.gateway.wire.openai_completions.passing import OpenAICompletions
from trunkline.gateway.wire.openai_family.spelling import SpelledRequest

WIRE = MistralFim()
CODEC = WIRE.codec
GAP = {
    "model": "codestral",
    "prompt": "def f(",
    "suffix": "return x",
    "max_tokens": 9,
    "random_seed": 7,
    "stop": ["\n\n"],
    "min_tokens": 2,
    "stream": True,
}
COUNT = either(st.integers(0, 9))
REQUEST = an_object(
    {"model": one_of("m"), "prompt": either(WORDS)},
    {
        "suffix": either(WORDS),
        "max_tokens": COUNT,
        "min_tokens": COUNT,
        "random_seed": COUNT,
        "temperature": either(NUMBERS),
        "top_p": either(NUMBERS),
        "stop": st.one_of(either(WORDS), listed(WORDS)),
        "stream": either(FLAGS),
        "metadata": st.dictionaries(WORDS, either(WORDS), max_size=2),
        "prompt_cache_key": either(WORDS),
    },
)


def test_a_request_is_read_as_far_as_the_path_needs_it() -> None:
    request = WIRE.read_request(json.dumps({**GAP, "metadata": {"a": "b"}}).encode(), "completion")
    assert (request.model, request.stream, request.max_tokens) == ("codestral", True, 9)
    assert (request.ceilings, request.fills, request.wants_usage) == (("max_tokens",), True, True)
    assert request.tags == (("a", "b"),)
    assert json.loads(WIRE.write_request(request, "up")) == {
        **GAP,
        "model": "up",
        "metadata": {"a": "b"},
    }
    assert WIRE.path("completion", "m", stream=True) == b"/fim/completions"


def test_the_ceiling_is_set_in_its_own_member() -> None:
    request = WIRE.read_request(b'{"model":"m","prompt":""}', "completion")
    assert request.ceilings == ()
    WIRE.limit_output(request, 7, "max_completion_tokens")
    assert json.loads(WIRE.write_request(request, "m")) == {
        "model": "m",
        "prompt": "",
        "max_tokens": 7,
    }


def test_a_request_without_a_prompt_is_refused() -> None:
    with pytest.raises(InvalidRequest) as caught:
        WIRE.read_request(b'{"model":"m"}', "completion")
    assert caught.value.param == "prompt"
    with pytest.raises(InvalidRequest) as caught:
        CODEC.read_request({"model": "m"}, NOWHERE)
    assert caught.value.param == "prompt"


def test_a_gap_is_read_into_the_internal_form() -> None:
    assert CODEC.read_request(GAP, NOWHERE) == SpelledRequest(
        wire="mistral_fim",
        model="codestral",
        messages=(Message("user", (Text("def f("),), bare=True),),
        stream=True,
        suffix="return x",
        raw_prompt=True,
        max_tokens=9,
        seed=7,
        stop=("\n\n",),
        extra={"min_tokens": 2},
    )


@settings(thorough, max_examples=150)
@given(st.one_of(REQUEST, ANY.filter(lambda value: isinstance(value, dict))))
def test_each_document_comes_out_as_it_went_in_or_is_refused(document: Any) -> None:
    losses = Losses()
    try:
        request = CODEC.read_request(document, NOWHERE)
    except InvalidRequest:
        return
    written = CODEC.write_request(request, Destination(model=request.model), losses)
    assert (told(written), losses.names) == (told(document), ())


def translated(source: Any, target: Any, document: Any) -> tuple[Any, tuple[str, ...]]:
    losses = Losses()
    request = source.codec.read_request(document, NOWHERE)
    return target.codec.write_request(request, Destination(model="up"), losses), losses.names


def test_a_gap_goes_between_the_formats_that_know_one() -> None:
    completions, generate = OpenAICompletions(), OllamaGenerate()
    document, lost = translated(WIRE, completions, GAP)
    assert document == {
        "model": "up",
        "prompt": "def f(",
        "suffix": "return x",
        "max_tokens": 9,
        "seed": 7,
        "stop": ["\n\n"],
        "stream": True,
        "stream_options": {"include_usage": True},
    }
    assert lost == ("min_tokens",)
    back, lost = translated(completions, WIRE, {**document, "n": 2, "user": "u"})
    known = {name: value for name, value in GAP.items() if name != "min_tokens"}
    assert back == {**known, "model": "up"}
    assert set(lost) == {"n", "user"}
    document, lost = translated(WIRE, generate, GAP)
    assert (document["prompt"], document["suffix"]) == ("def f(", "return x")
    assert lost == ("min_tokens",)
    local = {"model": "m", "prompt": "a", "suffix": "b", "options": {"num_predict": 9, "seed": 7}}
    back, lost = translated(generate, WIRE, local)
    assert back == {
        "model": "up",
        "prompt": "a",
        "suffix": "b",
        "max_tokens": 9,
        "random_seed": 7,
        "stream": True,
    }
    assert lost == ()


def test_an_answer_is_a_chat_with_the_id_that_mistral_would_make() -> None:
    reply = Reply(wire="openai_completions", choices=(Choice((Text("x):"),), Stop("end")),))
    document = CODEC.write_reply(reply, Usage(input=3, output=2), answering())
    assert document["id"] == "0123456789abcdef0123456789abcdef"
    assert document["object"] == "chat.completion"
    assert document["choices"][0]["message"]["content"] == "x):"
    again = CODEC.read_reply(document, "5eed")
    assert (again.wire, again.choices[0].parts) == ("mistral_fim", (Text("x):"),))


def test_usage_stands_on_the_chunk_that_ends_the_choice() -> None:
    writer = CODEC.event_writer(answering())
    events: list[Event] = [
        Started("x", "up", 5),
        TextDelta("x):"),
        PartEnded(),
        Stopped(Stop("end", "stop")),
    ]
    data = writer.write(events) + writer.close(Usage(input=3, output=2))
    meter, sights, frames = metered(WIRE, [data])
    assert sights == [Sight.START, Sight.CONTENT, Sight.CONTENT, Sight.END]
    assert meter.usage == Usage(input=3, output=2)
    last = json.loads(frames[2][6:])
    assert last["choices"][0]["finish_reason"] == "stop"
    assert last["usage"]["total_tokens"] == 5
    reader = CODEC.event_reader("5eed")
    read = [event for frame in frames for event in reader.read(frame)] + reader.close()
    assert read == [Started(meter_id(frames), "up", 5), *events[1:]]


def meter_id(frames: list[bytes]) -> str:
    found: str = json.loads(frames[0][6:])["id"]
    return found


def test_mistrals_own_sdk_understands_both_kinds_of_answers() -> None:
    reply = Reply(
        wire="ollama_generate", choices=(Choice((Text("x):"),), Stop("length")),), model="up"
    )
    usage = Usage(input=3, output=2)
    whole = json.dumps(CODEC.write_reply(reply, usage, answering())).encode()
    writer = CODEC.event_writer(answering())
    stream = writer.write([Started("x", "up", 5), TextDelta("x"), TextDelta("):")])
    stream += writer.close(usage)
    with serving({"/v1/fim/completions": Given(whole)}) as address:
        answer = Mistral(api_key="k", server_url=address).fim.complete(model="m", prompt="a")
    assert answer.choices[0].message is not None
    assert (answer.choices[0].message.content, answer.choices[0].finish_reason) == ("x):", "length")
    assert answer.usage.total_tokens == 5
    kind = b"text/event-stream"
    served = {
        "/v1/fim/completions": Given(stream, kind),
        "/v1/fim/completions#stream": Given(stream, kind),
    }
    with serving(served) as address:
        events = list(Mistral(api_key="k", server_url=address).fim.stream(model="m", prompt="a"))
    texts = [event.data.choices[0].delta.content for event in events]
    assert "".join(text for text in texts if isinstance(text, str)) == "x):"
    assert events[-1].data.usage is not None
    assert events[-1].data.usage.total_tokens == 5


def test_a_chat_model_cannot_be_asked_for_a_gap() -> None:
    asked = Request(wire="openai_chat", model="m", messages=(Message("system", (Text("s"),)),))
    with pytest.raises(InvalidRequest):
        CODEC.write_request(asked, Destination(model="up"), Losses())
