"""The strategy ``latency``: the better of two by the average time until first content."""

import pytest
from tests.gateway.routing.examples import ANYBODY, Seen, alias, order, shares, targets


def test_the_faster_of_two_serves_everything() -> None:
    among = alias(targets("slow", "fast"), strategy="latency")
    view = Seen(averages={"slow": 1.0, "fast": 0.2})
    assert shares(among, lambda _: ANYBODY, view) == {"slow": 0.0, "fast": 1.0}


def test_calls_under_way_move_requests_to_the_slower_one() -> None:
    among = alias(targets("slow", "fast"), strategy="latency")
    view = Seen(averages={"slow": 1.0, "fast": 0.2}, calls={"fast": 5})
    assert shares(among, lambda _: ANYBODY, view) == {"slow": 1.0, "fast": 0.0}


def test_an_unknown_target_gets_its_chance_beside_the_fastest() -> None:
    among = alias(targets("slow", "fast", "new"), strategy="latency")
    view = Seen(averages={"slow": 1.0, "fast": 0.2})
    # A third of the pairs each: new and fast beat slow, and share the pairs of their own.
    expected = pytest.approx({"slow": 0.0, "fast": 0.5, "new": 0.5}, abs=0.02)
    assert shares(among, lambda _: ANYBODY, view) == expected


def test_an_unknown_target_with_a_call_under_way_gets_no_more() -> None:
    among = alias(targets("fast", "new"), strategy="latency")
    view = Seen(averages={"fast": 0.2}, calls={"new": 1})
    assert shares(among, lambda _: ANYBODY, view) == {"fast": 1.0, "new": 0.0}


def test_where_nothing_is_known_calls_go_where_fewest_wait() -> None:
    among = alias(targets("a", "b"), strategy="latency")
    view = Seen(calls={"a": 2, "b": 1})
    assert shares(among, lambda _: ANYBODY, view) == {"a": 0.0, "b": 1.0}
    idle = pytest.approx({"a": 0.5, "b": 0.5}, abs=0.02)
    assert shares(among, lambda _: ANYBODY) == idle


def test_the_slowest_of_three_is_never_the_better_of_two() -> None:
    among = alias(targets("a", "b", "c"), strategy="latency")
    view = Seen(averages={"a": 0.1, "b": 0.2, "c": 0.3})
    expected = pytest.approx({"a": 2 / 3, "b": 1 / 3, "c": 0.0}, abs=0.02)
    assert shares(among, lambda _: ANYBODY, view) == expected


def test_the_others_follow_by_their_average_and_the_unknown_last() -> None:
    among = alias(targets("new", "c", "b", "a"), strategy="latency")
    view = Seen(averages={"a": 0.1, "b": 0.2, "c": 0.3})
    for seed in range(50):
        first, *rest = order(among, view=view, seed=seed)
        assert rest == [model for model in ("a", "b", "c", "new") if model != first]
