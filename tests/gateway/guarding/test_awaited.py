"""Guards that wait for an analysis, on real sockets and with a real process."""

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from tests.conformance.translated_calls import leftovers
from tests.gateway.guarding.asking import HEADER, ask, guard, guarded_alias
from tests.gateway.http import CHAT, RawClient, chat, post
from tests.gateway.rig import Rig, running
from tests.gateway.transport.hostile import until
from tests.guardrails import tiny_analyser

from trunkline.gateway.guarding.analysis import AwaitedGuard
from trunkline.gateway.guarding.guard import Guard
from trunkline.gateway.metering.event import Guarded
from trunkline.gateway.policy import CachePolicy
from trunkline.gateway.snapshot import Alias
from trunkline.guardrails.presidio.process import AnalysisProcess
from trunkline.guardrails.presidio.talk import Patience
from trunkline.simulator.server import Simulator

TINY = [sys.executable, "-I", str(Path(tiny_analyser.__file__))]
QUICK = Patience(pause=0.01, longest=0.02)
ADA, ZOE = "Ada Lovelace", "Zo\u00eb"


def names(action: str = "redact", **options: Any) -> Guard:
    """A guardrail that looks for people and places."""
    told = {"entities": ["PERSON", "LOCATION"], "model": "en_core_web_sm", "timeout": 20}
    return guard("names", kind="presidio", way="in", action=action, presidio=told | options)


@asynccontextmanager
async def analysed(simulator: Simulator, *aliases: Alias) -> AsyncIterator[Rig]:
    analysis = AnalysisProcess(TINY, patience=QUICK)
    for alias in aliases:
        for one in alias.guards:
            analysis.expect(one)
    try:
        async with running(simulator, extra=aliases, analysis=analysis) as rig:
            yield rig
    finally:
        await analysis.close()


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("client", ["openai_chat", "anthropic_messages", "gemini"])
async def test_names_are_taken_out_of_a_request(
    simulator: Simulator, client: str, stream: bool
) -> None:
    alias = guarded_alias(simulator, client, names())
    async with analysed(simulator, alias) as rig:
        answer, reading = await ask(rig, client, f"say {ADA} met {ZOE} in London", stream=stream)
        event = await rig.observed.wait_for(1)
    assert (reading.text, reading.clean) == ("[PERSON] met [PERSON] in [LOCATION]", True)
    assert event.guarded == (Guarded("names", "in", "redacted", (("PERSON", 2), ("LOCATION", 1))),)
    assert answer.headers[HEADER] == "names=redacted:3"
    assert leftovers(rig) == []


async def test_the_caller_gets_names_back_that_the_provider_never_saw(
    simulator: Simulator,
) -> None:
    numbered: dict[str, Any] = {"placeholder": "<{kind}_{n}>", "restore": True}
    pii = guard(pii={"entities": ["email"], **numbered})
    alias = guarded_alias(
        simulator, "openai_chat", names(**numbered), pii, cache=CachePolicy(enabled=True)
    )
    words = f"say {ADA}, {ZOE} and {ADA} of a@b.co"
    async with analysed(simulator, alias) as rig:
        _, reading = await ask(rig, "openai_chat", words, stream=True)
        await ask(rig, "openai_chat", words, stream=True)
    assert reading.text == words.removeprefix("say ")
    # What differs by its caller is not kept for others.
    assert len(simulator.ledger) == 2


async def test_a_name_can_refuse_a_request_or_only_be_noted(simulator: Simulator) -> None:
    for action, status, done in (("refuse", 400, "refused"), ("note", 200, "noted")):
        alias = guarded_alias(simulator, "openai_chat", names(action))
        async with analysed(simulator, alias) as rig:
            _, reading = await ask(rig, "openai_chat", f"say {ADA}", stream=False)
            event = await rig.observed.wait_for(1)
        assert reading.status == status
        assert [(one.action, one.kinds) for one in event.guarded] == [(done, (("PERSON", 1),))]


@pytest.mark.parametrize("when_down", ["pass", "refuse"])
@pytest.mark.parametrize(
    ("words", "reason", "seconds"),
    [("DIE", "down", 20), ("FREEZE", "late", 0.3), ("x" * 200_001, "too_large", 20)],
)
async def test_where_nobody_looked_the_guard_says_what_follows(
    simulator: Simulator, when_down: str, words: str, reason: str, seconds: float
) -> None:
    guard_ = names(when_down=when_down, timeout=seconds)
    alias = guarded_alias(simulator, "openai_chat", guard_)
    async with analysed(simulator, alias) as rig:
        answer, reading = await ask(rig, "openai_chat", f"say {words}", stream=False)
        event = await rig.observed.wait_for(1)
    done = "noted" if when_down == "pass" else "refused"
    assert [(one.action, one.kinds) for one in event.guarded] == [(done, ((reason, 1),))]
    assert answer.headers[HEADER] == f"names={done}:1"
    if when_down == "pass":
        assert (reading.status, len(simulator.ledger)) == (200, 1)
        return
    assert (reading.status, reading.error) == (503, "guardrail_unavailable")
    assert answer.headers["retry-after"] == "5"
    assert simulator.ledger == []
    assert leftovers(rig) == []


async def test_without_an_analysis_a_request_is_refused(simulator: Simulator) -> None:
    alias = guarded_alias(simulator, "openai_chat", names())
    async with running(simulator, extra=[alias]) as rig:
        _, reading = await ask(rig, "openai_chat", f"say {ADA}", stream=False)
    assert (reading.status, reading.error) == (503, "guardrail_unavailable")


async def test_the_path_runs_on_while_one_request_waits(simulator: Simulator) -> None:
    alias = guarded_alias(simulator, "openai_chat", names())
    async with analysed(simulator, alias) as rig:
        words = [{"role": "user", "content": "FREEZE"}]
        waiting = await RawClient.send(rig, CHAT, {"model": "m", "messages": words})
        await until(lambda: rig.observed.running == 1)
        assert (await post(rig, CHAT, chat("sim-fast"))).status_code == 200
        await waiting.leave()
        event = await rig.observed.wait_for(2)
    assert (event.attempts, event.guarded) == ((), ())
    assert leftovers(rig) == []


async def test_all_texts_of_a_long_request_go_in_one_order(simulator: Simulator) -> None:
    alias = guarded_alias(simulator, "openai_chat", names())
    turns = [{"role": "user", "content": f"{ADA} {number}"} for number in range(4_000)]
    turns.append({"role": "user", "content": f"say {ZOE}"})
    async with analysed(simulator, alias) as rig:
        async with asyncio.timeout(30):
            answer = await post(rig, CHAT, {"model": "m", "messages": turns})
        event = await rig.observed.wait_for(1)
    assert answer.json()["choices"][0]["message"]["content"] == "[PERSON]"
    assert event.guarded == (Guarded("names", "in", "redacted", (("PERSON", 4_001),)),)


def test_such_a_guard_finds_nothing_by_itself() -> None:
    one = names()
    assert isinstance(one, AwaitedGuard)
    assert (one.inward, one.outward, one.reach, one.find(ADA)) == (True, False, 0, [])
    with pytest.raises(NotImplementedError):
        AwaitedGuard.findings(one, [])
