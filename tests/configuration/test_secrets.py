"""Secrets that are not there are refused with their lines, unless told otherwise."""

from pathlib import Path

from tests.configuration.world import applied, planned, refused

from trunkline.identity.secret import generate_key
from trunkline.storage.engine import Database

TEXT = """
connections:
- {name: one, provider: openai, secret: "env:ONE"}
- {name: two, provider: openai, secrets: ["env:ONE", "file:/nowhere/two", "env:BAD"]}
---
organisation: acme
connections:
- name: three
  provider: openai
  secret: env:THREE
keys:
- {name: build, secret: "env:BUILD"}
"""


async def test_all_missing_secrets_are_told_and_none_of_their_values(
    sqlite_database: Database,
) -> None:
    problems = await refused(
        sqlite_database, TEXT, {"ONE": "sk-1", "BAD": "käse"}, missing="refused"
    )
    assert [(p.line, p.path, p.message) for p in problems] == [
        (4, "connections[1].secrets[1]", "/nowhere/two cannot be read: No such file or directory"),
        (4, "connections[1].secrets[2]", "the secret has characters that a header cannot carry"),
        (10, "connections[0].secret", "the environment has no THREE"),
        (12, "keys[0].secret", "the environment has no BUILD"),
    ]


async def test_a_machine_without_the_secrets_of_connections_can_apply(
    sqlite_database: Database,
) -> None:
    (problem,) = await refused(sqlite_database, TEXT, {}, missing="connections")
    assert problem.path == "keys[0].secret"
    done = await applied(sqlite_database, TEXT, variables={"BUILD": generate_key().full})
    assert done.plan.count("add") == 5


async def test_a_plan_without_any_secret_goes_by_the_names_of_keys(
    sqlite_database: Database,
) -> None:
    first = await planned(sqlite_database, TEXT, missing="all")
    assert first.count("add") == 5
    await applied(sqlite_database, TEXT, variables={"BUILD": generate_key().full})
    assert (await planned(sqlite_database, TEXT, missing="all")).is_empty


async def test_with_all_secrets_nothing_is_refused(
    sqlite_database: Database, tmp_path: Path
) -> None:
    file = tmp_path / "two"
    file.write_text("sk-2\n")
    text = TEXT.replace("/nowhere/two", str(file))
    variables = {"ONE": "sk-1", "BAD": "sk-b", "THREE": "sk-3", "BUILD": generate_key().full}
    plan = await planned(sqlite_database, text, missing="refused", variables=variables)
    assert plan.count("add") == 5
    shown = str(plan)
    assert [secret for secret in variables.values() if secret in shown] == []
