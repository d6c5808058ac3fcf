"""Which of a connection's secrets is used next, and which ones rest after what a provider said."""

import hashlib
import logging
import secrets
from collections.abc import Callable, Collection, Iterator

from trunkline.gateway.snapshot import Connection, Credential, Signer
from trunkline.gateway.upstream_errors import CredentialVerdict

DEAD_SECONDS = 600.0
# A secret that may not use one model is tried again sooner: it is often a switch at the provider.
BARRED_SECONDS = 60.0
_FIRST_REST = 1.0
_LONGEST_REST = 60.0
# So long after its rest a limited secret counts as well again, and begins with the first rest.
_MEMORY = 60.0
_MOST_KEPT = 10_000

_Key = tuple[str, str, str]

logger = logging.getLogger(__name__)


class Rest:
    """Why and until when one secret is left alone."""

    __slots__ = ("fingerprint", "limits", "signer", "until", "verdict")

    def __init__(
        self,
        fingerprint: bytes,
        signer: Signer | None,
        verdict: CredentialVerdict,
        until: float,
        limits: int,
    ) -> None:
        self.fingerprint = fingerprint
        self.signer = signer
        self.verdict = verdict
        self.until = until
        self.limits = limits


class RestingCredentials:
    """The secrets that rest, and whose turn it is at each connection.

    Its state is bounded. A secret is recognised by a digest of it under a key that this process
    made up, so that a new secret in an old place begins without a verdict; a signer is recognised
    by itself, and is a new one whenever the configuration of its organisation changes.

    Args:
        monotonic: steady time in seconds.
        salt: for the digests; made up where it is None.

    Attributes:
        verdicts: how often each verdict was given.
    """

    def __init__(self, monotonic: Callable[[], float], salt: bytes | None = None) -> None:
        self._monotonic = monotonic
        self._salt = salt or secrets.token_bytes(16)
        self._rests: dict[_Key, Rest] = {}
        self._turns: dict[str, int] = {}
        self.verdicts: dict[CredentialVerdict, int] = {"limited": 0, "dead": 0, "barred": 0}

    def pick(
        self, connection: Connection, model: str = "", without: Collection[str] = ()
    ) -> Credential | None:
        """The next secret that does not rest, for this model; None when all rest.

        Args:
            connection: whose secrets they are.
            model: what it is for.
            without: ids of those that this request has tried already.
        """
        held = connection.credentials
        several = len(held) > 1
        if not self._rests and not several and not without:
            return held[0]
        turn = self._turns.get(connection.id, 0) if several else 0
        now = self._monotonic()
        for step in range(len(held)):
            place = (turn + step) % len(held)
            credential = held[place]
            if credential.id in without:
                continue
            if not self._rests or not self._is_resting(connection.id, credential, model, now):
                if several:
                    self._turn(connection.id, place + 1)
                return credential
        return None

    def last_resort(self, connection: Connection, model: str = "") -> Credential:
        """Where all rest, the secret that may use the model again first; refused ones come last."""
        return min(
            connection.credentials,
            key=lambda one: max(
                (
                    (rest.verdict == "dead", rest.until)
                    for rest in self._rests_of(connection.id, one, model)
                ),
                default=(False, 0.0),
            ),
        )

    def rests(
        self,
        connection: Connection,
        credential_id: str,
        verdict: CredentialVerdict,
        wait: float | None,
        model: str = "",
    ) -> None:
        """Leave a secret alone after what the provider said of it.

        ``limited`` rests until the provider's hint, else 1 s, 2 s, ... 60 s, for the model only,
        since providers count each of their models apart; without a hint a connection's only secret
        goes on, because there is nothing to use meanwhile. ``barred`` rests a minute, for the model
        only. ``dead`` rests ten minutes, for all.
        """
        credential = next((one for one in connection.credentials if one.id == credential_id), None)
        if credential is None or verdict == "fine":
            return
        self.verdicts[verdict] += 1
        place = "" if verdict == "dead" else model
        key = (connection.id, credential_id, place)
        now = self._monotonic()
        old = self._known(key, credential)
        if verdict == "limited" and wait is None and len(connection.credentials) == 1:
            return
        rest = self._rest(credential, verdict, now, old, wait)
        if old is not None and old.until > max(now, rest.until):
            return
        if verdict == "dead" and (old is None or old.verdict != "dead" or old.until <= now):
            logger.warning(
                "The provider refuses secret %s of connection %s", credential_id, connection.name
            )
        self._keep(key, rest, now)

    def served(self, connection_id: str, credential_id: str, model: str) -> None:
        """The provider has taken a secret, so that it is not refused any more.

        A limit is another matter: a call that began before it tells nothing about it.
        """
        if not self._rests:
            return
        for place in ("", model):
            key = (connection_id, credential_id, place)
            rest = self._rests.get(key)
            if rest is not None and rest.verdict != "limited":
                del self._rests[key]

    def works(self, connection: Connection) -> bool:
        """Whether any of its secrets is not dead."""
        if not self._rests:
            return True
        now = self._monotonic()
        for credential in connection.credentials:
            rest = self._known((connection.id, credential.id, ""), credential)
            if rest is None or rest.verdict != "dead" or rest.until <= now:
                return True
        return False

    def resting(self) -> list[tuple[str, str, str, CredentialVerdict, float]]:
        """Connection, secret, model or "", verdict, and seconds left, of all that rest now."""
        now = self._monotonic()
        return [
            (*key, rest.verdict, rest.until - now)
            for key, rest in self._rests.items()
            if rest.until > now
        ]

    def _rest(
        self,
        credential: Credential,
        verdict: CredentialVerdict,
        now: float,
        old: Rest | None,
        wait: float | None,
    ) -> Rest:
        limits = 0
        if verdict == "dead":
            seconds = DEAD_SECONDS
        elif verdict == "barred":
            seconds = BARRED_SECONDS
        elif wait is not None:
            seconds = wait
        else:
            if old is not None and old.verdict == "limited" and now - old.until < _MEMORY:
                # Those who were under way together are one limit, not several.
                limits = old.limits + (1 if now >= old.until else 0)
            seconds = min(_FIRST_REST * 2.0**limits, _LONGEST_REST)
        signer = credential.signer
        return Rest(self._fingerprint(credential), signer, verdict, now + seconds, min(limits, 32))

    def _is_resting(
        self, connection_id: str, credential: Credential, model: str, now: float
    ) -> bool:
        rests = self._rests_of(connection_id, credential, model)
        return any(rest.until > now for rest in rests)

    def _rests_of(self, connection_id: str, credential: Credential, model: str) -> Iterator[Rest]:
        """What is kept of a secret, as a whole and for one model."""
        for place in ("", model) if model else ("",):
            rest = self._known((connection_id, credential.id, place), credential)
            if rest is not None:
                yield rest

    def _known(self, key: _Key, credential: Credential) -> Rest | None:
        """What is kept of this very secret."""
        rest = self._rests.get(key)
        if rest is None or rest.signer is not credential.signer:
            return None
        return rest if rest.fingerprint == self._fingerprint(credential) else None

    def _fingerprint(self, credential: Credential) -> bytes:
        digest = hashlib.blake2b(key=self._salt, digest_size=16)
        for name, value in credential.headers:
            digest.update(b"%d:%s%d:%s" % (len(name), name, len(value), value))
        return digest.digest()

    def _keep(self, key: _Key, rest: Rest, now: float) -> None:
        """Keep it at the end, and forget what stands at the front and is over, or too much."""
        rests = self._rests
        rests.pop(key, None)
        rests[key] = rest
        while True:
            oldest = next(iter(rests))
            if now - rests[oldest].until < _MEMORY and len(rests) <= _MOST_KEPT:
                return
            del rests[oldest]

    def _turn(self, connection_id: str, turn: int) -> None:
        if len(self._turns) >= _MOST_KEPT and connection_id not in self._turns:
            # Whose turn it is matters little: all begin with their first again.
            self._turns.clear()
        self._turns[connection_id] = turn
