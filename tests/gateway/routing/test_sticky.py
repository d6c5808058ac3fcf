"""The strategy ``sticky``: the same conversation or user at the same target."""

import pytest
from tests.gateway.routing.examples import Seen, alias, order, shares, target, targets

from trunkline.gateway.routing.facts import StatedFacts


def test_a_conversation_stays_and_conversations_spread_by_weight() -> None:
    among = alias((target("a", weight=3), target("b", weight=1)), strategy="sticky")
    talk = StatedFacts(conversation=b"42", user="x")
    assert {tuple(order(among, talk, seed=seed)) for seed in range(20)} == {("a", "b")}
    found = shares(among, lambda number: StatedFacts(conversation=b"%d" % number))
    assert found == pytest.approx({"a": 0.75, "b": 0.25}, abs=0.02)


def test_a_user_keeps_its_place_through_all_conversations() -> None:
    among = alias(targets("a", "b", "c"), strategy="sticky", sticky_by="user")
    found = {
        tuple(order(among, StatedFacts(user="ann", conversation=b"%d" % number)))
        for number in range(50)
    }
    assert len(found) == 1
    spread = shares(among, lambda number: StatedFacts(user=str(number)))
    assert spread == pytest.approx(dict.fromkeys("abc", 1 / 3), abs=0.02)


def test_what_belongs_to_no_conversation_stays_by_its_user() -> None:
    by_user = alias(targets("a", "b", "c"), strategy="sticky", sticky_by="user")
    by_talk = alias(targets("a", "b", "c"), strategy="sticky")
    for number in range(20):
        facts = StatedFacts(user=str(number))
        assert order(by_talk, facts) == order(by_user, facts)


def test_only_conversations_that_go_on_stay_at_a_draining_target() -> None:
    before = alias(targets("a", "b", "c"), strategy="sticky")
    after = alias((target("a", state="draining"), *targets("b", "c")), strategy="sticky")
    moved = 0
    for number in range(100):
        new = StatedFacts(conversation=b"%d" % number)
        old = StatedFacts(conversation=b"%d" % number, goes_on=True)
        place = order(before, new)
        rest = [model for model in place if model != "a"]
        assert order(after, new) == rest
        assert order(after, old) == (place if place[0] == "a" else rest)
        moved += place[0] == "a"
    assert 20 < moved < 50


def test_a_draining_place_with_an_open_circuit_comes_last() -> None:
    among = alias((target("a", state="draining"), target("b")), strategy="sticky")
    view = Seen(states={"a": "open"})
    found = {
        tuple(order(among, StatedFacts(conversation=b"%d" % number, goes_on=True), view))
        for number in range(50)
    }
    assert found == {("b", "a"), ("b",)}
