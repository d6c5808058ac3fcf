"""``trunkline guardrail`` on a real database."""

import asyncio
import json
import shlex
import sys
from pathlib import Path
from typing import Any

import pytest
from tests.guardrails import tiny_analyser
from typer.testing import CliRunner

from trunkline.cli import guardrail
from trunkline.errors import InvalidRequest, NotFound, Unavailable
from trunkline.guardrails import service
from trunkline.guardrails.schemas import read_spec
from trunkline.identity.service.organisations import create_organisation
from trunkline.kit.clock import SystemClock
from trunkline.storage.engine import Database

SPECS: list[dict[str, Any]] = [
    {"name": "hide", "kind": "pii", "action": "redact", "pii": {"placeholder": "<{kind}_{n}>"}},
    {"name": "stop", "kind": "topics", "topics": {"deny": {"war": ["bomb*"]}}},
    {"name": "short", "kind": "size", "action": "note", "size": {"tokens": 2}},
    {"name": "people", "kind": "presidio", "way": "in", "action": "redact",
     "presidio": {"entities": ["PERSON"], "model": "en_core_web_sm"}},
]  # fmt: skip


@pytest.fixture(autouse=True)
def _organisation(data_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TRUNKLINE_DATA_DIR", str(data_dir))

    async def make() -> None:
        database = await Database.open(None, data_dir=data_dir)
        async with database.write(None) as conn:
            owner = (await create_organisation(conn, name="Acme", clock=SystemClock())).id
            for org_id, spec in zip((owner, None, owner, owner), SPECS, strict=True):
                await service.ensure_guardrail(conn, org_id, read_spec(spec), clock=SystemClock())
        await database.close()

    asyncio.run(make())


def run(*arguments: str, typed: bytes = b"") -> str:
    result = CliRunner().invoke(guardrail.app, arguments, input=typed, catch_exceptions=False)
    return result.stdout


def tried(*arguments: str, typed: bytes = b"") -> Any:
    return json.loads(run("test", *arguments, "--json", typed=typed))


def test_guardrails_are_listed_with_whose_they_are() -> None:
    rows = json.loads(run("list", "--json"))
    assert [(row["name"], row["kind"], row["shared"]) for row in rows] == [
        ("hide", "pii", False), ("people", "presidio", False),
        ("short", "size", False), ("stop", "topics", True),
    ]  # fmt: skip
    table = run("list").split("\n")
    assert [line.split() for line in table if line.startswith("stop")] == [
        ["stop", "topics", "both", "refuse", "yes"]
    ]


def test_a_text_is_shown_as_it_would_be_sent() -> None:
    assert tried("hide", "to a@example.com and a@example.com") == {
        "action": "redact",
        "findings": [
            {"kind": "email", "start": 3, "end": 16, "text": "a@example.com"},
            {"kind": "email", "start": 21, "end": 34, "text": "a@example.com"},
        ],
        "text": "to <EMAIL_1> and <EMAIL_1>",
    }
    printed = run("test", "hide", "to a@example.com")
    assert "email" in printed
    assert printed.endswith("\nto <EMAIL_1>\n")


def test_a_text_may_come_from_standard_input() -> None:
    assert tried("stop", typed=b"no Bombs here\n") == {
        "action": "refuse",
        "findings": [{"kind": "war", "start": 3, "end": 8, "text": "Bombs"}],
        "text": None,
    }
    assert run("test", "stop", typed=b"peace") == "Nothing found: the text passes.\n"
    with pytest.raises(InvalidRequest, match="not UTF-8"):
        run("test", "stop", typed=b"\xff")


def test_a_size_is_measured_as_if_the_text_were_the_whole_request() -> None:
    assert tried("short", "123456789") == {
        "action": "note", "findings": [{"kind": "tokens"}], "text": "123456789",
    }  # fmt: skip


def test_a_guardrail_that_is_not_there_is_told() -> None:
    with pytest.raises(NotFound, match="'none'"):
        run("test", "none", "text")


def analyser(tmp_path: Path, *options: str) -> str:
    """A program in the place of an interpreter, which runs the tiny analyser."""
    program = tmp_path / "python"
    words = shlex.join([sys.executable, str(tiny_analyser.__file__), *options])
    program.write_text(f"#!/bin/sh\nexec {words}\n")
    program.chmod(0o700)
    return str(program)


def test_one_that_is_looked_for_elsewhere_is_tried(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TRUNKLINE_PRESIDIO_PYTHON", analyser(tmp_path))
    assert tried("people", "To Ada Lovelace.") == {
        "action": "redact",
        "findings": [{"kind": "PERSON", "start": 3, "end": 15, "text": "Ada Lovelace"}],
        "text": "To [PERSON].",
    }
    with pytest.raises(Unavailable, match="it cannot look"):
        run("test", "people", "FAIL")
    monkeypatch.setenv("TRUNKLINE_PRESIDIO_PYTHON", analyser(tmp_path, "never"))
    with pytest.raises(Unavailable, match="presidio-analyzer"):
        run("test", "people", "Ada")
