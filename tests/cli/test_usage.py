"""``trunkline usage`` on real databases, each command as a process of its own."""

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
from tests.ledger.examples import START_MS, attempt, estimated, outcome, unpriced

from trunkline.cli.exits import Exit
from trunkline.gateway.metering.event import Attempt, Outcome
from trunkline.gateway.metering.usage import Usage
from trunkline.ledger.booking import book
from trunkline.ledger.records import Close
from trunkline.storage.engine import Database
from trunkline.storage.tables.ledger import usage_rollup

Run = Callable[..., "subprocess.CompletedProcess[str]"]
PERIOD = ("--since", "2025-06-15", "--until", "2025-06-16")


@pytest.fixture
def trunkline(data_dir: Path, tmp_path: Path) -> Run:
    """Run a command on a migrated and empty database."""
    # The child finds the same packages, is measured with us, and knows nothing else of ours.
    environment = {
        name: value
        for name, value in os.environ.items()  # noqa: TID251 - see above.
        if name == "PATH" or name.startswith("COVERAGE_")
    }
    environment["PYTHONPATH"] = os.pathsep.join(sys.path)
    environment |= {"TRUNKLINE_DATA_DIR": str(data_dir), "NO_COLOR": "1"}

    def run(*arguments: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            [sys.executable, "-m", "trunkline.cli.main", *arguments],
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
            cwd=tmp_path,
            env=environment,
        )

    return run


def printed(result: "subprocess.CompletedProcess[str]") -> Any:
    assert (result.returncode, result.stderr) == (Exit.OK, "")
    return msgspec.json.decode(result.stdout)


def in_database(data_dir: Path, work: Callable[[Any], Any]) -> None:
    async def run() -> None:
        database = await Database.open(None, data_dir=data_dir)
        async with database.write(None) as conn:
            await work(conn)
        await database.close()

    asyncio.run(run())


def add(data_dir: Path, *pairs: tuple[Attempt, Outcome]) -> None:
    in_database(data_dir, lambda conn: book(conn, [Close(*pair) for pair in pairs], START_MS))


def test_usage_is_a_table_for_people(trunkline: Run, data_dir: Path) -> None:
    empty = trunkline("usage")
    assert (empty.returncode, empty.stdout) == (Exit.OK, "Nothing was used in this period.\n")
    add(
        data_dir,
        (attempt(), outcome(cost_nano=1_250_000_000)),
        (attempt(model="o3"), estimated(cost_nano=5_000)),
        (attempt(team_id=None), unpriced()),
    )
    shown = trunkline("usage", *PERIOD, "--by", "model")
    assert shown.returncode == Exit.OK
    assert [line.split() for line in shown.stdout.splitlines()[1:]] == [
        ["openai/gpt-4o", "1.25", "0.00", "1", "2", "2", "0", "28", "14"],
        ["openai/o3", "0.000005", "0.000005", "0", "1", "1", "1", "14", "7"],
        ["total", "1.250005", "0.000005", "1", "3", "3", "1", "42", "21"],
    ]
    days = trunkline("usage", *PERIOD).stdout.splitlines()
    assert days[1].startswith("2025-06-15 ")
    hours = trunkline("usage", *PERIOD, "--by", "hour").stdout.splitlines()
    assert hours[1].startswith("2025-06-15 15:00 ")
    teams = trunkline("usage", *PERIOD, "--by", "team").stdout.splitlines()
    assert teams[2].startswith("- ")


def test_usage_names_what_people_know(trunkline: Run, data_dir: Path) -> None:
    org = printed(trunkline("organisations", "create", "Acme", "--json"))
    printed(trunkline("organisations", "create", "Other", "--json"))
    team = printed(trunkline("organisations", "create-team", "Web", "--org", "acme", "--json"))
    user = printed(
        trunkline("organisations", "create-user", "ann@example.com", "--org", "acme", "--json")
    )
    key = printed(trunkline("keys", "create", "--name", "backend", "--org", "acme", "--json"))
    ours = attempt(org_id=org["id"], team_id=team["id"], user_id=user["id"], key_id=key["id"])
    add(data_dir, (ours, outcome(cost_nano=10)), (attempt(), outcome(cost_nano=1)))
    labels = {"org": "acme", "team": "web", "user": "ann@example.com"}
    for by, label in (labels | {"key": f"{key['key']} (backend)"}).items():
        report = printed(trunkline("usage", *PERIOD, "--by", by, "--org", "acme", "--json"))
        assert [(line["label"], line["spent"]) for line in report["lines"]] == [
            (label, "0.00000001")
        ]
    everything = printed(trunkline("usage", *PERIOD, "--by", "org", "--json"))
    assert [line["label"] for line in everything["lines"]] == ["acme", attempt().org_id]
    assert everything["total"]["spent"] == "0.000000011"


def test_repricing_tells_what_it_would_do_and_then_does_it(trunkline: Run, data_dir: Path) -> None:
    million = Usage(input=1_000_000)
    add(
        data_dir,
        # List price of gpt-4o in June 2025: 2.50 dollars for a million input tokens.
        (attempt(), unpriced(usage=million)),
        (attempt(provider="ollama", model="llama3"), unpriced(usage=million)),
        (attempt(model="never-heard-of"), unpriced(usage=million)),
    )
    expected = {"examined": 3, "corrected": 2, "priced": 2, "before": "0.00", "after": "2.50"}
    dry = printed(trunkline("usage", "reprice", *PERIOD, "--dry-run", "--json"))
    assert dry == expected | {"dry_run": True}
    done = trunkline("usage", "reprice", *PERIOD)
    assert done.stdout == (
        "3 attempts examined, 2 corrected from $0.00 to $2.50; 2 of them had no price.\n"
    )
    again = printed(trunkline("usage", "reprice", *PERIOD, "--json"))
    assert (again["examined"], again["corrected"], again["dry_run"]) == (3, 0, False)
    report = printed(trunkline("usage", *PERIOD, "--json"))
    assert (report["total"]["spent"], report["total"]["unpriced_attempts"]) == ("2.50", 1)


def test_reconciling_says_yes_or_shows_the_difference(trunkline: Run, data_dir: Path) -> None:
    add(data_dir, (attempt(), outcome(cost_nano=5)))
    agreed = trunkline("usage", "reconcile", *PERIOD)
    assert (agreed.returncode, agreed.stdout) == (
        Exit.OK,
        "All sums agree with their attempts.\n",
    )
    in_database(data_dir, lambda conn: conn.execute(update(usage_rollup).values(exact_nano=4)))
    differs = trunkline("usage", "reconcile", *PERIOD, "--json")
    assert differs.returncode == Exit.FAILED
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
    trunkline: Run, arguments: tuple[str, ...], param: str
) -> None:
    refused = trunkline("usage", *arguments, "--json")
    assert refused.returncode == Exit.REFUSED
    assert msgspec.json.decode(refused.stderr)["error"]["param"] == param


def test_an_unknown_organisation_is_not_found(trunkline: Run) -> None:
    assert trunkline("usage", "--org", "nobody").returncode == Exit.NOT_FOUND
