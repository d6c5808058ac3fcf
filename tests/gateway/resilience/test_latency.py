"""The time until first content, and how fast a target speaks."""

import math

import pytest

from trunkline.gateway.resilience.latency import Latency


def test_nothing_is_known_at_first() -> None:
    latency = Latency()
    assert (latency.average(0.0), latency.percentile(50), latency.tokens_per_second()) == (
        None,
        None,
        None,
    )
    latency.add_lost(0.0, 3.0)
    assert latency.average(0.0) is None


def test_the_average_follows_and_no_single_call_moves_it_by_more_than_half_the_way() -> None:
    latency = Latency()
    latency.add(0.0, 1.0)
    assert latency.average(0.0) == 1.0
    latency.add(1000.0, 3.0)
    assert latency.average(1000.0) == 2.0
    latency.add(1001.0, 3.0)
    assert latency.average(1001.0) == pytest.approx(2.0 + (1 - math.exp(-0.1)))
    for step in range(1000):
        latency.add(1001.0 + step * 0.1, 0.2)
    assert latency.average(1101.0) == pytest.approx(0.2, abs=1e-3)


def test_calls_at_the_same_instant_do_not_move_it() -> None:
    latency = Latency()
    latency.add(5.0, 1.0)
    latency.add(5.0, 9.0)
    assert latency.average(5.0) == 1.0


def test_a_bad_average_fades_while_nobody_asks_so_that_somebody_asks_again() -> None:
    latency = Latency()
    latency.add(0.0, 8.0)
    assert latency.average(10.0) == 8.0
    assert latency.average(70.0) == pytest.approx(8.0 / math.e)


def test_a_call_without_content_counts_where_it_took_longer_than_usual() -> None:
    latency = Latency()
    latency.add(0.0, 1.0)
    latency.add_lost(10.0, 0.5)
    assert latency.average(10.0) == 1.0
    latency.add_lost(10.0, 5.0)
    assert latency.average(10.0) == 3.0  # Half the way, and no further.


def test_percentiles_are_of_the_last_128_values_and_unknown_below_20() -> None:
    latency = Latency()
    for value in range(1, 20):
        latency.add(0.0, float(value))
    assert latency.percentile(50) is None
    latency.add(0.0, 20.0)
    assert [latency.percentile(p) for p in (0.0, 50.0, 95.0, 100.0)] == [1.0, 10.0, 19.0, 20.0]
    # They are computed anew after a few values, not after each.
    latency.add(0.0, 99.0)
    assert latency.percentile(100) == 20.0
    for _ in range(7):
        latency.add(0.0, 99.0)
    assert latency.percentile(100) == 99.0
    for _ in range(128):
        latency.add(0.0, 0.5)
    assert [latency.percentile(p) for p in (1.0, 50.0, 100.0)] == [0.5, 0.5, 0.5]


def test_the_speed_is_of_the_time_after_the_first_content_and_longer_answers_count_more() -> None:
    latency = Latency()
    latency.spoke(11.0, 0.0, 1.0, 1000)
    assert latency.tokens_per_second() == 100.0
    latency.spoke(12.5, 11.0, 11.5, 400)
    assert 100.0 < (latency.tokens_per_second() or 0.0) < 150.0
    for _ in range(100):
        latency.spoke(20.0, 10.0, 11.0, 450)
    assert latency.tokens_per_second() == pytest.approx(50.0, rel=1e-3)


def test_an_answer_that_came_at_once_took_the_whole_call() -> None:
    latency = Latency()
    latency.spoke(2.0, 0.0, 2.0, 100)
    assert latency.tokens_per_second() == 50.0
    latency.spoke(2.0, 2.0, 2.0, 100)
    assert latency.tokens_per_second() == 50.0
