"""JSON schemas as Anthropic's structured output takes them."""

from typing import Any

import pytest
from anthropic import transform_schema
from hypothesis import given, settings
from hypothesis import strategies as st

from trunkline.gateway.wire.anthropic_messages.schemas import object_schema, restrict

LEAF = st.sampled_from(
    [
        {"type": "integer", "minimum": 1, "maximum": 9},
        {"type": "number", "description": "A number.", "multipleOf": 0.5},
        {"type": "string", "format": "date-time"},
        {"type": "string", "format": "iban", "maxLength": 30},
        {"type": "string", "pattern": "^a", "title": "A"},
        {"type": "boolean", "default": 5},
        {"type": "null"},
        {"$ref": "#/$defs/a"},
    ]
)
NAME = st.sampled_from(["a", "b", "type", "properties"])
SCHEMA = st.recursive(
    LEAF,
    lambda inner: st.one_of(
        st.fixed_dictionaries({"anyOf": st.lists(inner, min_size=1, max_size=2)}),
        st.fixed_dictionaries({"oneOf": st.lists(inner, min_size=1, max_size=2)}),
        st.fixed_dictionaries({"allOf": st.lists(inner, min_size=1, max_size=2)}),
        st.fixed_dictionaries(
            {"type": st.just("array"), "items": inner, "minItems": st.integers(0, 2)}
        ),
        st.fixed_dictionaries(
            {
                "type": st.just("object"),
                "properties": st.dictionaries(NAME, inner, max_size=3),
                "required": st.just(["a"]),
                "additionalProperties": st.booleans(),
            }
        ),
    ),
    max_leaves=6,
)


@settings(max_examples=200, deadline=None)
@given(SCHEMA)
def test_schemas_become_what_anthropics_own_sdk_makes_of_them(schema: dict[str, Any]) -> None:
    assert restrict(schema) == transform_schema(schema)


def test_what_is_left_out_is_told_in_the_description() -> None:
    schema = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "type": "array",
        "description": "Some.",
        "items": {"type": "string"},
        "minItems": 2,
        "uniqueItems": True,
        "if": {"a": 1},
    }
    assert restrict(schema) == {
        "type": "array",
        "description": 'Some.\n\n{uniqueItems: true, if: {"a":1}, minItems: 2}',
        "items": {"type": "string"},
    }


def test_definitions_are_restricted_as_well_and_one_of_is_any_of() -> None:
    schema = {
        "$ref": "#/$defs/a",
        "$defs": {"a": {"type": "object", "properties": {}, "minProperties": 1}},
        "oneOf": [{"const": 1}],
        "anyOf": [{"const": 2}],
    }
    assert restrict(schema) == {
        "$ref": "#/$defs/a",
        "$defs": {
            "a": {
                "type": "object",
                "properties": {},
                "additionalProperties": False,
                "description": "{minProperties: 1}",
            }
        },
        "anyOf": [{"const": 2}],
        "description": '{oneOf: [{"const":1}]}',
    }


@pytest.mark.parametrize(
    "schema",
    [
        {"properties": [], "items": [True], "anyOf": {}, "format": {}, "minItems": [1]},
        {"type": ["object", "null"], "properties": {"a": True}},
        {"enum": [], "const": None},
    ],
)
def test_schemas_that_are_none_are_passed_through(schema: dict[str, Any]) -> None:
    assert restrict(schema).keys() <= schema.keys() | {"description", "additionalProperties"}


def test_a_schema_is_restricted_as_deep_as_the_api_could_read_it() -> None:
    schema: dict[str, Any] = {"type": "integer", "minimum": 1}
    for _ in range(900):
        schema = {"type": "array", "items": schema}
    found = restrict(schema)
    for _ in range(900):
        found = found["items"]
    assert found == {"type": "integer", "minimum": 1}


def test_arguments_are_always_an_object() -> None:
    assert object_schema(None) == {"type": "object", "properties": {}}
    assert object_schema({"properties": {}}) == {"type": "object", "properties": {}}
    assert object_schema({"type": "object"}) == {"type": "object"}
