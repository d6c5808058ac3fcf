"""Reads a YAML file into its checked form; nothing is applied and nothing is looked up."""

from collections.abc import Hashable
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError
from typing_extensions import override

from trunkline.configuration.problems import ConfigurationRefused, Problem, problems_of
from trunkline.configuration.schema import ConfigurationFile
from trunkline.errors import InvalidRequest

MAX_BYTES = 16_777_216


class _Loader(yaml.SafeLoader):
    """Plain values only, and each key of a mapping once: the second would silently win."""

    @override
    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        seen = set()
        for key_node, _ in node.value:
            key = key_node.value
            if key in seen and key != "<<":
                raise yaml.constructor.ConstructorError(
                    None, None, f"{key!r} is written twice", key_node.start_mark
                )
            seen.add(key)
        return super().construct_mapping(node, deep)


def load_file(path: Path) -> ConfigurationFile:
    """The checked content of a file.

    Raises:
        InvalidRequest: it cannot be read.
        ConfigurationRefused: it is not what a configuration file may be.
    """
    try:
        with path.open("rb") as file:
            content = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise InvalidRequest(
            f"The configuration file {path} cannot be read: {error.strerror}.",
            code="configuration_unreadable",
            param="config_file",
        ) from None
    if len(content) > MAX_BYTES:
        problem = Problem("the file", f"it is longer than {MAX_BYTES} bytes")
        raise ConfigurationRefused(str(path), [problem])
    return parse(content, str(path))


def parse(content: bytes, source: str = "the configuration") -> ConfigurationFile:
    """The checked content of a YAML text; an empty one configures nothing.

    Raises:
        ConfigurationRefused: with the paths of all its problems.
    """
    try:
        raw = yaml.load(content, Loader=_Loader)  # noqa: S506 - _Loader is a SafeLoader
        return ConfigurationFile.model_validate({} if raw is None else raw)
    except ValidationError as error:
        raise ConfigurationRefused(source, problems_of(error)) from None
    except yaml.MarkedYAMLError as error:
        raise ConfigurationRefused(source, [_syntax_problem(error)]) from None
    except RecursionError:
        problem = Problem("the file", "it is nested too deeply")
        raise ConfigurationRefused(source, [problem]) from None
    except (yaml.YAMLError, ValueError) as error:
        problem = Problem("the file", str(error).partition("\n")[0])
        raise ConfigurationRefused(source, [problem]) from None


def _syntax_problem(error: yaml.MarkedYAMLError) -> Problem:
    mark = error.problem_mark
    where = f"line {mark.line + 1}, column {mark.column + 1}" if mark else "the file"
    return Problem(where, error.problem or "this is not YAML")
