"""Secret headers that were written out are shown by no plan, and exports of them plan nothing."""

from tests.configuration.world import applied, exported, planned, refused

from trunkline.configuration.difference import FieldEdit
from trunkline.configuration.hiding import hidden
from trunkline.configuration.writing import yaml_of_all
from trunkline.storage.engine import Database

FILE = """\
connections:
- {name: gpu, provider: groq, headers: {x-token: %s, x-stage: dev}}
- {name: plain, provider: groq}
"""


async def test_an_export_without_secret_values_plans_nothing(database: Database) -> None:
    acme = (
        "---\norganisation: acme\nconnections: [{name: gpu, provider: groq, headers: {x-key: b}}]"
    )
    await applied(database, FILE % "abc" + acme)
    whole = await exported(database)
    shown = [hidden(document) for document in whole]
    assert shown[0] == {
        "version": 1,
        "connections": [
            {
                "name": "gpu",
                "provider": "groq",
                "headers": {"x-stage": "dev", "x-token": "kept:here"},
            },
            {"name": "plain", "provider": "groq"},
        ],
    }
    assert shown[1]["connections"][0]["headers"] == {"x-key": "kept:here"}
    assert (await planned(database, yaml_of_all(shown), prune=True)).is_empty
    assert (await applied(database, yaml_of_all(shown), prune=True)).changes == ()
    assert await exported(database) == whole


async def test_a_value_that_cannot_be_kept_is_refused_with_its_place(
    sqlite_database: Database,
) -> None:
    (problem,) = await refused(sqlite_database, FILE % "'kept:here'")
    assert (problem.path, problem.line, problem.column) == ("connections[0].headers.x-token", 2, 41)
    assert problem.message == (
        "The connection has no header x-token that could be kept. "
        "Write its value, or where that is found, such as env:NAME"
    )


async def test_a_plan_shows_that_a_secret_value_changes_and_not_which(
    sqlite_database: Database,
) -> None:
    async def fields(value: str) -> list[tuple[FieldEdit, ...]]:
        plan = (await applied(sqlite_database, FILE % value)).plan
        return [edit.fields for edit in plan.edits()]

    first, _ = await fields("abc")
    assert first == (
        FieldEdit("provider", None, "groq"),
        FieldEdit("headers", None, {"x-stage": "dev", "x-token": "kept:here"}),
    )
    assert await fields("def") == [(FieldEdit("headers.x-token", "kept:here", "kept:here"),)]
    assert await fields("env:X") == [(FieldEdit("headers.x-token", "kept:here", "env:X"),)]
    gone = FILE.replace("x-token: %s, ", "").replace("dev", "live")
    plan = (await applied(sqlite_database, gone)).plan
    assert [edit.fields for edit in plan.edits()] == [
        (FieldEdit("headers.x-stage", "dev", "live"), FieldEdit("headers.x-token", "env:X", None))
    ]


async def test_a_reference_in_a_header_has_to_be_there(sqlite_database: Database) -> None:
    file = FILE % "'env:TOKEN'"
    (problem,) = await refused(sqlite_database, file, missing="refused")
    assert (problem.path, problem.line, problem.message) == (
        "connections[0].headers.x-token", 2, "the environment has no TOKEN",
    )  # fmt: skip
    await applied(sqlite_database, file, missing="refused", variables={"TOKEN": "t"})
