"""Google's own kind of schema, which is a part of OpenAPI's: checked, and made a JSON schema."""

from typing import Any

from trunkline.simulator.gemini.shapes import invalid, unknown_name

_KNOWN = frozenset(
    {"type", "format", "title", "description", "nullable", "enum", "maxItems", "minItems"}
    | {"properties", "required", "minProperties", "maxProperties", "minLength", "maxLength"}
    | {"pattern", "example", "anyOf", "propertyOrdering", "default", "items", "minimum", "maximum"}
)
_VERTEX_ONLY = frozenset({"additionalProperties", "ref", "defs"})
_TYPES = frozenset({"STRING", "NUMBER", "INTEGER", "BOOLEAN", "ARRAY", "OBJECT", "NULL"})


def json_schema_of(schema: Any, path: str, *, vertex: bool) -> dict[str, Any]:
    """The JSON schema that means the same.

    Raises:
        Refusal: the schema has a field or a type that Google does not know, such as ``$ref``,
            ``const``, ``additionalProperties`` (Vertex has it) or a list of types.
    """
    if not isinstance(schema, dict):
        raise invalid(f"Invalid value at '{path}': Expected an object.", path)
    known = _KNOWN | _VERTEX_ONLY if vertex else _KNOWN
    made: dict[str, Any] = {}
    for name, value in schema.items():
        field = _camel(name)
        if field not in known:
            raise unknown_name(name, path)
        made[field] = _member(field, value, f"{path}.{name}", vertex=vertex)
    return made


def _member(field: str, value: Any, path: str, *, vertex: bool) -> Any:
    match field:
        case "type":
            return _type(value, path)
        case "items":
            return json_schema_of(value, path, vertex=vertex)
        case "properties":
            if not isinstance(value, dict):
                raise invalid(f"Invalid value at '{path}': Expected an object.", path)
            return {
                name: json_schema_of(inner, f"{path}[{number}].value", vertex=vertex)
                for number, (name, inner) in enumerate(value.items())
            }
        case "anyOf":
            if not isinstance(value, list):
                raise invalid(f"Invalid value at '{path}': Expected a list.", path)
            return [
                json_schema_of(inner, f"{path}[{number}]", vertex=vertex)
                for number, inner in enumerate(value)
            ]
        case "enum" if not _is_texts(value):
            raise invalid(f"Invalid value at '{path}' (TYPE_STRING).", path)
        case "minItems" | "maxItems" | "minLength" | "maxLength" if isinstance(value, str):
            # Protocol buffers write numbers of 64 bits as texts.
            return int(value) if value.isdecimal() else value
        case _:
            return value


def _type(value: Any, path: str) -> str:
    if not isinstance(value, str):
        raise invalid(
            f"Invalid value at '{path}': Proto field is not repeating, cannot start list.", path
        )
    if value.upper() not in _TYPES:
        raise invalid(f"Invalid value at '{path}' (type.googleapis.com/Type), \"{value}\"", path)
    return value.lower()


def _is_texts(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(item, str) for item in value)


def _camel(name: str) -> str:
    first, *others = name.split("_")
    return first + "".join(other.capitalize() for other in others)
