"""What holds for every alias, whatever its policy, its targets' states and their health."""

import random
from typing import get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.gateway.routing.examples import Seen, alias, shares, target

from trunkline.gateway.metering.price import Price, Rates
from trunkline.gateway.policy import Condition, Rule, Strategy, TargetState
from trunkline.gateway.routing.choose import CircuitState, choose
from trunkline.gateway.routing.facts import StatedFacts
from trunkline.gateway.snapshot import Alias, Target

STRATEGIES = st.sampled_from(get_args(Strategy))
PRICES = st.none() | st.builds(
    lambda cents: Price(ref="p", rates=Rates(input=cents, output=cents)), st.integers(0, 9)
)


@st.composite
def target_lists(draw: st.DrawFn) -> list[Target]:
    return [
        target(
            f"m{number}",
            weight=draw(st.integers(1, 100)),
            state=draw(st.sampled_from(get_args(TargetState))),
            price=draw(PRICES),
        )
        for number in range(draw(st.integers(1, 6)))
    ]


@st.composite
def aliases(draw: st.DrawFn) -> Alias:
    among = draw(target_lists())
    positions = st.lists(
        st.integers(0, len(among) - 1), min_size=1, max_size=len(among), unique=True
    )
    rules = st.builds(
        lambda least, chosen, strategy: Rule(
            Condition(input_tokens_from=least), tuple(chosen), strategy
        ),
        st.integers(0, 10),
        positions,
        st.none() | STRATEGIES,
    )
    return alias(
        among,
        strategy=draw(STRATEGIES),
        sticky_by=draw(st.sampled_from(["conversation", "user"])),
        rules=tuple(draw(st.lists(rules, max_size=3))),
    )


@st.composite
def healths(draw: st.DrawFn) -> Seen:
    models = [f"m{number}" for number in range(6)]
    states = st.sampled_from(get_args(CircuitState))
    return Seen(
        states={model: draw(states) for model in models},
        averages=draw(st.dictionaries(st.sampled_from(models), st.floats(0, 10))),
        calls=draw(st.dictionaries(st.sampled_from(models), st.integers(0, 50))),
    )


FACTS = st.builds(
    StatedFacts,
    user=st.text(max_size=5),
    conversation=st.none() | st.binary(max_size=5),
    goes_on=st.booleans(),
    input_tokens=st.integers(0, 10),
)


@settings(max_examples=300)
@given(aliases(), FACTS, healths(), st.integers())
def test_no_target_is_lost_or_doubled_and_none_that_is_disabled_is_chosen(
    of: Alias, facts: StatedFacts, view: Seen, seed: int
) -> None:
    found = choose(of, lambda: facts, view, random.Random(seed))
    rules = (
        rule for rule in of.route.rules if facts.input_tokens >= (rule.when.input_tokens_from or 0)
    )
    rule = next(rules, None)
    among = list(of.targets) if rule is None else [of.targets[place] for place in rule.targets]
    models = [one.model for one in found]
    assert len(models) == len(set(models))
    states = {one.model: one.state for one in among}
    active = {model for model, state in states.items() if state == "active"}
    draining = {model for model, state in states.items() if state == "draining"}
    # All active ones are there, and nothing but them and draining ones.
    assert active <= set(models) <= active | draining
    assert models or not active | draining
    # Of the draining ones all are there or, beside active ones, at most a conversation's place.
    if active and any(view.state(one) != "open" for one in among if one.model in active):
        assert len(set(models) & draining) <= facts.goes_on
    else:
        assert draining <= set(models)


@settings(max_examples=200)
@given(aliases(), FACTS, healths(), st.integers())
def test_the_same_chance_gives_the_same_order(
    of: Alias, facts: StatedFacts, view: Seen, seed: int
) -> None:
    first, second = (choose(of, lambda: facts, view, random.Random(seed)) for _ in range(2))
    assert list(first) == list(second)


@settings(max_examples=200)
@given(st.lists(st.integers(1, 100), min_size=2, max_size=6), st.binary(max_size=8), st.data())
def test_a_target_that_leaves_moves_only_its_own_share(
    weights: list[int], conversation: bytes, data: st.DataObject
) -> None:
    among = [target(f"m{place}", weight=weight) for place, weight in enumerate(weights)]
    leaving = data.draw(st.sampled_from(among))
    facts = StatedFacts(conversation=conversation)
    rng = random.Random(1)
    before = choose(alias(among, strategy="sticky"), lambda: facts, Seen(), rng)
    rest = [one for one in among if one is not leaving]
    after = choose(alias(rest, strategy="sticky"), lambda: facts, Seen(), rng)
    assert list(after) == [one for one in before if one is not leaving]


@pytest.mark.parametrize("weights", [(1, 1), (1, 99), (5, 3, 2), (10, 20, 30, 40)])
@pytest.mark.parametrize("strategy", ["weighted", "sticky"])
def test_shares_follow_the_weights_within_what_chance_allows(
    strategy: Strategy, weights: tuple[int, ...]
) -> None:
    among = [target(f"m{place}", weight=weight) for place, weight in enumerate(weights)]
    count = 10_000
    found = shares(
        alias(among, strategy=strategy),
        lambda number: StatedFacts(conversation=b"talk %d" % number),
        count=count,
    )
    for one in among:
        share = one.weight / sum(weights)
        # Four standard deviations of a binomial share.
        assert abs(found[one.model] - share) < 4 * (share * (1 - share) / count) ** 0.5


@given(st.text(), st.binary())
def test_any_user_and_any_conversation_has_a_place(user: str, conversation: bytes) -> None:
    among = alias([target("a"), target("b")], strategy="sticky")
    for facts in (StatedFacts(user=user), StatedFacts(user=user, conversation=conversation)):
        assert len(choose(among, lambda: facts, Seen(), random.Random(1))) == 2  # noqa: B023 - called at once.
