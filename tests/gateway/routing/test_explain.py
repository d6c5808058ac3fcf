"""What explanations say, and that they say what happens."""

import random
from typing import Any, get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace
from tests.gateway.routing.examples import (
    ANYBODY,
    WELL,
    Seen,
    alias,
    order,
    priced,
    target,
    targets,
)
from tests.gateway.routing.test_properties import FACTS, aliases, healths

from trunkline.gateway.policy import Condition, Rule, Strategy
from trunkline.gateway.routing.choose import Facts, HealthView, choose
from trunkline.gateway.routing.explain import Case, explain
from trunkline.gateway.routing.explanation import (
    Explanation,
    ToldFacts,
    ToldFallback,
    ToldRule,
    ToldTarget,
)
from trunkline.gateway.routing.facts import StatedFacts
from trunkline.gateway.snapshot import Alias
from trunkline.gateway.wire.contract import CHAT, Inbound
from trunkline.gateway.wire.registry import WIRES


def told(
    of: Alias,
    facts: Facts = ANYBODY,
    view: HealthView | None = WELL,
    seed: int = 1,
    wire: str = "openai_chat",
    aliases: dict[str, Alias] | None = None,
) -> Explanation:
    request = Inbound(fields={}, model=of.name, size=0)
    case = Case(of, aliases or {}, WIRES[wire], CHAT, request, facts, view)
    return explain(case, random.Random(seed))


def reasons(explanation: Explanation) -> dict[str, tuple[int | None, str]]:
    return {one.target.removeprefix("acme/"): (one.place, one.why) for one in explanation.targets}


def test_everything_is_told_at_once() -> None:
    among = alias(
        (priced("a", input=100, output=200, weight=3), target("b", state="disabled")),
        rules=(Rule(Condition(tags=(("env", "prod"),)), (1,)), Rule(Condition(), (0, 1))),
        fallbacks={"error": ("spare", "gone")},
    )
    spare = Alias(name="spare", targets=targets("c", "d"))
    facts = StatedFacts(
        team_id="t",
        tags=(("env", "test"),),
        user="ann",
        conversation=b"c-1",
        input_tokens=1_000,
        needs=frozenset({"vision", "tools"}),
    )
    view = Seen(averages={"a": 0.25}, calls={"a": 2})
    assert told(among, facts, view, aliases={"spare": spare}) == Explanation(
        model="fast",
        policy="ordered",
        by_chance=False,
        rules=[
            ToldRule(1, held=False, why="there is no tag env=prod"),
            ToldRule(2, held=True, why="all of its condition fits"),
        ],
        targets=[
            ToldTarget(
                target="acme/a",
                place=1,
                why="in the order in which it is written",
                state="active",
                weight=3,
                wire="openai_chat",
                circuit="closed",
                first_content=0.25,
                in_flight=2,
                likely_cost="0.002",
            ),
            ToldTarget(
                target="acme/b",
                place=None,
                why="it is disabled",
                state="disabled",
                weight=1,
                wire="openai_chat",
                circuit="closed",
                first_content=None,
                in_flight=0,
                likely_cost=None,
            ),
        ],
        fallbacks=[
            ToldFallback("error", "spare", ["acme/c", "acme/d"]),
            ToldFallback("error", "gone", []),
        ],
        facts=ToldFacts(
            team_id="t",
            tags=(("env", "test"),),
            user="ann",
            conversation="c-1",
            goes_on=False,
            input_tokens=1_000,
            output_tokens=500,
            needs=["tools", "vision"],
        ),
    )


def test_where_nobody_knows_how_targets_fare_that_is_told() -> None:
    (only,) = told(alias(targets("a")), view=None).targets
    assert (only.place, only.circuit, only.first_content, only.in_flight) == (1, None, None, None)


@settings(max_examples=200)
@given(aliases(), FACTS, healths(), st.integers())
def test_an_explanation_has_the_order_of_the_choice(
    of: Alias, facts: StatedFacts, view: Seen, seed: int
) -> None:
    chosen = choose(of, lambda: facts, view, random.Random(seed))
    explained = told(of, facts, view, seed)
    places = [one.target for one in explained.targets if one.place is not None]
    if list(chosen) == list(of.targets) and explained.policy == "ordered":
        # What has no policy is given back as it is; a circuit that is open is passed over then.
        chosen = sorted(chosen, key=lambda one: view.state(one) == "open")
    assert places == [f"acme/{one.model}" for one in chosen]
    assert [one.place for one in explained.targets if one.place] == list(range(1, len(chosen) + 1))
    assert len(explained.targets) == len(of.targets)


REASONS: dict[Strategy, dict[str, tuple[int, str]]] = {
    "ordered": {
        "a": (1, "in the order in which it is written"),
        "b": (2, "in the order in which it is written"),
    },
    "weighted": {
        "a": (1, "drawn by its weight of 3 in 4"),
        "b": (2, "drawn by its weight of 1 in 4"),
    },
    "latency": {
        "a": (1, "250 ms until first content on average; it was the better of two at random"),
        "b": (2, "how fast it is is not known yet"),
    },
    "price": {
        "a": (1, "this request would cost about $0.001 there"),
        "b": (2, "nobody knows its price, so it comes after those with one"),
    },
    "sticky": {
        "a": (1, "the conversation has its place here"),
        "b": (2, "next for the conversation"),
    },
}


@pytest.mark.parametrize("strategy", get_args(Strategy))
def test_each_strategy_has_its_reasons(strategy: Strategy) -> None:
    among = alias((priced("a", input=100, output=200, weight=3), target("b")), strategy=strategy)
    facts = StatedFacts(conversation=b"42")
    explained = told(among, facts, Seen(averages={"a": 0.25}, calls={"b": 1}))
    assert reasons(explained) == REASONS[strategy]
    assert explained.by_chance == (strategy in {"weighted", "latency"})


def test_an_only_target_hangs_on_no_chance() -> None:
    among = alias((target("a"), target("b", state="disabled")), strategy="weighted")
    assert told(among).by_chance is False


def test_who_is_kept_is_told_by_what_is_known() -> None:
    by_user = alias(targets("a"), strategy="sticky", sticky_by="user")
    unnamed = alias(targets("a"), strategy="sticky")
    facts = StatedFacts(user="ann", conversation=b"c")
    assert reasons(told(by_user, facts)) == {"a": (1, "the user has its place here")}
    assert reasons(told(unnamed)) == {"a": (1, "the user has its place here")}


def test_states_and_circuits_are_among_the_reasons() -> None:
    among = alias(
        (target("a"), target("b"), target("c", state="draining"), target("d", state="disabled"))
    )
    written = "in the order in which it is written"
    probing = Seen(states={"a": "open", "b": "half_open"})
    assert reasons(told(among, view=probing)) == {
        "b": (1, f"{written}; its circuit lets one probe through"),
        "a": (2, f"{written}; its circuit is open, so it comes last and waits for a probe"),
        "c": (None, "it is draining, and others are in service"),
        "d": (None, "it is disabled"),
    }
    broken = Seen(states={"a": "open", "b": "open"})
    assert reasons(told(among, view=broken))["c"] == (
        1,
        f"{written}; it is draining, and no active one lets calls through",
    )


def test_a_conversation_that_goes_on_at_a_draining_target_is_told() -> None:
    among = alias((target("a", state="draining"), target("b")), strategy="sticky")
    for number in range(20):
        facts = StatedFacts(conversation=b"%d" % number, goes_on=True)
        explained = reasons(told(among, facts))
        if explained["a"][0] is not None:
            break
    assert explained == {
        "a": (
            1,
            "the conversation has its place here; it is draining, and the conversation goes on",
        ),
        "b": (2, "next for the conversation"),
    }


def test_targets_that_cannot_be_asked_have_no_place() -> None:
    silent = target("silent")
    silent = replace(silent, connection=replace(silent.connection, wires={"cohere_rerank": ""}))
    among = alias((silent, target("b")), fallbacks={"error": ("spare",)})
    spare = Alias(name="spare", targets=(silent,))
    explained = told(among, wire="anthropic_messages", aliases={"spare": spare})
    assert reasons(explained) == {
        "b": (1, "in the order in which it is written"),
        "silent": (None, "it cannot be asked for this in any format that it speaks"),
    }
    assert [one.wire for one in explained.targets] == ["openai_chat", None]
    assert explained.fallbacks == [ToldFallback("error", "spare", [])]


CONDITIONS: dict[str, tuple[Condition, StatedFacts]] = {
    "the caller's team is not one of the rule's": (
        Condition(teams=frozenset({"t"})),
        StatedFacts(team_id="other"),
    ),
    "there is no tag env=prod": (
        Condition(tags=(("app", "x"), ("env", "prod"))),
        StatedFacts(tags=(("app", "x"),)),
    ),
    "the input has about 9 tokens, fewer than 10": (
        Condition(input_tokens_from=10),
        StatedFacts(input_tokens=9),
    ),
    "the input has about 10 tokens, not fewer than 10": (
        Condition(input_tokens_below=10),
        StatedFacts(input_tokens=10),
    ),
    "the request does not ask for json, vision": (
        Condition(needs=frozenset({"vision", "json", "tools"})),
        StatedFacts(needs=frozenset({"tools"})),
    ),
}


@pytest.mark.parametrize("why", CONDITIONS)
def test_a_rule_that_does_not_hold_says_why(why: str) -> None:
    when, facts = CONDITIONS[why]
    among = alias(targets("a", "b"), rules=(Rule(when, (1,)),))
    explained = told(among, facts)
    assert explained.rules == [ToldRule(1, held=False, why=why)]
    assert [one.place for one in explained.targets] == [1, 2]


def test_rules_after_the_one_that_held_were_not_looked_at() -> None:
    rules = (Rule(Condition(), (0,), "price"), Rule(Condition(), (1,)))
    explained = told(alias(targets("a", "b"), rules=rules))
    assert explained.rules == [
        ToldRule(1, held=True, why="all of its condition fits"),
        ToldRule(2, held=False, why="rule 1 held before it"),
    ]
    assert explained.policy == "price"
    assert reasons(explained)["b"] == (None, "rule 1 leaves it out")


@pytest.mark.parametrize(
    ("conversation", "shown"), [(b"c-1", "c-1"), (b"\x00\x01", "0001"), (b"\xc3\xa9", "c3a9")]
)
def test_a_conversation_is_shown_as_text_where_it_is_one(conversation: bytes, shown: str) -> None:
    facts: Any = StatedFacts(conversation=conversation)
    assert told(alias(targets("a")), facts).facts.conversation == shown
    assert order(alias(targets("a")), facts) == ["a"]


@pytest.mark.parametrize("strategy", ["latency", "sticky", "weighted", "price"])
def test_without_a_view_every_strategy_has_an_order(strategy: Strategy) -> None:
    among = alias((target("a"), target("b"), target("c", state="draining")), strategy=strategy)
    places = {one.target: one.place for one in told(among, view=None).targets}
    assert sorted(places, key=lambda name: places[name] or 9)[2] == "acme/c"
    assert {places["acme/a"], places["acme/b"]} == {1, 2}
