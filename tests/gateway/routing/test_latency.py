"""The strategy ``latency``: the better of two by the average time until first content."""

import pytest
from tests.gateway.routing.examples import ANYBODY, Seen, alias, order, shares, targets


def test_the_faster_of_two_serves_all_but_the_share_that_learns() -> None:
    among = alias(targets("slow", "fast"), strategy="latency")
    view = Seen(averages={"slow": 1.0, "fast": 0.2})
    found = shares(among, lambda _: ANYBODY, view)
    assert found == pytest.approx({"slow": 0.025, "fast": 0.975}, abs=0.01)


def test_calls_under_way_move_requests_to_the_slower_one() -> None:
    among = alias(targets("slow", "fast"), strategy="latency")
    view = Seen(averages={"slow": 1.0, "fast": 0.2}, calls={"fast": 9})
    found = shares(among, lambda _: ANYBODY, view)
    assert found == pytest.approx({"slow": 0.975, "fast": 0.025}, abs=0.01)


def test_an_unknown_target_gets_its_chance_beside_the_fastest() -> None:
    among = alias(targets("slow", "fast", "new"), strategy="latency")
    view = Seen(averages={"slow": 1.0, "fast": 0.2})
    found = shares(among, lambda _: ANYBODY, view)
    # A third of the pairs each: new beats slow, and fast and new share theirs.
    assert found["new"] == pytest.approx(0.5, abs=0.03)
    assert found["slow"] == pytest.approx(0.05 / 3, abs=0.01)


def test_an_unknown_target_with_calls_under_way_gets_no_more() -> None:
    among = alias(targets("fast", "new"), strategy="latency")
    view = Seen(averages={"fast": 0.2}, calls={"new": 1})
    found = shares(among, lambda _: ANYBODY, view)
    assert found == pytest.approx({"fast": 0.975, "new": 0.025}, abs=0.01)


def test_the_slowest_of_three_is_never_the_better_of_two() -> None:
    among = alias(targets("a", "b", "c"), strategy="latency")
    view = Seen(averages={"a": 0.1, "b": 0.2, "c": 0.3})
    found = shares(among, lambda _: ANYBODY, view)
    expected = {"a": 0.95 * 2 / 3 + 0.05 / 3, "b": 0.95 / 3 + 0.05 / 3, "c": 0.05 / 3}
    assert found == pytest.approx(expected, abs=0.02)


def test_the_others_follow_by_their_average_and_the_unknown_last() -> None:
    among = alias(targets("new", "c", "b", "a"), strategy="latency")
    view = Seen(averages={"a": 0.1, "b": 0.2, "c": 0.3})
    for seed in range(50):
        first, *rest = order(among, view=view, seed=seed)
        assert rest == [model for model in ("a", "b", "c", "new") if model != first]
