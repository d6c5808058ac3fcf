"""Mistral's SDK, filling in the middle and embeddings, before what can answer them."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from mistralai.client import Mistral
from mistralai.client.errors import ResponseValidationError, SDKError
from tests.conformance.matrix import asked
from tests.conformance.matrix.bench import Bench
from tests.conformance.matrix.cells import cells
from tests.conformance.matrix.vectors import TEXTS, expected_vectors

FIM = "mistralai fim"
EMBED = "mistralai embeddings"
# OpenAI's completions end after sixteen tokens where nothing else is said.
AT_MOST = 60


@pytest_asyncio.fixture
async def sdk(bench: Bench) -> AsyncIterator[Mistral]:
    """The client as its users set it up."""
    async with Mistral(api_key=bench.key, server_url=bench.url) as client:
        yield client


async def keep_reasons(opening: Any, reasons: list[Any]) -> None:
    """Read a stream and keep what each event says of its end, also when the stream breaks."""
    async for event in await opening:
        reasons += [choice.finish_reason for choice in event.data.choices]


@cells(FIM, "text")
async def test_a_completion_arrives_whole(bench: Bench, sdk: Mistral, provider: str) -> None:
    answer = await sdk.fim.complete_async(
        model=bench.model(provider), prompt=asked.QUESTION, max_tokens=AT_MOST
    )
    (choice,) = answer.choices
    assert choice.message is not None
    assert (choice.message.content, choice.finish_reason) == (asked.SAID, "stop")
    (call,) = await bench.calls(provider, 1)
    counted = (answer.usage.prompt_tokens, answer.usage.completion_tokens)
    assert counted == (call.seen.input_tokens, call.seen.output_tokens)


@cells(FIM, "streaming")
async def test_a_streamed_completion_arrives_whole(
    bench: Bench, sdk: Mistral, provider: str
) -> None:
    stream = await sdk.fim.stream_async(
        model=bench.model(provider), prompt=asked.QUESTION, max_tokens=AT_MOST
    )
    events = [event.data async for event in stream]
    choices = [choice for event in events for choice in event.choices]
    pieces = [str(choice.delta.content) for choice in choices if choice.delta.content]
    assert len(pieces) > 1
    assert "".join(pieces) == asked.SAID
    reasons = [choice.finish_reason for choice in choices]
    assert reasons == [None] * (len(reasons) - 1) + ["stop"]
    (call,) = await bench.calls(provider, 1)
    usage: Any = events[-1].usage
    counted = (usage.prompt_tokens, usage.completion_tokens)
    assert counted == (call.seen.input_tokens, call.seen.output_tokens)


@cells(FIM, "suffix")
@pytest.mark.parametrize("streamed", [False, True])
async def test_a_gap_is_filled(bench: Bench, sdk: Mistral, provider: str, streamed: bool) -> None:
    fields: Any = {
        "model": bench.model(provider),
        "prompt": asked.BEFORE_GAP,
        "max_tokens": AT_MOST,
    }
    await sdk.fim.complete_async(**fields)
    fields["suffix"] = asked.AFTER_GAP
    if streamed:
        events = await sdk.fim.stream_async(**fields)
        choices = [choice async for event in events for choice in event.data.choices]
        assert [choice.delta.content for choice in choices if choice.delta.content]
    else:
        answer: Any = await sdk.fim.complete_async(**fields)
        assert answer.choices[0].message.content
    without, having = await bench.calls(provider, 2)
    assert having.seen.input_tokens - without.seen.input_tokens == asked.AFTER_GAP_TOKENS


@cells(FIM, "errors")
async def test_failures_of_completions_are_the_sdks_own_exceptions(
    bench: Bench, sdk: Mistral, provider: str
) -> None:
    fields: Any = {"model": bench.model(provider), "prompt": asked.QUESTION, "max_tokens": AT_MOST}
    for fault, status in (("status_429", 429), ("status_400", 400)):
        bench.fail(fault)
        for work in (sdk.fim.complete_async, sdk.fim.stream_async):
            with pytest.raises(SDKError) as refused:
                await work(**fields)
            assert (fault, refused.value.status_code) == (fault, status)
        bench.heal()
    bench.fail("error_in_stream;after=8")
    reasons: list[Any] = []
    with pytest.raises(ResponseValidationError) as broken:
        await keep_reasons(sdk.fim.stream_async(**fields), reasons)
    assert set(reasons) == {None}
    assert '"error"' in broken.value.body or '"message"' in broken.value.body
    await bench.failures(provider)


async def test_a_model_for_chats_cannot_fill_a_gap(bench: Bench, sdk: Mistral) -> None:
    with pytest.raises(SDKError) as refused:
        await sdk.fim.complete_async(
            model=bench.model("anthropic_messages"), prompt="a", suffix="b"
        )
    assert refused.value.status_code == 400
    assert "completing or filling in text" in refused.value.body


@cells(EMBED, "one")
async def test_a_text_becomes_a_vector(bench: Bench, sdk: Mistral, provider: str) -> None:
    model = bench.model(provider, "sim-embed")
    answer = await sdk.embeddings.create_async(model=model, inputs=TEXTS[0])
    assert [row.embedding for row in answer.data] == expected_vectors(TEXTS[:1])
    (call,) = await bench.calls(provider, 1)
    assert answer.usage.prompt_tokens == call.seen.input_tokens


@cells(EMBED, "several")
async def test_texts_become_vectors_in_their_order(
    bench: Bench, sdk: Mistral, provider: str
) -> None:
    model = bench.model(provider, "sim-embed")
    answer = await sdk.embeddings.create_async(model=model, inputs=TEXTS)
    assert [row.embedding for row in answer.data] == expected_vectors(TEXTS)
    assert [row.index for row in answer.data] == [0, 1, 2]
    (call,) = await bench.calls(provider, 1)
    assert answer.usage.prompt_tokens == call.seen.input_tokens


@cells(EMBED, "errors")
async def test_failures_of_embeddings_are_the_sdks_own_exceptions(
    bench: Bench, sdk: Mistral, provider: str
) -> None:
    for fault, status in (("status_429", 429), ("status_400", 400)):
        bench.fail(fault)
        with pytest.raises(SDKError) as refused:
            await sdk.embeddings.create_async(
                model=bench.model(provider, "sim-embed"), inputs=TEXTS
            )
        bench.heal()
        assert (fault, refused.value.status_code) == (fault, status)
    await bench.failures(provider)
