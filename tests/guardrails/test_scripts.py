"""Languages by their script."""

import pytest

from trunkline.gateway.guarding.guard import Finding
from trunkline.guardrails.compiling import compile_guard
from trunkline.guardrails.scripts import LANGUAGES, SCRIPTS


@pytest.mark.parametrize(
    ("options", "text", "kinds"),
    [
        ({"deny": ["cyrillic"]}, "Hello, Привет and Γειά", ["cyrillic"]),
        ({"deny": ["cyrillic", "el"]}, "Hello, Γειά and Привет", ["greek", "cyrillic"]),
        ({"allow": ["latin"]}, "Grüße, naïve, Łódź, phở", []),
        ({"allow": ["latin"]}, "the angle \u03b1 and β", []),
        ({"allow": ["latin"], "least": 1}, "the angle \u03b1", ["greek"]),
        ({"allow": ["ja"]}, "日本語のテキスト", []),
        ({"allow": ["zh"]}, "日本語のテキスト", ["kana"]),
        ({"allow": ["ko"]}, "hello 한국어", ["latin"]),
        ({"deny": ["devanagari"]}, "हिन्दी", ["devanagari"]),
        ({"deny": ["arabic"]}, "Hello, 123 العربية", ["arabic"]),
        ({"deny": ["latin"]}, "123 456 !", []),
    ],
)
def test_words_in_unwanted_scripts_are_found(
    options: dict[str, object], text: str, kinds: list[str]
) -> None:
    guard = compile_guard("l", {"kind": "language", "language": options})
    assert [one.kind for one in guard.find(text)] == kinds


def test_a_finding_tells_the_first_place() -> None:
    guard = compile_guard("l", {"kind": "language", "language": {"deny": ["greek"]}})
    assert guard.find("a \u03b1\u03b2\u03b3\u03b4 \u03b1\u03b2\u03b3") == [Finding(2, 5, "greek")]
    assert guard.find("a \u03b1\u03b2\u03b3\u03b4 \u03b1\u03b2\u03b3", 4) == [
        Finding(7, 10, "greek")
    ]
    assert guard.settled("abcdef", 0) == 3


def test_every_language_has_scripts_that_there_are() -> None:
    assert {script for scripts in LANGUAGES.values() for script in scripts} <= SCRIPTS.keys()
