"""The gateway's callers, from a map in memory that follows the database row by row."""

import asyncio
import hmac
import secrets
from collections.abc import Callable
from hashlib import blake2b
from hmac import compare_digest

import msgspec
from typing_extensions import override

from trunkline.errors import Unauthenticated, Unavailable
from trunkline.gateway.caller import EVERY_ALIAS, Caller
from trunkline.gateway.ports import Callers
from trunkline.identity.pepper import Pepper
from trunkline.identity.records import StoredKey
from trunkline.identity.repository.keys import stored_keys
from trunkline.identity.secret import PUBLIC_ID, KeyFormatError, parse_key
from trunkline.kit.clock import Clock
from trunkline.storage.changes import Change
from trunkline.storage.engine import Database

_NEVER = 1 << 62
_REVOKED = -1


class _Entry(msgspec.Struct):
    """One key; a row that is read again becomes a new entry.

    Attributes:
        until_ms: when it expires, ``_NEVER``, or ``_REVOKED``.
        mark: the mark of the text whose digest was found to be the key's; empty before that.
    """

    digest: bytes
    caller: Caller
    until_ms: int
    mark: bytes = b""


class KeyRing(Callers):
    """All keys of the installation, by public id.

    Its state is that map, its inverse by row and the number of loads; all change on the event loop
    only. ``app.py`` owns it: start the ``ChangePoller`` with ``apply`` or ``prepare``, then
    ``load``.
    """

    def __init__(
        self,
        database: Database,
        pepper: Pepper,
        *,
        clock: Clock,
        lag: Callable[[], float],
        stale_max: float,
    ) -> None:
        """Nothing is known before ``load``.

        Args:
            database: read through the system path.
            pepper: the installation's.
            clock: tells which keys have expired.
            lag: seconds since we last knew everything, such as ``ChangePoller.lag``.
            stale_max: seconds of lag up to which an unknown key is called unknown.
        """
        self._database = database
        self._pepper = pepper.secret
        # A digest costs as much as five marks, so a key is proven once and then known by its mark.
        # A mark tells nothing outside of this process: what it is keyed with is made up here.
        self._marks = blake2b(key=secrets.token_bytes(blake2b.MAX_KEY_SIZE), digest_size=32)
        self._clock = clock
        self._lag = lag
        self._stale_max = stale_max
        self._entries: dict[str, _Entry] = {}
        self._public_ids: dict[str, str] = {}
        # One reading at a time: an older one that ends later would bring revoked keys back.
        self._reading = asyncio.Lock()
        self._loads = 0

    def __len__(self) -> int:
        """How many keys are known, revoked and expired ones included."""
        return len(self._entries)

    @override
    def identify(self, credential: str) -> Caller:
        """The caller behind a key; a microsecond once it was met, without I/O.

        The checksum is looked at only to explain a refusal: the digest covers it.
        """
        entry = self._entries.get(credential[PUBLIC_ID])
        if entry is None or not self._proves(credential, entry):
            raise self._stranger(credential)
        if entry.until_ms != _NEVER and entry.until_ms < self._clock.now() * 1000:
            raise _ended(entry)
        return entry.caller

    async def load(self) -> None:
        """Read all keys.

        Raises:
            Unavailable: the database does not answer.
        """
        async with self._reading:
            async with self._database.read(None) as conn:
                rows = await stored_keys(conn)
            self._entries.clear()
            self._public_ids.clear()
            self._loads += 1
            for row in rows:
                self._put(row)

    async def apply(self, changes: list[Change]) -> None:
        """Read again what these changes may have touched. Idempotent."""
        (await self.prepare(changes))()

    async def prepare(self, changes: list[Change]) -> Callable[[], None]:
        """Read what these changes may have touched; what is returned takes it into use at once.

        That lets keys change in the same step as routes and rules. Take what was prepared first
        into use first, or drop it.

        Raises:
            Unavailable: the database does not answer.
        """
        key_ids = [change.id for change in changes if change.kind == "api_key"]
        # A key without a tier takes that of its organisation.
        org_ids = [change.id for change in changes if change.kind == "organisation"]
        if not key_ids and not org_ids:
            return _nothing
        async with self._reading:
            async with self._database.read(None) as conn:
                rows = await stored_keys(conn, ids=key_ids) if key_ids else []
                if org_ids:
                    rows += await stored_keys(conn, org_ids=org_ids)
            loads = self._loads

        def swap() -> None:
            if loads != self._loads:
                # All keys were read again meanwhile, so these rows are older than what is known.
                return
            for gone in set(key_ids) - {row.key.id for row in rows}:
                self._entries.pop(self._public_ids.pop(gone, ""), None)
            for row in rows:
                self._put(row)

        return swap

    def _proves(self, credential: str, entry: _Entry) -> bool:
        text = credential.encode("utf-8", "replace")
        marks = self._marks.copy()
        marks.update(text)
        mark = marks.digest()
        if compare_digest(mark, entry.mark):
            return True
        if not compare_digest(hmac.digest(self._pepper, text, "sha256"), entry.digest):
            return False
        entry.mark = mark
        return True

    def _put(self, row: StoredKey) -> None:
        self._public_ids[row.key.id] = row.key.public_id
        self._entries[row.key.public_id] = _entry(row)

    def _stranger(self, credential: str) -> Unauthenticated | Unavailable:
        try:
            parse_key(credential)
        except KeyFormatError as error:
            return Unauthenticated(
                f"The API key is not valid: {error}.",
                hint="Send a key of this installation, as it was shown when it was made.",
            )
        if self._lag() > self._stale_max:
            return Unavailable(
                "The API key is not known here, and new keys cannot be looked up right now.",
                code="keys_unavailable",
                retry_after=1,
            )
        return Unauthenticated(
            "The API key is not known.",
            hint="Check that it belongs to this installation, or have a new one made.",
        )


def _nothing() -> None:
    """What is taken into use where no key was touched."""


def _ended(entry: _Entry) -> Unauthenticated:
    if entry.until_ms == _REVOKED:
        return Unauthenticated(
            "The API key was revoked.",
            code="api_key_revoked",
            hint="Have a new one made; a revoked key never comes back.",
        )
    return Unauthenticated(
        "The API key has expired.", code="api_key_expired", hint="Have a new one made."
    )


def _entry(row: StoredKey) -> _Entry:
    key = row.key
    caller = Caller(
        org_id=key.org_id,
        key_id=key.id,
        team_id=key.team_id,
        user_id=key.user_id,
        scopes=frozenset(key.scopes),
        aliases=frozenset(key.aliases) if key.aliases else EVERY_ALIAS,
        tags=tuple(sorted(key.tags.items())),
        tier=key.tier or row.org_tier,
        cache=key.cache,
        buffered=key.buffered,
    )
    if key.revoked_ms is not None:
        return _Entry(row.digest, caller, _REVOKED)
    return _Entry(row.digest, caller, _NEVER if key.expires_ms is None else key.expires_ms - 1)
