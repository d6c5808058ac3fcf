"""Guards and answers that were given before: nobody gets what today's guards would not let out."""

import asyncio

import pytest
from tests.gateway.guarding.asking import ask, guard, guarded_alias
from tests.gateway.rig import running

from trunkline.gateway.guarding.guard import Guard
from trunkline.gateway.policy import CachePolicy
from trunkline.simulator.server import Simulator

EMAIL = "jo@example.com"
NUMBERED = {"placeholder": "<{kind}_{n}>", "restore": True, "entities": ["email"]}
STEPS: list[tuple[tuple[Guard, ...], str, str]] = [
    ((), EMAIL, "miss"),
    ((), EMAIL, "hit"),
    # A guard of answers that is added, changed, taken back, and made anew as it was.
    ((guard(way="out"),), "[EMAIL]", "miss"),
    ((guard(way="out", pii={"placeholder": "(gone)"}),), "(gone)", "miss"),
    ((guard(way="out"),), "[EMAIL]", "hit"),
    ((guard(way="out", pii={"entities": ["phone"]}),), EMAIL, "miss"),
    ((guard("other", way="out"),), "[EMAIL]", "miss"),
    ((guard("other", way="out", action="note"),), EMAIL, "miss"),
    ((), EMAIL, "hit"),
]


@pytest.mark.parametrize("stream", [False, True])
async def test_an_answer_that_was_made_under_other_guards_is_not_given(
    simulator: Simulator, stream: bool
) -> None:
    cached = CachePolicy(enabled=True)
    async with running(simulator) as rig:
        for guards, text, use in STEPS:
            rig.routes.publish(guarded_alias(simulator, "openai_chat", *guards, cache=cached))
            answer, reading = await ask(rig, "openai_chat", f"say {EMAIL}", stream=stream)
            assert (reading.text, answer.headers["x-trunkline-cache"]) == (text, use)
        # What it would refuse today was let out yesterday.
        refusing = guard(way="out", action="refuse")
        rig.routes.publish(guarded_alias(simulator, "openai_chat", refusing, cache=cached))
        _, reading = await ask(rig, "openai_chat", f"say {EMAIL}", stream=stream)
    assert reading.error == "guardrail_refused"


@pytest.mark.parametrize("stream", [False, True])
async def test_who_gets_something_back_shares_with_nobody(
    simulator: Simulator, stream: bool
) -> None:
    alias = guarded_alias(
        simulator,
        "openai_chat",
        guard(way="in", pii=NUMBERED),
        model="sim-fast+fault=slow_first_token;seconds=0.3",
        cache=CachePolicy(enabled=True),
    )
    words = ["say jo@example.com!", "say xi@example.com!", "say <EMAIL_1>!", "say <EMAIL_1>!"]
    async with running(simulator, extra=[alias]) as rig:
        asked = [ask(rig, "openai_chat", one, stream=stream) for one in words]
        together = await asyncio.gather(*asked)
        later = [await ask(rig, "openai_chat", one, stream=stream) for one in words]
    for answers in (together, later):
        assert [reading.text for _, reading in answers] == [one[4:] for one in words]
    # Only those that say it themselves are the same.
    assert len(simulator.ledger) == 5
    assert "x-trunkline-cache" not in later[0][0].headers
    assert later[2][0].headers["x-trunkline-cache"] == "hit"


async def test_what_is_redacted_for_good_is_the_same_for_all(simulator: Simulator) -> None:
    alias = guarded_alias(
        simulator, "openai_chat", guard(way="in"), cache=CachePolicy(enabled=True)
    )
    async with running(simulator, extra=[alias]) as rig:
        for name in ("jo", "xi"):
            _, reading = await ask(rig, "openai_chat", f"say {name}@example.com", stream=False)
            assert reading.text == "[EMAIL]"
    assert len(simulator.ledger) == 1
