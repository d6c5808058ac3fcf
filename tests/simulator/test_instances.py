import random
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trunkline.simulator.instances import make_instance


def made(schema: Any, seed: int = 1) -> Any:
    return make_instance(random.Random(seed), schema)


@pytest.mark.parametrize(
    ("schema", "value"),
    [
        ({"const": [1, {"a": None}]}, [1, {"a": None}]),
        ({"enum": ["only"]}, "only"),
        ({"type": "null"}, None),
        ({"type": ["null"]}, None),
        ({"type": "object"}, {}),
        ({"type": "array", "maxItems": 0}, []),
        ({"type": "string", "format": "date"}, "2026-03-14"),
        ({"type": "integer", "minimum": 7, "maximum": 7}, 7),
        ({"type": "integer", "exclusiveMinimum": 7, "exclusiveMaximum": 9}, 8),
        ({"type": "integer", "multipleOf": 5, "minimum": 11, "maximum": 19}, 15),
        ({"type": "number", "minimum": 1, "maximum": 2, "multipleOf": 5}, 1.5),
        ({"type": "string", "maxLength": 0}, ""),
        ({"anyOf": [{"type": "null"}, {"const": 3}]}, 3),
        ({"oneOf": [{"type": "null"}]}, None),
        ({"$ref": "#/$defs/three", "$defs": {"three": {"const": 3}}}, 3),
        ({"$ref": "#/$defs/a~1b", "$defs": {"a/b": {"const": 4}}}, 4),
        ({"allOf": [{"const": 5}]}, 5),
        ({"properties": {"a": {"const": 1}}}, {"a": 1}),
        ({"prefixItems": [{"const": 1}, {"const": 2}], "type": "array", "maxItems": 2}, [1, 2]),
        ({"items": {"const": 6}}, [6, 6]),
    ],
)
def test_simple_schemas_leave_one_value(schema: dict[str, Any], value: Any) -> None:
    assert made(schema) == value


def test_parts_of_all_of_add_up() -> None:
    schema = {
        "allOf": [
            {"type": "object", "properties": {"a": {"const": 1}}, "required": ["a"]},
            {"properties": {"b": {"const": 2}}, "required": ["b", "c"]},
        ]
    }
    value = made(schema)
    assert (value["a"], value["b"], type(value["c"])) == (1, 2, str)


def test_a_schema_that_contains_itself_comes_to_an_end() -> None:
    tree = {
        "type": "object",
        "properties": {
            "name": {"type": "string"},
            "next": {"anyOf": [{"$ref": "#"}, {"type": "null"}]},
            "left": {
                "type": ["object", "null"],
                "properties": {"again": {"$ref": "#"}},
                "required": ["again"],
            },
            "children": {"type": "array", "items": {"$ref": "#"}},
        },
        "required": ["name", "next", "left"],
    }
    deepest = made(tree)
    depth = 0
    while deepest["next"] is not None:
        deepest, depth = deepest["next"], depth + 1
    assert (set(deepest), deepest["left"], depth) == ({"name", "next", "left"}, None, 6)


@given(
    st.integers(-1000, 1000),
    st.integers(0, 50),
    st.booleans(),
    st.integers(0, 99),
)
def test_numbers_stay_inside_their_bounds(low: int, span: int, whole: bool, seed: int) -> None:
    schema = {"type": "integer" if whole else "number", "minimum": low, "maximum": low + span}
    value = made(schema, seed)
    assert low <= value <= low + span
    assert isinstance(value, int) or not whole
    above = made({"type": "integer", "minimum": low}, seed)
    below = made({"type": "integer", "maximum": low}, seed)
    assert above >= low >= below


@given(st.integers(0, 60), st.integers(0, 60), st.integers(0, 99))
def test_texts_and_lists_have_the_length_asked_for(first: int, second: int, seed: int) -> None:
    least, most = sorted((first, second))
    text = made({"type": "string", "minLength": least, "maxLength": most}, seed)
    items = made({"type": "array", "items": {"type": "boolean"}, "minItems": least}, seed)
    assert least <= len(text) <= most
    assert len(items) == max(least, 2)


def test_names_of_fields_give_values_that_fit() -> None:
    assert made({"properties": {"city": {"type": "string"}}})["city"] in {
        "Paris",
        "Boston",
        "Nairobi",
        "Osaka",
    }
    assert re.fullmatch(r"a \w+ colour", made({"properties": {"colour": True}})["colour"])


@pytest.mark.parametrize(
    "schema",
    [
        {"properties": ["a"]},
        {"type": "array", "minItems": 10**9},
        {"type": "string", "minLength": 10**9},
        {"type": "integer", "minimum": "low"},
        {"type": "integer", "multipleOf": 0},
        {"allOf": [{"properties": 3}, {"properties": 4}]},
    ],
)
def test_a_schema_that_cannot_be_followed_is_refused(schema: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"malformed|more than the simulator writes"):
        made(schema)
