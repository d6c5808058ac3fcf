"""What every policy does alike: what is cheap, what is in service, and what comes last."""

import random
from typing import cast

import pytest
from tests.gateway.routing.examples import (
    ANYBODY,
    WELL,
    Seen,
    alias,
    order,
    shares,
    target,
    targets,
)

from trunkline.gateway.policy import Condition, Rule, Strategy
from trunkline.gateway.routing.choose import Facts, choose
from trunkline.gateway.routing.facts import StatedFacts
from trunkline.gateway.snapshot import Alias


def never() -> Facts:
    raise AssertionError("nobody needs the facts")


def test_without_a_policy_the_targets_are_given_back_as_they_are_and_nothing_is_read() -> None:
    plain = Alias(name="fast", targets=targets("a", "b"))
    assert choose(plain, never, WELL, random.Random(1)) is plain.targets


@pytest.mark.parametrize("strategy", ["ordered", "weighted", "latency", "price", "sticky"])
def test_an_only_target_needs_no_strategy(strategy: Strategy) -> None:
    only = alias(targets("a"), strategy=strategy)
    assert choose(only, never, WELL, random.Random(1)) is only.targets


class Unread:
    """Facts of which none may be read."""

    def __getattr__(self, name: str) -> object:
        raise AssertionError(name)


@pytest.mark.parametrize("strategy", ["ordered", "weighted", "latency"])
def test_strategies_that_look_at_no_request_read_none(strategy: Strategy) -> None:
    among = alias((*targets("a", "b"), target("c", state="disabled")), strategy=strategy)
    found = choose(among, lambda: cast("Facts", Unread()), WELL, random.Random(1))
    assert sorted(one.model for one in found) == ["a", "b"]


def test_facts_are_asked_for_once() -> None:
    asked: list[Facts] = []

    def facts() -> Facts:
        asked.append(ANYBODY)
        return ANYBODY

    rules = tuple(Rule(Condition(tags=((name, "1"),)), (0,)) for name in "xyz")
    among = alias(targets("a", "b"), strategy="sticky", rules=rules)
    choose(among, facts, WELL, random.Random(1))
    assert asked == [ANYBODY]


def test_ordered_is_as_written() -> None:
    among = (target("off", state="disabled"), *targets("b", "a", "c"))
    assert order(alias(among)) == ["b", "a", "c"]


def test_a_draining_target_waits_until_no_active_one_is_left() -> None:
    slow, fast = target("slow", state="draining"), target("fast")
    assert order(alias((slow, fast))) == ["fast"]
    assert order(alias((slow, target("fast", state="disabled")))) == ["slow"]


def test_an_active_target_with_an_open_circuit_is_not_left() -> None:
    among = alias((target("fast"), target("spare", state="draining")))
    assert order(among, view=Seen(states={"fast": "open"})) == ["spare", "fast"]
    assert order(among, view=Seen(states={"fast": "half_open"})) == ["fast"]
    both = Seen(states={"fast": "open", "spare": "open"})
    assert order(among, view=both) == ["fast", "spare"]


def test_with_all_targets_disabled_there_is_none() -> None:
    assert order(alias(targets("a", "b", state="disabled"))) == []


@pytest.mark.parametrize("strategy", ["weighted", "latency", "price", "sticky"])
def test_targets_with_an_open_circuit_come_last_in_every_strategy(strategy: Strategy) -> None:
    among = alias(targets("a", "b", "c", "d"), strategy=strategy)
    view = Seen(states={"a": "open", "c": "open", "d": "half_open"})
    for seed in range(20):
        found = order(among, StatedFacts(user=str(seed)), view, seed)
        assert (set(found[:2]), set(found[2:])) == ({"b", "d"}, {"a", "c"})


def test_weighted_gives_each_its_share_and_the_rest_as_fallbacks() -> None:
    among = alias(
        (target("a", weight=6), target("b", weight=3), target("c", weight=1)), strategy="weighted"
    )
    found = shares(among, lambda _: ANYBODY)
    assert found == pytest.approx({"a": 0.6, "b": 0.3, "c": 0.1}, abs=0.02)
    assert sorted(order(among)) == ["a", "b", "c"]


def test_a_target_without_weight_is_only_a_fallback() -> None:
    among = alias((target("none", weight=0), target("all", weight=1)), strategy="weighted")
    assert {tuple(order(among, seed=seed)) for seed in range(50)} == {("all", "none")}
