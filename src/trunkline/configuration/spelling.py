"""Which field a misspelt one was meant to be."""

import difflib
from collections.abc import Iterator
from typing import Any

from trunkline.configuration.schema import ConfigurationFile

_DEFINITIONS = "#/$defs/"


def meant(location: tuple[int | str, ...]) -> str | None:
    """The field that is spelt most like the last part of a location; None where none is near.

    Args:
        location: of a field that is not there, as pydantic tells it.
    """
    whole = ConfigurationFile.model_json_schema()
    level = [whole]
    for part in location[:-1]:
        level = [below for schema in level for below in _below(whole, schema, part)]
    names = sorted({name for schema in level for name in _fields(whole, schema)})
    return next(iter(difflib.get_close_matches(str(location[-1]), names, n=1)), None)


def _below(
    whole: dict[str, Any], schema: dict[str, Any], part: int | str
) -> Iterator[dict[str, Any]]:
    for one in _resolved(whole, schema):
        if isinstance(part, int):
            if "items" in one:
                yield one["items"]
        elif part in one.get("properties", {}):
            yield one["properties"][part]


def _fields(whole: dict[str, Any], schema: dict[str, Any]) -> Iterator[str]:
    for one in _resolved(whole, schema):
        yield from one.get("properties", {})


def _resolved(whole: dict[str, Any], schema: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The schema that a reference names, or each of several that may hold."""
    reference = schema.get("$ref")
    if reference is not None:
        yield from _resolved(whole, whole["$defs"][reference.removeprefix(_DEFINITIONS)])
    elif "anyOf" in schema:
        for one in schema["anyOf"]:
            yield from _resolved(whole, one)
    else:
        yield schema
