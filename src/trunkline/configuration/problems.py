"""What is wrong with a configuration file, all of it at once, each with the path of its field."""

import re
from collections.abc import Iterable

import msgspec
from pydantic import ValidationError

from trunkline.errors import InvalidRequest


class Problem(msgspec.Struct, frozen=True, order=True):
    """One thing to mend, such as ``organisations[0].budgets[2].amount``."""

    path: str
    message: str


class ConfigurationRefused(InvalidRequest):
    """The file was not applied, and nothing of it was."""

    default_code = "configuration_refused"

    def __init__(self, source: str, problems: Iterable[Problem]) -> None:
        self.problems = tuple(problems)
        lines = [f"{problem.path}: {problem.message}" for problem in self.problems]
        super().__init__(
            "\n".join([f"{source} was not applied:", *lines]),
            hint="Nothing was changed. docs/configuration.md explains every field.",
            param=self.problems[0].path if self.problems else None,
        )


def problems_of(error: ValidationError) -> list[Problem]:
    """What pydantic found, in the order of the file.

    A list that is too short only because its items were refused is not told of as well.
    """
    errors = error.errors(include_url=False, include_input=False)
    places = [item["loc"] for item in errors]
    return [
        Problem(
            path_of(item["loc"]) or "the file",
            item["msg"].removeprefix("Value error, ")
            if item["type"] != "extra_forbidden"
            else "there is no such field",
        )
        for item in errors
        if item["type"] != "too_short" or not any(_inside(loc, item["loc"]) for loc in places)
    ]


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
