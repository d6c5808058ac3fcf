"""Presidio itself, by patterns alone, since no model of a language is fetched for a test.

It is looked for in the interpreter that ``TRUNKLINE_PRESIDIO_PYTHON`` names, or in ours.
"""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from trunkline.gateway.guarding.analysis import Task
from trunkline.gateway.guarding.guard import Finding
from trunkline.guardrails.compiling import compile_guard
from trunkline.guardrails.presidio.guard import PresidioGuard
from trunkline.guardrails.presidio.process import AnalysisProcess
from trunkline.guardrails.presidio.talk import Patience, presidio, talking

PYTHON = Path(os.environ.get("TRUNKLINE_PRESIDIO_PYTHON") or sys.executable)  # noqa: TID251 - says whether this can run at all.


def has_presidio() -> bool:
    look = "import importlib.util as u, sys; sys.exit(u.find_spec('presidio_analyzer') is None)"
    return subprocess.run([PYTHON, "-I", "-c", look], check=False).returncode == 0


needs_presidio = pytest.mark.skipif(
    not has_presidio(),
    reason="no presidio-analyzer: install the extra 'presidio', or name an interpreter that has it "
    "in TRUNKLINE_PRESIDIO_PYTHON",
)
ENTITIES = ("EMAIL_ADDRESS", "CREDIT_CARD", "PHONE_NUMBER", "IBAN_CODE", "US_SSN")
PATIENCE = Patience(start=180.0, answer=60.0)
TEXT = (
    "\U0001f600 Write to jo@example.com or pay with 4111 1111 1111 1111, call +44 20 7946 0958; "
    "my SSN is 536-90-4399, IBAN DE89 3704 0044 0532 0130 00."
)


@needs_presidio
async def test_presidio_finds_what_has_a_pattern() -> None:
    guard = compile_guard(
        "p",
        {
            "kind": "presidio",
            "way": "in",
            "action": "redact",
            "presidio": {"entities": list(ENTITIES)},
        },
    )
    assert isinstance(guard, PresidioGuard)
    analysis = AnalysisProcess(presidio(PYTHON), patience=PATIENCE)
    try:
        first, second = await analysis.look(guard.task, [TEXT, "nothing"])
    finally:
        await analysis.close()
    found = [(one.kind, TEXT[one.start : one.end]) for one in guard.findings(first)]
    assert found == [
        ("EMAIL_ADDRESS", "jo@example.com"),
        ("CREDIT_CARD", "4111 1111 1111 1111"),
        ("PHONE_NUMBER", "+44 20 7946 0958"),
        ("US_SSN", "536-90-4399"),
        ("IBAN_CODE", "DE89 3704 0044 0532 0130 00"),
    ]
    assert guard.findings(second) == []
    assert guard.findings(first)[0] == Finding(11, 25, "EMAIL_ADDRESS", "[EMAIL_ADDRESS]")


@needs_presidio
@pytest.mark.parametrize(
    ("task", "failure"),
    [
        (
            Task("en", "en_core_web_none", ("PERSON",), 0.4),
            "the spaCy model 'en_core_web_none' is not installed",
        ),
        (Task("qq", None, ("EMAIL_ADDRESS",), 0.4), "spaCy cannot load 'qq'"),
        (
            Task("en", None, ("EMAIL_ADDRESS", "NO_SUCH"), 0.4),
            "Presidio has nothing that finds NO_SUCH in 'en'",
        ),
    ],
)
async def test_presidio_says_what_it_cannot_look_for(task: Task, failure: str) -> None:
    async with talking(presidio(PYTHON), PATIENCE) as talk:
        told = await talk.ask(task, ["jo@example.com"])
        assert told.failure == failure
        # It goes on with what it can.
        again = await talk.ask(Task("en", None, ("EMAIL_ADDRESS",), 0.4), ["jo@example.com"])
        assert [(spot.start, spot.end) for spot in again.found[0]] == [(0, 14)]
