"""What our writers tell, read by Google's own SDK."""

import json
from collections.abc import Iterator

import pytest
from google import genai
from google.genai import errors, types
from tests.gateway.wire.recordings import answering
from tests.gateway.wire.serving import Given, serving

from trunkline.errors import LimitExceeded, UpstreamFailed
from trunkline.gateway.exchange.parts import Reasoning, Text, ToolCall
from trunkline.gateway.exchange.reply import (
    Choice,
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
from trunkline.gateway.metering.usage import Usage
from trunkline.gateway.wire.gemini.passing import Gemini

WIRE = Gemini(streams=True)
USAGE = Usage(input=3, output=2, reasoning=1)
WHOLE = "/v1/models/m:generateContent"
STREAM = "/v1/models/m:streamGenerateContent?alt=sse"


def asking(address: str) -> genai.Client:
    return genai.Client(api_key="k", http_options=types.HttpOptions(base_url=address))


def streamed() -> bytes:
    writer = WIRE.events.event_writer(answering())
    told = WIRE.keep_alive + writer.write([Started("id", "claude")])
    told += writer.write([ReasoningDelta("hm"), SignatureDelta("s", "anthropic")])
    told += WIRE.keep_alive + writer.write([TextDelta("Hé")])
    told += writer.write([ToolStarted(0, "c1", "f"), ToolDelta(0, '{"a":1}'), ToolEnded(0)])
    return told + writer.write([Stopped(Stop("tools"))]) + writer.close(USAGE)


@pytest.fixture(scope="module")
def client() -> Iterator[genai.Client]:
    reply = Reply(
        wire="anthropic_messages",
        choices=(
            Choice(
                (
                    Reasoning("hm", "s", "anthropic"),
                    Text("Hé"),
                    ToolCall("c1", "f", '{"a":1}'),
                ),
                Stop("tools"),
            ),
        ),
        model="claude",
    )
    whole = json.dumps(WIRE.codec.write_reply(reply, USAGE, answering())).encode()
    with (
        serving(
            {
                WHOLE: Given(whole),
                STREAM: Given(streamed(), b"text/event-stream"),
            }
        ) as address,
        asking(address) as client,
    ):
        yield client


def seen(response: types.GenerateContentResponse) -> list[types.Part]:
    candidates = response.candidates or []
    content = candidates[0].content
    assert content is not None
    return content.parts or []


def test_a_whole_answer(client: genai.Client) -> None:
    response = client.models.generate_content(model="m", contents="hi")
    thought, text, call = seen(response)
    assert (thought.text, thought.thought) == ("hm", True)
    assert (text.text, bool(text.thought_signature)) == ("Hé", True)
    assert call.function_call == types.FunctionCall(id="c1", name="f", args={"a": 1})
    usage = response.usage_metadata
    assert usage is not None
    assert (usage.prompt_token_count, usage.candidates_token_count) == (3, 2)
    assert (usage.thoughts_token_count, usage.total_token_count) == (1, 6)
    assert (response.model_version, response.response_id) == ("claude", "ASNFZ4mrze8BI0VniavN7w")


def test_a_stream(client: genai.Client) -> None:
    chunks = list(client.models.generate_content_stream(model="m", contents="hi"))
    parts = [part for chunk in chunks for part in seen(chunk)]
    assert [part.text for part in parts] == ["hm", "Hé", None, ""]
    assert [part.thought for part in parts] == [True, None, None, None]
    assert parts[2].function_call == types.FunctionCall(id="c1", name="f", args={"a": 1})
    candidates = chunks[-1].candidates or []
    assert candidates[0].finish_reason == types.FinishReason.STOP
    assert chunks[-1].usage_metadata is not None
    assert chunks[-1].usage_metadata.total_token_count == 6


def test_an_error_before_and_in_a_stream() -> None:
    refused = WIRE.error_body(LimitExceeded("Too many.", retry_after=3), "r1")
    writer = WIRE.events.event_writer(answering())
    broken = writer.write([TextDelta("a")])
    broken += WIRE.error_frame(UpstreamFailed("It broke."), "r1")
    with (
        serving(
            {
                WHOLE: Given(refused, status=429),
                STREAM: Given(broken, b"text/event-stream"),
            }
        ) as address,
        asking(address) as client,
    ):
        with pytest.raises(errors.ClientError) as early:
            client.models.generate_content(model="m", contents="hi")
        assert (early.value.code, early.value.status) == (429, "RESOURCE_EXHAUSTED")
        stream = client.models.generate_content_stream(model="m", contents="hi")
        assert seen(next(stream))[0].text == "a"
        with pytest.raises(errors.ServerError) as late:
            next(stream)
        assert (late.value.code, late.value.message) == (502, "It broke.")
