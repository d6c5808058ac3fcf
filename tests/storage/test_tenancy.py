"""No row of another organisation is visible, in any table, on either engine."""

import re
import uuid
from typing import Any

import pytest
from sqlalchemy import (
    JSON,
    Boolean,
    CheckConstraint,
    Float,
    Integer,
    LargeBinary,
    Numeric,
    String,
    Table,
    func,
    insert,
    select,
    text,
)
from sqlalchemy.exc import DBAPIError

from trunkline.storage.engine import Database
from trunkline.storage.schema import whole_schema
from trunkline.storage.tables.base import metadata
from trunkline.storage.tables.identity import member, organisation, user

TENANT_TABLES = [table for table in whole_schema().sorted_tables if "org_id" in table.c]
OURS, THEIRS = "org-ours", "org-theirs"


def example(column: Any, org_id: str, row: dict[tuple[str, str], Any]) -> Any:
    """A value of the column's type; foreign keys point at rows made for the same organisation."""
    if column.name == "org_id":
        return org_id
    for key in column.foreign_keys:
        return row[key.column.table.name, key.column.name]
    if isinstance(column.type, JSON):
        return []
    if isinstance(column.type, LargeBinary):
        return b"x"
    if isinstance(column.type, Boolean):
        return True
    if isinstance(column.type, Numeric | Float | Integer):
        return 1
    assert isinstance(column.type, String), column
    choices = allowed_values(column)
    if choices:
        return choices[0]
    return uuid.uuid4().hex[: column.type.length or 32]


def allowed_values(column: Any) -> list[str]:
    """The values that a check such as ``kind IN ('a', 'b')`` leaves to a column."""
    checks = [str(c.sqltext) for c in column.table.constraints if isinstance(c, CheckConstraint)]
    found = [re.search(rf"\b{column.name} IN \((.*?)\)", check) for check in checks]
    return [value for match in found if match for value in re.findall(r"'(.*?)'", match[1])]


async def fill(database: Database, org_id: str) -> None:
    """One row of this organisation in every table, through the system path."""
    made: dict[tuple[str, str], Any] = {}
    async with database.write(None) as conn:
        for table in whole_schema().sorted_tables:
            values = {
                column.name: org_id
                if (table is organisation and column.name == "id")
                else example(column, org_id, made)
                for column in table.c
                if column.identity is None
            }
            await conn.execute(insert(table).values(values))
            made |= {(table.name, name): value for name, value in values.items()}


@pytest.fixture
async def two_tenants(database: Database) -> Database:
    """Every table has one row of each of two organisations."""
    await fill(database, OURS)
    await fill(database, THEIRS)
    return database


def test_every_table_says_whose_its_rows_are() -> None:
    # Besides the organisations and the people in them, only rows of the installation have no owner.
    without = {table.name for table in metadata.tables.values()} - {t.name for t in TENANT_TABLES}
    assert without == {"organisation", "user", "process", "journal_position"}


async def test_a_reader_sees_the_rows_of_its_organisation_only(two_tenants: Database) -> None:
    seen = {}
    async with two_tenants.read(OURS) as conn:
        for table in TENANT_TABLES:
            seen[table.name] = list(await conn.scalars(select(table.c.org_id).distinct()))
    assert seen == {table.name: [OURS] for table in TENANT_TABLES}


async def test_organisations_and_users_are_hidden_as_well(two_tenants: Database) -> None:
    async with two_tenants.read(OURS) as conn:
        assert list(await conn.scalars(select(organisation.c.id))) == [OURS]
        people = select(func.count()).select_from(user)
        assert await conn.scalar(people) == 1
        own = select(user.c.id).join(member, member.c.user_id == user.c.id)
        assert len((await conn.execute(own)).all()) == 1


async def test_an_unknown_organisation_sees_nothing(two_tenants: Database) -> None:
    assert await counts(two_tenants, "org-unknown") == [0] * len(TENANT_TABLES)


async def test_an_empty_organisation_sees_nothing(two_tenants: Database) -> None:
    assert await counts(two_tenants, "") == [0] * len(TENANT_TABLES)


async def test_the_system_path_sees_all(two_tenants: Database) -> None:
    seen = {}
    async with two_tenants.read(None) as conn:
        for table in TENANT_TABLES:
            # A migration may bring rows of the installation, which have no organisation.
            owned = select(table.c.org_id).where(table.c.org_id.is_not(None)).distinct()
            seen[table.name] = sorted(await conn.scalars(owned))
    assert seen == {table.name: [OURS, THEIRS] for table in TENANT_TABLES}


async def test_a_connection_forgets_the_organisation_it_served(two_tenants: Database) -> None:
    for org_id in (OURS, THEIRS, OURS):
        async with two_tenants.read(org_id) as conn:
            assert list(await conn.scalars(select(organisation.c.id))) == [org_id]


async def counts(database: Database, org_id: str | None) -> list[int]:
    async with database.read(org_id) as conn:
        return [
            await conn.scalar(select(func.count()).select_from(table)) or 0
            for table in TENANT_TABLES
        ]


async def test_without_a_tenant_the_app_role_sees_nothing(
    postgresql_database: Database,
) -> None:
    await fill(postgresql_database, OURS)
    async with postgresql_database.read(OURS) as conn:
        await conn.execute(text("RESET trunkline.org_id"))
        for table in TENANT_TABLES:
            assert (await conn.execute(select(table.c.org_id))).all() == []


async def test_the_owner_of_the_tables_sees_nothing_while_security_is_forced(
    postgresql_database: Database,
) -> None:
    await fill(postgresql_database, OURS)
    async with postgresql_database.read(None) as conn:
        await conn.execute(text("RESET ROLE"))
        assert await conn.scalar(text("SELECT current_user")) == "trunkline_owner"
        for table in TENANT_TABLES:
            assert (await conn.execute(select(table.c.org_id))).all() == []


@pytest.mark.parametrize("table", TENANT_TABLES, ids=lambda table: table.name)
async def test_the_app_role_cannot_write_rows_of_another_organisation(
    postgresql_database: Database, table: Table
) -> None:
    await fill(postgresql_database, OURS)
    await fill(postgresql_database, THEIRS)
    async with postgresql_database.write(OURS) as conn:
        theirs = table.c.org_id == THEIRS
        assert (await conn.execute(table.delete().where(theirs))).rowcount == 0
    with pytest.raises(DBAPIError, match="row-level security"):
        await give_away(postgresql_database, table)


async def give_away(database: Database, table: Table) -> None:
    async with database.write(OURS) as conn:
        await conn.execute(table.update().values(org_id=THEIRS))
