"""How often and when the same target is asked again."""

import random

import pytest

from trunkline.gateway.policy import Retry
from trunkline.gateway.resilience.pausing import pause
from trunkline.gateway.resilience.retry_budget import FLOOR, WINDOW, RetryBudget


def taken(budget: RetryBudget, now: float, share: float, wanted: int) -> int:
    """How many of so many repeats were allowed; each of them begins."""
    count = 0
    for _ in range(wanted):
        if budget.take(now, share):
            budget.began(now)
            count += 1
    return count


def test_repeats_are_at_most_their_share_of_the_first_tries() -> None:
    budget = RetryBudget()
    for _ in range(100):
        budget.began(0.0)
    assert taken(budget, 0.0, 0.2, 50) == 20
    assert (budget.repeats, budget.refused) == (20, 30)


def test_a_quiet_target_may_repeat_a_few_times_in_any_case() -> None:
    budget = RetryBudget()
    budget.began(0.0)
    assert taken(budget, 0.0, 0.2, 10) == FLOOR
    assert taken(budget, WINDOW - 0.1, 0.2, 10) == 0
    assert taken(budget, WINDOW, 0.2, 10) == FLOOR


def test_a_share_of_nothing_repeats_nothing() -> None:
    assert taken(RetryBudget(), 0.0, 0.0, 5) == 0


def test_old_tries_allow_nothing_any_more() -> None:
    budget = RetryBudget()
    for _ in range(100):
        budget.began(0.0)
    assert taken(budget, WINDOW, 0.2, 50) == FLOOR


def test_the_wait_is_a_random_part_of_a_span_that_doubles_up_to_the_cap() -> None:
    rng, retry = random.Random(1), Retry(base=0.25, cap=4.0)
    for tries, span in [(1, 0.25), (2, 0.5), (3, 1.0), (5, 4.0), (6, 4.0), (10_000, 4.0)]:
        waits = [pause(retry, tries, None, rng) or 0.0 for _ in range(400)]
        assert 0.0 <= min(waits) < 0.1 * span
        assert 0.9 * span < max(waits) <= span


@pytest.mark.parametrize(("hint", "wait"), [(1.5, 1.5), (4.0, 4.0), (4.1, None), (60.0, None)])
def test_the_hint_of_the_provider_wins_and_too_long_a_one_ends_it(
    hint: float, wait: float | None
) -> None:
    assert pause(Retry(cap=4.0), 1, hint, random.Random(1)) == wait


def test_a_hint_of_nothing_is_none() -> None:
    told = pause(Retry(base=0.25), 1, 0.0, random.Random(1))
    assert told is not None
    assert 0.0 < told <= 0.25
