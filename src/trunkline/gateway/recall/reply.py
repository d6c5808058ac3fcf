"""An answer as it is kept: what the caller got, without what was this caller's alone."""

from typing import Final

import msgspec

from trunkline.gateway.headers import Pairs, dropped_header
from trunkline.gateway.metering.event import Outcome
from trunkline.gateway.scope import RequestScope
from trunkline.kit.money import format_usd

# Bytes of the whole frames that are given at once when a stream is given again.
_PIECE: Final = 16_384

_COSTS_NOTHING: Final = (b"x-trunkline-cost", b"0.00")


class Bill(msgspec.Struct, frozen=True, array_like=True):
    """What one answer used and cost, for whoever is charged for it as well.

    Attributes:
        connection_id: the connection that the answer came from.
        model: the upstream id.
        wire: the API format spoken with the provider.
        outcome: of the attempt that made it.
    """

    connection_id: str
    model: str
    wire: str
    outcome: Outcome


class Reply(msgspec.Struct, frozen=True, array_like=True):
    """One whole answer.

    Attributes:
        made_ms: Unix time in milliseconds at which its attempt was closed.
        stream: whether it is one.
        head: the headers that the provider gave it, and what ours say of how it was made.
        pieces: of a stream, each of them whole frames; otherwise the body alone.
        amount: its cost as headers show it.
        cost_nano: nano-dollars; 0 where nobody knows them.
        billed: a written ``Bill``, which few ever read.
    """

    made_ms: int
    stream: bool
    head: Pairs
    pieces: tuple[bytes, ...]
    amount: bytes
    cost_nano: int
    billed: msgspec.Raw

    @property
    def bill(self) -> Bill:
        """What it used and cost."""
        return _decode_bill(self.billed)

    def age(self, now: float) -> float:
        """Seconds since it was made."""
        age = now - self.made_ms / 1000
        return age if age > 0 else 0.0


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(Reply).decode
_decode_bill = msgspec.msgpack.Decoder(Bill).decode


def reply_of(scope: RequestScope, head: Pairs, pieces: tuple[bytes, ...]) -> Reply:
    """The answer that a request has just been given.

    Args:
        scope: of the request, whose attempt is settled.
        head: the headers that the provider gave it.
        pieces: see ``Reply``.
    """
    attempt, outcome = scope.answered
    return Reply(
        outcome.closed_ms,
        attempt.stream,
        [*head, *made_by(scope)],
        pieces,
        _amount_of(outcome),
        outcome.cost_nano or 0,
        msgspec.Raw(_encode(Bill(attempt.connection_id, attempt.model, attempt.wire, outcome))),
    )


def write_reply(reply: Reply) -> bytes:
    """The bytes that are kept."""
    if reply.stream:
        reply = msgspec.structs.replace(reply, pieces=_joined(reply.pieces))
    return _encode(reply)


def read_reply(kept: bytes) -> Reply | None:
    """The reply, or None where another version of the product wrote it."""
    try:
        return _decode(kept)
    except msgspec.DecodeError:
        return None


def made_by(scope: RequestScope) -> Pairs:
    """What headers say of how an answer was made, to those who have not made it."""
    served = scope.served
    told = [(b"x-trunkline-model", served.label)] if served is not None and served.label else []
    if scope.dropped:
        told.append(dropped_header(scope.dropped))
    return told


def money_told(reply: Reply, *, charged: bool) -> Pairs:
    """What headers say of the money: what is paid now, and what is not."""
    if charged:
        return [(b"x-trunkline-cost", reply.amount)]
    return [_COSTS_NOTHING, (b"x-trunkline-saved", reply.amount)]


def _amount_of(outcome: Outcome) -> bytes:
    if outcome.cost_nano is None:
        return b"unpriced"
    amount = format_usd(outcome.cost_nano).encode()
    return amount if outcome.cost_state == "exact" else amount + b" estimated"


def _joined(pieces: tuple[bytes, ...]) -> tuple[bytes, ...]:
    """The same bytes in fewer pieces, so that each piece still ends with a frame."""
    joined: list[bytes] = []
    waiting: list[bytes] = []
    size = 0
    for piece in pieces:
        if waiting and size + len(piece) > _PIECE:
            joined.append(b"".join(waiting))
            waiting, size = [], 0
        waiting.append(piece)
        size += len(piece)
    joined.append(b"".join(waiting))
    return tuple(joined)
