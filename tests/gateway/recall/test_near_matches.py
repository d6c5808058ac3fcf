"""Near answers on real sockets: the embedding is a call like any other, and what is unsure a miss.

The simulator's embeddings are made of words and parts of words, so near texts share most of them.
"""

from collections.abc import Callable
from typing import Any

import httpx2
import msgspec
import pytest
from tests.gateway.http import CHAT, chat, post
from tests.gateway.rig import Rig, connection, price_of, running

from trunkline.cache.memory import MemoryStore
from trunkline.errors import BudgetExhausted
from trunkline.gateway.caller import Caller
from trunkline.gateway.policy import CachePolicy
from trunkline.gateway.recall.nearness import NoNearness
from trunkline.gateway.snapshot import Alias, Target
from trunkline.gateway.wire.registry import WIRES
from trunkline.kit.clock import SystemClock
from trunkline.simulator.prices import PRICES
from trunkline.simulator.server import Simulator

EMBED = "openai_embeddings:sim-embed"
SEMANTIC = CachePolicy(enabled=True, mode="semantic", embedding=EMBED, threshold=0.9)
QUESTION = "How do I sort a long list of customer names in Python?"
SAID_OTHERWISE = "how can i sort a long list of customer names in python"


def alias(simulator: Simulator, policy: CachePolicy = SEMANTIC, name: str = "m") -> Alias:
    target = Target(
        connection(simulator, "openai_chat"), "sim-fast", price_of("sim-fast", PRICES["sim-fast"])
    )
    return Alias(name=name, targets=(target,), cache=policy)


def ask(text: str, **members: Any) -> dict[str, Any]:
    return {**chat("m", **members), "messages": [{"role": "user", "content": text}]}


async def said(rig: Rig, text: str, **members: Any) -> httpx2.Response:
    answer = await post(rig, CHAT, ask(text, **members))
    assert answer.status_code == 200, answer.text
    return answer


def models(rig: Rig) -> list[str]:
    """The models of all attempts, in the order in which they ended."""
    return [attempt.model for attempt, _ in rig.recorded.outcomes]


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
async def test_a_near_question_gets_the_stored_answer_and_says_so(
    simulator: Simulator, stream: bool
) -> None:
    async with running(simulator, extra=[alias(simulator)]) as rig:
        first = await said(rig, QUESTION, stream=stream)
        near = await said(rig, SAID_OTHERWISE, stream=stream)
        await rig.observed.wait_for(4)
    assert first.headers["x-trunkline-cache"] == "miss"
    assert "x-trunkline-similarity" not in first.headers
    assert near.headers["x-trunkline-cache"] == "near"
    assert 0.9 <= float(near.headers["x-trunkline-similarity"]) < 1
    assert near.content == first.content
    assert near.headers["x-trunkline-cost"] == "0.00"
    assert models(rig) == ["sim-embed", "sim-fast", "sim-embed"]
    assert rig.observed.running == 0


async def test_the_embedding_is_an_attempt_of_the_same_caller_under_its_own_alias(
    simulator: Simulator,
) -> None:
    async with running(simulator, extra=[alias(simulator)]) as rig:
        await said(rig, QUESTION)
        await rig.observed.wait_for(2)
    embedding, answer = [attempt for attempt, _ in rig.recorded.outcomes]
    assert (embedding.alias, embedding.operation) == (EMBED, "embedding")
    assert embedding.key_id == answer.key_id == "key-1"
    assert embedding.request_id != answer.request_id
    costs = {outcome.cost_nano for _, outcome in rig.recorded.outcomes}
    assert costs == {seen.bill_nano for seen in simulator.ledger}
    assert set(rig.admitted.settled) == {embedding.id, answer.id}
    assert rig.admitted.released == 2
    assert [event.route for event in rig.observed.events] == ["inward", CHAT]


async def test_the_same_question_again_is_exact_and_embeds_nothing(simulator: Simulator) -> None:
    async with running(simulator, extra=[alias(simulator)]) as rig:
        await said(rig, QUESTION)
        again = await said(rig, QUESTION)
    assert again.headers["x-trunkline-cache"] == "hit"
    assert "x-trunkline-similarity" not in again.headers
    assert models(rig) == ["sim-embed", "sim-fast"]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (QUESTION, QUESTION.replace("a long", "no long")),
        (QUESTION, QUESTION.replace("Python", "Kotlin")),
        ("Where is the parcel of order 100482?", "Where is the parcel of order 100428?"),
        ("How far is it from Paris to Rome?", "How far is it from Rome to Paris?"),
    ],
)
async def test_alike_is_not_the_same(simulator: Simulator, one: str, other: str) -> None:
    policy = msgspec.structs.replace(SEMANTIC, threshold=0.5)
    async with running(simulator, extra=[alias(simulator, policy)]) as rig:
        await said(rig, one)
        answer = await said(rig, other)
    assert answer.headers["x-trunkline-cache"] == "miss"


def with_system(text: str) -> dict[str, Any]:
    messages = [{"role": "system", "content": text}, {"role": "user", "content": SAID_OTHERWISE}]
    return {**ask(""), "messages": messages}


@pytest.mark.parametrize(
    "other",
    [
        lambda: ask(SAID_OTHERWISE, temperature=0.3),
        lambda: ask(SAID_OTHERWISE, stream=True),
        lambda: with_system("Answer like a pirate."),
        lambda: {**ask(SAID_OTHERWISE), "model": "n"},
    ],
    ids=["parameter", "stream", "system prompt", "alias"],
)
async def test_near_is_looked_for_only_where_all_else_is_equal(
    simulator: Simulator, other: Callable[[], dict[str, Any]]
) -> None:
    both = [alias(simulator), alias(simulator, name="n")]
    async with running(simulator, extra=both) as rig:
        await said(rig, QUESTION)
        answer = await post(rig, CHAT, other())
    assert answer.headers["x-trunkline-cache"] == "miss"


async def test_a_policy_of_exact_matches_embeds_nothing(simulator: Simulator) -> None:
    exact = CachePolicy(enabled=True, embedding=EMBED)
    async with running(simulator, extra=[alias(simulator, exact)]) as rig:
        await said(rig, QUESTION)
        answer = await said(rig, SAID_OTHERWISE)
    assert answer.headers["x-trunkline-cache"] == "miss"
    assert models(rig) == ["sim-fast", "sim-fast"]


@pytest.mark.parametrize("embedding", [None, "nobody", "m"])
async def test_a_policy_whose_embedding_cannot_be_had_is_one_of_exact_matches(
    simulator: Simulator, embedding: str | None
) -> None:
    policy = msgspec.structs.replace(SEMANTIC, embedding=embedding)
    async with running(simulator, extra=[alias(simulator, policy)]) as rig:
        await said(rig, QUESTION)
        near = await said(rig, SAID_OTHERWISE)
        exact = await said(rig, QUESTION)
    assert near.headers["x-trunkline-cache"] == "miss"
    assert exact.headers["x-trunkline-cache"] == "hit"
    assert models(rig) == ["sim-fast", "sim-fast"]


async def test_an_embedding_alias_with_a_semantic_policy_does_not_ask_itself(
    simulator: Simulator,
) -> None:
    target = Target(connection(simulator, "openai_embeddings"), "sim-embed", None)
    policy = msgspec.structs.replace(SEMANTIC, embedding="e")
    both = [Alias(name="e", targets=(target,), cache=policy), alias(simulator, policy)]
    async with running(simulator, extra=both) as rig:
        await said(rig, QUESTION)
        near = await said(rig, SAID_OTHERWISE)
    assert near.headers["x-trunkline-cache"] == "near"
    assert models(rig) == ["sim-embed", "sim-fast", "sim-embed"]


@pytest.mark.parametrize("fault", ["status_500", "status_401", "silence", "not_json"])
async def test_an_embedding_that_fails_or_is_slow_is_a_miss_and_never_an_error(
    simulator: Simulator, fault: str
) -> None:
    target = Target(connection(simulator, "openai_embeddings"), f"sim-embed+fault={fault}", None)
    policy = msgspec.structs.replace(SEMANTIC, embedding="e")
    both = [Alias(name="e", targets=(target,)), alias(simulator, policy)]
    async with running(simulator, extra=both, embedding_within=0.2) as rig:
        answers = [await said(rig, text) for text in (QUESTION, SAID_OTHERWISE)]
    assert [answer.headers["x-trunkline-cache"] for answer in answers] == ["miss", "miss"]


async def test_a_caller_who_cannot_pay_for_the_embedding_gets_an_answer_of_its_own(
    simulator: Simulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with running(simulator, extra=[alias(simulator)]) as rig:
        admit = rig.admitted.admit

        async def refuse(asked: Any) -> Any:
            if asked.alias == EMBED:
                raise BudgetExhausted("No money is left for embeddings.")
            return await admit(asked)

        monkeypatch.setattr(rig.admitted, "admit", refuse)
        answers = [await said(rig, text) for text in (QUESTION, SAID_OTHERWISE)]
    assert [answer.headers["x-trunkline-cache"] for answer in answers] == ["miss", "miss"]
    assert models(rig) == ["sim-fast", "sim-fast"]


async def test_a_near_answer_that_is_gone_is_a_miss_and_is_forgotten(
    simulator: Simulator,
) -> None:
    store = MemoryStore(1 << 20, SystemClock())
    async with running(simulator, extra=[alias(simulator)], store=store) as rig:
        await said(rig, QUESTION)
        # The store loses it without a word, as one that is full or shared may.
        assert await store.delete_prefix("org-1/") == 1
        gone = await said(rig, SAID_OTHERWISE)
        near = await said(rig, QUESTION + "?")
    assert gone.headers["x-trunkline-cache"] == "miss"
    assert near.headers["x-trunkline-cache"] == "near"
    assert near.content == gone.content


async def test_without_near_matches_nothing_is_found(simulator: Simulator) -> None:
    found = NoNearness()
    asked = alias(simulator)
    request = WIRES["openai_chat"].read_request(msgspec.json.encode(ask(QUESTION)), "chat")
    about = (Caller("org-1", "key-1"), asked, SEMANTIC, "space", request, WIRES["openai_chat"])
    await found.add(*about, "key")
    assert await found.find(*about) is None
    found.forget("key")
