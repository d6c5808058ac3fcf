"""Which target comes next: the alias's own in their order, then those of its fallbacks."""

from collections.abc import Callable, Sequence

import msgspec

from trunkline.gateway.bounds import Bounds
from trunkline.gateway.policy import FallbackKind
from trunkline.gateway.routing.speaking import Speech
from trunkline.gateway.snapshot import Alias


class Leg(msgspec.Struct, frozen=True):
    """One planned target, and the alias whose policies hold for it."""

    alias: Alias
    speech: Speech
    bounds: Bounds


Itinerary = Callable[[str], Sequence[Leg]]
"""Plans the request for another alias by name; nothing where that cannot serve it."""


class Course:
    """The legs still to go.

    Its state is these, the aliases that come after them, and those that it has been at.
    """

    __slots__ = ("_elsewhere", "_legs", "_names", "_visited")

    def __init__(self, alias: Alias, legs: Sequence[Leg], elsewhere: Itinerary) -> None:
        self._legs = list(reversed(legs))
        self._elsewhere = elsewhere
        self._names: list[str] = []
        self._visited = {alias.name}
        self._ahead(alias, "error")

    @property
    def ends(self) -> bool:
        """Whether nothing can come any more."""
        return not self._legs and not self._names

    def next(self) -> Leg | None:
        """The next leg: of the alias, else of the first fallback that can serve."""
        while not self._legs and self._names:
            legs = self._elsewhere(self._names.pop())
            if legs:
                self._legs = list(reversed(legs))
                self._ahead(legs[0].alias, "error")
        return self._legs.pop() if self._legs else None

    def turn(self, leg: Leg, kind: FallbackKind) -> bool:
        """Leave out what would fail for the same reason; whether anything is left to try.

        A request that is too long goes on where more is read; one that a provider's filter
        refused goes only where the alias says so, because that is a decision of its owner.
        """
        read = leg.speech.target.context_window or 0
        self._legs = [
            other
            for other in self._legs
            if kind == "context_window" and (other.speech.target.context_window or 0) > read
        ]
        self._names = []
        self._ahead(leg.alias, kind)
        return not self.ends

    def _ahead(self, alias: Alias, kind: FallbackKind) -> None:
        """Put the fallbacks of an alias before all others."""
        names = alias.route.fallbacks.get(kind)
        if not names:
            return
        new = [name for name in names if name not in self._visited]
        self._visited.update(new)
        self._names += reversed(new)
