"""The one-call API: a prompt in, a text out, on the road that every chat takes."""

from typing import Any

import httpx2
import pytest
from tests.gateway.http import chat, post
from tests.gateway.rig import KEY, Rig, connection, running
from tests.gateway.test_same_keys import KeptRepeats
from tests.gateway.test_ways_out import at, provider, saying
from tests.gateway.test_what_is_sent import keeping

from trunkline.errors import LimitExceeded
from trunkline.gateway.one_call_answer import OneCallUsage, answer_of
from trunkline.gateway.snapshot import Alias, Target
from trunkline.kit.money import format_usd
from trunkline.simulator.server import Simulator

PATH = "/api/llm/process"
PROMPT = "Say something about lighthouses."


async def process(rig: Rig, members: Any = None, **headers: str) -> httpx2.Response:
    wanted = {"model": "sim-fast", "prompt": PROMPT} | (members or {})
    return await post(
        rig, PATH, {name: value for name, value in wanted.items() if value is not None}, **headers
    )


def error(answer: httpx2.Response) -> dict[str, Any]:
    found: dict[str, Any] = answer.json()["error"]
    assert found.pop("request_id") == answer.headers["x-request-id"]
    return found


async def test_a_prompt_becomes_a_text_with_its_cost(simulator: Simulator) -> None:
    async with running(simulator) as rig:
        answer = await process(rig, x_request_id="mine")
        plain = await post(rig, "/v1/chat/completions", chat())
        event = await rig.observed.wait_for(1)
    told, usage = plain.json(), plain.json()["usage"]
    ((attempt, outcome), _) = rig.recorded.outcomes
    assert outcome.cost_nano is not None
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/json")
    assert answer.json() == {
        "content": told["choices"][0]["message"]["content"],
        "model": "sim-fast",
        "provider": "simulator",
        "cost": format_usd(outcome.cost_nano),
        "costState": "exact",
        "cached": False,
        "usage": {
            "inputTokens": usage["prompt_tokens"],
            "outputTokens": usage["completion_tokens"],
            "totalTokens": usage["total_tokens"],
            "cachedInputTokens": 0,
            "reasoningTokens": 0,
        },
        "requestId": "mine",
        "finishReason": "stop",
    }
    assert (event.route, event.operation, event.status) == (PATH, "chat", 200)
    assert (attempt.alias, attempt.client_request_id) == ("sim-fast", "mine")
    assert rig.admitted.settled[attempt.id] == outcome


async def test_the_provider_gets_a_chat_with_the_ceiling_in_its_own_member(
    simulator: Simulator,
) -> None:
    async with keeping() as kept:
        older = connection(simulator, "openai_chat", origin=kept.origin, id="older")
        newer = connection(
            simulator,
            "openai_chat",
            origin=kept.origin,
            id="newer",
            output_limit_field="max_completion_tokens",
        )
        aliases = [
            Alias(name="older", targets=(Target(older, "m", None),)),
            Alias(name="newer", targets=(Target(newer, "m", None),)),
            Alias(name="narrow", targets=(Target(newer, "m", None),), max_tokens=9),
        ]
        async with running(simulator, extra=aliases) as rig:
            members = {"maxTokens": 7, "system": "Be brief.", "userId": "ann@example.com"}
            for model in ("older", "newer"):
                assert (await process(rig, {"model": model} | members)).status_code == 200
            assert (await process(rig, {"model": "narrow"})).status_code == 200
            too_many = await process(rig, {"model": "narrow", "maxTokens": 10})
            attempts = list(rig.recorded.attempts.values())
            asked = [ask.output_tokens for ask in rig.admitted.asks]
    told = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": PROMPT}]
    assert kept.bodies == [
        {"model": "m", "messages": told, "max_tokens": 7},
        {"model": "m", "messages": told, "max_completion_tokens": 7},
        {"model": "m", "messages": told[1:], "max_completion_tokens": 9},
    ]
    # The user is written down, and the provider never hears of it.
    assert [attempt.end_user for attempt in attempts] == ["ann@example.com"] * 2 + [None]
    assert {(attempt.user_id, attempt.key_id) for attempt in attempts} == {(None, "key-1")}
    assert asked == [7, 7, 9]
    assert (too_many.status_code, error(too_many)["param"]) == (400, "maxTokens")


async def test_another_wire_is_spoken_where_the_provider_has_one(simulator: Simulator) -> None:
    async with running(simulator) as rig:
        members = {"model": "claude:sim-fast", "maxTokens": 40, "system": "Be brief."}
        answer = await process(rig, members)
        await rig.observed.wait_for(1)
    ((attempt, outcome),) = rig.recorded.outcomes
    told = answer.json()
    assert (answer.status_code, attempt.wire) == (200, "anthropic_messages")
    assert (told["model"], told["provider"], told["costState"]) == (
        "sim-fast",
        "simulator",
        "exact",
    )
    assert told["content"] != ""
    assert told["usage"]["inputTokens"] == outcome.usage.input_total
    assert told["usage"]["outputTokens"] == outcome.usage.output_total <= 40


async def test_a_model_that_is_left_out_is_the_default_or_refused(simulator: Simulator) -> None:
    async with running(simulator, default_model="sim-fast") as rig:
        answer = await process(rig, {"model": None})
    assert (answer.status_code, answer.json()["model"]) == (200, "sim-fast")
    async with running(simulator) as rig:
        refused = await process(rig, {"model": None})
    assert refused.status_code == 400
    assert error(refused) == {
        "code": "missing_model",
        "message": "'model' is missing, and this installation has no default model.",
        "hint": "Name a model, or have the administrator set TRUNKLINE_DEFAULT_MODEL; "
        "GET /v1/models lists the models that your key may use.",
        "param": "model",
    }


@pytest.mark.parametrize(
    ("member", "meant"),
    [("max_tokens", "Did you mean 'maxTokens'? "), ("stream", "")],
)
async def test_another_spelling_of_a_member_is_told_the_one_that_is_meant(
    simulator: Simulator, member: str, meant: str
) -> None:
    async with running(simulator) as rig:
        told = error(await process(rig, {"prompt": "Hello", member: 1}))
    assert told["hint"] == (
        f"{meant}The members are prompt, model, userId, maxTokens, system; "
        "POST /v1/chat/completions takes more."
    )


@pytest.mark.parametrize(
    ("members", "code", "param"),
    [
        ({"prompt": None}, "missing_prompt", "prompt"),
        ({"prompt": ""}, "missing_prompt", "prompt"),
        ({"prompt": ["a"]}, "invalid_type", "prompt"),
        ({"model": 1}, "invalid_type", "model"),
        ({"userId": 7}, "invalid_type", "userId"),
        ({"system": {}}, "invalid_type", "system"),
        ({"maxTokens": 0}, "invalid_value", "maxTokens"),
        ({"maxTokens": "9"}, "invalid_type", "maxTokens"),
        ({"temperature": 1}, "unknown_field", "temperature"),
        ({"user_id": "ann"}, "unknown_field", "user_id"),
        ({"model": "nope"}, "model_not_found", "model"),
    ],
)
async def test_what_cannot_be_read_is_refused_with_its_member(
    simulator: Simulator, members: dict[str, Any], code: str, param: str
) -> None:
    async with running(simulator) as rig:
        answer = await process(rig, members)
        event = await rig.observed.wait_for(1)
    told = error(answer)
    assert (told["code"], told["param"]) == (code, param)
    assert sorted(told) == ["code", "hint", "message", "param"]
    assert (answer.status_code, event.error_code) == (
        404 if code == "model_not_found" else 400,
        code,
    )
    assert (rig.recorded.attempts, rig.admitted.asks) == ({}, [])


async def test_refusals_before_any_route_have_the_same_shape(simulator: Simulator) -> None:
    async with (
        running(simulator) as rig,
        httpx2.AsyncClient(base_url=rig.base_url, timeout=20) as client,
    ):
        bearer = {"authorization": f"Bearer {KEY}"}
        wrong = {"authorization": "Bearer tl_wrong"}
        answers = [
            await client.get(PATH, headers=bearer),
            await client.post(PATH, content=b"a=b", headers=bearer | {"content-type": "text/csv"}),
            await client.post(PATH, content=b"{", headers=bearer),
            await client.post(PATH, content=b"{}", headers=wrong),
        ]
    assert [(answer.status_code, error(answer)["code"]) for answer in answers] == [
        (405, "method_not_allowed"),
        (415, "unsupported_media_type"),
        (400, "invalid_json"),
        (401, "invalid_api_key"),
    ]


async def test_a_key_needs_the_scope_of_inference(simulator: Simulator) -> None:
    async with running(simulator, scopes=frozenset({"models:read"})) as rig:
        answer = await process(rig)
    assert (answer.status_code, error(answer)["code"]) == (403, "scope_missing")


async def test_a_limit_says_when_to_come_again(simulator: Simulator) -> None:
    async with running(simulator) as rig:
        rig.admitted.refusal = LimitExceeded("Too many.", retry_after=2.5, hint="Wait.")
        answer = await process(rig)
    assert (answer.status_code, answer.headers["retry-after"]) == (429, "3")
    assert answer.headers["x-should-retry"] == "true"
    assert error(answer) == {
        "code": "rate_limit_exceeded",
        "message": "Too many.",
        "hint": "Wait.",
        "param": None,
    }


@pytest.mark.parametrize(
    ("fault", "status", "code"),
    [
        ("status_400", 400, "invalid_request"),
        ("status_429", 429, "rate_limit_exceeded"),
        ("status_401", 502, "upstream_credentials"),
        ("not_json", 502, "upstream_malformed"),
    ],
)
async def test_a_providers_failure_is_told_in_our_shape(
    simulator: Simulator, fault: str, status: int, code: str
) -> None:
    target = Target(connection(simulator, "openai_chat"), f"sim-fast+fault={fault}", None)
    alias = Alias(name="m", targets=(target,))
    async with running(simulator, extra=[alias]) as rig:
        answer = await process(rig, {"model": "m"})
        event = await rig.observed.wait_for(1)
    assert (answer.status_code, error(answer)["code"], event.error_code) == (status, code, code)
    assert answer.headers.get_list("x-should-retry") == [
        "true" if fault in {"status_429", "not_json"} else "false"
    ]


async def test_a_page_in_place_of_an_error_is_told_in_our_shape(simulator: Simulator) -> None:
    page = (
        b"HTTP/1.1 404 Not Found\r\ncontent-type: text/html\r\nretry-after: 7\r\n"
        b"content-length: 13\r\n\r\n<html></html>"
    )
    async with provider(saying(page)) as port, running(simulator, extra=at(simulator, port)) as rig:
        answer = await process(rig, {"model": "m"})
    assert answer.status_code == 404
    assert answer.headers.get_list("content-type") == ["application/json"]
    assert answer.headers.get_list("retry-after") == ["7"]
    assert error(answer)["message"] == "The provider answered with status 404."


async def test_a_repeat_gets_the_same_answer(simulator: Simulator) -> None:
    async with running(simulator, repeats=KeptRepeats()) as rig:
        first = await process(rig, idempotency_key="k", x_request_id="one")
        second = await process(rig, idempotency_key="k", x_request_id="two")
        assert len(rig.recorded.attempts) == 1
    assert second.json() == first.json() | {"requestId": "two"}
    assert second.headers["x-trunkline-replayed"] == "true"


def test_what_a_provider_leaves_out_is_not_made_up() -> None:
    bare = answer_of([], b'{"choices":[{"message":{}}]}', "r")
    assert (bare.content, bare.model, bare.provider) == ("", "", None)
    assert (bare.cost, bare.cost_state, bare.usage) == (None, "unpriced", None)
    empty = answer_of([], b'{"choices":[],"model":"m"}', "r")
    assert (empty.content, empty.model, empty.finish_reason) == ("", "m", None)
    odd = answer_of([(b"x-trunkline-cost", b"0.10 estimated")], b'{"choices":7,"usage":7}', "r")
    assert (odd.content, odd.cost, odd.cost_state, odd.usage) == ("", "0.10", "estimated", None)


def test_text_in_parts_and_refusals_are_content() -> None:
    parts = b'[{"type":"thinking"},{"type":"text","text":"a"},"x",{"type":"text","text":"b"}]'
    in_parts = answer_of([], b'{"choices":[{"message":{"content":%b}}]}' % parts, "r")
    assert in_parts.content == "ab"
    refused = b'{"choices":[{"message":{"content":null,"refusal":"No."}}]}'
    assert answer_of([], refused, "r").content == "No."


def test_an_answer_that_was_given_before_says_so() -> None:
    body = (
        b'{"choices":[],"usage":{"prompt_tokens":9,"completion_tokens":5,'
        b'"prompt_tokens_details":{"cached_tokens":4},'
        b'"completion_tokens_details":{"reasoning_tokens":3}}}'
    )
    told = answer_of([(b"x-trunkline-cache", b"near"), (b"x-trunkline-cost", b"0.00")], body, "r")
    assert (told.cached, told.cost, told.cost_state) == (True, "0.00", "exact")
    assert told.usage == OneCallUsage(9, 5, 14, 4, 3)
    assert not answer_of([(b"x-trunkline-cache", b"miss")], body, "r").cached
