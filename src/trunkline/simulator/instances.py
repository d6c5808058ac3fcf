"""A seeded value that is valid by a JSON schema: arguments of tools and structured answers.

Understood: type (also as a list), enum, const, properties, required, items, prefixItems, the
bounds of numbers, texts and lists, multipleOf, the common formats, anyOf, oneOf, allOf and $ref
inside the document. Not understood, and therefore perhaps violated: pattern, not, if, uniqueItems,
dependencies and minProperties.
"""

import math
import random
from typing import Any

_DEEPEST = 6
_LONGEST = 10_000
"""Most items of a list and most characters of a text that a schema may demand."""

_BY_NAME = {
    "city": ("Paris", "Boston", "Nairobi", "Osaka"),
    "location": ("Paris, France", "Boston, MA", "Nairobi, Kenya", "Osaka, Japan"),
    "country": ("France", "Kenya", "Japan", "Peru"),
    "name": ("Ada Lovelace", "Grace Hopper", "Alan Turing", "Mary Somerville"),
    "title": ("A short overview", "Notes on the matter", "What to know first"),
    "language": ("English", "French", "Japanese"),
    "currency": ("EUR", "USD", "JPY"),
    "timezone": ("Europe/Paris", "America/New_York", "Asia/Tokyo"),
}
_BY_FORMAT = {
    "date": "2026-03-14",
    "time": "09:26:53Z",
    "date-time": "2026-03-14T09:26:53Z",
    "duration": "PT15M",
    "email": "ada@example.com",
    "hostname": "www.example.com",
    "ipv4": "192.0.2.7",
    "ipv6": "2001:db8::7",
    "uri": "https://www.example.com/page",
    "uuid": "5f0c954e-70a5-4a5e-8e2f-1d3f6a9b7c21",
}
_WORDS = ("clear", "simple", "steady", "early", "local", "useful", "small", "open")


def make_instance(rng: random.Random, schema: dict[str, Any]) -> Any:
    """A value valid by the schema, within what this module understands.

    Raises:
        ValueError: the schema is malformed or demands more than the simulator will write.
    """
    try:
        return _Maker(rng, schema).make(schema, "value", 0)
    except (ArithmeticError, AttributeError, LookupError, RecursionError, TypeError) as error:
        raise ValueError(f"the schema is malformed: {error}") from error


class _Maker:
    """Walks one schema; the root is kept for ``$ref``, the generator is the only thing changed."""

    def __init__(self, rng: random.Random, root: dict[str, Any]) -> None:
        self._rng = rng
        self._root = root

    def make(self, schema: Any, name: str, depth: int) -> Any:
        if not isinstance(schema, dict):
            # True, as a schema, allows everything.
            return self._text({}, name)
        schema = self._resolved(schema, depth)
        if "const" in schema:
            return schema["const"]
        if schema.get("enum"):
            return self._rng.choice(schema["enum"])
        kind = self._type(schema, depth)
        if kind == "object":
            return self._object(schema, depth)
        if kind == "array":
            return self._array(schema, name, depth)
        return self._scalar(kind, schema, name)

    def _scalar(self, kind: str, schema: dict[str, Any], name: str) -> Any:
        match kind:
            case "integer":
                return int(self._number(schema, whole=True))
            case "number":
                return self._number(schema, whole=False)
            case "boolean":
                return self._rng.random() < 0.5
            case "null":
                return None
            case _:
                return self._text(schema, name)

    def _resolved(self, schema: dict[str, Any], depth: int) -> dict[str, Any]:
        """Follow references and fold alternatives into one schema."""
        for _ in range(_DEEPEST):
            if "$ref" in schema:
                schema = {**self._target(schema["$ref"]), **_without(schema, "$ref")}
            elif schema.get("allOf"):
                merged = _without(schema, "allOf")
                for part in schema["allOf"]:
                    merged = _merged(merged, self._resolved(part, depth))
                schema = merged
            elif alternatives := schema.get("anyOf") or schema.get("oneOf"):
                rest = _without(schema, "anyOf", "oneOf")
                chosen = self._alternative(alternatives, depth)
                schema = _merged(rest, self._resolved(chosen, depth))
            else:
                return schema
        return schema

    def _alternative(self, alternatives: list[dict[str, Any]], depth: int) -> dict[str, Any]:
        """The first alternative that says something; deep inside null ends the descent."""
        values = [schema for schema in alternatives if schema.get("type") != "null"]
        nulls = [schema for schema in alternatives if schema.get("type") == "null"]
        return [*nulls, *values][0] if depth > _DEEPEST else [*values, *nulls][0]

    def _target(self, reference: str) -> dict[str, Any]:
        node: Any = self._root
        for step in reference.removeprefix("#").strip("/").split("/"):
            if step and isinstance(node, dict):
                node = node.get(step.replace("~1", "/").replace("~0", "~"), {})
        return node if isinstance(node, dict) else {}

    def _type(self, schema: dict[str, Any], depth: int) -> str:
        kind = schema.get("type")
        if isinstance(kind, list):
            if "null" in kind and depth > _DEEPEST:
                return "null"
            kind = next((one for one in kind if one != "null"), "null")
        if isinstance(kind, str):
            return kind
        if "properties" in schema:
            return "object"
        return "array" if "items" in schema else "string"

    def _object(self, schema: dict[str, Any], depth: int) -> dict[str, Any]:
        required = schema.get("required", ())
        made = {
            name: self.make(inner, name, depth + 1)
            for name, inner in schema.get("properties", {}).items()
            if name in required or depth < _DEEPEST
        }
        for name in required:
            made.setdefault(name, self._text({}, name))
        return made

    def _array(self, schema: dict[str, Any], name: str, depth: int) -> list[Any]:
        made = [self.make(inner, name, depth + 1) for inner in schema.get("prefixItems", ())]
        least = _demanded(schema, "minItems")
        wanted = least if depth >= _DEEPEST else max(least, min(2, schema.get("maxItems", 2)))
        items = schema.get("items", {})
        while len(made) < wanted:
            made.append(self.make(items, name.removesuffix("s"), depth + 1))
        return made

    def _number(self, schema: dict[str, Any], *, whole: bool) -> float:
        step: float = schema.get("multipleOf", 1 if whole else 0.25)
        low: float | None = schema.get("minimum")
        if low is None and (above := schema.get("exclusiveMinimum")) is not None:
            low = above + step
        high: float | None = schema.get("maximum")
        if high is None and (below := schema.get("exclusiveMaximum")) is not None:
            high = below - step
        if low is None:
            low = 1 if high is None or high >= 1 else high - 10 * step
        if high is None:
            high = low + 20 * step
        first, last = math.ceil(low / step), math.floor(high / step)
        if first > last:
            # No multiple fits, as between 0.1 and 0.2 with quarters: the middle is inside.
            return (low + high) / 2 if not whole else low
        return self._rng.randint(first, last) * step

    def _text(self, schema: dict[str, Any], name: str) -> str:
        text = _BY_FORMAT.get(schema.get("format", ""))
        if text is None:
            known = _BY_NAME.get(name.lower())
            text = self._rng.choice(known) if known else f"a {self._rng.choice(_WORDS)} {name}"
        least, most = _demanded(schema, "minLength"), schema.get("maxLength")
        while len(text) < least:
            text += f" {self._rng.choice(_WORDS)}"
        return text if most is None else text[:most]


def _demanded(schema: dict[str, Any], bound: str) -> int:
    least: int = schema.get(bound, 0)
    if least > _LONGEST:
        raise ValueError(f"{bound} is {least}, more than the simulator writes ({_LONGEST})")
    return least


def _without(schema: dict[str, Any], *names: str) -> dict[str, Any]:
    return {name: value for name, value in schema.items() if name not in names}


def _merged(first: dict[str, Any], second: dict[str, Any]) -> dict[str, Any]:
    """Two schemas that must both hold; properties and required add up."""
    merged = {**first, **second}
    if "properties" in first and "properties" in second:
        merged["properties"] = {**first["properties"], **second["properties"]}
    if "required" in first and "required" in second:
        merged["required"] = [*first["required"], *second["required"]]
    return merged
