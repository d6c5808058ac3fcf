"""What is wrong with a configuration file, all of it at once, each with its place and its path."""

import re
from collections.abc import Iterable

import msgspec
from pydantic import ValidationError
from pydantic_core import ErrorDetails

from trunkline.configuration.spelling import meant
from trunkline.errors import InvalidRequest

_SAID = {
    "missing": "this field must be there",
    "model_type": "fields with values must stand here, such as name: value",
    "too_short": "this must not be empty",
}


class Problem(msgspec.Struct, frozen=True):
    """One thing to mend.

    Attributes:
        path: of the field, such as ``organisations[0].budgets[2].amount``; empty for the whole.
        line, column: where it stands in the text, from 1; None where there is no text.
    """

    path: str
    message: str
    line: int | None = None
    column: int | None = None

    def told(self, source: str) -> str:
        """As compilers write it, so that editors and terminals lead to the place."""
        place = "" if self.line is None else f"{source}:{self.line}:{self.column}: "
        return f"{place}{self.path}: {self.message}" if self.path else f"{place}{self.message}"


class ConfigurationRefused(InvalidRequest):
    """The file was not applied, and nothing of it was.

    Attributes:
        source: name of the file, or of whatever else was refused.
    """

    default_code = "configuration_refused"

    def __init__(self, source: str, problems: Iterable[Problem]) -> None:
        self.source = source
        self.problems = tuple(problems)
        lines = [problem.told(source) for problem in self.problems]
        super().__init__(
            "\n".join([f"{source} is refused:", *lines]),
            hint="Nothing was changed. docs/configuration.md explains every field.",
            param=self.problems[0].path if self.problems else None,
        )


def problems_of(error: ValidationError) -> list[Problem]:
    """What pydantic found.

    A list that is too short only because its items were refused is not told of as well.
    """
    errors = error.errors(include_url=False, include_input=False)
    places = [item["loc"] for item in errors]
    return [
        Problem(path_of(item["loc"]), _message(item))
        for item in errors
        if item["type"] != "too_short" or not any(_inside(loc, item["loc"]) for loc in places)
    ]


def _message(item: ErrorDetails) -> str:
    if item["type"] == "extra_forbidden":
        near = meant(item["loc"])
        return "there is no such field" + (f"; did you mean {near!r}?" if near else "")
    said = _SAID.get(item["type"])
    if said is not None:
        return said
    return item["msg"].removeprefix("Value error, ").replace("Input should be", "this must be", 1)


def _inside(location: tuple[int | str, ...], outer: tuple[int | str, ...]) -> bool:
    return len(location) > len(outer) and location[: len(outer)] == outer


def path_of(location: Iterable[str | int]) -> str:
    """The location in the file's own spelling: ``organisations[0].name``."""
    path = ""
    for part in location:
        if isinstance(part, int):
            path += f"[{part}]"
        else:
            path += f".{part}" if path else part
    return path


def with_brackets(path: str) -> str:
    """A path in which numbers stand between dots, as services write them, with brackets."""
    return re.sub(r"\.(\d+)(?=\.|$)", r"[\1]", path)
