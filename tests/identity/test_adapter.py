"""The key ring: from a credential to its caller, and back to nobody."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import pytest
from sqlalchemy.ext.asyncio import AsyncConnection

from trunkline.errors import TrunklineError, Unauthenticated, Unavailable
from trunkline.gateway.caller import EVERY_ALIAS, Caller
from trunkline.identity.adapter import KeyRing
from trunkline.identity.pepper import Pepper
from trunkline.identity.records import IssuedKey, KeyTerms, Organisation
from trunkline.identity.secret import generate_key
from trunkline.identity.service import keys, organisations
from trunkline.kit.clock import FakeClock
from trunkline.kit.ids import new_id
from trunkline.storage.changes import Change, ChangePoller
from trunkline.storage.engine import Database
from trunkline.storage.tables.identity import api_key

PEPPER = Pepper("pepper" * 8)


@dataclass
class House:
    """An organisation, its key ring, and how far the ring lags behind."""

    database: Database
    clock: FakeClock
    org: Organisation
    ring: KeyRing
    lag: float = 0.0

    async def issue(self, **terms: object) -> IssuedKey:
        async with self.database.write(self.org.id) as conn:
            return await keys.create_key(
                conn,
                self.org.id,
                KeyTerms(name=new_id(), **terms),  # type: ignore[arg-type]  # Terms of many types.
                pepper=PEPPER,
                clock=self.clock,
            )


@pytest.fixture
async def house(database: Database) -> House:
    clock = FakeClock()
    async with database.write(None) as conn:
        org = await organisations.create_organisation(conn, name="Acme", tier="pro", clock=clock)
    house: House

    def lag() -> float:
        return house.lag

    ring = KeyRing(database, PEPPER, clock=clock, lag=lag, stale_max=60)
    house = House(database, clock, org, ring)
    return house


def text_of(issued: IssuedKey) -> str:
    assert issued.text is not None
    return issued.text


def refusal(ring: KeyRing, credential: str) -> TrunklineError:
    with pytest.raises((Unauthenticated, Unavailable)) as raised:
        ring.identify(credential)
    error: TrunklineError = raised.value
    return error


async def test_a_key_becomes_its_caller(house: House) -> None:
    plain = await house.issue()
    narrow = await house.issue(
        scopes=("cache:write", "circuits:write"),
        aliases=("gpt-5",),
        tags={"b": "2", "a": "1"},
        tier="free",
        cache=True,
        buffered=True,
    )
    await house.ring.load()
    assert len(house.ring) == 2
    assert house.ring.identify(text_of(plain)) == Caller(
        org_id=house.org.id,
        key_id=plain.key.id,
        scopes=frozenset({"inference", "models:read", "usage:read"}),
        aliases=EVERY_ALIAS,
        tier="pro",
    )
    assert house.ring.identify(text_of(narrow)) == Caller(
        org_id=house.org.id,
        key_id=narrow.key.id,
        scopes=frozenset({"cache:write", "circuits:write"}),
        aliases=frozenset({"gpt-5"}),
        tags=(("a", "1"), ("b", "2")),
        tier="free",
        cache=True,
        buffered=True,
    )


async def test_a_right_id_with_a_wrong_secret_is_a_stranger(house: House) -> None:
    issued = await house.issue()
    await house.ring.load()
    text = text_of(issued)
    forged = type(generate_key())(issued.key.public_id, generate_key().secret).full
    error = refusal(house.ring, forged)
    assert (error.status, error.code, error.message) == (
        401,
        "invalid_api_key",
        "The API key is not known.",
    )
    for mistyped in (
        text[:-1],
        text + "x",
        text.swapcase(),
        text.replace("_", "-"),
        "",
        "tl_",
        "é",
    ):
        error = refusal(house.ring, mistyped)
        assert (error.status, error.code) == (401, "invalid_api_key")
        assert error.message.startswith("The API key is not valid: ")


async def test_an_unpaired_surrogate_is_a_stranger_and_no_crash(house: House) -> None:
    issued = await house.issue()
    await house.ring.load()
    text = text_of(issued)
    assert refusal(house.ring, text[:-1] + "\ud800").status == 401


async def test_a_key_ends_with_its_expiry(house: House) -> None:
    issued = await house.issue(expires_ms=int(house.clock.now() * 1000) + 10_000)
    await house.ring.load()
    house.clock.advance(9.999)
    assert house.ring.identify(text_of(issued)).key_id == issued.key.id
    house.clock.advance(0.001)
    error = refusal(house.ring, text_of(issued))
    assert (error.status, error.code) == (401, "api_key_expired")


async def test_an_unknown_key_gets_503_only_while_our_knowledge_is_old(house: House) -> None:
    known = await house.issue()
    await house.ring.load()
    unknown = generate_key().full
    house.lag = 60
    assert refusal(house.ring, unknown).status == 401
    house.lag = 60.1
    error = refusal(house.ring, unknown)
    assert (error.status, error.code, error.should_retry) == (503, "keys_unavailable", True)
    assert refusal(house.ring, "sk-123").status == 401
    assert house.ring.identify(text_of(known)).key_id == known.key.id


async def test_changes_are_applied_row_by_row(house: House) -> None:
    first, second = await house.issue(), await house.issue()
    await house.ring.load()
    async with house.database.write(house.org.id) as conn:
        await keys.revoke_key(conn, house.org.id, first.key.id, clock=house.clock)
        await conn.execute(api_key.delete().where(api_key.c.id == second.key.id))
    third = await house.issue()
    await house.ring.apply(
        [
            Change(number, house.org.id, "api_key", row.key.id)
            for number, row in enumerate([first, second, third])
        ]
    )
    assert refusal(house.ring, text_of(first)).code == "api_key_revoked"
    assert refusal(house.ring, text_of(second)).message == "The API key is not known."
    assert house.ring.identify(text_of(third)).key_id == third.key.id


async def test_a_key_that_was_met_opens_nothing_for_another_text(house: House) -> None:
    issued = await house.issue()
    await house.ring.load()
    text = text_of(issued)
    for credential in (text, text):
        assert house.ring.identify(credential).key_id == issued.key.id
    forged = type(generate_key())(issued.key.public_id, generate_key().secret).full
    for credential in (forged, forged, text + "x", text[:-1] + "\ud800"):
        assert refusal(house.ring, credential).code == "invalid_api_key"
    assert house.ring.identify(text).key_id == issued.key.id


async def test_a_key_that_was_met_is_forgotten_with_its_row(house: House) -> None:
    issued = await house.issue()
    await house.ring.load()
    text = text_of(issued)
    assert house.ring.identify(text).key_id == issued.key.id
    other = type(generate_key())(issued.key.public_id, generate_key().secret).full
    async with house.database.write(house.org.id) as conn:
        await conn.execute(
            api_key.update()
            .where(api_key.c.id == issued.key.id)
            .values(digest=PEPPER.digest(other))
        )
    await house.ring.apply([Change(1, house.org.id, "api_key", issued.key.id)])
    assert refusal(house.ring, text).code == "invalid_api_key"
    assert house.ring.identify(other).key_id == issued.key.id


async def test_what_was_prepared_is_taken_into_use_in_one_step(house: House) -> None:
    first = await house.issue()
    await house.ring.load()
    async with house.database.write(house.org.id) as conn:
        await keys.revoke_key(conn, house.org.id, first.key.id, clock=house.clock)
    second = await house.issue()
    changes = [
        Change(number, house.org.id, "api_key", row.key.id)
        for number, row in enumerate([first, second])
    ]
    swap = await house.ring.prepare(changes)
    assert house.ring.identify(text_of(first)).key_id == first.key.id
    assert refusal(house.ring, text_of(second)).code == "invalid_api_key"
    swap()
    assert refusal(house.ring, text_of(first)).code == "api_key_revoked"
    assert house.ring.identify(text_of(second)).key_id == second.key.id


async def test_what_was_prepared_before_a_load_brings_no_revoked_key_back(house: House) -> None:
    issued = await house.issue()
    swap = await house.ring.prepare([Change(1, house.org.id, "api_key", issued.key.id)])
    async with house.database.write(house.org.id) as conn:
        await keys.revoke_key(conn, house.org.id, issued.key.id, clock=house.clock)
    await house.ring.load()
    swap()
    assert refusal(house.ring, text_of(issued)).code == "api_key_revoked"


class Held:
    """A database whose first reader is held up between its last row and its end."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.has_read = asyncio.Event()
        self.may_end = asyncio.Event()

    @asynccontextmanager
    async def read(self, org_id: str | None) -> AsyncIterator[AsyncConnection]:
        async with self._database.read(org_id) as conn:
            yield conn
        if not self.has_read.is_set():
            self.has_read.set()
            await self.may_end.wait()


async def test_a_revocation_during_the_first_load_is_not_lost(house: House) -> None:
    issued = await house.issue()
    held = Held(house.database)
    ring = KeyRing(cast("Database", held), PEPPER, clock=house.clock, lag=lambda: 0.0, stale_max=60)
    load = asyncio.create_task(ring.load())
    await held.has_read.wait()
    async with house.database.write(house.org.id) as conn:
        await keys.revoke_key(conn, house.org.id, issued.key.id, clock=house.clock)
    apply = asyncio.create_task(ring.apply([Change(1, house.org.id, "api_key", issued.key.id)]))
    await asyncio.wait([apply], timeout=0.2)
    held.may_end.set()
    await asyncio.gather(load, apply)
    assert refusal(ring, text_of(issued)).code == "api_key_revoked"


async def test_a_new_tier_of_the_organisation_reaches_its_keys(house: House) -> None:
    issued = await house.issue()
    await house.ring.load()
    async with house.database.write(None) as conn:
        await organisations.ensure_organisation(
            conn, name="Acme", tier="enterprise", clock=house.clock
        )
    await house.ring.apply([Change(1, house.org.id, "organisation", house.org.id)])
    assert house.ring.identify(text_of(issued)).tier == "enterprise"
    await house.ring.apply([Change(2, house.org.id, "budget", "b")])
    assert house.ring.identify(text_of(issued)).tier == "enterprise"


@pytest.fixture
async def two_processes(
    database_address: tuple[str | None, Path],
) -> AsyncIterator[tuple[Database, Database]]:
    """The same database, opened twice as two processes do."""
    url, data_dir = database_address
    first = await Database.open(url, data_dir=data_dir)
    second = await Database.open(url, data_dir=data_dir)
    yield first, second
    await first.close()
    await second.close()


async def test_a_revocation_by_another_process_is_seen_within_a_second(
    two_processes: tuple[Database, Database],
) -> None:
    ours, theirs = two_processes
    clock = FakeClock()
    applied = asyncio.Event()

    async def on_changes(changes: list[Change]) -> None:
        await ring.apply(changes)
        applied.set()

    poller = ChangePoller(ours, on_changes=on_changes)
    ring = KeyRing(ours, PEPPER, clock=clock, lag=lambda: poller.lag, stale_max=60)
    await poller.start()
    await ring.load()
    try:
        async with theirs.write(None) as conn:
            org = await organisations.create_organisation(conn, name="Acme", clock=clock)
            issued = await keys.create_key(
                conn, org.id, KeyTerms(name="k"), pepper=PEPPER, clock=clock
            )
        await asyncio.wait_for(applied.wait(), 5)
        assert ring.identify(text_of(issued)).key_id == issued.key.id
        applied.clear()
        async with theirs.write(org.id) as conn:
            await keys.revoke_key(conn, org.id, issued.key.id, clock=clock)
        await asyncio.wait_for(applied.wait(), 1)
        assert refusal(ring, text_of(issued)).code == "api_key_revoked"
    finally:
        await poller.stop()
