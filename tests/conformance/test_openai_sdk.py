"""OpenAI's own SDK works with nothing changed but its base URL and its key."""

import json
from typing import Any, cast

import openai
import pytest
from pydantic import BaseModel
from tests.conformance.conftest import KINDS, openai_client
from tests.conformance.sdk import Sdk
from tests.product.books import disagreements
from tests.product.running import Product

from trunkline.simulator.rules import RuleRequest

ASKED: list[Any] = [{"role": "user", "content": "Why do gateways exist?"}]
WEATHER: Any = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "parameters": {
            "type": "object",
            "properties": {"city": {"type": "string"}, "unit": {"enum": ["celsius", "kelvin"]}},
            "required": ["city", "unit"],
            "additionalProperties": False,
        },
        "strict": True,
    },
}
PIXEL = "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M8A"


class Place(BaseModel):
    """What a structured answer is parsed into."""

    city: str
    country: str


def chat(**fields: Any) -> Any:
    """A call of the client's chat completions."""
    asked = {"model": "sim-fast", "messages": ASKED, **fields}
    return lambda client: client.chat.completions.create(**asked)


async def directly(served: Product, work: Any) -> Any:
    """The provider's own answer to the same call, without a gateway."""
    async with openai.AsyncOpenAI(
        base_url=f"{served.simulator.base_url}/v1", api_key="key", max_retries=0
    ) as client:
        return await work(client)


def text_of(chunks: list[Any]) -> str:
    return "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)


def comparable(answer: Any) -> dict[str, Any]:
    """An answer without the moment at which it was made."""
    return cast("dict[str, Any]", answer.model_dump(exclude={"created"}))


async def test_an_answer_is_the_providers_own(served: Product, openai_sdk: Sdk) -> None:
    answer = await openai_sdk.do(chat())
    assert comparable(answer) == comparable(await directly(served, chat()))
    (row,) = await served.rows()
    assert disagreements([row], served.simulator.ledger[:1]) == []
    assert row["input"] == answer.usage.prompt_tokens
    assert row["output"] == answer.usage.completion_tokens


async def test_a_stream_carries_the_same_text_and_usage_only_where_it_was_asked_for(
    served: Product, openai_sdk: Sdk
) -> None:
    whole = await openai_sdk.do(chat())
    plain = await openai_sdk.collect(chat(stream=True))
    told = await openai_sdk.collect(chat(stream=True, stream_options={"include_usage": True}))
    assert text_of(plain) == text_of(told) == whole.choices[0].message.content
    assert [chunk.usage for chunk in plain] == [None] * len(plain)
    assert (len(told), told[-1].usage, told[-1].choices) == (len(plain) + 1, whole.usage, [])
    rows = await served.rows()
    assert disagreements(rows, served.simulator.ledger) == []
    # What the caller did not ask for is still metered.
    assert [row["cost_state"] for row in rows] == ["exact"] * 3
    assert len({row["cost_nano"] for row in rows}) == 1


@pytest.mark.parametrize("stream", [False, True])
async def test_tools_are_called_and_answered_in_a_second_turn(
    served: Product, openai_sdk: Sdk, stream: bool
) -> None:
    question: list[Any] = [{"role": "user", "content": "The weather in Paris and Boston?"}]
    fields: dict[str, Any] = {"model": "sim-fast", "tools": [WEATHER]}
    if stream:
        answer = await openai_sdk.inside(
            lambda client: client.chat.completions.stream(messages=question, **fields),
            "get_final_completion",
        )
    else:
        answer = await openai_sdk.do(chat(messages=question, **fields))
    message = answer.choices[0].message
    assert (answer.choices[0].finish_reason, len(message.tool_calls)) == ("tool_calls", 2)
    assert [set(json.loads(call.function.arguments)) for call in message.tool_calls] == [
        {"city", "unit"}
    ] * 2
    question.append(message.model_dump(exclude_none=True, exclude={"parsed", "refusal"}))
    question += [
        {"role": "tool", "tool_call_id": call.id, "content": "17"} for call in message.tool_calls
    ]
    final = await openai_sdk.do(chat(messages=question, **fields))
    assert (final.choices[0].finish_reason, final.choices[0].message.tool_calls) == ("stop", None)
    assert disagreements(await served.rows(), served.simulator.ledger) == []


async def test_structured_answers_are_parsed_by_the_sdk(openai_sdk: Sdk) -> None:
    parsed = await openai_sdk.do(
        lambda client: client.chat.completions.parse(
            model="sim-fast", messages=ASKED, response_format=Place
        )
    )
    assert isinstance(parsed.choices[0].message.parsed, Place)
    streamed = await openai_sdk.inside(
        lambda client: client.chat.completions.stream(
            model="sim-fast", messages=ASKED, response_format=Place
        ),
        "get_final_completion",
    )
    assert streamed.choices[0].message.parsed == parsed.choices[0].message.parsed


async def test_images_and_reasoning_reach_the_provider(served: Product, openai_sdk: Sdk) -> None:
    content = [
        {"type": "text", "text": "What is it?"},
        {"type": "image_url", "image_url": {"url": PIXEL}},
    ]
    seen = await openai_sdk.do(chat(messages=[{"role": "user", "content": content}]))
    thought = await openai_sdk.do(chat(model="sim-think", reasoning_effort="low"))
    # The simulator's tokens of an image of high detail, and of little effort.
    assert seen.usage.prompt_tokens > 765
    assert thought.usage.completion_tokens_details.reasoning_tokens == 64
    rows = await served.rows()
    assert disagreements(rows, served.simulator.ledger) == []
    assert [row["reasoning"] for row in rows] == [0, 64]


async def test_several_choices_and_unknown_members_pass(openai_sdk: Sdk) -> None:
    answer = await openai_sdk.do(chat(n=3, extra_body={"never_heard_of": {"deep": [1, None]}}))
    assert len({choice.message.content for choice in answer.choices}) == 3


async def test_headers_tell_cost_attempts_model_and_ids(served: Product, openai_sdk: Sdk) -> None:
    raw = await openai_sdk.do(
        lambda client: client.chat.completions.with_raw_response.create(
            model="sim-fast", messages=ASKED, extra_headers={"x-request-id": "mine-1"}
        )
    )
    answer = raw.parse()
    (row,) = await served.rows()
    assert raw.headers["x-request-id"] == answer._request_id == "mine-1"
    assert raw.headers["x-trunkline-generation-id"] == row["request_id"]
    assert raw.headers["x-trunkline-attempts"] == "1"
    assert raw.headers["x-trunkline-model"] == "openai/sim-fast"
    assert int(float(raw.headers["x-trunkline-cost"]) * 1e9 + 0.5) == row["cost_nano"]
    assert float(raw.headers["x-trunkline-overhead-ms"]) < 1000


async def test_models_are_listed_and_shown(openai_sdk: Sdk) -> None:
    listed = [model.id for model in await openai_sdk.collect(lambda c: c.models.list())]
    assert {"sim-fast", "gpt-4o", "claude-haiku-4-5"} <= set(listed)
    shown = await openai_sdk.do(lambda client: client.models.retrieve("gpt-4o"))
    assert (shown.id, shown.object) == ("gpt-4o", "model")
    with pytest.raises(openai.NotFoundError):
        await openai_sdk.do(lambda client: client.models.retrieve("gpt-none"))


REFUSALS: tuple[tuple[str, dict[str, Any], type[openai.APIStatusError], str], ...] = (
    ("acme-app", {"messages": []}, openai.BadRequestError, "missing_messages"),
    ("acme-app", {"max_tokens": "many"}, openai.BadRequestError, "invalid_type"),
    ("tl_unknown", {}, openai.AuthenticationError, "invalid_api_key"),
    ("acme-reader", {}, openai.PermissionDeniedError, "scope_missing"),
    ("acme-narrow", {}, openai.PermissionDeniedError, "model_not_allowed"),
    ("acme-app", {"model": "gpt-4o-mni"}, openai.NotFoundError, "model_not_found"),
    ("poor-app", {"max_tokens": 500}, openai.APIStatusError, "insufficient_quota"),
)


@pytest.mark.parametrize("kind", KINDS)
async def test_our_refusals_are_the_sdks_own_errors_and_cost_nothing(
    served: Product, kind: str
) -> None:
    for key, fields, error, code in REFUSALS:
        sdk = openai_client(served, kind, key=key)
        for stream in (False, True):
            with pytest.raises(error) as caught:
                await sdk.do(chat(stream=stream, **fields))
            assert caught.value.code == code
            assert caught.value.request_id == caught.value.response.headers["x-request-id"]
            assert caught.value.response.headers["x-should-retry"] == "false"
        if code == "insufficient_quota":
            assert caught.value.status_code == 402
        if code == "model_not_found":
            assert "'gpt-4o-mini'" in caught.value.message
        await sdk.close()
    assert served.simulator.ledger == []
    assert await served.rows() == []


FAILURES: tuple[tuple[str, type[openai.APIStatusError], int], ...] = (
    ("status_400", openai.BadRequestError, 400),
    ("status_401", openai.InternalServerError, 502),
    ("status_403", openai.InternalServerError, 502),
    ("status_404", openai.NotFoundError, 404),
    ("status_429", openai.RateLimitError, 429),
    ("status_500", openai.InternalServerError, 500),
    ("status_503", openai.InternalServerError, 503),
    ("insufficient_quota", openai.InternalServerError, 503),
    ("reset", openai.InternalServerError, 502),
    ("wrong_content_type", openai.InternalServerError, 502),
)


async def test_failures_of_the_provider_are_the_sdks_own_errors(
    served: Product, openai_sdk: Sdk
) -> None:
    for fault, error, status in FAILURES:
        for stream in (False, True):
            with pytest.raises(error) as caught:
                await openai_sdk.do(chat(stream=stream, extra_headers={"x-simulator-fault": fault}))
            assert (fault, caught.value.status_code) == (fault, status)
    rows = await served.rows()
    assert len({row["request_id"] for row in rows}) == 2 * len(FAILURES)
    assert disagreements(rows, served.simulator.ledger) == []


async def test_a_stream_that_breaks_raises_and_never_just_ends(
    served: Product, openai_sdk: Sdk
) -> None:
    whole = await openai_sdk.do(chat())
    for fault in ("error_in_stream", "cut_after_events", "missing_end", "malformed_chunk"):
        got: list[Any] = []
        with pytest.raises(openai.APIError):
            await openai_sdk.do(broken_stream(fault, got))
        assert (whole.choices[0].message.content or "").startswith(text_of(got))
        assert got, fault
    assert disagreements(await served.rows(), served.simulator.ledger) == []


def broken_stream(fault: str, got: list[Any]) -> Any:
    """Work that keeps each chunk until the stream breaks."""

    def consume(client: Any) -> Any:
        stream = chat(stream=True, extra_headers={"x-simulator-fault": fault})(client)
        if hasattr(stream, "__await__"):
            return _gather(stream, got)
        for chunk in stream:
            got.append(chunk)  # noqa: PERF402 - what came before the error counts
        return None

    return consume


async def _gather(opening: Any, got: list[Any]) -> None:
    async for chunk in await opening:
        got.append(chunk)  # noqa: PERF401 - what came before the error counts


@pytest.mark.parametrize("kind", KINDS)
async def test_the_sdk_repeats_what_may_succeed_and_nothing_else(
    served: Product, kind: str
) -> None:
    patient = openai_client(served, kind, max_retries=2)
    served.simulator.faults.add(RuleRequest("status_503;retry_after=0", count=1))
    answer = await patient.do(chat())
    assert answer.choices[0].finish_reason == "stop"
    rows = await served.rows()
    assert [row["ending"] for row in rows] == ["refused", "completed"]
    assert disagreements(rows, served.simulator.ledger) == []
    await patient.close()
    # A spent quota says that no repeat can help, and the SDK obeys.
    spent = openai_client(served, kind, key="spent-app", max_retries=2)
    await spent.do(chat())
    with pytest.raises(openai.RateLimitError) as caught:
        await spent.do(chat())
    assert caught.value.response.headers["x-should-retry"] == "false"
    assert "Buy more." in caught.value.message
    await spent.close()
    refused = [line for line in (await served.log_text()).splitlines() if '"status":429' in line]
    assert len(refused) == 1


@pytest.mark.parametrize("kind", KINDS)
async def test_a_rate_limit_says_when_there_is_room_again(served: Product, kind: str) -> None:
    sdk = openai_client(served, kind, key="slow-app")
    raw = await sdk.do(
        lambda c: c.chat.completions.with_raw_response.create(model="sim-fast", messages=ASKED)
    )
    assert raw.headers["x-ratelimit-limit-requests"] == "1"
    assert raw.headers["x-ratelimit-remaining-requests"] == "0"
    with pytest.raises(openai.RateLimitError) as caught:
        await sdk.do(chat())
    await sdk.close()
    assert caught.value.code == "rate_limit_exceeded"
    assert 3500 < int(caught.value.response.headers["retry-after"]) <= 3600
