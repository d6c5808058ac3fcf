"""Answers that are given again: what the second caller gets, and what it does not."""

import json
from decimal import Decimal

import httpx2
import pytest
from tests.gateway.http import CHAT, MESSAGES, chat, messages, post
from tests.gateway.recall.stage import (
    END,
    HEAD,
    USAGE,
    ended,
    event,
    response,
    said,
    stage,
    whole,
)
from tests.gateway.rig import running

from trunkline.gateway.policy import CachePolicy, Retry, Route
from trunkline.kit.clock import FakeClock
from trunkline.kit.money import format_usd
from trunkline.simulator.server import Simulator

REFUSAL = {
    "choices": [
        {
            "index": 0,
            "message": {"role": "assistant", "content": None, "refusal": "No."},
            "finish_reason": "stop",
        }
    ],
    "usage": USAGE,
}


async def test_a_whole_answer_is_given_again_byte_for_byte(simulator: Simulator) -> None:
    clock = FakeClock()
    async with running(simulator, cached=True, clock=clock) as rig:
        first = await post(rig, CHAT, chat())
        clock.advance(7)
        second = await post(rig, CHAT, chat())
        event = await rig.observed.wait_for(2)
    assert second.content == first.content
    assert first.headers["x-trunkline-cache"] == "miss"
    assert "age" not in first.headers
    told = {name: second.headers[name] for name in ("x-trunkline-cache", "age")}
    assert told == {"x-trunkline-cache": "hit", "age": "7"}
    assert second.headers["x-trunkline-cost"] == "0.00"
    assert second.headers["x-trunkline-saved"] == first.headers["x-trunkline-cost"]
    assert second.headers["x-trunkline-attempts"] == "0"
    assert second.headers["x-trunkline-model"] == first.headers["x-trunkline-model"]
    assert second.headers["content-type"] == first.headers["content-type"]
    for name in ("x-request-id", "request-id", "x-trunkline-generation-id"):
        assert second.headers[name] != first.headers[name]
    assert len(simulator.ledger) == 1
    assert (event.cache, event.attempts, event.status) == ("hit", (), 200)
    assert format_usd(event.saved_nano) == first.headers["x-trunkline-cost"]
    assert rig.admitted.released == 2
    assert len(rig.admitted.covered) == 1


@pytest.mark.parametrize(
    ("path", "body"), [(CHAT, chat(stream=True)), (MESSAGES, messages(stream=True))]
)
async def test_a_stream_is_given_again_as_a_stream(
    simulator: Simulator, path: str, body: dict[str, object]
) -> None:
    async with running(simulator, cached=True) as rig:
        first = await post(rig, path, body)
        second = await post(rig, path, body)
    assert second.content == first.content
    assert second.headers["content-type"].startswith("text/event-stream")
    assert second.headers["transfer-encoding"] == "chunked"
    assert second.headers["x-trunkline-cache"] == "hit"
    assert Decimal(second.headers["x-trunkline-saved"]) > 0
    assert len(simulator.ledger) == 1


async def test_a_stream_and_a_whole_answer_are_two(simulator: Simulator) -> None:
    async with running(simulator, cached=True) as rig:
        await post(rig, CHAT, chat(stream=True))
        answer = await post(rig, CHAT, chat())
    assert answer.headers["x-trunkline-cache"] == "miss"
    assert answer.json()["object"] == "chat.completion"


async def test_an_array_of_googles_is_an_array_again(simulator: Simulator) -> None:
    path = "/v1beta/models/gemini:sim-fast:streamGenerateContent"
    body = {"contents": [{"role": "user", "parts": [{"text": "say one two three"}]}]}
    async with running(simulator, cached=True) as rig:
        events = await post(rig, f"{path}?alt=sse", body)
        array = await post(rig, path, body)
    assert array.headers["x-trunkline-cache"] == "hit"
    frames = [
        json.loads(line[5:]) for line in events.content.splitlines() if line.startswith(b"data:")
    ]
    assert array.json() == frames


async def test_an_answer_that_was_translated_is_given_again(simulator: Simulator) -> None:
    body = {"model": "claude:sim-fast", "messages": [{"role": "user", "content": "Say one two."}]}
    async with running(simulator, cached=True) as rig:
        first = await post(rig, CHAT, body)
        second = await post(rig, CHAT, body)
    assert (second.content, second.headers["x-trunkline-cache"]) == (first.content, "hit")


async def test_an_answer_is_given_until_its_time_is_over(simulator: Simulator) -> None:
    clock = FakeClock()
    async with stage(whole("one"), whole("two")) as provider:
        alias = provider.alias(simulator, cache=CachePolicy(enabled=True, ttl=60))
        async with running(simulator, extra=[alias], clock=clock) as rig:
            texts = []
            for seconds in (59, 1, 0):
                texts.append(text_of(await post(rig, CHAT, chat("m"))))
                clock.advance(seconds)
    assert texts == ["one", "one", "two"]


async def test_a_policy_that_became_shorter_holds_for_what_was_kept_before(
    simulator: Simulator,
) -> None:
    clock = FakeClock()
    async with (
        stage(whole("one"), whole("two")) as provider,
        running(simulator, extra=[provider.alias(simulator)], clock=clock) as rig,
    ):
        texts = []
        for seconds in (59, 1, 0):
            texts.append(text_of(await post(rig, CHAT, chat("m"))))
            policy = CachePolicy(enabled=True, ttl=60)
            rig.routes.publish(provider.alias(simulator, cache=policy))
            clock.advance(seconds)
    assert texts == ["one", "one", "two"]


async def test_a_request_may_want_a_younger_answer(simulator: Simulator) -> None:
    clock = FakeClock()
    async with (
        stage(whole("one"), whole("two")) as provider,
        running(simulator, extra=[provider.alias(simulator)], clock=clock) as rig,
    ):
        await post(rig, CHAT, chat("m"))
        clock.advance(30)
        young = await post(rig, CHAT, chat("m"), x_trunkline_cache="max-age=30")
        clock.advance(1)
        made = await post(rig, CHAT, chat("m"), x_trunkline_cache="max-age=30")
        kept = await post(rig, CHAT, chat("m"))
    assert [text_of(answer) for answer in (young, made, kept)] == ["one", "two", "two"]


async def test_a_request_may_refresh_the_answer_of_all(simulator: Simulator) -> None:
    async with (
        stage(whole("one"), whole("two")) as provider,
        running(simulator, extra=[provider.alias(simulator)]) as rig,
    ):
        answers = [await post(rig, CHAT, chat("m"))]
        answers.append(await post(rig, CHAT, chat("m"), x_trunkline_cache="refresh"))
        answers.append(await post(rig, CHAT, chat("m")))
    assert [text_of(answer) for answer in answers] == ["one", "two", "two"]
    used = [answer.headers["x-trunkline-cache"] for answer in answers]
    assert used == ["miss", "miss", "hit"]


async def test_a_request_may_want_an_answer_of_its_own(simulator: Simulator) -> None:
    async with (
        stage(whole("one"), whole("two")) as provider,
        running(simulator, extra=[provider.alias(simulator)]) as rig,
    ):
        await post(rig, CHAT, chat("m"))
        own = await post(rig, CHAT, chat("m"), x_trunkline_cache="off")
        kept = await post(rig, CHAT, chat("m"))
    assert (text_of(own), text_of(kept)) == ("two", "one")
    assert "x-trunkline-cache" not in own.headers


async def test_a_header_that_says_nothing_known_is_refused(simulator: Simulator) -> None:
    async with running(simulator) as rig:
        refused = await post(rig, CHAT, chat(), x_trunkline_cache="on, sometimes")
    assert refused.status_code == 400
    assert refused.json()["error"]["code"] == "invalid_cache_header"
    assert simulator.ledger == []


@pytest.mark.parametrize(
    "bad",
    [
        response(500, {"error": {"message": "No."}}),
        response(400, {"error": {"message": "No."}}),
        whole("Half", "content_filter"),
        whole("x" * 4_194_304),
        response(200, REFUSAL),
    ],
    ids=["error", "refused", "filtered", "too long", "refusal"],
)
async def test_what_is_no_clean_answer_is_not_kept(simulator: Simulator, bad: bytes) -> None:
    async with (
        stage(bad, whole("good")) as provider,
        running(simulator, extra=[provider.alias(simulator)]) as rig,
    ):
        await post(rig, CHAT, chat("m"))
        answer = await post(rig, CHAT, chat("m"))
        assert (await rig.recall.holding("org-1")).entries == 1
    assert text_of(answer) == "good"


@pytest.mark.parametrize(
    "bad",
    [
        HEAD + said("Half") + ended("content_filter"),
        HEAD + said("Half") + END,
        HEAD + said("Half") + event({"error": {"message": "No."}}) + END,
        HEAD + event({"choices": [{"index": 0, "delta": {"refusal": "No."}}]}) + ended(),
    ],
    ids=["filtered", "cut", "error", "refusal"],
)
async def test_a_stream_without_a_clean_end_is_not_kept(simulator: Simulator, bad: bytes) -> None:
    async with (
        stage(bad, HEAD + said("good") + ended()) as provider,
        running(simulator, extra=[provider.alias(simulator)]) as rig,
    ):
        await post(rig, CHAT, chat("m", stream=True))
        answer = await post(rig, CHAT, chat("m", stream=True))
        again = await post(rig, CHAT, chat("m", stream=True))
    assert b"good" in answer.content
    assert (again.content, again.headers["x-trunkline-cache"]) == (answer.content, "hit")


async def test_an_answer_that_ended_at_the_requests_own_limit_is_kept(
    simulator: Simulator,
) -> None:
    async with (
        stage(whole("Hel", "length")) as provider,
        running(simulator, extra=[provider.alias(simulator)]) as rig,
    ):
        await post(rig, CHAT, chat("m", max_tokens=1))
        again = await post(rig, CHAT, chat("m", max_tokens=1))
    assert (text_of(again), again.headers["x-trunkline-cache"]) == ("Hel", "hit")


async def test_an_answer_of_a_fallback_is_not_kept(simulator: Simulator) -> None:
    broken = response(500, {"error": {"message": "No."}})
    route = Route(retry=Retry(attempts=1), fallbacks={"error": ("second",)})
    async with stage(broken, whole("first")) as provider, stage(whole("second")) as other:
        aliases = [provider.alias(simulator, route=route), other.alias(simulator, "second")]
        async with running(simulator, extra=aliases) as rig:
            texts = [text_of(await post(rig, CHAT, chat("m"))) for _ in range(3)]
    assert texts == ["second", "first", "first"]


async def test_an_answer_that_was_forgotten_is_made_again(simulator: Simulator) -> None:
    async with (
        stage(whole("one"), whole("two")) as provider,
        running(simulator, extra=[provider.alias(simulator, "a/m")]) as rig,
    ):
        await post(rig, CHAT, chat("a/m"))
        assert await rig.recall.forget("org-2") == 0
        assert await rig.recall.forget("org-1", "a/", alias=True) == 0
        assert await rig.recall.forget("org-1", "a/m", alias=True) == 1
        answer = await post(rig, CHAT, chat("a/m"))
        assert await rig.recall.forget("org-1", "a/") == 1
    assert text_of(answer) == "two"


async def test_what_is_counted_is_what_was_given(simulator: Simulator) -> None:
    async with running(simulator, cached=True) as rig:
        for _ in range(3):
            answer = await post(rig, CHAT, chat())
        counts, stats = rig.recall.counts("org-1"), rig.recall.stats()
        other = rig.recall.counts("org-2")
    assert (counts.hit, counts.near, counts.follow, counts.miss) == (2, 0, 0, 1)
    assert counts.hit_rate == pytest.approx(2 / 3)
    assert format_usd(counts.saved_nano // 2) == answer.headers["x-trunkline-saved"]
    assert (stats.counts, stats.flights, stats.followers, stats.dropped) == (counts, 0, 0, 0)
    assert stats.store.entries == 1
    assert (other.hit_rate, other.saved_nano) == (None, 0)


def text_of(answer: httpx2.Response) -> str:
    """What the model said."""
    text: str = answer.json()["choices"][0]["message"]["content"]
    return text
