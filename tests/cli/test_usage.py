"""``trunkline usage`` on real databases."""

import asyncio
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncConnection
from tests.ledger.examples import START_MS, attempt, estimated, outcome, unpriced
from typer.testing import CliRunner, Result

from trunkline.cli.exits import Exit
from trunkline.cli.usage import app
from trunkline.errors import InvalidRequest, NotFound
from trunkline.gateway.metering.event import Attempt, Outcome
from trunkline.gateway.metering.usage import Usage
from trunkline.identity.pepper import Pepper
from trunkline.identity.records import KeyTerms
from trunkline.identity.service.keys import create_key
from trunkline.identity.service.organisations import create_organisation, create_team
from trunkline.identity.service.users import create_user
from trunkline.kit.clock import FakeClock
from trunkline.ledger.booking import book
from trunkline.ledger.records import Close
from trunkline.storage.engine import Database
from trunkline.storage.tables.ledger import usage_rollup

Run = Callable[..., Result]
PERIOD = ("--since", "2025-06-15", "--until", "2025-06-16")


@pytest.fixture
def usage(data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run the command on a migrated and empty database."""
    monkeypatch.setenv("TRUNKLINE_DATA_DIR", str(data_dir))
    return lambda *arguments: CliRunner().invoke(app, arguments)


def printed(result: Result) -> Any:
    assert (result.exit_code, result.stderr) == (Exit.OK, "")
    return msgspec.json.decode(result.stdout)


def in_database(data_dir: Path, work: Callable[[Any], Any]) -> None:
    async def run() -> None:
        database = await Database.open(None, data_dir=data_dir)
        try:
            async with database.write(None) as conn:
                await work(conn)
        finally:
            await database.close()

    asyncio.run(run())


def add(data_dir: Path, *pairs: tuple[Attempt, Outcome]) -> None:
    in_database(data_dir, lambda conn: book(conn, [Close(*pair) for pair in pairs], START_MS))


def test_usage_is_a_table_for_people(usage: Run, data_dir: Path) -> None:
    empty = usage()
    assert (empty.exit_code, empty.stdout) == (Exit.OK, "Nothing was used in this period.\n")
    add(
        data_dir,
        (attempt(), outcome(cost_nano=1_250_000_000)),
        (attempt(model="o3"), estimated(cost_nano=5_000)),
        (attempt(team_id=None), unpriced()),
    )
    shown = usage(*PERIOD, "--by", "model")
    assert shown.exit_code == Exit.OK
    assert [line.split() for line in shown.stdout.splitlines()[1:]] == [
        ["openai/gpt-4o", "1.25", "0.00", "1", "2", "2", "0", "28", "14"],
        ["openai/o3", "0.000005", "0.000005", "0", "1", "1", "1", "14", "7"],
        ["total", "1.250005", "0.000005", "1", "3", "3", "1", "42", "21"],
    ]
    days = usage(*PERIOD).stdout.splitlines()
    assert days[1].startswith("2025-06-15 ")
    hours = usage(*PERIOD, "--by", "hour").stdout.splitlines()
    assert hours[1].startswith("2025-06-15 15:00 ")
    teams = usage(*PERIOD, "--by", "team").stdout.splitlines()
    assert teams[2].startswith("- ")


def test_usage_names_what_people_know(usage: Run, data_dir: Path) -> None:
    made: dict[str, Any] = {}

    async def people(conn: AsyncConnection) -> None:
        clock = FakeClock()
        org = await create_organisation(conn, name="Acme", clock=clock)
        team = await create_team(conn, org.id, name="Web", clock=clock)
        user = await create_user(conn, org.id, email="ann@example.com", clock=clock)
        terms = KeyTerms(name="backend")
        key = await create_key(conn, org.id, terms, pepper=Pepper("p" * 32), clock=clock)
        made.update(org_id=org.id, team_id=team.id, user_id=user.id, key_id=key.key.id)
        made["shown"] = f"tl_{key.key.public_id} (backend)"

    in_database(data_dir, people)
    shown = made.pop("shown")
    add(data_dir, (attempt(**made), outcome(cost_nano=10)), (attempt(), outcome(cost_nano=1)))
    labels = {"org": "acme", "team": "web", "user": "ann@example.com"}
    for by, label in (labels | {"key": shown}).items():
        report = printed(usage(*PERIOD, "--by", by, "--org", "acme", "--json"))
        assert [(line["label"], line["spent"]) for line in report["lines"]] == [
            (label, "0.00000001")
        ]
    everything = printed(usage(*PERIOD, "--by", "org", "--json"))
    assert [line["label"] for line in everything["lines"]] == ["acme", attempt().org_id]
    assert everything["total"]["spent"] == "0.000000011"


def test_repricing_tells_what_it_would_do_and_then_does_it(usage: Run, data_dir: Path) -> None:
    million = Usage(input=1_000_000)
    add(
        data_dir,
        # List price of gpt-4o in June 2025: 2.50 dollars for a million input tokens.
        (attempt(), unpriced(usage=million)),
        (attempt(provider="ollama", model="llama3"), unpriced(usage=million)),
        (attempt(model="never-heard-of"), unpriced(usage=million)),
    )
    expected = {"examined": 3, "corrected": 2, "priced": 2, "before": "0.00", "after": "2.50"}
    dry = printed(usage("reprice", *PERIOD, "--dry-run", "--json"))
    assert dry == expected | {"dry_run": True}
    done = usage("reprice", *PERIOD)
    assert done.stdout == (
        "3 attempts examined, 2 corrected from $0.00 to $2.50; 2 of them had no price.\n"
    )
    again = printed(usage("reprice", *PERIOD, "--json"))
    assert (again["examined"], again["corrected"], again["dry_run"]) == (3, 0, False)
    report = printed(usage(*PERIOD, "--json"))
    assert (report["total"]["spent"], report["total"]["unpriced_attempts"]) == ("2.50", 1)


def test_reconciling_says_yes_or_shows_the_difference(usage: Run, data_dir: Path) -> None:
    add(data_dir, (attempt(), outcome(cost_nano=5)))
    agreed = usage("reconcile", *PERIOD)
    assert (agreed.exit_code, agreed.stdout) == (
        Exit.OK,
        "All sums agree with their attempts.\n",
    )
    in_database(data_dir, lambda conn: conn.execute(update(usage_rollup).values(exact_nano=4)))
    differs = usage("reconcile", *PERIOD, "--json")
    assert differs.exit_code == Exit.FAILED
    assert [(row["grain"], row["missing"]) for row in msgspec.json.decode(differs.stdout)] == [
        ("hour", {"exact_nano": 1}),
        ("day", {"exact_nano": 1}),
    ]


@pytest.mark.parametrize(
    ("arguments", "param"),
    [
        (("--by", "colour"), "by"),
        (("--since", "yesterday"), "since"),
        (("--since", "1d", "--until", "2d"), "until"),
    ],
)
def test_arguments_without_meaning_are_refused(
    usage: Run, arguments: tuple[str, ...], param: str
) -> None:
    refused = usage(*arguments).exception
    assert isinstance(refused, InvalidRequest)
    assert refused.param == param


def test_an_unknown_organisation_is_not_found(usage: Run) -> None:
    assert isinstance(usage("--org", "nobody").exception, NotFound)


def test_the_command_is_part_of_the_command_line(data_dir: Path) -> None:
    shown = subprocess.run(
        [sys.executable, "-m", "trunkline.cli.main", "usage", "--by", "colour", "--json"],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        env={"PYTHONPATH": os.pathsep.join(sys.path), "TRUNKLINE_DATA_DIR": str(data_dir)},
    )
    assert shown.returncode == Exit.REFUSED
    assert msgspec.json.decode(shown.stderr)["error"]["param"] == "by"
