"""Anthropic's own SDK works with nothing changed but its base URL and its key."""

from typing import Any, cast

import anthropic
import pytest
from pydantic import BaseModel
from tests.conformance.conftest import KINDS, anthropic_client
from tests.conformance.sdk import Sdk
from tests.product.books import disagreements
from tests.product.running import Product

from trunkline.simulator.rules import RuleRequest

MODEL = "claude-haiku-4-5"
ASKED: list[Any] = [{"role": "user", "content": "Why do gateways exist?"}]
WEATHER: Any = {
    "name": "get_weather",
    "description": "The weather in a city.",
    "input_schema": {
        "type": "object",
        "properties": {"city": {"type": "string"}, "days": {"type": "integer", "maximum": 5}},
        "required": ["city"],
    },
}
PIXEL = (
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJg"
    "gg=="
)


class Place(BaseModel):
    """What a structured answer is parsed into."""

    city: str
    country: str


def asked(**fields: Any) -> dict[str, Any]:
    return {"model": MODEL, "messages": ASKED, "max_tokens": 500, **fields}


def message(**fields: Any) -> Any:
    """A call of the client's messages."""
    return lambda client: client.messages.create(**asked(**fields))


def streamed(**fields: Any) -> Any:
    """The SDK's own stream manager."""
    return lambda client: client.messages.stream(**asked(**fields))


async def directly(served: Product, work: Any) -> Any:
    """The provider's own answer to the same call, without a gateway."""
    async with anthropic.AsyncAnthropic(
        base_url=served.simulator.base_url, api_key="key", max_retries=0
    ) as client:
        return await work(client)


def comparable(answer: Any) -> dict[str, Any]:
    return cast("dict[str, Any]", answer.model_dump())


async def test_an_answer_is_the_providers_own(served: Product, anthropic_sdk: Sdk) -> None:
    answer = await anthropic_sdk.do(message())
    assert comparable(answer) == comparable(await directly(served, message()))
    (row,) = await served.rows()
    assert disagreements([row], served.simulator.ledger[:1]) == []
    assert (row["input"], row["output"]) == (
        answer.usage.input_tokens,
        answer.usage.output_tokens,
    )


async def test_a_stream_carries_the_same_message(served: Product, anthropic_sdk: Sdk) -> None:
    whole = await anthropic_sdk.do(message())
    same = await anthropic_sdk.inside(streamed(), "get_final_message")
    events = await anthropic_sdk.collect(message(stream=True))
    assert [block.text for block in same.content] == [block.text for block in whole.content]
    assert same.usage.output_tokens == whole.usage.output_tokens
    kinds = [event.type for event in events]
    assert (kinds[0], kinds[-1]) == ("message_start", "message_stop")
    rows = await served.rows()
    assert disagreements(rows, served.simulator.ledger) == []
    assert [row["cost_state"] for row in rows] == ["exact"] * 3


@pytest.mark.parametrize("stream", [False, True])
async def test_tools_are_called_and_answered_in_a_second_turn(
    served: Product, anthropic_sdk: Sdk, stream: bool
) -> None:
    question: list[Any] = [{"role": "user", "content": "The weather in Paris and Boston?"}]
    fields: dict[str, Any] = {"tools": [WEATHER]}
    if stream:
        work = streamed(messages=question, **fields)
        answer = await anthropic_sdk.inside(work, "get_final_message")
    else:
        answer = await anthropic_sdk.do(message(messages=question, **fields))
    assert answer.stop_reason == "tool_use"
    assert [block.type for block in answer.content] == ["text", "tool_use", "tool_use"]
    question.append({"role": "assistant", "content": answer.content})
    results = [
        {"type": "tool_result", "tool_use_id": block.id, "content": "17"}
        for block in answer.content[1:]
    ]
    question.append({"role": "user", "content": results})
    final = await anthropic_sdk.do(message(messages=question, **fields))
    assert (final.stop_reason, len(final.content)) == ("end_turn", 1)
    assert disagreements(await served.rows(), served.simulator.ledger) == []


@pytest.mark.parametrize("stream", [False, True])
async def test_thinking_comes_with_its_signature(
    served: Product, anthropic_sdk: Sdk, stream: bool
) -> None:
    fields: dict[str, Any] = {
        "max_tokens": 2000,
        "thinking": {"type": "enabled", "budget_tokens": 1024},
    }
    if stream:
        answer = await anthropic_sdk.inside(streamed(**fields), "get_final_message")
    else:
        answer = await anthropic_sdk.do(message(**fields))
    assert [block.type for block in answer.content] == ["thinking", "text"]
    assert len(answer.content[0].signature) == 128
    (row,) = await served.rows()
    assert row["reasoning"] == answer.usage.output_tokens_details.thinking_tokens > 0
    assert disagreements([row], served.simulator.ledger) == []


async def test_structured_answers_are_parsed_by_the_sdk(anthropic_sdk: Sdk) -> None:
    fields = asked(output_format=Place)
    parsed = await anthropic_sdk.do(lambda client: client.messages.parse(**fields))
    assert isinstance(parsed.parsed_output, Place)


async def test_images_caches_and_betas_reach_the_provider(
    served: Product, anthropic_sdk: Sdk
) -> None:
    image = {"type": "base64", "media_type": "image/png", "data": PIXEL}
    content = [{"type": "text", "text": "What is it?"}, {"type": "image", "source": image}]
    seen = await anthropic_sdk.do(
        message(
            messages=[{"role": "user", "content": content}],
            extra_headers={"anthropic-beta": "never-heard-of-2030-01-01"},
        )
    )
    # The simulator's tokens of an image.
    assert seen.usage.input_tokens > 1600
    assert served.simulator.ledger[-1].headers["anthropic-beta"] == "never-heard-of-2030-01-01"
    system = [
        {
            "type": "text",
            "text": "word " * 4200,
            "cache_control": {"type": "ephemeral", "ttl": "1h"},
        }
    ]
    written = await anthropic_sdk.do(message(system=system))
    read = await anthropic_sdk.do(message(system=system))
    assert written.usage.cache_creation.ephemeral_1h_input_tokens == 4201
    assert read.usage.cache_read_input_tokens == 4201
    rows = await served.rows()
    assert [(row["cache_write_1h"], row["cache_read"]) for row in rows] == [
        (0, 0),
        (4201, 0),
        (0, 4201),
    ]
    assert disagreements(rows, served.simulator.ledger) == []


async def test_counting_is_free_and_agrees_with_the_answer(
    served: Product, anthropic_sdk: Sdk
) -> None:
    counted = await anthropic_sdk.do(
        lambda client: client.messages.count_tokens(model=MODEL, messages=ASKED, tools=[WEATHER])
    )
    answer = await anthropic_sdk.do(message(tools=[WEATHER]))
    assert counted.input_tokens == answer.usage.input_tokens
    rows = await served.rows()
    assert [row["operation"] for row in rows] == ["count_tokens", "chat"]
    assert (rows[0]["cost_state"], rows[0]["cost_nano"]) == ("exact", 0)


async def test_headers_tell_cost_attempts_model_and_ids(
    served: Product, anthropic_sdk: Sdk
) -> None:
    raw = await anthropic_sdk.do(
        lambda client: client.messages.with_raw_response.create(
            **asked(), extra_headers={"x-request-id": "mine-1"}
        )
    )
    answer = await anthropic_sdk.do(lambda _: raw.parse())
    (row,) = await served.rows()
    assert raw.headers["request-id"] == answer._request_id == "mine-1"
    assert raw.headers["x-trunkline-generation-id"] == row["request_id"]
    assert raw.headers["x-trunkline-attempts"] == "1"
    assert raw.headers["x-trunkline-model"] == f"anthropic/{MODEL}"
    assert int(float(raw.headers["x-trunkline-cost"]) * 1e9 + 0.5) == row["cost_nano"]


@pytest.mark.parametrize("path", ["", "/anthropic"])
async def test_both_base_urls_serve_messages_counts_and_models(served: Product, path: str) -> None:
    sdk = anthropic_client(served, "async", path=path)
    assert (await sdk.do(message())).stop_reason == "end_turn"
    assert (
        await sdk.do(lambda c: c.messages.count_tokens(model=MODEL, messages=ASKED))
    ).input_tokens
    listed = [model.id for model in await sdk.collect(lambda client: client.models.list())]
    assert {MODEL, "claude-sonnet-4-5"} <= set(listed)
    shown = await sdk.do(lambda client: client.models.retrieve(MODEL))
    assert (shown.id, shown.type) == (MODEL, "model")
    with pytest.raises(anthropic.NotFoundError):
        await sdk.do(lambda client: client.models.retrieve("claude-none"))
    await sdk.close()


REFUSALS: tuple[tuple[str, dict[str, Any], type[anthropic.APIStatusError], str], ...] = (
    ("acme-app", {"messages": []}, anthropic.BadRequestError, "missing_messages"),
    ("acme-app", {"max_tokens": 0}, anthropic.BadRequestError, "missing_max_tokens"),
    ("tl_unknown", {}, anthropic.AuthenticationError, "invalid_api_key"),
    ("acme-reader", {}, anthropic.PermissionDeniedError, "scope_missing"),
    ("acme-narrow", {"model": "claude-sim-fast"}, anthropic.PermissionDeniedError,
     "model_not_allowed"),
    ("acme-app", {"model": "claude-haiku-4-6"}, anthropic.NotFoundError, "model_not_found"),
    ("poor-app", {}, anthropic.APIStatusError, "budget_exhausted"),
)  # fmt: skip


@pytest.mark.parametrize("kind", KINDS)
async def test_our_refusals_are_the_sdks_own_errors_and_cost_nothing(
    served: Product, kind: str
) -> None:
    for key, fields, error, code in REFUSALS:
        sdk = anthropic_client(served, kind, key=key)
        for stream in (False, True):
            with pytest.raises(error) as caught:
                await sdk.do(message(stream=stream, **fields))
            body: Any = caught.value.body
            assert (body["type"], body["error"]["code"]) == ("error", code)
            assert body["request_id"] == caught.value.request_id
            assert caught.value.response.headers["x-should-retry"] == "false"
        if code == "budget_exhausted":
            assert (caught.value.status_code, body["error"]["type"]) == (402, "billing_error")
        if code == "model_not_found":
            assert f"'{MODEL}'" in body["error"]["message"]
        await sdk.close()
    assert served.simulator.ledger == []
    assert await served.rows() == []


FAILURES: tuple[tuple[str, type[anthropic.APIStatusError], int], ...] = (
    ("status_400", anthropic.BadRequestError, 400),
    ("status_401", anthropic.InternalServerError, 502),
    ("status_403", anthropic.InternalServerError, 502),
    ("status_404", anthropic.NotFoundError, 404),
    ("status_429", anthropic.RateLimitError, 429),
    ("status_500", anthropic.InternalServerError, 500),
    # A spent limit of our account is none of the caller's business.
    ("insufficient_quota", anthropic.InternalServerError, 503),
    ("status_529", anthropic.InternalServerError, 529),
    ("reset", anthropic.InternalServerError, 502),
    ("not_json", anthropic.InternalServerError, 502),
)


async def test_failures_of_the_provider_are_the_sdks_own_errors(
    served: Product, anthropic_sdk: Sdk
) -> None:
    for fault, error, status in FAILURES:
        for stream in (False, True):
            headers = {"x-simulator-fault": fault}
            with pytest.raises(error) as caught:
                await anthropic_sdk.do(message(stream=stream, extra_headers=headers))
            assert (fault, caught.value.status_code) == (fault, status)
    rows = await served.rows()
    assert len({row["request_id"] for row in rows}) == 2 * len(FAILURES)
    assert disagreements(rows, served.simulator.ledger) == []


async def test_a_stream_that_breaks_raises_and_never_just_ends(
    served: Product, anthropic_sdk: Sdk
) -> None:
    for fault in ("error_in_stream", "cut_after_events", "missing_end", "malformed_chunk"):
        # The first events of this wire are held back, so a later break is in the stream.
        wanted = fault if fault == "missing_end" else f"{fault};after=6"
        work = streamed(extra_headers={"x-simulator-fault": wanted})
        with pytest.raises(anthropic.APIError) as caught:
            await anthropic_sdk.inside(work, "get_final_message")
        assert not isinstance(caught.value, anthropic.APIConnectionError), fault
    assert disagreements(await served.rows(), served.simulator.ledger) == []


@pytest.mark.parametrize("kind", KINDS)
async def test_the_sdk_repeats_what_may_succeed_and_nothing_else(
    served: Product, kind: str
) -> None:
    patient = anthropic_client(served, kind, max_retries=2)
    served.simulator.faults.add(RuleRequest("overloaded;retry_after=0", count=1))
    assert (await patient.do(message())).stop_reason == "end_turn"
    await patient.close()
    rows = await served.rows()
    assert [row["ending"] for row in rows] == ["refused", "completed"]
    assert disagreements(rows, served.simulator.ledger) == []
    spent = anthropic_client(served, kind, key="spent-app", max_retries=2)
    await spent.do(message())
    with pytest.raises(anthropic.RateLimitError) as caught:
        await spent.do(message())
    assert caught.value.response.headers["x-should-retry"] == "false"
    assert "Buy more." in str(caught.value)
    await spent.close()
    refused = [line for line in (await served.log_text()).splitlines() if '"status":429' in line]
    assert len(refused) == 1
