"""The analysing process: what it answers, and what becomes of requests when it fails."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import structlog
from tests.gateway.transport.hostile import until
from tests.guardrails.running import analysers

from trunkline.gateway.guarding.analysis import NO_ANALYSIS, AnalysisDown, Spot, Task
from trunkline.guardrails.compiling import compile_guard
from trunkline.guardrails.presidio.process import (
    MOST_CHARACTERS,
    MOST_WAITING,
    AnalysisProcess,
)
from trunkline.guardrails.presidio.talk import Patience, presidio, talking

TINY = [sys.executable, "-I", str(Path(__file__).with_name("tiny_analyser.py"))]
TASK = Task("en", "en_core_web_sm", ("PERSON", "LOCATION"), 0.4)
QUICK = Patience(answer=0.5, pause=0.01, longest=0.02)
PATIENT = Patience(pause=0.01, longest=0.02)
ADA = [Spot(3, 15, "PERSON", 0.85)]


@asynccontextmanager
async def running(*argv: str, patience: Patience = PATIENT) -> AsyncIterator[AnalysisProcess]:
    process = AnalysisProcess(argv or TINY, patience=patience)
    try:
        yield process
    finally:
        await process.close()


async def test_many_texts_are_looked_at_in_one_go() -> None:
    async with running() as analysis:
        texts = ["Hi Ada Lovelace", "", "\U0001f600 Zo\u00eb in London\n", "half \ud800 Zo\u00eb"]
        assert await analysis.look(TASK, texts) == [
            ADA,
            [],
            [Spot(2, 5, "PERSON", 0.85), Spot(9, 15, "LOCATION", 0.85)],
            [Spot(7, 10, "PERSON", 0.85)],
        ]
        [child] = analysers()
        assert await analysis.look(TASK, []) == []
    assert not child.is_running()
    assert analysis.restarts == 0


async def test_it_does_not_know_our_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-secret")
    async with talking(TINY, PATIENT) as talk:
        told = await talk.ask(TASK, ["ENVIRONMENT"])
    assert told.failure is not None
    assert set(told.failure.split()) <= {"LC_ALL", "LC_CTYPE"}


@pytest.mark.parametrize("what", ["DIE", "GARBAGE", "LONG", "OTHER"])
async def test_one_that_fails_is_started_again(what: str) -> None:
    async with running() as analysis:
        asked = asyncio.gather(
            analysis.look(TASK, [what]), analysis.look(TASK, ["Hi Ada Lovelace"]),
            return_exceptions=True,
        )  # fmt: skip
        reasons = [getattr(one, "reason", None) for one in await asked]
        assert reasons == ["down", "down"]
        # Nobody waits for one that is down.
        assert analysis.down
        with pytest.raises(AnalysisDown, match="down"):
            await analysis.look(TASK, ["Hi"])
        await until(lambda: not analysis.down)
        assert await analysis.look(TASK, ["Hi Ada Lovelace"]) == [ADA]
        assert analysis.restarts == 1


async def test_one_that_ends_while_nobody_asks_is_there_again_for_the_next() -> None:
    async with running() as analysis:
        await analysis.look(TASK, ["Hi"])
        [child] = analysers()
        child.kill()
        await until(lambda: analysis.restarts == 1 and not analysis.down)
        assert await analysis.look(TASK, ["Hi Ada Lovelace"]) == [ADA]


async def test_a_frozen_one_is_killed_and_started_again() -> None:
    async with running(patience=QUICK) as analysis:
        await analysis.look(TASK, ["Hi"])
        [child] = analysers()
        os.kill(child.pid, signal.SIGSTOP)
        with pytest.raises(AnalysisDown, match="down"):
            await analysis.look(TASK, ["Hi"])
        await until(lambda: not analysis.down)
        assert await analysis.look(TASK, ["Hi Ada Lovelace"]) == [ADA]
        assert not child.is_running()


async def test_who_leaves_gives_the_place_back() -> None:
    async with running() as analysis:
        await analysis.look(TASK, ["Hi"])
        frozen = asyncio.create_task(analysis.look(TASK, ["FREEZE"]))
        await asyncio.sleep(0)
        others = [asyncio.create_task(analysis.look(TASK, ["x"])) for _ in range(MOST_WAITING)]
        await asyncio.sleep(0.05)
        with pytest.raises(AnalysisDown, match="busy"):
            await analysis.look(TASK, ["Hi"])
        for task in others:
            task.cancel()
        await asyncio.wait(others)
        again = asyncio.create_task(analysis.look(TASK, ["Hi"]))
        await asyncio.sleep(0)
        assert not again.done()
        [child] = analysers()
        child.kill()
        assert [getattr(one, "reason", None) for one in await asyncio.gather(
            frozen, again, return_exceptions=True)] == ["down", "down"]  # fmt: skip


@pytest.mark.parametrize("what", ["FAIL", "TOO FEW"])
async def test_one_that_cannot_look_says_so_and_runs_on(what: str) -> None:
    async with running() as analysis:
        with structlog.testing.capture_logs() as logs:
            for _ in range(2):
                with pytest.raises(AnalysisDown, match="down"):
                    await analysis.look(TASK, [what])
        assert await analysis.look(TASK, ["Hi Ada Lovelace"]) == [ADA]
        assert (analysis.restarts, analysis.down) == (0, False)
    # The operator reads it once.
    assert [log["error"] for log in logs] == (["it cannot look"] if what == "FAIL" else [])


async def test_what_is_too_large_is_not_looked_at() -> None:
    async with running() as analysis:
        with pytest.raises(AnalysisDown, match="too_large"):
            await analysis.look(TASK, ["x" * MOST_CHARACTERS, "x"])
        assert analysers() == []


@pytest.mark.parametrize("argv", [[*TINY, "never"], ["/nowhere/python"]])
async def test_one_that_cannot_start_is_down_and_tried_again(argv: list[str]) -> None:
    with structlog.testing.capture_logs() as logs:
        async with running(*argv) as analysis:
            with pytest.raises(AnalysisDown, match="down"):
                await analysis.look(TASK, ["Hi"])
            await until(lambda: analysis.restarts > 1)
            assert analysis.down
    assert len(logs) == 1
    assert "presidio-analyzer" in logs[0]["error"] or "nowhere" in logs[0]["error"]


async def test_it_gets_ready_before_it_is_asked() -> None:
    spec = {"kind": "presidio", "way": "in", "presidio": {"entities": ["CREDIT_CARD"]}}
    async with running() as analysis:
        analysis.expect(compile_guard("cards", {"kind": "pii"}))
        assert analysers() == []
        for number in range(20):
            more = {**spec["presidio"], "threshold": number / 20}  # type: ignore[dict-item] # a mapping
            analysis.expect(compile_guard("p", {**spec, "presidio": more}))
            analysis.expect(compile_guard("p", {**spec, "presidio": more}))
        await until(lambda: len(analysers()) == 1)
        assert await analysis.look(TASK, ["Hi Ada Lovelace"]) == [ADA]


async def test_its_end_is_that_of_whoever_waits() -> None:
    async with running() as analysis:
        await analysis.look(TASK, ["Hi"])
        waiting = [asyncio.create_task(analysis.look(TASK, ["FREEZE"])) for _ in range(2)]
        await asyncio.sleep(0.05)
    with pytest.raises(AnalysisDown):
        await waiting[1]
    waiting[0].cancel()
    await asyncio.wait(waiting)
    assert analysers() == []


async def test_without_one_it_is_down() -> None:
    with pytest.raises(AnalysisDown, match="down"):
        await NO_ANALYSIS.look(TASK, ["Hi"])


def test_presidio_runs_by_our_interpreter_or_another() -> None:
    own, other = presidio(None), presidio(Path("/opt/presidio/bin/python"))
    assert (own[0], other[0]) == (sys.executable, "/opt/presidio/bin/python")
    assert own[1:] == other[1:]
    assert Path(own[-1]).name == "analyser.py"
