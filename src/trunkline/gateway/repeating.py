"""Repeats of a request by its ``Idempotency-Key``: the first runs, the others get its answer."""

import hashlib

import msgspec

from trunkline.errors import Conflict, InvalidRequest
from trunkline.gateway.answer import Answer, Claim
from trunkline.gateway.caller import Caller
from trunkline.gateway.headers import JSON
from trunkline.gateway.ports import Repeats, StoredAnswer
from trunkline.gateway.scope import RequestScope
from trunkline.gateway.sink import KeptSink

MOST_KEPT_BYTES = 1_048_576


class Repeatable(msgspec.Struct, frozen=True):
    """A request that carries a key.

    Attributes:
        fingerprint: of what its caller asked, which stays the same whatever becomes of it here.
    """

    key: str
    fingerprint: bytes


def repeatable(scope: RequestScope) -> Repeatable | None:
    """The request's key, if it has one, and what must be the same for a repeat to be one.

    Ask before guards and the alias's ceiling change the request: they may do otherwise next time.

    Raises:
        InvalidRequest: the key is not one.
    """
    raw = scope.arrival.headers.get(b"idempotency-key")
    return None if raw is None else Repeatable(_idempotency_key(raw), _fingerprint(scope))


async def claimed(
    repeats: Repeats, scope: RequestScope, answer: Answer, caller: Caller, asked: Repeatable
) -> bool:
    """Claim the key for this request; False when it has been given the answer of an earlier one.

    Raises:
        Conflict: as ``Repeats.begin``.
    """
    # Before the claim: a caller who leaves while it is made would leave it behind for ever.
    scope.must_finish = True
    stored = await repeats.begin(caller, asked.key, asked.fingerprint)
    if stored is not None:
        answer.replay(stored)
        return False
    answer.claim = Claim(caller, asked.key, KeptSink(answer.sink, MOST_KEPT_BYTES))
    answer.sink = answer.claim.kept
    return True


async def keep_claimed(repeats: Repeats, scope: RequestScope, claim: Claim) -> None:
    """Keep an answer that may have cost money; a free refusal gives the key back."""
    billed = any(outcome.ending not in {"refused", "not_sent"} for _, outcome in scope.attempts)
    stored = None
    if billed:
        stored = claim.kept.answer or _never_seen(scope)
    await repeats.finish(claim.caller, claim.key, stored)


def _idempotency_key(raw: bytes) -> str:
    key = raw.decode("latin-1")
    if not 1 <= len(key) <= 255 or not key.isascii() or not key.isprintable():
        raise InvalidRequest(
            "The Idempotency-Key must be 1 to 255 printable ASCII characters.",
            code="invalid_idempotency_key",
            hint="Use a UUID.",
        )
    return key


def _fingerprint(scope: RequestScope) -> bytes:
    """What must be the same for a repeat to be one: the endpoint and every member of the body.

    At Google the path names the model and whether the answer is a stream.
    """
    request = scope.request
    if request is None:
        raise AssertionError("a fingerprint is taken of a request that was read")
    endpoint = (scope.wire.name, scope.operation, request.model, request.stream)
    digest = hashlib.blake2b(repr(endpoint).encode("utf-8", "backslashreplace"), digest_size=16)
    digest.update(scope.wire.write_request(request, request.model))
    return digest.digest()


def _never_seen(scope: RequestScope) -> StoredAnswer:
    """What a repeat gets when the first request was billed and its answer never came."""
    error = Conflict(
        "The first request with this Idempotency-Key was billed, and its answer was lost.",
        code="idempotency_outcome_unknown",
        hint="Send the request with a new key if you accept that it is billed again.",
    )
    body = scope.wire.error_body(error, scope.arrival.client_request_id)
    return StoredAnswer(error.status, (JSON,), body)
