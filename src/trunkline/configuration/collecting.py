"""Collects what services refuse, so that one run tells everything that is wrong."""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager

from trunkline.configuration.problems import Problem, with_brackets
from trunkline.connections.route_checks import RouteProblem, RoutesRefused
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
        except RoutesRefused as error:
            self.add_routes(error.problems, {problem.model: path for problem in error.problems})
        except (InvalidRequest, Conflict, NotFound) as error:
            field = error.param or ""
            message = _sentence(error.message.removeprefix(f"{field}: "), error.hint)
            self.problems.append(Problem(_joined(path.rstrip("."), with_brackets(field)), message))

    def add_routes(self, problems: Iterable[RouteProblem], at: Mapping[str, str]) -> None:
        """Note what is wrong among models; ``at`` has what precedes their fields, by name."""
        for problem in problems:
            prefix = at.get(problem.model)
            path = f'models "{problem.model}".' if prefix is None else prefix
            message = _sentence(problem.message, problem.hint)
            self.problems.append(Problem(path + problem.field, message))


def _joined(path: str, field: str) -> str:
    """A field that is told from the root of the file, or from the path on, or not at all."""
    if field.startswith(path):
        return field
    return f"{path}.{field}" if field else path


def _sentence(message: str, hint: str | None) -> str:
    whole = message.removesuffix(".")
    return f"{whole}. {hint.removesuffix('.')}" if hint else whole
