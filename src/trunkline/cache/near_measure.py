"""How often near matches would be right, at which threshold, and what the marks in texts buy."""

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

import msgspec

from trunkline.cache.near_pairs import Pair, PairSet
from trunkline.gateway.policy import CachePolicy
from trunkline.gateway.recall.near_index import Vector, cosine
from trunkline.gateway.recall.near_marks import Difference, difference, marks_of
from trunkline.gateway.recall.near_text import LONGEST_TEXT

THRESHOLDS: Final = tuple(hundredth / 100 for hundredth in range(80, 100))
"""Cosines that are tried where nobody names others."""

TOLERATED: Final = 0.01
"""Share of wrong answers among the near ones below which a threshold may be recommended."""


# Quantile of the normal distribution.
_ONE_SIDED_95: Final = 1.6449


class Judged(msgspec.Struct, frozen=True):
    """A pair as the cache sees it.

    Attributes:
        similarity: cosine of the two embeddings.
        differs: the mark in which the texts differ, or None; such a pair is never near.
    """

    pair: Pair
    similarity: float
    differs: Difference | None

    @property
    def near(self) -> bool:
        """Whether the gateway looks at the similarity at all."""
        longest = max(len(self.pair.a), len(self.pair.b))
        return self.differs is None and longest <= LONGEST_TEXT


class Score(msgspec.Struct, frozen=True):
    """What would have been given from the cache.

    Attributes:
        hits: pairs that are the same.
        false_hits: pairs that are not.
        false_hit_rate: share of the second in both; None where there is neither.
        at_most: the rate that so few pairs leave possible, with 95 % confidence; None like it.
    """

    hits: int
    false_hits: int
    false_hit_rate: float | None
    at_most: float | None


class Row(msgspec.Struct, frozen=True):
    """One threshold.

    Attributes:
        missed: pairs that are the same and would have cost an attempt.
        marked: with the marks compared and long texts left out, as the gateway does it.
        unmarked: by the embedding alone.
    """

    threshold: float
    missed: int
    marked: Score
    unmarked: Score


class KindRow(msgspec.Struct, frozen=True):
    """One kind of pair at one threshold; ``given`` counts what would come from the cache."""

    kind: str
    same: bool
    pairs: int
    given_unmarked: int
    given: int


class Wrong(msgspec.Struct, frozen=True):
    """A pair that is not the same and would get each other's answer."""

    a: str
    b: str
    similarity: float


class Report(msgspec.Struct, frozen=True):
    """A whole measurement of one set of pairs.

    Attributes:
        name: of the set.
        fitted: whether the marks were tuned on the set, which flatters them.
        model: as the provider names it.
        tokens: what embedding the texts took.
        pairs: how many, and ``same`` how many of them are the same question.
        tolerated: share of wrong answers below which a threshold may be recommended.
        recommended: None where no threshold will do.
        at: the threshold of ``kinds`` and ``wrong``: the recommended one, or else the one nearest
            to what a policy has by itself.
    """

    name: str
    fitted: bool
    model: str
    dimensions: int
    tokens: int
    pairs: int
    same: int
    tolerated: float
    recommended: float | None
    thresholds: tuple[Row, ...]
    at: float
    kinds: tuple[KindRow, ...]
    wrong: tuple[Wrong, ...]


def report_on(
    given: PairSet,
    vectors: Mapping[str, Vector],
    thresholds: Iterable[float] = THRESHOLDS,
    tokens: int = 0,
) -> Report:
    """Measure a set with the vectors of its texts, which are all of one model."""
    pairs = given.pairs
    judged = judge(pairs, vectors)
    rows = rows_of(judged, thresholds)
    best = recommended(rows)
    at = _nearest(rows, CachePolicy().threshold) if best is None else best
    first = vectors[pairs[0].a]
    return Report(
        name=given.name,
        fitted=given.fitted,
        model=first.model,
        dimensions=len(first.numbers),
        tokens=tokens,
        pairs=len(pairs),
        same=sum(pair.same for pair in pairs),
        tolerated=TOLERATED,
        recommended=best,
        thresholds=tuple(rows),
        at=at,
        kinds=tuple(kinds_of(judged, at)),
        wrong=tuple(_wrong(judged, at)),
    )


def judge(pairs: Iterable[Pair], vectors: Mapping[str, Vector]) -> list[Judged]:
    """See the pairs as the cache would, with the vector of each text."""
    return [
        Judged(
            pair,
            cosine(vectors[pair.a], vectors[pair.b]),
            difference(marks_of(pair.a), marks_of(pair.b)),
        )
        for pair in pairs
    ]


def rows_of(judged: Sequence[Judged], thresholds: Iterable[float]) -> list[Row]:
    """Score each threshold, the lowest first."""
    same = sum(one.pair.same for one in judged)
    rows = []
    for threshold in sorted(set(thresholds)):
        near = [one for one in judged if one.similarity >= threshold]
        marked = _score([one for one in near if one.near])
        rows.append(Row(threshold, same - marked.hits, marked, _score(near)))
    return rows


def kinds_of(judged: Sequence[Judged], threshold: float) -> list[KindRow]:
    """Score each kind of pair, in the order of the pairs."""
    kinds = dict.fromkeys((one.pair.kind, one.pair.same) for one in judged)
    rows = []
    for kind, same in kinds:
        of_kind = [one for one in judged if (one.pair.kind, one.pair.same) == (kind, same)]
        near = [one for one in of_kind if one.similarity >= threshold]
        given = sum(one.near for one in near)
        rows.append(KindRow(kind, same, len(of_kind), len(near), given))
    return rows


def recommended(rows: Sequence[Row]) -> float | None:
    """The lowest threshold from which on few enough answers are wrong; None where none will do.

    A threshold below one that does not hold is luck and no reason, so all above it must hold too.
    """
    best = None
    for row in sorted(rows, key=lambda row: row.threshold, reverse=True):
        rate = row.marked.false_hit_rate
        if rate is not None and rate >= TOLERATED:
            break
        if row.marked.hits:
            best = row.threshold
    return best


def _nearest(rows: Sequence[Row], wanted: float) -> float:
    return min((row.threshold for row in rows), key=lambda threshold: abs(threshold - wanted))


def _at_most(share: float, given: int) -> float:
    """The upper bound of a share that was seen in so many, with 95 % confidence.

    Source: Wilson's score interval, one-sided.
    """
    margin = _ONE_SIDED_95**2 / given
    middle = share + margin / 2
    spread = _ONE_SIDED_95 * math.sqrt(share * (1 - share) / given + margin / (4 * given))
    return (middle + spread) / (1 + margin)


def _wrong(judged: Sequence[Judged], at: float) -> list[Wrong]:
    return [
        Wrong(one.pair.a, one.pair.b, round(one.similarity, 4))
        for one in judged
        if one.similarity >= at and one.near and not one.pair.same
    ]


def _score(near: Sequence[Judged]) -> Score:
    hits = sum(one.pair.same for one in near)
    if not near:
        return Score(0, 0, None, None)
    wrong = len(near) - hits
    rate = wrong / len(near)
    return Score(hits, wrong, rate, _at_most(rate, len(near)))
