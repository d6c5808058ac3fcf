"""Guards that need more than a glance: something outside of this process looks for them.

What they ask for is slow and large, so a request waits for it, at most for the guard's time, and
without it the guard says what follows.
"""

from collections.abc import Sequence
from typing import Final, Literal, Protocol

import msgspec
from typing_extensions import override

from trunkline.gateway.guarding.guard import Finding, Guard

WhenDown = Literal["pass", "refuse"]


class Task(msgspec.Struct, frozen=True):
    """What is looked for.

    Attributes:
        language: of the texts, such as ``en``.
        model: the language model, or None for patterns alone.
        entities: the kinds, by the names that the analyser has for them.
        threshold: findings of which it is less sure do not count, from 0 to 1.
    """

    language: str
    model: str | None
    entities: tuple[str, ...]
    threshold: float


class Spot(msgspec.Struct, frozen=True, array_like=True):
    """What the analyser found: where it begins, where it ends, its kind, and how sure that is."""

    start: int
    end: int
    kind: str
    score: float


class AnalysisDown(Exception):
    """Nobody looked at the texts.

    Attributes:
        reason: one word, which becomes the kind of the note: ``down``, ``busy`` or ``too_large``.
    """

    def __init__(self, reason: Literal["down", "busy", "too_large"]) -> None:
        super().__init__(reason)
        self.reason = reason


class Analysis(Protocol):
    """What looks at texts outside of this process."""

    async def look(self, task: Task, texts: Sequence[str]) -> list[list[Spot]]:
        """What stands in each text, in no order. Cancelling gives the place in the queue back.

        Raises:
            AnalysisDown: it cannot be had now.
        """
        ...


class AwaitedGuard(Guard):
    """A guard of requests whose findings come from an analysis; by itself it finds nothing.

    It never looks at answers: a stream cannot wait at every word.

    Attributes:
        task: what it asks for.
        timeout: seconds that a request waits.
        when_down: what follows where nobody looked.
    """

    task: Task
    timeout: float
    when_down: WhenDown

    def findings(self, spots: Sequence[Spot]) -> list[Finding]:
        """What is made of the spots in one text: in order, and none of them overlap."""
        raise NotImplementedError

    @property
    @override
    def reach(self) -> int:
        return 0

    @override
    def find(self, text: str, start: int = 0) -> list[Finding]:
        return []


class NoAnalysis(Analysis):
    """Looks at nothing: where no guard needs it, and in tests of the path alone."""

    @override
    async def look(self, task: Task, texts: Sequence[str]) -> list[list[Spot]]:
        raise AnalysisDown("down")


NO_ANALYSIS: Final[Analysis] = NoAnalysis()
