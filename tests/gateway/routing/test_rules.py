"""Rules: the first that fits narrows the targets and may change the strategy."""

from msgspec.structs import replace
from tests.gateway.routing.examples import alias, order, priced, target, targets

from trunkline.gateway.policy import Condition, Rule
from trunkline.gateway.routing.facts import StatedFacts


def test_each_part_of_a_condition_must_fit() -> None:
    when = Condition(
        teams=frozenset({"t1", "t2"}),
        tags=(("env", "prod"), ("app", "chat")),
        input_tokens_from=100,
        input_tokens_below=200,
        needs=frozenset({"tools", "vision"}),
    )
    among = alias(targets("usual", "special"), rules=(Rule(when, (1,)),))
    fitting = StatedFacts(
        team_id="t2",
        tags=(("app", "chat"), ("env", "prod"), ("more", "1")),
        input_tokens=100,
        needs=frozenset({"tools", "vision", "stream"}),
    )
    assert order(among, fitting) == ["special"]
    changes: tuple[dict[str, object], ...] = (
        {"team_id": "t3"},
        {"team_id": None},
        {"tags": (("app", "chat"),)},
        {"tags": (("app", "chat"), ("env", "test"))},
        {"input_tokens": 99},
        {"input_tokens": 200},
        {"needs": frozenset({"tools"})},
    )
    for change in changes:
        assert order(among, replace(fitting, **change)) == ["usual", "special"]


def test_the_first_one_that_fits_decides() -> None:
    rules = (
        Rule(Condition(input_tokens_from=1_000), (2,)),
        Rule(Condition(input_tokens_from=100), (1,)),
        Rule(Condition(), (1, 0)),
    )
    among = alias(targets("a", "b", "c"), rules=rules)
    assert order(among, StatedFacts(input_tokens=5_000)) == ["c"]
    assert order(among, StatedFacts(input_tokens=500)) == ["b"]
    assert order(among, StatedFacts(input_tokens=5)) == ["b", "a"]


def test_a_rule_may_have_a_strategy_of_its_own() -> None:
    dear, cheap = priced("dear", input=9, output=9), priced("cheap", input=1, output=1)
    by_price = Rule(Condition(tags=(("job", "batch"),)), (0, 1), "price")
    as_ever = Rule(Condition(tags=(("job", "chat"),)), (0, 1))
    among = alias((dear, cheap), rules=(by_price, as_ever))
    assert order(among, StatedFacts(tags=(("job", "batch"),))) == ["cheap", "dear"]
    assert order(among, StatedFacts(tags=(("job", "chat"),))) == ["dear", "cheap"]


def test_a_rule_never_spills_over_to_what_it_leaves_out() -> None:
    rule = Rule(Condition(tags=(("region", "eu"),)), (1,))
    among = alias((target("us"), target("eu", state="disabled")), rules=(rule,))
    assert order(among, StatedFacts(tags=(("region", "eu"),))) == []
