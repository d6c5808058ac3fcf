"""Every apply keeps a version of each owner that it changed, and one can go back to any."""

import asyncio
from collections.abc import Sequence

import pytest
from tests.configuration.world import applied, exported, org_id_of, parts, planned, second_key
from tests.connections.world import NOON

from trunkline.configuration.apply import FOUND, Applied, apply_configuration
from trunkline.configuration.rollback import load_version
from trunkline.configuration.versions import Version, add_version, find_version, list_versions
from trunkline.configuration.writing import yaml_of
from trunkline.errors import NotFound
from trunkline.identity.service.keys import list_keys
from trunkline.kit.clock import FakeClock
from trunkline.storage.engine import Database

SHARED = 'connections: [{name: gpu, provider: vllm, base_url: "http://10.0.0.7/v1"}]\n'
ACME = """\
---
organisation: acme
models: [{name: fast, targets: [{connection: gpu, model: %s}]}]
keys: [{name: build}]
"""


async def versions(database: Database, slug: str | None) -> Sequence[Version]:
    org_id = None if slug is None else await org_id_of(database, slug)
    async with database.read(None) as conn:
        return await list_versions(conn, org_id)


async def rolled_back(database: Database, slug: str | None, number: int) -> Applied:
    org_id = None if slug is None else await org_id_of(database, slug)
    async with database.read(None) as conn:
        loaded = await load_version(conn, slug, org_id, number)
    made = await parts(database)
    return await apply_configuration(made, loaded, prune=True, note=f"Back to {number}.")


async def test_each_owner_that_changed_gets_a_version_of_its_own(database: Database) -> None:
    await applied(database, SHARED + ACME % "a", note="First")
    await applied(database, SHARED + ACME % "a", note="The same")
    await applied(database, SHARED + ACME % "b", note="Second")
    text = (
        "version: 1\norganisation: acme\nname: acme\ntime_zone: UTC\ntier: null\n"
        "models:\n  - name: fast\n    targets:\n"
        "      - {connection: gpu, model: %s}\nkeys:\n  - {name: build}\n"
    )
    created_ms = int(NOON * 1000)
    assert await versions(database, "acme") == [
        Version(2, text % "b", "Second", created_ms),
        Version(1, text % "a", "First", created_ms),
    ]
    assert await versions(database, None) == [
        Version(
            1,
            "version: 1\nconnections:\n"
            "  - {name: gpu, provider: vllm, base_url: 'http://10.0.0.7/v1'}\n",
            "First",
            created_ms,
        )
    ]


async def test_what_was_changed_by_other_means_is_kept_first(database: Database) -> None:
    await applied(database, SHARED + ACME % "a")
    await second_key(database, "acme", "by-hand")
    await applied(database, SHARED + ACME % "b", note="Mine")
    noted = [(v.number, v.note, "by-hand" in v.document) for v in await versions(database, "acme")]
    assert noted == [(3, "Mine", True), (2, FOUND, True), (1, None, False)]


async def test_going_back_makes_an_owner_be_as_it_was_and_touches_no_other(
    database: Database,
) -> None:
    await applied(database, SHARED + ACME % "a")
    (before, acme) = await exported(database)
    more = SHARED + ACME % "b" + "limits: [{counts: requests, amount: 5}]\n"
    more = more.replace("{name: build}", "{name: build, buffered: true}, {name: more}")
    await applied(database, more + "---\norganisation: globex\nkeys: [{name: k}]\n")
    back = await rolled_back(database, "acme", 1)
    told = [(edit.action, edit.section, edit.name) for edit in back.plan.edits()]
    assert told == [
        ("change", "models", "fast"),
        ("change", "keys", "build"),
        ("remove", "keys", "more"),
        ("remove", "limits", "org requests"),
    ]
    shared, same, globex = await exported(database)
    assert (shared, same, globex["keys"]) == (before, acme, [{"name": "k"}])
    assert [(v.number, v.note) for v in await versions(database, "acme")] == [
        (3, "Back to 1."), (2, None), (1, None),
    ]  # fmt: skip
    assert (await rolled_back(database, "acme", 3)).changes == ()

    # A revoked key cannot be had again: one of its name is made, and its text shown once.
    forth = await rolled_back(database, "acme", 2)
    assert [(issued.organisation, issued.key) for issued in forth.issued] == [("acme", "more")]
    async with database.read(None) as conn:
        keys = await list_keys(conn, await org_id_of(database, "acme"))
    assert [(key.name, key.revoked_ms is None) for key in keys] == [
        ("build", True), ("more", False), ("more", True),
    ]  # fmt: skip


async def test_going_back_to_what_was_shared_leaves_organisations_alone(
    sqlite_database: Database,
) -> None:
    await applied(sqlite_database, SHARED)
    await applied(sqlite_database, SHARED + 'prices: [{provider: groq, input: "1"}]\n' + ACME % "a")
    back = await rolled_back(sqlite_database, None, 1)
    assert [(edit.action, edit.section) for edit in back.plan.edits()] == [("remove", "prices")]
    assert len(await versions(sqlite_database, "acme")) == 1


async def test_a_file_of_short_forms_only_prunes_nothing_that_is_shared(
    sqlite_database: Database,
) -> None:
    await applied(sqlite_database, SHARED + ACME % "a")
    short = "organisation: acme\nname: Acme\n"
    plan = await planned(sqlite_database, short, prune=True)
    assert [owner.organisation for owner in plan.owners] == ["acme"]
    whole = await planned(sqlite_database, "organisations: [{slug: acme}]", prune=True)
    assert [owner.organisation for owner in whole.owners] == [None, "acme"]


async def test_who_applies_at_the_same_time_follows_each_other(database: Database) -> None:
    texts = [SHARED + ACME % f"m{number}" for number in range(5)]
    results = await asyncio.gather(*(applied(database, text) for text in texts))
    kept = await versions(database, "acme")
    assert [version.number for version in kept] == [5, 4, 3, 2, 1]
    assert all(version.note is None for version in kept)
    assert kept[0].document == yaml_of((await exported(database))[-1])
    edits = [len(list(result.plan.edits())) for result in results]
    assert sorted(edits) == [1, 1, 1, 1, 4]


async def test_a_version_that_is_not_there_is_not_found(database: Database) -> None:
    await applied(database, "organisation: acme")
    org_id = await org_id_of(database, "acme")
    async with database.read(None) as conn:
        assert (await find_version(conn, org_id, 1)).note is None
        for owner, number in ((org_id, 2), (None, 1)):
            with pytest.raises(NotFound, match=f"There is no version {number}"):
                await find_version(conn, owner, number)


async def test_one_can_go_back_to_when_nothing_was_shared(sqlite_database: Database) -> None:
    await applied(sqlite_database, SHARED)
    await applied(sqlite_database, "connections: []", prune=True)
    await applied(sqlite_database, SHARED)
    back = await rolled_back(sqlite_database, None, 2)
    assert [(edit.action, edit.section) for edit in back.plan.edits()] == [
        ("remove", "connections")
    ]


async def test_going_back_brings_back_what_an_organisation_was_called(
    sqlite_database: Database,
) -> None:
    await applied(sqlite_database, "{organisation: acme, teams: [{slug: ops}]}")
    _, first = await exported(sqlite_database)
    await applied(sqlite_database, "{organisation: acme, name: Acme, tier: pro}")
    await rolled_back(sqlite_database, "acme", 1)
    assert (await exported(sqlite_database))[1] == first

    # A version of its own kind, from before all fields of an organisation were written.
    await applied(sqlite_database, "{organisation: acme, name: Acme, tier: pro}")
    org_id = await org_id_of(sqlite_database, "acme")
    async with sqlite_database.write(None) as conn:
        short = "version: 1\norganisation: acme\nteams: [{slug: ops}]\n"
        number = await add_version(conn, org_id, short, None, FakeClock(NOON))
    await rolled_back(sqlite_database, "acme", number)
    assert (await exported(sqlite_database))[1] == first
