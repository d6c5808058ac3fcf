from collections import Counter

import pytest

from trunkline.cache.near_pairs import (
    HELD_OUT,
    SHIPPED,
    Pair,
    PairSet,
    read_pairs,
    set_of_ours,
)
from trunkline.errors import InvalidRequest
from trunkline.gateway.recall.near_marks import difference, marks_of


def letters(text: str) -> str:
    """A text without what tells its copies apart: capitals, spaces, punctuation."""
    return "".join(letter for letter in text.lower() if letter.isalnum())


def texts_of(given: PairSet) -> list[str]:
    return [text for pair in given.pairs for text in (pair.a, pair.b)]


@pytest.mark.parametrize(
    ("name", "kinds"),
    [
        (SHIPPED, {"entity", "negation", "number", "date", "direction", "unit", "code"}),
        (
            HELD_OUT,
            {"person or place", "negation", "number", "date", "order", "unit", "code", "version"}
            | {"german", "french", "spanish", "chinese", "japanese", "korean", "long"},
        ),
    ],
)
def test_our_pairs_are_many_of_both_sorts_and_none_twice(name: str, kinds: set[str]) -> None:
    pairs = set_of_ours(name).pairs
    verdicts = Counter(pair.same for pair in pairs)
    assert len(pairs) >= 240
    assert 0.35 < verdicts[True] / len(pairs) < 0.45
    assert len({frozenset((pair.a, pair.b)) for pair in pairs}) == len(pairs)
    assert all(pair.a != pair.b and pair.kind for pair in pairs)
    counted = Counter(pair.kind for pair in pairs)
    assert min(counted.values()) >= 5
    assert kinds <= counted.keys()


def test_no_text_is_held_out_twice_or_one_that_the_marks_were_tuned_on() -> None:
    held_out = texts_of(set_of_ours(HELD_OUT))
    assert len(set(held_out)) == len(held_out)
    tuned_on = set(map(letters, texts_of(set_of_ours(SHIPPED))))
    assert tuned_on.isdisjoint(map(letters, held_out))


def test_the_set_that_the_marks_were_tuned_on_says_so() -> None:
    assert {name: set_of_ours(name).fitted for name in (SHIPPED, HELD_OUT)} == {
        SHIPPED: True,
        HELD_OUT: False,
    }


def test_the_marks_tell_most_other_questions_apart_and_hardly_a_paraphrase() -> None:
    pairs = set_of_ours(SHIPPED).pairs
    marked = Counter(
        pair.same for pair in pairs if difference(marks_of(pair.a), marks_of(pair.b)) is not None
    )
    others = sum(not pair.same for pair in pairs)
    assert marked[True] <= 1
    assert marked[False] > 0.75 * others


def test_lines_are_read_and_empty_ones_are_passed_over() -> None:
    lines = [
        '{"a": "x", "b": "y", "same": true}',
        "  ",
        '{"a":"x","b":"z","same":false,"kind":"k"}',
    ]
    assert read_pairs(lines, "mine") == [
        Pair("x", "y", same=True),
        Pair("x", "z", same=False, kind="k"),
    ]


@pytest.mark.parametrize(
    ("lines", "told"),
    [
        ([], "mine has no pairs."),
        (["", "{"], "mine, line 2: "),
        (['{"a": "x", "b": "y"}'], "mine, line 1: Object missing required field `same`."),
        (['{"a": "x", "b": "y", "same": 1}'], "mine, line 1: Expected `bool`"),
        (['{"a": "x", "b": "y", "same": true, "c": 1}'], "mine, line 1: Object contains unknown"),
        (['{"a": "x", "b": " ", "same": true}'], "mine, line 1: a question is empty."),
    ],
)
def test_a_line_that_is_no_pair_is_refused_by_its_number(lines: list[str], told: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        read_pairs(lines, "mine")
    assert caught.value.message.startswith(told)
    assert caught.value.param == "pairs"
