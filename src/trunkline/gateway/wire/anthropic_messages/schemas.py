"""JSON schemas as Anthropic's structured output takes them.

Source: the transformation in Anthropic's own SDK (``anthropic.lib._parse._transform``). What the
API refuses is told to the model in the description, so that it may follow it all the same.
"""

from typing import Any, Final

import msgspec

from trunkline.gateway.exchange.parts import Document

_FORMATS: Final = frozenset(
    {
        "date-time", "time", "date", "duration", "email", "hostname", "uri", "ipv4", "ipv6", "uuid",
    }
)  # fmt: skip
_KEPT: Final = ("type", "enum", "const", "title", "description", "$ref")
_NAMED: Final = ("properties", "$defs", "definitions")
_LISTED: Final = ("anyOf", "allOf")
# Deeper schemas go as they are: the API does not take them so deep, and says so better than we do.
_DEEPEST: Final = 60


def restrict(schema: Document, depth: int = 0) -> Document:
    """A schema that the API accepts, and that means the same as far as it can."""
    if depth > _DEEPEST:
        return schema
    rest = dict(schema)
    kept: Document = {name: rest.pop(name) for name in _KEPT if name in rest}
    for name in _NAMED:
        if isinstance(rest.get(name), dict):
            kept[name] = {key: _below(value, depth) for key, value in rest.pop(name).items()}
    # Where both stand, what is left of ``oneOf`` goes into the description.
    if "anyOf" not in rest and isinstance(rest.get("oneOf"), list):
        rest["anyOf"] = rest.pop("oneOf")
    for name in _LISTED:
        if isinstance(rest.get(name), list):
            kept[name] = [_below(value, depth) for value in rest.pop(name)]
    if isinstance(rest.get("items"), dict):
        kept["items"] = _below(rest.pop("items"), depth)
    if kept.get("type") == "object" or "properties" in kept:
        rest.pop("additionalProperties", None)
        kept["additionalProperties"] = False
        if "required" in rest:
            kept["required"] = rest.pop("required")
    _keep_limits(rest, kept)
    rest.pop("$schema", None)
    if rest:
        kept["description"] = _described(kept.get("description"), rest)
    return kept


def _keep_limits(rest: Document, kept: Document) -> None:
    """Move what little the API takes of formats and of the sizes of lists."""
    form, least = rest.pop("format", None), rest.pop("minItems", None)
    if isinstance(form, str) and form in _FORMATS:
        kept["format"] = form
    elif form is not None:
        rest["format"] = form
    if isinstance(least, int) and least in {0, 1}:
        kept["minItems"] = least
    elif least is not None:
        rest["minItems"] = least


def _below(value: Any, depth: int) -> Any:
    return restrict(value, depth + 1) if isinstance(value, dict) else value


def _described(description: Any, rest: Document) -> str:
    limits = ", ".join(f"{name}: {_shown(value)}" for name, value in rest.items())
    return f"{description}\n\n{{{limits}}}" if description else f"{{{limits}}}"


def _shown(value: Any) -> str:
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()


def object_schema(schema: Document | None) -> Document:
    """A schema of a tool's arguments; the API demands that it says ``object``."""
    if schema is None:
        return {"type": "object", "properties": {}}
    return schema if "type" in schema else {"type": "object", **schema}
