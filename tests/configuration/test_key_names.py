"""A file knows keys by their names, also in databases that hold several of one name."""

from sqlalchemy import update
from tests.configuration.world import applied, exported, org_id_of, planned, refused, second_key

from trunkline.configuration.writing import yaml_of
from trunkline.identity.records import Key
from trunkline.identity.secret import generate_key
from trunkline.identity.service.keys import list_keys
from trunkline.limits.service import list_limits
from trunkline.storage.engine import Database
from trunkline.storage.tables.identity import api_key

TWINS = """\
organisation: acme
keys:
- {name: a, tags: {n: '1'}}
"""
RULE = "limits: [{counts: requests, amount: 5, scope: key, scope_id: a}]\n"


async def keys_of(database: Database) -> list[Key]:
    org_id = await org_id_of(database, "acme")
    async with database.read(None) as conn:
        return await list_keys(conn, org_id)


async def limited(database: Database) -> list[str | None]:
    org_id = await org_id_of(database, "acme")
    async with database.read(None) as conn:
        return [rule.scope_id for rule in await list_limits(conn, org_id)]


async def test_of_several_keys_with_one_name_the_one_that_is_as_written_is_meant(
    database: Database,
) -> None:
    await applied(database, TWINS)
    await second_key(database, "acme", "a")
    first, second = await keys_of(database)
    assert (await applied(database, TWINS, prune=True)).changes == ()
    await applied(database, TWINS.replace(", tags: {n: '1'}", "") + RULE)
    assert await limited(database) == [second.id]
    assert await keys_of(database) == [first, second]


async def test_a_name_that_means_several_keys_is_told_with_its_place(database: Database) -> None:
    await applied(database, TWINS)
    await second_key(database, "acme", "a")
    first, second = await keys_of(database)
    said = (
        f"There are 2 keys 'a': tl_{first.public_id}, tl_{second.public_id}. Give all but one "
        "another name with trunkline keys update ID --name NAME, or revoke them"
    )
    (problem,) = await refused(database, TWINS.replace("'1'", "'2'"))
    assert (problem.path, problem.line, problem.message) == ("keys[0].name", 3, said)
    (problem,) = await refused(database, "organisation: acme\n" + RULE)
    assert (problem.path, problem.line, problem.message) == ("limits[0].scope_id", 2, said)
    named = RULE.replace("scope_id: a", f"scope_id: tl_{second.public_id}")
    await applied(database, "organisation: acme\n" + named)
    assert await limited(database) == [second.id]
    assert await keys_of(database) == [first, second]


async def test_an_export_of_several_keys_with_one_name_plans_nothing(database: Database) -> None:
    await applied(database, TWINS + RULE)
    await second_key(database, "acme", "a")
    _, second = await keys_of(database)
    _, acme = await exported(database)
    assert acme["limits"][0]["scope_id"] == "a"
    assert (await planned(database, yaml_of(acme), prune=True)).is_empty
    # Also where nothing tells one from the other.
    async with database.write(None) as conn:
        await conn.execute(update(api_key).where(api_key.c.id == second.id).values(tags={"n": "1"}))
    assert (await planned(database, yaml_of(acme), prune=True)).is_empty


async def test_a_new_text_makes_a_key_beside_the_one_that_it_follows(
    sqlite_database: Database,
) -> None:
    file = "{organisation: acme, keys: [{name: a, secret: 'env:A'}], " + RULE.strip() + "}"
    old, new = {"A": generate_key().full}, {"A": generate_key().full}
    await applied(sqlite_database, file, variables=old)
    await applied(sqlite_database, file, variables=new)
    first, second = await keys_of(sqlite_database)
    assert [(key.name, key.revoked_ms) for key in (first, second)] == [("a", None)] * 2
    assert await limited(sqlite_database) == [first.id, second.id]
    assert (await applied(sqlite_database, file, variables=new)).changes == ()


async def test_a_text_takes_no_name_of_another_key(sqlite_database: Database) -> None:
    variables = {"A": generate_key().full}
    file = "{organisation: acme, keys: [{name: a, secret: 'env:A'}, {name: b}]}"
    await applied(sqlite_database, file, variables=variables)
    renamed = "{organisation: acme, keys: [{name: b, secret: 'env:A'}]}"
    (problem,) = await refused(sqlite_database, renamed, variables)
    assert (problem.path, problem.message.partition(".")[0]) == (
        "keys[0].name", "There is a key 'b' already",
    )  # fmt: skip
