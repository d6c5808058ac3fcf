"""Organisations, teams, users and keys on both engines."""

import asyncio
from typing import Any

import pytest
from msgspec.structs import replace
from sqlalchemy import select

from trunkline.errors import Conflict, InvalidRequest, NotFound, TrunklineError
from trunkline.identity.pepper import Pepper
from trunkline.identity.records import SCOPES, IssuedKey, Key, KeyTerms, Organisation, Team, User
from trunkline.identity.secret import generate_key
from trunkline.identity.service import keys, organisations, users
from trunkline.identity.service.key_names import find_key
from trunkline.kit.clock import FakeClock
from trunkline.storage.changes import changes_after
from trunkline.storage.engine import Database
from trunkline.storage.tables.identity import api_key

NOW_MS = 1_750_000_000_000
PEPPER = Pepper("pepper" * 8)


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock(NOW_MS / 1000)


async def told(database: Database) -> list[tuple[str | None, str, str]]:
    async with database.read(None) as conn:
        return [(change.org_id, change.kind, change.id) for change in await changes_after(conn, 0)]


async def acme(database: Database, clock: FakeClock) -> Organisation:
    async with database.write(None) as conn:
        return await organisations.create_organisation(conn, name="Acme GmbH", clock=clock)


async def test_an_organisation_is_made_found_listed_and_told(
    database: Database, clock: FakeClock
) -> None:
    made = await acme(database, clock)
    assert made == Organisation(made.id, "acme-gmbh", "Acme GmbH", "UTC", None, NOW_MS)
    async with database.read(made.id) as conn:
        assert await organisations.find_organisation(conn, "acme-gmbh") == made
        assert await organisations.list_organisations(conn) == [made]
        with pytest.raises(NotFound, match="'other'"):
            await organisations.find_organisation(conn, "other")
    assert await told(database) == [(made.id, "organisation", made.id)]
    with pytest.raises(Conflict) as raised:
        await acme(database, clock)
    assert (raised.value.code, raised.value.param) == ("organisation_exists", "slug")


async def test_ensuring_an_organisation_twice_changes_nothing(
    database: Database, clock: FakeClock
) -> None:
    async with database.write(None) as conn:
        made = await organisations.ensure_organisation(conn, name="Acme", clock=clock)
        again = await organisations.ensure_organisation(conn, name="Acme", clock=clock)
    assert again == made
    clock.advance(5)
    async with database.write(None) as conn:
        changed = await organisations.ensure_organisation(
            conn, name="Acme", tier="pro", time_zone="Asia/Tokyo", clock=clock
        )
    assert changed == replace(made, tier="pro", time_zone="Asia/Tokyo")
    async with database.read(made.id) as conn:
        assert await organisations.list_organisations(conn) == [changed]
    assert await told(database) == [(made.id, "organisation", made.id)] * 2


async def test_teams_are_made_renamed_and_listed(database: Database, clock: FakeClock) -> None:
    org = await acme(database, clock)
    async with database.write(org.id) as conn:
        made = await organisations.create_team(conn, org.id, name="Data Science", clock=clock)
        assert made == Team(made.id, org.id, "data-science", "Data Science", NOW_MS)
        with pytest.raises(Conflict, match="data-science"):
            await organisations.create_team(conn, org.id, name="Data science", clock=clock)
        same = await organisations.ensure_team(conn, org.id, name="Data Science", clock=clock)
        assert same == made
        renamed = await organisations.ensure_team(
            conn, org.id, name="Data", slug="data-science", clock=clock
        )
        other = await organisations.ensure_team(conn, org.id, name="Web", clock=clock)
    assert renamed == replace(made, name="Data")
    async with database.read(org.id) as conn:
        assert await organisations.list_teams(conn, org.id) == [renamed, other]
        assert await organisations.find_team(conn, org.id, "web") == other
        with pytest.raises(NotFound):
            await organisations.find_team(conn, org.id, "none")
    assert [row[1] for row in await told(database)] == ["organisation", "team", "team", "team"]


async def test_a_user_is_one_person_in_several_organisations(
    database: Database, clock: FakeClock
) -> None:
    first = await acme(database, clock)
    async with database.write(None) as conn:
        second = await organisations.create_organisation(conn, name="Other", clock=clock)
        made = await users.create_user(
            conn, first.id, email=" Ann@Example.com ", name="Ann", role="admin", clock=clock
        )
        assert made == User(made.id, "ann@example.com", "Ann", NOW_MS)
        assert await users.create_user(conn, second.id, email="ann@example.com", clock=clock) == (
            made
        )
        with pytest.raises(Conflict, match="member already"):
            await users.create_user(conn, first.id, email="ann@example.com", clock=clock)
    async with database.read(second.id) as conn:
        assert await users.list_members(conn, second.id) == [(made, "member")]
    async with database.read(first.id) as conn:
        assert await users.find_user(conn, first.id, "ANN@example.com") == made
        with pytest.raises(NotFound):
            await users.find_user(conn, first.id, "bob@example.com")


async def test_ensuring_a_user_sets_name_and_role(database: Database, clock: FakeClock) -> None:
    org = await acme(database, clock)

    async def ensure(**given: Any) -> User:
        async with database.write(None) as conn:
            return await users.ensure_user(
                conn, org.id, email="ann@example.com", clock=clock, **given
            )

    made = await ensure()
    assert made == User(made.id, "ann@example.com", "ann@example.com", NOW_MS)
    assert await ensure() == made
    named = await ensure(name="Ann")
    assert named == replace(made, name="Ann")
    assert await ensure(role="owner") == named
    async with database.read(org.id) as conn:
        assert await users.list_members(conn, org.id) == [(named, "owner")]
    assert [row[1] for row in await told(database)] == ["organisation", *["member"] * 3]


async def test_a_key_shows_its_text_once_and_keeps_a_digest(
    database: Database, clock: FakeClock
) -> None:
    org = await acme(database, clock)
    terms = KeyTerms(
        name="backend",
        scopes=("usage:read", "inference"),
        aliases=("gpt-5", "claude"),
        tags={"stage": "prod", "app": "shop"},
        tier="pro",
        cache=False,
        buffered=True,
        expires_ms=NOW_MS + 1,
    )
    async with database.write(org.id) as conn:
        issued = await keys.create_key(conn, org.id, terms, pepper=PEPPER, clock=clock)
    assert issued.key == Key(
        id=issued.key.id,
        org_id=org.id,
        team_id=None,
        user_id=None,
        public_id=issued.key.public_id,
        name="backend",
        scopes=("inference", "usage:read"),
        aliases=("claude", "gpt-5"),
        tags={"app": "shop", "stage": "prod"},
        tier="pro",
        cache=False,
        buffered=True,
        created_ms=NOW_MS,
        expires_ms=NOW_MS + 1,
        revoked_ms=None,
    )
    assert issued.text is not None
    async with database.read(org.id) as conn:
        assert await keys.list_keys(conn, org.id) == [issued.key]
        row = (await conn.execute(select(api_key))).one()
    assert row.digest == PEPPER.digest(issued.text)
    secret = issued.text.split("_")[2]
    assert secret not in repr(row)


async def test_a_key_belongs_to_team_and_user_of_its_organisation(
    database: Database, clock: FakeClock
) -> None:
    org = await acme(database, clock)
    async with database.write(None) as conn:
        other = await organisations.create_organisation(conn, name="Other", clock=clock)
        team = await organisations.create_team(conn, org.id, name="Web", clock=clock)
        ann = await users.create_user(conn, org.id, email="ann@example.com", clock=clock)
        terms = KeyTerms(name="k", team_id=team.id, user_id=ann.id)
        issued = await keys.create_key(conn, org.id, terms, pepper=PEPPER, clock=clock)
        assert (issued.key.team_id, issued.key.user_id) == (team.id, ann.id)
        of_team, of_user = KeyTerms(name="k", team_id=team.id), KeyTerms(name="k", user_id=ann.id)
        for wrong, field in ((of_team, "team"), (of_user, "user")):
            with pytest.raises(InvalidRequest) as raised:
                await keys.create_key(conn, other.id, wrong, pepper=PEPPER, clock=clock)
            assert raised.value.param == field


async def test_revoking_is_final_and_idempotent(database: Database, clock: FakeClock) -> None:
    org = await acme(database, clock)
    async with database.write(org.id) as conn:
        issued = await keys.create_key(conn, org.id, KeyTerms(name="k"), pepper=PEPPER, clock=clock)
    clock.advance(1)
    for handle in (issued.key.id, issued.key.public_id, f"tl_{issued.key.public_id}"):
        async with database.write(org.id) as conn:
            revoked = await keys.revoke_key(conn, org.id, handle, clock=clock)
        assert revoked == replace(issued.key, revoked_ms=NOW_MS + 1000)
        clock.advance(1)
    async with database.write(org.id) as conn:
        with pytest.raises(NotFound):
            await keys.revoke_key(conn, org.id, "none", clock=clock)
    assert [row[1:] for row in await told(database)][1:] == [("api_key", issued.key.id)] * 2


async def test_ensuring_a_key_by_name_makes_it_once_and_follows_its_terms(
    database: Database, clock: FakeClock
) -> None:
    org = await acme(database, clock)

    async def ensure(terms: KeyTerms) -> IssuedKey:
        async with database.write(org.id) as conn:
            return await keys.ensure_key(conn, org.id, terms, pepper=PEPPER, clock=clock)

    made = await ensure(KeyTerms(name="ci"))
    assert made.text is not None
    assert await ensure(KeyTerms(name="ci")) == IssuedKey(made.key, None)
    narrowed = await ensure(KeyTerms(name="ci", scopes=("inference",), expires_ms=1))
    assert narrowed.key == replace(made.key, scopes=("inference",), expires_ms=1)
    async with database.write(org.id) as conn:
        await keys.revoke_key(conn, org.id, made.key.id, clock=clock)
    second = await ensure(KeyTerms(name="ci"))
    assert second.text is not None
    assert second.key.id != made.key.id


async def test_ensuring_a_key_by_its_text_never_revives_or_steals(
    database: Database, clock: FakeClock
) -> None:
    org = await acme(database, clock)
    text = generate_key()

    async def ensure(org_id: str, full: str) -> IssuedKey:
        async with database.write(None) as conn:
            return await keys.ensure_key(
                conn, org_id, KeyTerms(name="ci"), text=full, pepper=PEPPER, clock=clock, at="k.0."
            )

    made = await ensure(org.id, text.full)
    assert made.text == text.full
    async with database.write(org.id) as conn:
        revoked = await keys.revoke_key(conn, org.id, made.key.id, clock=clock)
    assert await ensure(org.id, text.full) == IssuedKey(revoked, None)
    async with database.write(None) as conn:
        other = await organisations.create_organisation(conn, name="Other", clock=clock)
    with pytest.raises(Conflict) as raised:
        await ensure(other.id, text.full)
    assert (raised.value.code, raised.value.param) == ("key_exists", "k.0.secret")
    with pytest.raises(Conflict):
        await ensure(org.id, replace(text, secret=generate_key().secret).full)
    with pytest.raises(InvalidRequest) as refused:
        await ensure(org.id, "sk-123")
    assert (refused.value.code, refused.value.param) == ("invalid_value", "k.0.secret")


@pytest.mark.parametrize(
    ("field", "given"),
    [
        ("o.name", {"name": "  "}),
        ("o.name", {"name": "x" * 201}),
        ("o.name", {"name": "a\nb"}),
        ("o.slug", {"name": "Acme", "slug": "Acme"}),
        ("o.slug", {"name": "Acme", "slug": "-a"}),
        ("o.slug", {"name": "Acme", "slug": "a" * 64}),
        ("o.slug", {"name": "日本"}),
        ("o.time_zone", {"name": "Acme", "time_zone": "Mars/Olympus"}),
        ("o.time_zone", {"name": "Acme", "time_zone": "../etc/passwd"}),
        ("o.time_zone", {"name": "Acme", "time_zone": ""}),
        ("o.tier", {"name": "Acme", "tier": "Pro Plus"}),
    ],
)
async def test_a_bad_organisation_is_refused_with_the_path_of_the_field(
    sqlite_database: Database, clock: FakeClock, field: str, given: dict[str, str]
) -> None:
    async with sqlite_database.write(None) as conn:
        with pytest.raises(InvalidRequest) as raised:
            await organisations.create_organisation(conn, **given, clock=clock, at="o.")
    assert (raised.value.code, raised.value.param) == ("invalid_value", field)


@pytest.mark.parametrize("email", ["", "ann", "@x.y", "ann@", "a b@x.y", "a@b@c", "a@" + "x" * 260])
async def test_a_bad_email_is_refused(
    sqlite_database: Database, clock: FakeClock, email: str
) -> None:
    org = await acme(sqlite_database, clock)
    async with sqlite_database.write(None) as conn:
        with pytest.raises(InvalidRequest) as raised:
            await users.create_user(conn, org.id, email=email, clock=clock)
        assert raised.value.param == "email"
        with pytest.raises(InvalidRequest) as raised:
            await users.create_user(conn, org.id, email="a@b.c", role="king", clock=clock)
        assert raised.value.param == "role"


@pytest.mark.parametrize(
    ("field", "terms"),
    [
        ("k.name", KeyTerms(name="")),
        ("k.scopes", KeyTerms(name="k", scopes=())),
        ("k.scopes.1", KeyTerms(name="k", scopes=(SCOPES[0], "admin"))),
        ("k.aliases.0", KeyTerms(name="k", aliases=("",))),
        ("k.tags", KeyTerms(name="k", tags={f"t{number}": "x" for number in range(21)})),
        ("k.tags.a b", KeyTerms(name="k", tags={"a b": "x"})),
        ("k.tags.a", KeyTerms(name="k", tags={"a": ""})),
        ("k.tier", KeyTerms(name="k", tier="Pro!")),
        ("k.expires", KeyTerms(name="k", expires_ms=NOW_MS)),
    ],
)
async def test_bad_terms_are_refused_with_the_path_of_the_field(
    sqlite_database: Database, clock: FakeClock, field: str, terms: KeyTerms
) -> None:
    org = await acme(sqlite_database, clock)
    async with sqlite_database.write(org.id) as conn:
        with pytest.raises(TrunklineError) as raised:
            await keys.create_key(conn, org.id, terms, pepper=PEPPER, clock=clock, at="k.")
    assert (raised.value.code, raised.value.param) == ("invalid_value", field)


async def test_a_key_is_found_by_name_and_changed_within_its_organisation(
    database: Database, clock: FakeClock
) -> None:
    org = await acme(database, clock)
    terms = KeyTerms(name="k", expires_ms=NOW_MS + 1)
    async with database.write(None) as conn:
        issued = await keys.create_key(conn, org.id, terms, pepper=PEPPER, clock=clock)
        other = await organisations.create_organisation(conn, name="Other", clock=clock)
        for handle in ("k", issued.key.id, f"tl_{issued.key.public_id}"):
            assert await find_key(conn, org.id, handle) == issued.key
            with pytest.raises(NotFound):
                await find_key(conn, other.id, handle)
    clock.advance(1)
    async with database.write(org.id) as conn:
        # What has expired may be changed as long as it does not end anew in the past.
        wanted = replace(terms, name="l", buffered=True)
        changed = await keys.update_key(conn, issued.key, wanted, clock=clock)
        assert changed == replace(issued.key, name="l", buffered=True)
        assert await keys.update_key(conn, changed, wanted, clock=clock) == changed
        past = replace(wanted, expires_ms=NOW_MS)
        with pytest.raises(InvalidRequest) as raised:
            await keys.update_key(conn, changed, past, clock=clock, at="k.")
        assert raised.value.param == "k.expires"
        revoked = await keys.revoke_key(conn, org.id, "l", clock=clock)
        with pytest.raises(Conflict) as refused:
            await keys.update_key(conn, revoked, wanted, clock=clock)
    assert refused.value.code == "key_revoked"
    assert [row[1:] for row in await told(database)][-2:] == [("api_key", issued.key.id)] * 2


async def test_of_two_that_give_keys_one_name_at_once_one_is_refused(
    database: Database, clock: FakeClock
) -> None:
    org = await acme(database, clock)

    async def create() -> str:
        try:
            async with database.write(org.id) as conn:
                await keys.create_key(conn, org.id, KeyTerms(name="k"), pepper=PEPPER, clock=clock)
        except Conflict as error:
            return error.code
        return "made"

    outcomes = await asyncio.gather(*(create() for _ in range(4)))
    assert sorted(outcomes) == ["key_name_taken"] * 3 + ["made"]
