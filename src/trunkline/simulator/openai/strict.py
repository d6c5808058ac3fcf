"""OpenAI's rules for JSON schemas under ``strict``."""

from typing import Any


def strict_problem(schema: Any, path: tuple[str, ...] = ()) -> str | None:
    """What keeps a schema from being followed strictly, in OpenAI's words, or None."""
    if not isinstance(schema, dict):
        return None
    if schema.get("type") == "object" or "properties" in schema:
        problem = _object_problem(schema, path)
        if problem:
            return problem
    for place, inner in _inner(schema):
        problem = strict_problem(inner, (*path, *place))
        if problem:
            return problem
    return None


def _object_problem(schema: dict[str, Any], path: tuple[str, ...]) -> str | None:
    if schema.get("additionalProperties") is not False:
        return (
            f"In context={path!r}, 'additionalProperties' is required to be supplied and to be "
            "false."
        )
    missing = next(
        (name for name in schema.get("properties", {}) if name not in schema.get("required", ())),
        None,
    )
    if missing is None:
        return None
    return (
        f"In context={path!r}, 'required' is required to be supplied and to be an array including "
        f"every key in properties. Missing '{missing}'."
    )


def _inner(schema: dict[str, Any]) -> list[tuple[tuple[str, ...], Any]]:
    """The schemas directly inside, each with its way from here."""
    found: list[tuple[tuple[str, ...], Any]] = []
    for keyword in ("properties", "$defs", "definitions"):
        held = schema.get(keyword)
        if isinstance(held, dict):
            found += [((keyword, name), inner) for name, inner in held.items()]
    for keyword in ("anyOf", "allOf", "oneOf"):
        listed = schema.get(keyword)
        if isinstance(listed, list):
            found += [((keyword, str(number)), inner) for number, inner in enumerate(listed)]
    if "items" in schema:
        found.append((("items",), schema["items"]))
    return found
