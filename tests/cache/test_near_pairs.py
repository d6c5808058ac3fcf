from collections import Counter

import pytest

from trunkline.cache.near_pairs import Pair, read_pairs, shipped_pairs
from trunkline.errors import InvalidRequest
from trunkline.gateway.recall.near_marks import difference, marks_of


def test_the_shipped_pairs_are_many_of_both_sorts_and_none_twice() -> None:
    pairs = shipped_pairs()
    verdicts = Counter(pair.same for pair in pairs)
    assert len(pairs) >= 200
    assert min(verdicts.values()) >= 80
    assert len({frozenset((pair.a, pair.b)) for pair in pairs}) == len(pairs)
    assert all(pair.a != pair.b and pair.kind for pair in pairs)
    kinds = Counter(pair.kind for pair in pairs)
    assert min(kinds.values()) >= 5
    assert {"entity", "negation", "number", "date", "direction", "unit", "code"} <= kinds.keys()


def test_the_marks_tell_most_other_questions_apart_and_hardly_a_paraphrase() -> None:
    marked = Counter(
        pair.same
        for pair in shipped_pairs()
        if difference(marks_of(pair.a), marks_of(pair.b)) is not None
    )
    others = sum(not pair.same for pair in shipped_pairs())
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
        (
            ['{"a": "x", "b": "' + "y" * 2001 + '", "same": true}'],
            "mine, line 1: only questions of",
        ),
    ],
)
def test_a_line_that_is_no_pair_is_refused_by_its_number(lines: list[str], told: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        read_pairs(lines, "mine")
    assert caught.value.message.startswith(told)
    assert caught.value.param == "pairs"
