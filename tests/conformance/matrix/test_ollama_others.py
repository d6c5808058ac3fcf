"""Ollama's SDK, generate and embed, before every provider wire that can answer them."""

from collections.abc import AsyncIterator
from typing import Any

import ollama
import pytest
import pytest_asyncio
from tests.conformance.matrix import asked
from tests.conformance.matrix.bench import Bench
from tests.conformance.matrix.cells import cells
from tests.conformance.matrix.vectors import TEXTS, expected_vectors

GENERATE = "ollama generate"
EMBED = "ollama embed"
# OpenAI's completions end after sixteen tokens where nothing else is said.
AT_MOST = {"num_predict": 60}


@pytest_asyncio.fixture
async def sdk(bench: Bench) -> AsyncIterator[ollama.AsyncClient]:
    """The client as its users set it up for a server that wants a key."""
    headers = {"Authorization": f"Bearer {bench.key}"}
    async with ollama.AsyncClient(host=bench.url, headers=headers) as client:
        yield client


async def keep_lines(opening: Any, lines: list[Any]) -> None:
    """Read a stream and keep its lines, also when it breaks."""
    async for line in await opening:
        lines.append(line)  # noqa: PERF401 - what came before the error counts


@cells(GENERATE, "text")
async def test_a_completion_arrives_whole(
    bench: Bench, sdk: ollama.AsyncClient, provider: str
) -> None:
    answer = await sdk.generate(model=bench.model(provider), prompt=asked.QUESTION, options=AT_MOST)
    assert (answer.response, answer.done, answer.done_reason) == (asked.SAID, True, "stop")
    (call,) = await bench.calls(provider, 1)
    counted = (answer.prompt_eval_count, answer.eval_count)
    assert counted == (call.seen.input_tokens, call.seen.output_tokens)


@cells(GENERATE, "streaming")
async def test_a_streamed_completion_arrives_whole(
    bench: Bench, sdk: ollama.AsyncClient, provider: str
) -> None:
    stream = await sdk.generate(
        model=bench.model(provider), prompt=asked.QUESTION, options=AT_MOST, stream=True
    )
    lines = [line async for line in stream]
    assert "".join(line.response or "" for line in lines) == asked.SAID
    assert len([line for line in lines if line.response]) > 1
    assert [line.done for line in lines] == [False] * (len(lines) - 1) + [True]
    assert lines[-1].done_reason == "stop"
    (call,) = await bench.calls(provider, 1)
    counted = (lines[-1].prompt_eval_count, lines[-1].eval_count)
    assert counted == (call.seen.input_tokens, call.seen.output_tokens)


@cells(GENERATE, "suffix")
async def test_a_gap_is_filled(bench: Bench, sdk: ollama.AsyncClient, provider: str) -> None:
    model = bench.model(provider)
    await sdk.generate(model=model, prompt=asked.BEFORE_GAP)
    answer = await sdk.generate(model=model, prompt=asked.BEFORE_GAP, suffix=asked.AFTER_GAP)
    assert answer.response
    without, having = await bench.calls(provider, 2)
    assert having.seen.input_tokens - without.seen.input_tokens == asked.AFTER_GAP_TOKENS


@cells(GENERATE, "errors")
async def test_failures_of_completions_are_the_sdks_own_exceptions(
    bench: Bench, sdk: ollama.AsyncClient, provider: str
) -> None:
    fields: Any = {"model": bench.model(provider), "prompt": asked.QUESTION}
    for fault, status in (("status_429", 429), ("status_400", 400)):
        bench.fail(fault)
        with pytest.raises(ollama.ResponseError) as refused:
            await sdk.generate(**fields)
        bench.heal()
        assert (fault, refused.value.status_code) == (fault, status)
    bench.fail("error_in_stream;after=8")
    lines: list[Any] = []
    with pytest.raises(ollama.ResponseError):
        await keep_lines(sdk.generate(stream=True, **fields), lines)
    assert {line.done for line in lines} == {False}
    await bench.failures(provider)


@cells(EMBED, "one")
async def test_a_text_becomes_a_vector(
    bench: Bench, sdk: ollama.AsyncClient, provider: str
) -> None:
    answer = await sdk.embed(model=bench.model(provider, "sim-embed"), input=TEXTS[0])
    assert answer.embeddings == expected_vectors(TEXTS[:1])
    (call,) = await bench.calls(provider, 1)
    assert answer.prompt_eval_count == call.seen.input_tokens


@cells(EMBED, "several")
async def test_texts_become_vectors_in_their_order(
    bench: Bench, sdk: ollama.AsyncClient, provider: str
) -> None:
    answer = await sdk.embed(model=bench.model(provider, "sim-embed"), input=TEXTS)
    assert answer.embeddings == expected_vectors(TEXTS)
    (call,) = await bench.calls(provider, 1)
    assert answer.prompt_eval_count == call.seen.input_tokens


@cells(EMBED, "errors")
async def test_failures_of_embeddings_are_the_sdks_own_exceptions(
    bench: Bench, sdk: ollama.AsyncClient, provider: str
) -> None:
    for fault, status in (("status_429", 429), ("status_400", 400), ("not_json", 502)):
        bench.fail(fault)
        with pytest.raises(ollama.ResponseError) as refused:
            await sdk.embed(model=bench.model(provider, "sim-embed"), input=TEXTS)
        bench.heal()
        assert (fault, refused.value.status_code) == (fault, status)
    await bench.failures(provider)
