import json

import pytest

from trunkline.gateway.wire.documents import arguments_object, arguments_text, decoded

DEEP = "[" * 500 + "]" * 500


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("", {}),
        (" ", {}),
        ("null", {}),
        (' {"a": 1}', {"a": 1}),
        ("[1]", {"input": [1]}),
        ("5", {"input": 5}),
        ('{"a":', {"input": '{"a":'}),
        (DEEP, {"input": DEEP}),
    ],
)
def test_arguments_are_always_an_object(text: str, read: object) -> None:
    assert arguments_object(text) == read


@pytest.mark.parametrize(
    ("told", "text"),
    [
        ({"a": None}, '{"a":null}'),
        (' {"a": 1}', ' {"a": 1}'),
        (None, "{}"),
        ("null", "{}"),
        ("", "{}"),
        ("rm -rf", '{"input":"rm -rf"}'),
        ([1], '{"input":[1]}'),
        (0, '{"input":0}'),
    ],
)
def test_arguments_are_always_the_text_of_an_object(told: object, text: str) -> None:
    assert arguments_text(told) == text


def test_brackets_in_strings_do_not_make_a_text_deep() -> None:
    assert decoded(json.dumps({"a": "[]" * 1000})) == {"a": "[]" * 1000}
