"""Issue, list, change and revoke keys."""

import hmac

from msgspec.structs import asdict, replace
from sqlalchemy.ext.asyncio import AsyncConnection

from trunkline.errors import Conflict
from trunkline.identity.pepper import Pepper
from trunkline.identity.records import IssuedKey, Key, KeyTerms
from trunkline.identity.repository import keys, teams, users
from trunkline.identity.secret import (
    PREFIX,
    KeyFormatError,
    KeyText,
    generate_key,
    parse_key,
)
from trunkline.identity.service.key_names import check_free, find_key, the_one
from trunkline.identity.validation import check_terms, refuse
from trunkline.kit.clock import Clock
from trunkline.kit.ids import new_id
from trunkline.storage.changes import append_change

KIND = "api_key"


async def create_key(
    conn: AsyncConnection,
    org_id: str,
    terms: KeyTerms,
    *,
    pepper: Pepper,
    clock: Clock,
    at: str = "",
) -> IssuedKey:
    """Make a key. Its full text is in the answer and nowhere else; only a digest is kept.

    Raises:
        InvalidRequest: a field breaks its rule, or team or user are not of the organisation.
        Conflict: a key of the organisation has the name, and is not revoked.
    """
    checked = await _check(conn, org_id, terms, at, int(clock.now() * 1000))
    await check_free(conn, org_id, checked.name, f"{at}name")
    return await _add(conn, org_id, checked, generate_key(), pepper, clock)


async def ensure_key(
    conn: AsyncConnection,
    org_id: str,
    terms: KeyTerms,
    *,
    text: str | None = None,
    pepper: Pepper,
    clock: Clock,
    at: str = "",
) -> IssuedKey:
    """A key of these terms. Repeating changes nothing, and never brings back a revoked key.

    Args:
        conn: the unit of work; a system path when ``text`` is given.
        org_id: the organisation that gets the key.
        terms: what the key may do; a key that is there is changed to them.
        text: the whole key, made by ``generate_key`` elsewhere, which tells the key from all
            others, also from one of its name whose text it follows; without it the key is found
            by its name, and made if there is none.
        pepper: the installation's.
        clock: tells when it is made.
        at: the place of the input, for errors.

    Raises:
        InvalidRequest: as ``create_key``, or the text has not the form of a key.
        Conflict: the text is that of another organisation's key or contradicts the one known; a
            key of this text would take the name of another one; or several keys have the name, and
            none of them is as wanted.
    """
    # A file that is applied at every start may name an expiry that has passed meanwhile.
    checked = await _check(conn, org_id, terms, at, now_ms=0)
    if text is not None:
        parsed = _parse(text, f"{at}secret")
        present = await _present(conn, org_id, parsed, pepper, f"{at}secret")
        if present is None:
            return await _add(conn, org_id, checked, parsed, pepper, clock)
    else:
        named = await keys.live_keys_by_name(conn, org_id, checked.name)
        if not named:
            return await _add(conn, org_id, checked, generate_key(), pepper, clock)
        present = the_one(named, f"{at}name", terms=checked)
    return IssuedKey(await _changed(conn, present, checked, f"{at}name"), None)


async def update_key(
    conn: AsyncConnection, key: Key, terms: KeyTerms, *, clock: Clock, at: str = ""
) -> Key:
    """Change what a key may do, or its name; every process knows within a second.

    Raises:
        InvalidRequest: a field breaks its rule, or team or user are not of the organisation.
        Conflict: it is revoked, or another key that is not has the name.
    """
    if key.revoked_ms is not None:
        raise Conflict(
            f"The key {PREFIX}{key.public_id} is revoked.",
            code="key_revoked",
            hint="Make another one with: trunkline keys create",
        )
    # What expired may still be changed; a new end lies ahead.
    now_ms = 0 if terms.expires_ms == key.expires_ms else int(clock.now() * 1000)
    checked = await _check(conn, key.org_id, terms, at, now_ms)
    return await _changed(conn, key, checked, f"{at}name")


async def list_keys(conn: AsyncConnection, org_id: str) -> list[Key]:
    """All keys of an organisation, oldest first, with those that were revoked."""
    return await keys.keys_of(conn, org_id)


async def revoke_key(conn: AsyncConnection, org_id: str, handle: str, *, clock: Clock) -> Key:
    """Refuse a key from now on; every process knows within a second. Idempotent.

    Args:
        conn: the unit of work.
        org_id: the organisation whose key it is.
        handle: its identifier, its public id, what ``KeyText.display`` shows, or its name.
        clock: tells when it was revoked.

    Raises:
        NotFound: the organisation has no such key.
        Conflict: several have the name.
    """
    found = await find_key(conn, org_id, handle)
    if found.revoked_ms is not None:
        return found
    revoked = replace(found, revoked_ms=int(clock.now() * 1000))
    await keys.change_key(conn, revoked)
    await append_change(conn, org_id, KIND, revoked.id)
    return revoked


async def _check(
    conn: AsyncConnection, org_id: str, terms: KeyTerms, at: str, now_ms: int
) -> KeyTerms:
    if terms.team_id is not None and not await teams.team_exists(conn, org_id, terms.team_id):
        raise refuse(f"{at}team", "is not a team of the organisation")
    if terms.user_id is not None and await users.role_of(conn, org_id, terms.user_id) is None:
        raise refuse(f"{at}user", "is not a member of the organisation")
    return check_terms(terms, at, now_ms)


async def _changed(conn: AsyncConnection, present: Key, terms: KeyTerms, field: str) -> Key:
    wanted = replace(present, **asdict(terms))
    if wanted.name != present.name and wanted.revoked_ms is None:
        await check_free(conn, present.org_id, wanted.name, field)
    if wanted != present:
        await keys.change_key(conn, wanted)
        await append_change(conn, wanted.org_id, KIND, wanted.id)
    return wanted


async def _add(
    conn: AsyncConnection,
    org_id: str,
    terms: KeyTerms,
    text: KeyText,
    pepper: Pepper,
    clock: Clock,
) -> IssuedKey:
    key = Key(
        id=new_id(),
        org_id=org_id,
        public_id=text.public_id,
        created_ms=int(clock.now() * 1000),
        revoked_ms=None,
        **asdict(terms),
    )
    await keys.add_key(conn, key, pepper.digest(text.full))
    await append_change(conn, org_id, KIND, key.id)
    return IssuedKey(key, text.full)


def _parse(text: str, field: str) -> KeyText:
    try:
        return parse_key(text)
    except KeyFormatError as error:
        hint = "Make one with: trunkline keys generate"
        raise refuse(field, str(error), hint=hint) from None


async def _present(
    conn: AsyncConnection, org_id: str, text: KeyText, pepper: Pepper, field: str
) -> Key | None:
    """The key that is known by this text."""
    known = await keys.stored_keys(conn, public_id=text.public_id)
    if not known:
        return None
    stored = known[0]
    same = hmac.compare_digest(stored.digest, pepper.digest(text.full))
    if stored.key.org_id != org_id or not same:
        raise Conflict(
            "Another key has the same public id.",
            code="key_exists",
            param=field,
            hint="Make a new one with: trunkline keys generate",
        )
    return stored.key
