"""Where the fields of a configuration stand in its text."""

import re
from collections.abc import Iterable

import yaml
from msgspec.structs import replace

from trunkline.configuration.problems import Problem

_ITEM = re.compile(r"\[(\d+)\]")
_ORGANISATION = re.compile(r"organisations\[(\d+)\]\.?")


class Places:
    """Leads from the path of a field to its line. It never changes.

    Args:
        source: name of the file, or of whatever else the configuration came from.
        root: of the text; None where there is no text.
        short: numbers of the organisations that are a document of their own: their fields are
            told as they are written there.
    """

    def __init__(
        self, source: str, root: yaml.Node | None = None, short: frozenset[int] = frozenset()
    ) -> None:
        self.source = source
        self._root = root
        self._short = short

    def located(self, problems: Iterable[Problem]) -> list[Problem]:
        """These problems with their places, in the order of the text."""
        placed = [self._located(problem) for problem in problems]
        return sorted(placed, key=lambda problem: (problem.line or 0, problem.column or 0))

    def _located(self, problem: Problem) -> Problem:
        if problem.line is not None or self._root is None:
            return problem
        mark = _mark(self._root, problem.path)
        return replace(
            problem, path=self._spelled(problem.path), line=mark.line + 1, column=mark.column + 1
        )

    def _spelled(self, path: str) -> str:
        found = _ORGANISATION.match(path)
        if found is None or int(found[1]) not in self._short:
            return path
        rest = path[found.end() :]
        return "organisation" if rest in {"", "slug"} else rest


def _mark(node: yaml.Node, path: str) -> yaml.Mark:
    """The beginning of a field, or of the innermost thing around it that the text has."""
    mark: yaml.Mark = node.start_mark
    while path:
        step = _step(node, path.removeprefix("."))
        if step is None:
            break
        mark, node, path = step
    return mark


def _step(node: yaml.Node, path: str) -> tuple[yaml.Mark, yaml.Node, str] | None:
    """One step along the path: the mark and the node that it leads to, and what is left."""
    if isinstance(node, yaml.SequenceNode):
        found = _ITEM.match(path)
        if found is None or int(found[1]) >= len(node.value):
            return None
        item = node.value[int(found[1])]
        return item.start_mark, item, path[found.end() :]
    if isinstance(node, yaml.MappingNode):
        # Names may have dots in them, so the longest one that fits is meant.
        fitting = [
            (key, value)
            for key, value in node.value
            if isinstance(key.value, str) and _begins_with(path, key.value)
        ]
        if fitting:
            key, value = max(fitting, key=lambda pair: len(pair[0].value))
            return key.start_mark, value, path[len(key.value) :]
    return None


def _begins_with(path: str, name: str) -> bool:
    return path.startswith(name) and path[len(name) : len(name) + 1] in {"", ".", "["}
