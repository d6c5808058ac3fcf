import asyncio
import json
from typing import Any

import anthropic
import pytest

from trunkline.simulator import Simulator

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


async def test_an_answer_is_text_with_usage_and_the_ledger_knows_it(
    simulator: Simulator, anthropic_client: anthropic.AsyncAnthropic
) -> None:
    answer = await anthropic_client.messages.create(
        model="claude-haiku-4-5", messages=ASKED, max_tokens=3
    )
    assert answer.model == "claude-haiku-4-5-20251001"
    assert (answer.stop_reason, answer.content[0].type) == ("max_tokens", "text")
    # 3 tokens of overhead for the message and 6 of its text.
    assert (answer.usage.input_tokens, answer.usage.output_tokens) == (9, 3)
    assert answer.usage.service_tier == "standard"
    (seen,) = simulator.ledger
    assert (seen.status, seen.complete, seen.reported_usage) == (200, True, True)
    # $1 in and $5 out per million.
    assert (seen.bill_nano, seen.input_only_nano) == (9 * 1000 + 3 * 5000, 9 * 1000)
    assert answer._request_id == seen.request_id


async def test_a_stream_carries_the_same_message(
    anthropic_client: anthropic.AsyncAnthropic,
) -> None:
    whole = await anthropic_client.messages.create(model="sim-fast", messages=ASKED, max_tokens=500)
    async with anthropic_client.messages.stream(
        model="sim-fast", messages=ASKED, max_tokens=500
    ) as stream:
        streamed = await stream.get_final_message()
    texts: list[Any] = [streamed.content[0], whole.content[0]]
    assert texts[0].text == texts[1].text
    assert streamed.usage.output_tokens == whole.usage.output_tokens
    assert (streamed.id, streamed.stop_reason) == (whole.id, "end_turn")


def test_the_synchronous_client_works_as_well() -> None:
    async def run() -> str:
        simulator = Simulator()
        await simulator.start()
        try:
            return await asyncio.to_thread(_speak, simulator.base_url)
        finally:
            await simulator.stop()

    assert asyncio.run(run()) == "hello there"


def _speak(base_url: str) -> str:
    with (
        anthropic.Anthropic(base_url=base_url, api_key="key") as client,
        client.messages.stream(
            model="sim-fast",
            max_tokens=50,
            messages=[{"role": "user", "content": "Say hello there"}],
        ) as stream,
    ):
        return stream.get_final_text()


@pytest.mark.parametrize("stream", [False, True])
async def test_a_model_that_may_call_tools_does_and_then_answers(
    anthropic_client: anthropic.AsyncAnthropic, stream: bool
) -> None:
    question: list[Any] = [{"role": "user", "content": "The weather in Paris and Boston?"}]
    fields: Any = {"model": "sim-fast", "max_tokens": 500, "tools": [WEATHER]}
    if stream:
        async with anthropic_client.messages.stream(messages=question, **fields) as events:
            answer: Any = await events.get_final_message()
    else:
        answer = await anthropic_client.messages.create(messages=question, **fields)
    assert answer.stop_reason == "tool_use"
    assert [block.type for block in answer.content] == ["text", "tool_use", "tool_use"]
    calls = answer.content[1:]
    for call in calls:
        assert set(call.input) == {"city", "days"}
        assert call.input["days"] <= 5
    question += [{"role": "assistant", "content": answer.content}]
    results = [{"type": "tool_result", "tool_use_id": call.id, "content": "17"} for call in calls]
    question += [{"role": "user", "content": results}]
    final = await anthropic_client.messages.create(messages=question, **fields)
    assert (final.stop_reason, len(final.content)) == ("end_turn", 1)


async def test_tool_choice_and_parallel_calls_are_honoured(
    anthropic_client: anthropic.AsyncAnthropic,
) -> None:
    question: Any = [{"role": "user", "content": "The weather in Paris and Boston?"}]
    other: Any = {"name": "get_time", "input_schema": {"type": "object"}}

    async def names(choice: Any) -> list[str]:
        answer = await anthropic_client.messages.create(
            model="sim-fast",
            messages=question,
            tools=[WEATHER, other],
            tool_choice=choice,
            max_tokens=500,
        )
        return [block.name for block in answer.content if block.type == "tool_use"]

    assert await names({"type": "none"}) == []
    assert await names({"type": "any"}) == ["get_weather", "get_time"]
    assert await names({"type": "tool", "name": "get_time"}) == ["get_time", "get_time"]
    assert await names({"type": "auto", "disable_parallel_tool_use": True}) == ["get_weather"]


async def test_a_tool_call_cut_short_keeps_no_half_arguments(
    anthropic_client: anthropic.AsyncAnthropic,
) -> None:
    answer = await anthropic_client.messages.create(
        model="sim-fast",
        messages=ASKED,
        tools=[WEATHER],
        tool_choice={"type": "any"},
        max_tokens=10,
    )
    assert answer.stop_reason == "max_tokens"
    assert answer.usage.output_tokens == 10
    block: Any = answer.content[0]
    assert (block.name, block.input) == ("get_weather", {})


async def test_structured_output_follows_the_schema(
    anthropic_client: anthropic.AsyncAnthropic,
) -> None:
    schema = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
    wanted: Any = {"format": {"type": "json_schema", "schema": schema}}
    answer = await anthropic_client.messages.create(
        model="sim-fast", messages=ASKED, max_tokens=500, output_config=wanted
    )
    block: Any = answer.content[0]
    assert set(json.loads(block.text)) == {"city"}
    older = await anthropic_client.messages.create(
        model="sim-fast",
        messages=ASKED,
        max_tokens=500,
        extra_body={"output_format": wanted["format"]},
    )
    assert older.content == answer.content


async def test_images_and_documents_count_by_their_kind(
    anthropic_client: anthropic.AsyncAnthropic,
) -> None:
    async def tokens(*blocks: Any) -> int:
        content: Any = [{"type": "text", "text": "What is it?"}, *blocks]
        counted = await anthropic_client.messages.count_tokens(
            model="sim-fast", messages=[{"role": "user", "content": content}]
        )
        return counted.input_tokens

    bare = await tokens()
    image = {"type": "base64", "media_type": "image/png", "data": PIXEL}
    pdf = {"type": "url", "url": "https://example.com/a.pdf"}
    text = {"type": "text", "media_type": "text/plain", "data": "one two three"}
    assert bare == 3 + 4
    assert await tokens({"type": "image", "source": image}) == bare + 1600
    assert await tokens({"type": "document", "source": pdf}) == bare + 2000
    assert await tokens({"type": "document", "source": text}) == bare + 3


async def test_results_of_tools_count_by_what_is_in_them(
    simulator: Simulator, anthropic_client: anthropic.AsyncAnthropic
) -> None:
    image = {
        "type": "image",
        "source": {"type": "base64", "media_type": "image/png", "data": PIXEL},
    }

    async def usage(content: Any) -> tuple[int, int]:
        messages: Any = [
            {"role": "user", "content": "hello"},
            {
                "role": "assistant",
                "content": [{"type": "tool_use", "id": "x", "name": "f", "input": {"a": 1}}],
            },
            {
                "role": "user",
                "content": [
                    {
                        "type": "tool_result",
                        "tool_use_id": "x",
                        "content": content,
                        "cache_control": {"type": "ephemeral"},
                    }
                ],
            },
        ]
        answer = await anthropic_client.messages.create(
            model="sim-fast", messages=messages, max_tokens=1
        )
        return answer.usage.input_tokens, answer.usage.cache_creation_input_tokens or 0

    # Three messages of 3, "hello", and f{"a":1} in eight pieces.
    assert await usage("17") == (9 + 1 + 8 + 1, 0)
    assert await usage([]) == (9 + 1 + 8, 0)
    assert await usage([{"type": "text", "text": "17"}, image]) == (0, 19 + 1600)


async def test_counting_is_free_agrees_with_the_answer_and_needs_no_max_tokens(
    simulator: Simulator, anthropic_client: anthropic.AsyncAnthropic
) -> None:
    fields: Any = {
        "model": "sim-fast",
        "messages": ASKED,
        "system": [{"type": "text", "text": "Be brief."}],
        "tools": [WEATHER],
    }
    counted = await anthropic_client.messages.count_tokens(**fields)
    seen = simulator.ledger[-1]
    assert (seen.path, seen.bill_nano) == ("/v1/messages/count_tokens", 0)
    answer = await anthropic_client.messages.create(**fields, max_tokens=50)
    assert answer.usage.input_tokens == counted.input_tokens


@pytest.mark.parametrize("stream", [False, True])
async def test_thinking_comes_first_with_a_signature_and_may_be_left_out(
    simulator: Simulator, anthropic_client: anthropic.AsyncAnthropic, stream: bool
) -> None:
    async def message(thinking: Any, **fields: Any) -> Any:
        if not stream:
            return await anthropic_client.messages.create(
                model="sim-fast", messages=ASKED, max_tokens=2000, thinking=thinking, **fields
            )
        async with anthropic_client.messages.stream(
            model="sim-fast", messages=ASKED, max_tokens=2000, thinking=thinking, **fields
        ) as events:
            return await events.get_final_message()

    shown = await message({"type": "enabled", "budget_tokens": 1024})
    assert [block.type for block in shown.content] == ["thinking", "text"]
    assert len(shown.content[0].thinking) > 100
    assert len(shown.content[0].signature) == 128
    assert shown.usage.output_tokens_details.thinking_tokens >= 96
    assert simulator.ledger[-1].output_tokens == shown.usage.output_tokens
    hidden = await message(
        {"type": "adaptive", "display": "omitted"}, output_config={"effort": "max"}
    )
    assert hidden.content[0].thinking == ""
    assert hidden.content[0].signature
    assert hidden.usage.output_tokens_details.thinking_tokens >= 640
    none = await message({"type": "disabled"})
    assert [block.type for block in none.content] == ["text"]


async def test_stop_sequences_say_which_one_it_was(
    anthropic_client: anthropic.AsyncAnthropic,
) -> None:
    answer = await anthropic_client.messages.create(
        model="sim-fast",
        messages=[{"role": "user", "content": "Say one two three four"}],
        max_tokens=50,
        stop_sequences=["four", "three"],
    )
    block: Any = answer.content[0]
    assert (block.text, answer.stop_reason, answer.stop_sequence) == (
        "one two ",
        "stop_sequence",
        "three",
    )


async def test_breakpoints_write_the_prompt_cache_and_later_read_it(
    simulator: Simulator, anthropic_client: anthropic.AsyncAnthropic
) -> None:
    system: Any = [
        {
            "type": "text",
            "text": "word " * 2000,
            "cache_control": {"type": "ephemeral", "ttl": "1h"},
        },
        {"type": "text", "text": "more " * 500, "cache_control": {"type": "ephemeral"}},
    ]

    async def usage() -> anthropic.types.Usage:
        answer = await anthropic_client.messages.create(
            model="claude-haiku-4-5", messages=ASKED, system=system, max_tokens=1
        )
        return answer.usage

    written = await usage()
    # A text of n words of four letters ends in a space, which is a token of its own.
    assert written.cache_creation is not None
    assert written.cache_creation.ephemeral_1h_input_tokens == 2001
    assert written.cache_creation.ephemeral_5m_input_tokens == 501
    assert written.cache_creation_input_tokens == 2502
    assert (written.cache_read_input_tokens, written.input_tokens) == (0, 9)
    # $1 in, $1.25 and $2 for writing, $0.10 for reading, $5 out per million.
    assert simulator.ledger[-1].bill_nano == 2001 * 2000 + 501 * 1250 + 9 * 1000 + 5000
    read = await usage()
    assert (read.cache_read_input_tokens, read.cache_creation_input_tokens) == (2502, 0)
    assert simulator.ledger[-1].bill_nano == 2502 * 100 + 9 * 1000 + 5000


async def test_automatic_caching_puts_the_breakpoint_at_the_end(
    anthropic_client: anthropic.AsyncAnthropic,
) -> None:
    asked: Any = [{"role": "user", "content": "word " * 1500}]
    for written, read in ((1504, 0), (0, 1504)):
        answer = await anthropic_client.messages.create(
            model="sim-fast",
            messages=asked,
            max_tokens=1,
            extra_body={"cache_control": {"type": "ephemeral"}},
        )
        assert answer.usage.cache_creation_input_tokens == written
        assert answer.usage.cache_read_input_tokens == read


_USED: Any = [
    {"role": "user", "content": "hello"},
    {"role": "assistant", "content": [{"type": "tool_use", "id": "x", "name": "f", "input": {}}]},
    {"role": "user", "content": "and?"},
]
_MARKED = {"type": "text", "text": "a", "cache_control": {"type": "ephemeral"}}


@pytest.mark.parametrize(
    ("fields", "status", "sentence"),
    [
        ({"max_tokens": None}, 400, "max_tokens: Field required"),
        ({"max_tokens": 0}, 400, "max_tokens: Input should be valid"),
        ({"max_tokens": 10**9}, 400, "max_tokens: 1000000000 > 64000"),
        ({"messages": []}, 400, "messages: at least one message is required"),
        ({"messages": None}, 400, "messages: Field required"),
        ({"messages": [{"role": "assistant", "content": "hi"}]}, 400, "first message must use"),
        ({"messages": [{"role": "user", "content": [{"type": "text"}]}]}, 400, "non-empty"),
        ({"messages": _USED}, 400, "`tool_use` ids were found without `tool_result` blocks"),
        ({"messages": [{"role": "user", "content": [_MARKED] * 5}]}, 400, "A maximum of 4 blocks"),
        (
            {"messages": [{"role": "user", "content": "a " * 200_001}]},
            400,
            "prompt is too long: 200005 tokens > 200000 maximum",
        ),
        ({"tool_choice": {"type": "any"}}, 400, "tool_choice may only be specified while"),
        (
            {"tool_choice": {"type": "tool", "name": "x"}, "tools": [WEATHER]},
            400,
            "Tool 'x' not found",
        ),
        ({"thinking": {"type": "enabled"}}, 400, "budget_tokens: Field required"),
        ({"thinking": {"type": "enabled", "budget_tokens": 5}}, 400, "greater than or equal"),
        ({"thinking": {"type": "enabled", "budget_tokens": 5000}}, 400, "must be greater than"),
        ({"model": "claude-none"}, 404, "model: claude-none"),
        ({"model": "gpt-4o"}, 404, "model: gpt-4o"),
    ],
)
async def test_bad_requests_are_refused_as_anthropic_does_and_cost_nothing(
    simulator: Simulator,
    anthropic_client: anthropic.AsyncAnthropic,
    fields: dict[str, Any],
    status: int,
    sentence: str,
) -> None:
    asked = {"model": "sim-fast", "messages": ASKED, "max_tokens": 100, **fields}
    body = {name: value for name, value in asked.items() if value is not None}
    with pytest.raises(anthropic.APIStatusError) as caught:
        await anthropic_client.post("/v1/messages", cast_to=object, body=body)
    told: Any = caught.value.body
    kinds = {400: "invalid_request_error", 404: "not_found_error"}
    assert (caught.value.status_code, told["type"]) == (status, "error")
    assert told["error"]["type"] == kinds[status]
    assert sentence in told["error"]["message"]
    seen = simulator.ledger[-1]
    assert (seen.status, seen.bill_nano, told["request_id"]) == (status, 0, seen.request_id)


@pytest.mark.parametrize(
    ("headers", "error"),
    [
        ({"x-api-key": "bad-key"}, anthropic.AuthenticationError),
        ({"authorization": "Bearer bad-key"}, anthropic.AuthenticationError),
        ({"authorization": "Basic abc"}, anthropic.AuthenticationError),
        ({"x-api-key": "key", "anthropic-version": anthropic.Omit()}, anthropic.BadRequestError),
    ],
)
async def test_keys_and_the_version_are_asked_for(
    simulator: Simulator, headers: Any, error: type[Exception]
) -> None:
    fields: Any = {"x-api-key": anthropic.Omit(), **headers}
    async with anthropic.AsyncAnthropic(
        base_url=simulator.base_url, auth_token="unused", default_headers=fields
    ) as client:
        with pytest.raises(error):
            await client.messages.create(model="sim-fast", messages=ASKED, max_tokens=5)


async def test_models_are_listed_and_shown_alone(
    anthropic_client: anthropic.AsyncAnthropic,
) -> None:
    listed = [model.id async for model in anthropic_client.models.list()]
    assert {"sim-fast", "claude-sonnet-4-5", "claude-haiku-4-5"} <= set(listed)
    assert not any(name.startswith("gpt") for name in listed)
    shown = await anthropic_client.models.retrieve("claude-haiku-4-5")
    assert (shown.display_name, shown.max_tokens) == ("Claude Haiku 4 5", 64_000)
    with pytest.raises(anthropic.NotFoundError):
        await anthropic_client.models.retrieve("gpt-4o")


async def test_answers_carry_rate_limits_in_anthropics_names(
    anthropic_client: anthropic.AsyncAnthropic,
) -> None:
    answer = await anthropic_client.messages.with_raw_response.create(
        model="sim-fast", messages=ASKED, max_tokens=5
    )
    assert answer.headers["anthropic-ratelimit-requests-remaining"] == "3999"
    assert answer.headers["anthropic-ratelimit-input-tokens-remaining"] == "1999991"
    assert answer.headers["anthropic-ratelimit-tokens-reset"].endswith("Z")
