"""Reads a YAML file into its checked form; nothing is applied and nothing is looked up."""

from pathlib import Path
from typing import NamedTuple

import yaml
from pydantic import ValidationError

from trunkline.configuration.documents import Tree, read_documents
from trunkline.configuration.places import Places
from trunkline.configuration.problems import ConfigurationRefused, Problem, problems_of
from trunkline.configuration.schema import ConfigurationFile
from trunkline.errors import InvalidRequest

MAX_BYTES = 16_777_216


class Loaded(NamedTuple):
    """A checked configuration.

    Attributes:
        places: where its fields stand in its text.
        shared: whether it speaks of what all organisations share; a file of organisations in
            their short form does not, and so removes nothing there.
        whole: whether it is all that its owner had, as a version is, so that what it leaves out
            was not there. Of a file nobody knows whether that was meant.
    """

    content: ConfigurationFile
    places: Places
    shared: bool = True
    whole: bool = False


def made_up(content: ConfigurationFile, source: str) -> Loaded:
    """A configuration that was made by the program and has no text."""
    return Loaded(content, Places(source))


def load_file(path: Path) -> Loaded:
    """The checked content of a file.

    Raises:
        InvalidRequest: it cannot be read.
        ConfigurationRefused: it is not what a configuration file may be.
    """
    return parse(read_bytes(path), str(path))


def read_bytes(path: Path) -> bytes:
    """The content of a file, which is not endless.

    Raises:
        InvalidRequest: it cannot be read.
        ConfigurationRefused: it is too long.
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
        problem = Problem("", f"the file is longer than {MAX_BYTES} bytes")
        raise ConfigurationRefused(str(path), [problem])
    return content


def parse(content: bytes, source: str = "the configuration") -> Loaded:
    """The checked content of a YAML text; an empty one configures nothing.

    Raises:
        ConfigurationRefused: with the places and paths of all its problems.
    """
    tree = read_tree(content, source)
    try:
        checked = ConfigurationFile.model_validate(tree.raw)
    except ValidationError as error:
        raise ConfigurationRefused(source, tree.places.located(problems_of(error))) from None
    return Loaded(checked, tree.places, tree.shared)


def read_tree(content: bytes, source: str) -> Tree:
    """The plain values of a YAML text, whatever they mean.

    Raises:
        ConfigurationRefused: it is not YAML of plain values.
    """
    try:
        return read_documents(content, source)
    except yaml.MarkedYAMLError as error:
        raise ConfigurationRefused(source, [_syntax_problem(error)]) from None
    except RecursionError:
        raise ConfigurationRefused(source, [Problem("", "it is nested too deeply")]) from None
    except (yaml.YAMLError, ValueError) as error:
        problem = Problem("", str(error).partition("\n")[0])
        raise ConfigurationRefused(source, [problem]) from None


def _syntax_problem(error: yaml.MarkedYAMLError) -> Problem:
    mark = error.problem_mark
    message = _in_other_words(error.problem or "this is not YAML")
    return Problem("", message, *((mark.line + 1, mark.column + 1) if mark else ()))


def _in_other_words(message: str) -> str:
    """What the two commonest slips are, which YAML tells in the words of its grammar."""
    if message.startswith("found character '\\t'"):
        return "a tab stands here; YAML is indented with blanks"
    if message.startswith("expected <block end>"):
        return "this line is indented otherwise than those that it stands with"
    return message
