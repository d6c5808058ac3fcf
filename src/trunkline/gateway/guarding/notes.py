"""What guardrails did, for the header, the metrics and the log; never a text."""

from collections.abc import Iterable
from typing import Literal

from trunkline.gateway.guarding.guard import Action
from trunkline.gateway.metering.event import Guarded

HEADER = b"x-trunkline-guardrails"

_DONE: dict[Action, Literal["redacted", "refused", "noted"]] = {
    "redact": "redacted",
    "refuse": "refused",
    "note": "noted",
}


class Notes:
    """Keeps the records of one way up to date in the list of a request.

    Args:
        told: the list; what others wrote into it stays.
        way: of the texts that are looked at.
    """

    __slots__ = ("_places", "_told", "_way")

    def __init__(self, told: list[Guarded], way: Literal["in", "out"]) -> None:
        self._told = told
        self._way = way
        self._places: dict[str, int] = {}

    def add(self, guardrail: str, action: Action, kinds: Iterable[str]) -> None:
        """Count what a guardrail did something about."""
        counts: dict[str, int] = {}
        place = self._places.get(guardrail)
        if place is not None:
            counts.update(self._told[place].kinds)
        for kind in kinds:
            counts[kind] = counts.get(kind, 0) + 1
        record = Guarded(guardrail, self._way, _DONE[action], tuple(counts.items()))
        if place is None:
            self._places[guardrail] = len(self._told)
            self._told.append(record)
        else:
            self._told[place] = record


def header_value(told: Iterable[Guarded]) -> bytes:
    """What each guardrail did and how often, both ways together: ``pii=redacted:2``."""
    counts: dict[str, int] = {}
    for record in told:
        name = f"{record.guardrail}={record.action}"
        counts[name] = counts.get(name, 0) + sum(count for _, count in record.kinds)
    return ", ".join(f"{name}:{count}" for name, count in counts.items()).encode()
