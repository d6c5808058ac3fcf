import math
from typing import Any

import pytest

from trunkline.cache.near_measure import KindRow, Row, Score, Wrong, recommended, report_on
from trunkline.cache.near_pairs import Pair, PairSet
from trunkline.gateway.recall.near_index import Vector, vector_of


def at(angle: float) -> Vector:
    """A vector whose cosine with that of 0 is that of the angle."""
    made = vector_of("e-1", (math.cos(angle), math.sin(angle)))
    assert made is not None
    return made


def turned(cosine: float) -> Vector:
    return at(math.acos(cosine))


PAIRS = [
    Pair("What is a cat?", "what is a cat", same=True, kind="case"),
    Pair("What is a cat?", "Say what a cat is.", same=True, kind="wording"),
    Pair("What is a cat?", "What is a rat?", same=False, kind="entity"),
    Pair("What is a cat?", "What is no cat?", same=False, kind="negation"),
]
VECTORS = {
    "What is a cat?": at(0.0),
    "what is a cat": turned(0.99),
    "Say what a cat is.": turned(0.87),
    "What is a rat?": turned(0.93),
    "What is no cat?": turned(0.97),
}


# The roots of the score test for these shares, found by halving.
AT_MOST = {
    (0, 1): 0.7301,
    (1, 2): 0.8791,
    (1, 3): 0.7465,
    (2, 3): 0.9217,
    (2, 4): 0.8176,
    (0, 400): 0.0067,
}


def score(hits: int, false_hits: int) -> Score:
    given = hits + false_hits
    at_most: Any = pytest.approx(AT_MOST[false_hits, given], abs=1e-4)
    return Score(hits, false_hits, false_hits / given, at_most)


def test_a_measurement_counts_hits_and_false_hits_with_and_without_the_marks() -> None:
    report = report_on(PairSet("mine", PAIRS), VECTORS, (0.96, 0.85, 0.9, 0.9), tokens=31)
    assert report.thresholds == (
        Row(0.85, 0, score(2, 1), score(2, 2)),
        Row(0.9, 1, score(1, 1), score(1, 2)),
        # One answer that was right proves little.
        Row(0.96, 1, score(1, 0), score(1, 1)),
    )
    assert (report.name, report.fitted) == ("mine", False)
    assert (report.model, report.dimensions, report.tokens) == ("e-1", 2, 31)
    assert (report.pairs, report.same, report.tolerated) == (4, 2, 0.01)
    assert (report.recommended, report.at, report.wrong) == (0.96, 0.96, ())
    assert report.kinds == (
        KindRow("case", same=True, pairs=1, given_unmarked=1, given=1),
        KindRow("wording", same=True, pairs=1, given_unmarked=0, given=0),
        KindRow("entity", same=False, pairs=1, given_unmarked=0, given=0),
        KindRow("negation", same=False, pairs=1, given_unmarked=1, given=0),
    )


def test_where_no_threshold_will_do_the_usual_one_is_looked_at() -> None:
    report = report_on(PairSet("mine", PAIRS, fitted=True), VECTORS, (0.85, 0.92))
    assert report.fitted
    assert (report.recommended, report.at) == (None, 0.92)
    assert report.wrong == (Wrong("What is a cat?", "What is a rat?", 0.93),)


def test_more_pairs_leave_less_to_chance() -> None:
    same = [Pair(f"a{number}", f"b{number}", same=True) for number in range(400)]
    alike = {text: at(0.0) for pair in same for text in (pair.a, pair.b)}
    report = report_on(PairSet("mine", same), alike, (0.9,))
    assert report.thresholds == (Row(0.9, 0, score(400, 0), score(400, 0)),)


def test_where_nothing_is_near_there_is_no_rate() -> None:
    same = [Pair("a", "b", same=True)]
    report = report_on(PairSet("mine", same), {"a": at(0.0), "b": at(1.0)}, (0.9,))
    nothing = Score(0, 0, None, None)
    assert report.thresholds == (Row(0.9, 1, nothing, nothing),)
    assert report.recommended is None


def row(threshold: float, hits: int, false_hits: int) -> Row:
    given = hits + false_hits
    rate = false_hits / given if given else None
    told = Score(hits, false_hits, rate, rate)
    return Row(threshold, 0, told, told)


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ([row(0.8, 50, 5), row(0.9, 40, 0), row(0.95, 30, 0)], 0.9),
        ([row(0.8, 50, 0), row(0.9, 40, 4), row(0.95, 30, 0)], 0.95),
        ([row(0.8, 500, 1), row(0.9, 40, 0)], 0.8),
        ([row(0.8, 99, 1), row(0.9, 40, 0)], 0.9),
        ([row(0.8, 50, 0), row(0.9, 0, 0)], 0.8),
        ([row(0.8, 5, 1), row(0.9, 0, 0)], None),
        ([], None),
    ],
)
def test_the_lowest_threshold_is_recommended_from_which_on_all_hold(
    rows: list[Row], expected: float | None
) -> None:
    assert recommended(rows) == expected
