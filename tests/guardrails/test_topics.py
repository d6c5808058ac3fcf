"""Phrases: found whatever their case, accents and blanks, and never inside of words."""

import time

import pytest

from trunkline.gateway.guarding.guard import Finding, Guard
from trunkline.guardrails.compiling import compile_guard


def topics(**deny: list[str]) -> Guard:
    return compile_guard("t", {"kind": "topics", "action": "note", "topics": {"deny": deny}})


GUARD = topics(
    money=["insider trading", "invest*", "Überweisung"],
    other=["c++", "賭博", "*bomb", "rock 'n' roll"],
)


WIDE = "\uff49\uff4e\uff56\uff45\uff53\uff54"


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("About Insider   Trading.", [("money", "Insider   Trading")]),
        ("Insider-trading, investments", [("money", "Insider-trading"), ("money", "investments")]),
        ("INVESTING", [("money", "INVESTING")]),
        ("eine U\u0308berweisung, ueberweisung", [("money", "U\u0308berweisung")]),
        (f"a {WIDE} b", [("money", WIDE)]),
        ("in\u200bvest", [("money", "in\u200bvest")]),
        ("違法な賭博です", [("other", "賭博")]),
        ("a carbomb here", [("other", "carbomb")]),
        ("in C++ now", [("other", "C++")]),
        ("rock 'n' roll", [("other", "rock 'n' roll")]),
        ("insiders trading, reinvest, overweisung", []),
        ("", []),
    ],
)  # fmt: skip
def test_phrases_are_found(text: str, found: list[tuple[str, str]]) -> None:
    assert [(one.kind, text[one.start : one.end]) for one in GUARD.find(text)] == found


def test_findings_begin_where_they_are_asked_for() -> None:
    text = "é invest é invest"
    assert GUARD.find(text) == [Finding(2, 8, "money"), Finding(11, 17, "money")]
    assert GUARD.find(text, 3) == [Finding(11, 17, "money")]
    assert GUARD.find("invest invest", 1) == [Finding(7, 13, "money")]


def test_so_much_of_a_stream_is_held_that_the_longest_phrase_fits() -> None:
    guard = topics(a=["one two"])
    text = "x" * 100
    assert guard.settled(text, 0) == 100 - guard.reach
    assert guard.settled(text, 90) == 90
    assert guard.reach >= len("one    two")


@pytest.mark.parametrize("unit", ["insider ", "invest", "insider trad ", "é", "賭", "c+", "a "])
def test_no_text_makes_it_slow(unit: str) -> None:
    text = (unit * 100_000)[:100_000]
    begun = time.process_time()
    GUARD.find(text)
    assert time.process_time() - begun < 30.0
