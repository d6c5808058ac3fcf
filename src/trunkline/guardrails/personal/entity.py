"""One kind of personal data: how it is searched for."""

import re
from collections.abc import Callable

import msgspec

Spot = tuple[int, int]
"""Where something stands: its first character and the one behind its last."""

Search = Callable[[str, int], Spot | None]
"""The first spot that begins at a position or later."""


class Entity(msgspec.Struct, frozen=True):
    """One kind of personal data.

    Attributes:
        kind: its name in configuration, findings and placeholders.
        reach: the longest spot, with what must be seen behind it to be sure.
        concerns: a quick look at a whole text; False when nothing of the kind can be in it.
        search: decides by the surroundings of a spot alone.
    """

    kind: str
    reach: int
    concerns: Callable[[str], bool]
    search: Search


def every_match(pattern: re.Pattern[str], judge: Callable[[re.Match[str]], Spot | None]) -> Search:
    """A search for the first match that is judged to be one.

    After a match that is none the search goes on one character later, so that where an earlier one
    ended decides nothing. The pattern must be bounded in length.
    """

    def search(text: str, start: int) -> Spot | None:
        match = pattern.search(text, start)
        while match is not None:
            spot = judge(match)
            if spot is not None:
                return spot
            match = pattern.search(text, match.start() + 1)
        return None

    return search
