"""``trunkline limits`` and ``trunkline budgets`` on a real database."""

import asyncio
from pathlib import Path
from typing import Any

import msgspec
import pytest
from tests.ledger.examples import attempt, outcome
from typer import Typer
from typer.testing import CliRunner

from trunkline.cli import budgets, limits
from trunkline.errors import InvalidRequest, NotFound
from trunkline.identity.service.organisations import create_organisation
from trunkline.kit.clock import SystemClock
from trunkline.ledger.booking import book
from trunkline.ledger.records import Close
from trunkline.storage.engine import Database


@pytest.fixture
def org_id(data_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """An organisation in the database that commands find by the environment."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TRUNKLINE_DATA_DIR", str(data_dir))

    async def make() -> str:
        database = await Database.open(None, data_dir=data_dir)
        async with database.write(None) as conn:
            made = await create_organisation(conn, name="Acme", clock=SystemClock())
        await database.close()
        return made.id

    return asyncio.run(make())


def run(app: Typer, *arguments: str) -> str:
    return CliRunner().invoke(app, arguments, catch_exceptions=False).stdout


def parsed(app: Typer, *arguments: str) -> Any:
    return msgspec.json.decode(run(app, *arguments, "--json"))


def test_a_limit_is_set_changed_listed_and_removed(org_id: str) -> None:
    assert run(limits.app, "list") == "There is no limit yet.\n"
    terms = ("set", "--counts", "tokens", "--scope", "key", "--per", "3600")
    made = parsed(limits.app, *terms, "--amount", "1000")
    assert run(limits.app, *terms, "--amount", "2000") == f"Limit {made['id']} is set.\n"
    (listed,) = parsed(limits.app, "list")
    assert listed == {
        "id": made["id"],
        "org_id": org_id,
        "scope": "key",
        "counts": "tokens",
        "amount": 2000,
        "scope_id": None,
        "scope_name": None,
        "algorithm": "token_bucket",
        "per_seconds": 3600,
        "burst": None,
        "shadow": False,
    }
    assert "each" in run(limits.app, "list")
    assert run(limits.app, "remove", made["id"]) == f"Limit {made['id']} is removed.\n"
    other = parsed(limits.app, "set", "--counts", "requests", "--amount", "1")
    assert parsed(limits.app, "remove", other["id"]) == {"removed": other["id"]}
    assert parsed(limits.app, "list") == []


def test_a_budget_is_set_changed_listed_and_removed(org_id: str) -> None:
    assert run(budgets.app, "list") == "There is no budget yet.\n"
    made = parsed(budgets.app, "set", "--amount", "10", "--name", "all", "--soft")
    assert run(budgets.app, "set", "--amount", "12.5", "--name", "all", "--shadow") == (
        f"Budget {made['id']} is set.\n"
    )
    (listed,) = parsed(budgets.app, "list")
    assert listed == {
        "id": made["id"],
        "org_id": org_id,
        "scope": "org",
        "window": "month",
        "scope_id": None,
        "scope_name": None,
        "name": "all",
        "rolling_seconds": None,
        "time_zone": None,
        "hard": True,
        "shadow": True,
        "reserve": "worst",
        "amount": "12.50",
        "overshoot": "0.00",
        "spent": "0.00",
        "left": "12.50",
    }
    assert "12.50" in run(budgets.app, "list")
    assert run(budgets.app, "remove", made["id"]) == f"Budget {made['id']} is removed.\n"
    other = parsed(budgets.app, "set", "--amount", "1")
    assert parsed(budgets.app, "remove", other["id"]) == {"removed": other["id"]}


def test_what_the_ledger_knows_is_shown_for_each_budget_of_one_instance(
    org_id: str, data_dir: Path
) -> None:
    now_ms = int(SystemClock().now() * 1000)

    async def spend() -> None:
        database = await Database.open(None, data_dir=data_dir)
        closes = [
            Close(attempt(org_id=org_id, alias=alias, opened_ms=at_ms), outcome(cost_nano=nano))
            for alias, at_ms, nano in (
                ("fast", now_ms, 250_000_000),
                ("slow", now_ms, 500_000_000),
                ("fast", now_ms - 2 * 366 * 86_400_000, 4_000_000_000),
            )
        ]
        async with database.write(None) as conn:
            assert await book(conn, closes, now_ms) == 3
        await database.close()

    asyncio.run(spend())
    run(budgets.app, "set", "--amount", "2", "--window", "year")
    run(budgets.app, "set", "--amount", "2", "--window", "total")
    run(budgets.app, "set", "--amount", "1", "--scope", "alias", "--for", "fast")
    run(budgets.app, "set", "--amount", "1", "--scope", "key")
    rolling = ("--window", "rolling", "--rolling-seconds", "3600")
    run(budgets.app, "set", "--amount", "1", *rolling)
    figures = [(row["spent"], row["left"]) for row in parsed(budgets.app, "list")]
    assert figures == [
        ("0.75", "1.25"),
        ("4.75", "0.00"),
        ("0.25", "0.75"),
        (None, None),
        ("0.75", "0.25"),
    ]
    assert "each" in run(budgets.app, "list")


def test_a_bad_value_is_refused_before_the_database_is_opened() -> None:
    with pytest.raises(InvalidRequest) as caught:
        run(budgets.app, "set", "--amount", "-1")
    assert caught.value.param == "amount"
    with pytest.raises(InvalidRequest) as second:
        run(limits.app, "set", "--counts", "requests", "--amount", "0")
    assert second.value.param == "amount"


def test_what_does_not_exist_cannot_be_removed(org_id: str) -> None:
    with pytest.raises(NotFound):
        run(limits.app, "remove", "nothing")
    with pytest.raises(NotFound):
        run(budgets.app, "remove", "nothing")
