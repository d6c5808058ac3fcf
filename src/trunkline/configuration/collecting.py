"""Collects what services refuse, so that one run tells everything that is wrong."""

from collections.abc import Iterator
from contextlib import contextmanager

from trunkline.configuration.problems import Problem, with_brackets
from trunkline.errors import Conflict, InvalidRequest, NotFound


class Collector:
    """Its state is the list of problems; one run owns it."""

    def __init__(self) -> None:
        self.problems: list[Problem] = []

    @contextmanager
    def at(self, path: str) -> Iterator[None]:
        """Note a refusal inside the block under the field that it names, else under the path."""
        try:
            yield
        except (InvalidRequest, Conflict, NotFound) as error:
            field = error.param or ""
            message = error.message.removeprefix(f"{field}: ").removesuffix(".")
            if error.hint:
                message = f"{message}. {error.hint.removesuffix('.')}"
            within = with_brackets(field) if field.startswith(path.rstrip(".")) else ""
            self.problems.append(Problem(within or path.rstrip("."), message))
