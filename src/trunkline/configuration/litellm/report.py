"""What became of each field of a LiteLLM file."""

from collections.abc import Iterable
from typing import Literal

import msgspec

from trunkline.configuration.places import Places
from trunkline.configuration.problems import Problem

Fate = Literal["translated", "approximated", "left out"]


class Finding(msgspec.Struct, frozen=True):
    """One field and its fate.

    Attributes:
        path: in LiteLLM's file.
        line: in LiteLLM's file, from 1; None where it says nothing about the field.
    """

    fate: Fate
    path: str
    message: str
    line: int | None = None


class Report:
    """Collects findings, each once. One import owns it."""

    def __init__(self, places: Places) -> None:
        self._places = places
        self._findings: dict[tuple[str, str], Fate] = {}

    def translated(self, path: str, message: str) -> None:
        """The field means the same here."""
        self._findings.setdefault((path, message), "translated")

    def approximated(self, path: str, message: str) -> None:
        """Something near to the field is there now; the message says what differs."""
        self._findings.setdefault((path, message), "approximated")

    def left_out(self, path: str, message: str) -> None:
        """The field has no counterpart, or none that can be written for it."""
        self._findings.setdefault((path, message), "left out")

    @property
    def findings(self) -> tuple[Finding, ...]:
        """All of them, in the order of LiteLLM's file."""
        fates = {(path, message): fate for (path, message), fate in self._findings.items()}
        problems = (Problem(path, message) for path, message in fates)
        return tuple(
            Finding(fates[path, message], path, message, line)
            for path, message, line in _placed(self._places.located(problems))
        )


def _placed(problems: Iterable[Problem]) -> Iterable[tuple[str, str, int | None]]:
    return ((problem.path, problem.message, problem.line) for problem in problems)
