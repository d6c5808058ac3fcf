"""What a drill says at its end."""

from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import msgspec
from rich.console import Console


class Verdict(msgspec.Struct, frozen=True):
    """The outcome of one drill.

    Attributes:
        name: of the drill, with what was varied.
        figures: what was measured, in one line.
        problems: promises that were broken; none when all is well.
    """

    name: str
    figures: str
    problems: tuple[str, ...] = ()

    @property
    def passed(self) -> bool:
        """Whether all promises were kept."""
        return not self.problems


class Surroundings(msgspec.Struct, frozen=True):
    """What every drill is given.

    Attributes:
        seed: of everything that is drawn by chance.
        directory: its own, empty; removed afterwards.
        console: where it may print while it runs.
        soak_minutes: how long the soak lasts.
    """

    seed: int
    directory: Path
    console: Console
    soak_minutes: float


Drill = Callable[[Surroundings], Coroutine[Any, Any, list[Verdict]]]
