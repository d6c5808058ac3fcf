"""Google's own kind of schema, which resembles OpenAPI's, as JSON schema.

Source: the type ``Schema`` of google-genai. Its numbers may come as texts, as protocol buffers
write whole numbers of 64 bits.
"""

from typing import Any, Final

from trunkline.gateway.exchange.parts import Document

_COUNTS: Final = frozenset(
    {"minItems", "maxItems", "minLength", "maxLength", "minProperties", "maxProperties"}
)
_GOOGLES: Final = frozenset({"nullable", "propertyOrdering", "type", "example"})
_NO_TYPE: Final = "type_unspecified"
_RENAMED: Final = {
    "any_of": "anyOf",
    "min_items": "minItems",
    "max_items": "maxItems",
    "min_length": "minLength",
    "max_length": "maxLength",
    "min_properties": "minProperties",
    "max_properties": "maxProperties",
    "additional_properties": "additionalProperties",
    "property_ordering": "propertyOrdering",
    "defs": "$defs",
    "ref": "$ref",
}
_NESTED: Final = frozenset({"items", "additionalProperties"})
_NAMED: Final = frozenset({"properties", "$defs"})
_LISTED: Final = frozenset({"anyOf", "prefixItems"})


def json_schema(schema: Document) -> Document:
    """The JSON schema that says the same."""
    given = {_RENAMED.get(name, name): value for name, value in schema.items() if value is not None}
    written: Document = {}
    kind = given.get("type")
    if isinstance(kind, str) and kind.lower() != _NO_TYPE:
        written["type"] = kind.lower()
    for name, value in given.items():
        if name not in _GOOGLES:
            written[name] = _member(name, value)
    if "example" in given:
        written["examples"] = [given["example"]]
    return _nullable(written) if given.get("nullable") is True else written


def _member(name: str, value: Any) -> Any:
    if name in _COUNTS and isinstance(value, str) and value.isdecimal():
        return int(value)
    if name in _NESTED and isinstance(value, dict):
        return json_schema(value)
    if name in _LISTED and isinstance(value, list):
        return [json_schema(one) if isinstance(one, dict) else one for one in value]
    if name in _NAMED and isinstance(value, dict):
        return {
            key: json_schema(one) if isinstance(one, dict) else one for key, one in value.items()
        }
    return value


def _nullable(schema: Document) -> Document:
    """A schema that takes null as well."""
    if isinstance(schema.get("enum"), list):
        schema["enum"] = [*schema["enum"], None]
    if "type" in schema:
        schema["type"] = [schema["type"], "null"]
    elif isinstance(schema.get("anyOf"), list):
        schema["anyOf"] = [*schema["anyOf"], {"type": "null"}]
    return schema
