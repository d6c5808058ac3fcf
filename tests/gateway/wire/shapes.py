"""Documents for Hypothesis: what a wire says, and now and then anything else."""

import json
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

Shape = st.SearchStrategy[Any]

WORDS = st.sampled_from(["", "a", "null", "{", '{"a":1}', "type", "\u00fc \u2028 \U0001f642"])
NUMBERS = st.one_of(st.integers(-3, 3), st.integers(-(10**20), 10**20), st.floats(-1e9, 1e9))
FLAGS = st.booleans()
SCALARS = st.one_of(WORDS, FLAGS, NUMBERS, st.none())
ANY = st.recursive(
    SCALARS,
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(WORDS, inner, max_size=3)),
    max_leaves=6,
)

thorough = settings(
    max_examples=200, deadline=None, suppress_health_check=list(HealthCheck), database=None
)


def either(shape: Shape) -> Shape:
    """Mostly what the wire says, sometimes anything."""
    return st.integers(0, 60).flatmap(lambda number: shape if number else ANY)


def listed(shape: Shape, least: int = 0) -> Shape:
    return either(st.lists(either(shape), min_size=least, max_size=4))


def one_of(*words: str) -> Shape:
    return either(st.sampled_from(words))


def an_object(needed: dict[str, Shape], optional: dict[str, Shape] | None = None) -> Shape:
    """An object, sometimes with members that the wire does not know."""
    own = st.fixed_dictionaries(needed, optional=optional or {})
    odd = st.dictionaries(st.sampled_from(["odd", "error", "context", "name"]), ANY, max_size=1)
    return st.builds(lambda members, more: {**more, **members}, own, odd)


def told(document: Any) -> Any:
    """A document as JSON tells it, without the members that are null."""
    return _without_nulls(json.loads(json.dumps(document)))


def _without_nulls(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _without_nulls(one) for name, one in value.items() if one is not None}
    if isinstance(value, list):
        return [_without_nulls(one) for one in value]
    return value
