"""What must follow from a fault of a kind under each way of surviving it."""

from typing import Literal

import msgspec
from tests.drills.matrix.kinds import Kind

from trunkline.gateway.metering.event import Ending
from trunkline.gateway.policy import AttemptReason

Mode = Literal["alone", "fallback", "translated", "hedged", "buffered"]
"""One target; a second one; a second one of another wire; a second one beside a slow first; a
second one and streams that are held until they are whole."""

MODES: tuple[Mode, ...] = ("alone", "fallback", "translated", "hedged", "buffered")

Sight = Literal["first", "second", "event", "error"]
"""What the client gets: the whole answer of a target, an error event behind the begin of the first
one's answer, or an error instead of an answer."""


class Try(msgspec.Struct, frozen=True):
    """One attempt as its ledger row must tell it; ``place`` is that of the target, from 1."""

    place: int
    reason: AttemptReason
    ending: Ending


class Promise(msgspec.Struct, frozen=True):
    """What must be seen of one call."""

    sight: Sight
    tries: tuple[Try, ...]


def promise(kind: Kind, mode: Mode, *, stream: bool) -> Promise:
    """The outcome that follows from the kind of a fault of the first target; the second is well."""
    if mode == "hedged" and kind.slow:
        return Promise("second", (Try(1, "first", "superseded"), Try(2, "hedge", "completed")))
    tries = [Try(1, "first", kind.ending)]
    if kind.ending == "completed":
        return Promise("first", tuple(tries))
    if kind.again:
        tries.append(Try(1, "retry", kind.ending))
    if stream and kind.spoke and mode != "buffered":
        return Promise("event", tuple(tries))
    if mode == "alone" or not kind.elsewhere:
        return Promise("error", tuple(tries))
    tries.append(Try(2, "restart" if kind.spoke else "failover", "completed"))
    return Promise("second", tuple(tries))
