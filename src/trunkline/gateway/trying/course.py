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


class Course(msgspec.Struct, eq=False):
    """What is to be tried for a request.

    Its state is where it has come to: the alias and the legs that it is at, how many of these are
    behind it, whether the fallbacks of the alias are among the names already, the names of those
    that follow, the next one last, and where it has been.

    Attributes:
        alias: whose legs these are.
        legs: none only where tokens are to be counted and no provider does it.
        elsewhere: the legs of a fallback by its name.
    """

    alias: Alias
    legs: Sequence[Leg]
    elsewhere: Itinerary
    _at: int = 0
    # Most requests need no fallback, so they are looked for when the legs of this one are over.
    _is_told: bool = False
    _names: list[str] = []
    _visited: list[str] = []

    def next(self) -> Leg | None:
        """The next leg: of the alias, else of the first fallback that can serve."""
        at = self._at
        if at < len(self.legs):
            self._at = at + 1
            return self.legs[at]
        if not self._is_told:
            self._ahead(self.alias, "error")
        while self._names:
            name = self._names.pop()
            if name in self._visited:
                continue
            self._visited.append(name)
            legs = self.elsewhere(name)
            if legs:
                self.alias, self.legs, self._at, self._is_told = legs[0].alias, legs, 1, False
                return legs[0]
        return None

    def turn(self, leg: Leg, kind: FallbackKind) -> bool:
        """Leave out what would fail for the same reason; whether anything is left to try.

        A request that is too long goes on where more is read; one that a provider's filter
        refused goes only where the alias says so, because that is a decision of its owner.
        """
        read = leg.speech.target.context_window or 0
        self.legs = [
            other
            for other in self.legs[self._at :]
            if kind == "context_window" and (other.speech.target.context_window or 0) > read
        ]
        self._at = 0
        self._names = []
        self._ahead(leg.alias, kind)
        return bool(self.legs) or any(name not in self._visited for name in self._names)

    def _ahead(self, alias: Alias, kind: FallbackKind) -> None:
        """Put the fallbacks of an alias that has been tried before all others."""
        self._is_told = True
        self._visited.append(alias.name)
        names = alias.route.fallbacks.get(kind)
        if names:
            self._names += reversed(names)
