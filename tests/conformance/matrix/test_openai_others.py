"""OpenAI's SDK, completions and embeddings, before the provider wires that can answer them."""

from collections.abc import AsyncIterator
from typing import Any

import openai
import pytest
import pytest_asyncio
from openai import AsyncOpenAI
from tests.conformance.matrix import asked
from tests.conformance.matrix.bench import Bench, Call
from tests.conformance.matrix.cells import cells
from tests.conformance.matrix.streams import until_it_breaks
from tests.conformance.matrix.vectors import TEXTS, expected_vectors

COMPLETIONS = "openai completions"
EMBEDDINGS = "openai embeddings"
MOST_TOKENS = 100
VECTORS = "sim-embed"


@pytest_asyncio.fixture
async def sdk(bench: Bench) -> AsyncIterator[AsyncOpenAI]:
    """The client as its users set it up."""
    async with AsyncOpenAI(base_url=f"{bench.url}/v1", api_key=bench.key, max_retries=0) as client:
        yield client


def check_usage(usage: Any, call: Call) -> None:
    assert (usage.prompt_tokens, usage.completion_tokens, usage.total_tokens) == (
        call.seen.input_tokens,
        call.seen.output_tokens,
        call.seen.input_tokens + call.seen.output_tokens,
    )


@cells(COMPLETIONS, "text")
async def test_a_completion_arrives_whole(bench: Bench, sdk: AsyncOpenAI, provider: str) -> None:
    answer = await sdk.completions.create(
        model=bench.model(provider), prompt=asked.QUESTION, max_tokens=MOST_TOKENS
    )
    (choice,) = answer.choices
    assert (choice.text, choice.finish_reason) == (asked.SAID, "stop")
    (call,) = await bench.calls(provider, 1)
    check_usage(answer.usage, call)


@cells(COMPLETIONS, "streaming")
async def test_a_streamed_completion_arrives_whole(
    bench: Bench, sdk: AsyncOpenAI, provider: str
) -> None:
    stream = await sdk.completions.create(
        model=bench.model(provider),
        prompt=asked.QUESTION,
        max_tokens=MOST_TOKENS,
        stream=True,
        stream_options={"include_usage": True},
    )
    chunks = [chunk async for chunk in stream]
    choices = [choice for chunk in chunks for choice in chunk.choices]
    assert len([choice for choice in choices if choice.text]) > 1
    assert "".join(choice.text for choice in choices) == asked.SAID
    # The SDK's type says that there always is a reason; the wire says null until the end.
    reasons: list[Any] = [choice.finish_reason for choice in choices]
    assert [reason for reason in reasons if reason] == ["stop"]
    (call,) = await bench.calls(provider, 1)
    check_usage(chunks[-1].usage, call)


@cells(COMPLETIONS, "suffix")
async def test_a_gap_is_filled(bench: Bench, sdk: AsyncOpenAI, provider: str) -> None:
    model = bench.model(provider)
    await sdk.completions.create(model=model, prompt=asked.BEFORE_GAP)
    answer = await sdk.completions.create(
        model=model, prompt=asked.BEFORE_GAP, suffix=asked.AFTER_GAP
    )
    assert answer.choices[0].text
    without, having = await bench.calls(provider, 2)
    assert having.seen.input_tokens - without.seen.input_tokens == asked.AFTER_GAP_TOKENS


@cells(COMPLETIONS, "errors")
async def test_failures_of_completions_are_the_sdks_own_exceptions(
    bench: Bench, sdk: AsyncOpenAI, provider: str
) -> None:
    fields: Any = {
        "model": bench.model(provider),
        "prompt": asked.QUESTION,
        "max_tokens": MOST_TOKENS,
    }
    bench.fail("status_429")
    with pytest.raises(openai.RateLimitError):
        await sdk.completions.create(**fields)
    bench.heal()
    bench.fail("status_400")
    with pytest.raises(openai.BadRequestError):
        await sdk.completions.create(**fields)
    bench.heal()
    bench.fail(asked.broken_stream(provider))
    stream = await sdk.completions.create(stream=True, **fields)
    chunks, broken = await until_it_breaks(stream, openai.APIError)
    assert {choice.finish_reason for chunk in chunks for choice in chunk.choices} == {None}
    assert broken.message
    await bench.failures(provider)


@cells(EMBEDDINGS, "one")
async def test_a_text_becomes_a_vector(bench: Bench, sdk: AsyncOpenAI, provider: str) -> None:
    # The SDK asks for base64 by itself and unpacks it.
    answer = await sdk.embeddings.create(model=bench.model(provider, VECTORS), input=TEXTS[0])
    assert [found.embedding for found in answer.data] == expected_vectors(TEXTS[:1])
    (call,) = await bench.calls(provider, 1)
    assert answer.usage.prompt_tokens == answer.usage.total_tokens == call.seen.input_tokens


@cells(EMBEDDINGS, "several")
@pytest.mark.parametrize("encoding", ["float", "base64"])
async def test_texts_become_vectors_in_their_order(
    bench: Bench, sdk: AsyncOpenAI, provider: str, encoding: str
) -> None:
    packing: Any = {"encoding_format": encoding} if encoding == "float" else {}
    answer = await sdk.embeddings.create(
        model=bench.model(provider, VECTORS), input=TEXTS, **packing
    )
    assert [found.embedding for found in answer.data] == expected_vectors(TEXTS)
    assert [found.index for found in answer.data] == list(range(len(TEXTS)))
    (call,) = await bench.calls(provider, 1)
    assert answer.usage.prompt_tokens == call.seen.input_tokens


@cells(EMBEDDINGS, "errors")
async def test_failures_of_embeddings_are_the_sdks_own_exceptions(
    bench: Bench, sdk: AsyncOpenAI, provider: str
) -> None:
    fields: Any = {"model": bench.model(provider, VECTORS), "input": TEXTS}
    for fault, failure in (
        ("status_429", openai.RateLimitError),
        ("status_400", openai.BadRequestError),
        ("not_json", openai.InternalServerError),
    ):
        bench.fail(fault)
        with pytest.raises(failure) as refused:
            await sdk.embeddings.create(**fields)
        bench.heal()
        assert refused.value.message
    await bench.failures(provider)
