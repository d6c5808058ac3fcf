"""Requests that are only described, and how people write what they ask for."""

import random
from typing import Any

import pytest
from tests.gateway.routing.examples import WELL, alias, target, targets

from trunkline.errors import Forbidden, InvalidRequest, NotFound
from trunkline.gateway.bare import FixedRoutes
from trunkline.gateway.caller import Caller
from trunkline.gateway.policy import Condition, Rule
from trunkline.gateway.routing.described import (
    Described,
    explain_described,
    read_needs,
    read_tag,
)
from trunkline.gateway.routing.explanation import Explanation, ToldFacts
from trunkline.gateway.snapshot import Alias, Snapshot

RULE = Rule(Condition(teams=frozenset({"t"}), tags=(("env", "prod"), ("app", "x"))), (1,))
PUBLISHED = {
    "fast": alias(targets("a", "b"), rules=(RULE,)),
    "vectors": Alias("vectors", targets("e"), kind="embedding"),
    "strange": Alias("strange", targets("s"), kind="sculpture"),
}
ROUTES = FixedRoutes(Snapshot("org", 1, PUBLISHED, {"acme": target("x").connection}))
CALLER = Caller("org", "key", team_id="t", user_id="ann", tags=(("env", "prod"),))


def told(model: str = "fast", caller: Caller = CALLER, **known: Any) -> Explanation:
    described = Described(model=model, **known)
    return explain_described(described, caller, ROUTES, WELL, random.Random(1))


def test_caller_and_description_together_are_the_facts() -> None:
    explained = told(
        input_tokens=10,
        max_tokens=7,
        needs=frozenset({"tools"}),
        tags=(("app", "x"),),
        user="bob",
        conversation="é",
        goes_on=True,
    )
    assert explained.facts == ToldFacts(
        team_id="t",
        tags=(("env", "prod"), ("app", "x")),
        user="bob",
        conversation="c3a9",
        goes_on=True,
        input_tokens=10,
        output_tokens=7,
        needs=["tools"],
    )
    assert [rule.held for rule in explained.rules] == [True]
    assert [one.place for one in explained.targets] == [1, None]


def test_what_is_not_described_is_the_callers_or_usual() -> None:
    facts = told().facts
    assert (facts.user, facts.conversation, facts.output_tokens) == ("ann", None, 500)
    assert told(caller=Caller("org", "key")).facts.user == "key"


def test_the_usual_wire_is_that_of_the_models_kind() -> None:
    assert [one.wire for one in told("fast").targets] == ["openai_chat", "openai_chat"]
    # A target for chat alone cannot be asked for vectors; one of no known kind is asked to chat.
    assert [one.wire for one in told("vectors").targets] == [None]
    assert told("vectors").facts.output_tokens == 0
    assert [one.wire for one in told("strange").targets] == ["openai_chat"]
    assert [one.wire for one in told("fast", wire="gemini").targets] == ["openai_chat"] * 2


def test_a_model_that_nobody_publishes_is_not_found_and_a_forbidden_one_is_forbidden() -> None:
    with pytest.raises(NotFound):
        told("none")
    with pytest.raises(Forbidden):
        told("fast", caller=Caller("org", "key", aliases=frozenset({"vectors"})))


def test_an_unknown_wire_is_refused_with_those_that_there_are() -> None:
    with pytest.raises(InvalidRequest) as refused:
        told(wire="telex")
    assert refused.value.param == "wire"
    assert "openai_chat, anthropic_messages" in str(refused.value.hint)


def test_needs_are_separated_by_commas() -> None:
    assert read_needs(None) == read_needs("") == read_needs(" , ") == frozenset()
    assert read_needs("tools, vision") == {"tools", "vision"}
    with pytest.raises(InvalidRequest) as refused:
        read_needs("tools,taste")
    assert (refused.value.message, refused.value.param) == ("There is no need 'taste'.", "needs")


def test_tags_have_a_name_and_a_value() -> None:
    assert read_tag("env=prod") == ("env", "prod")
    assert read_tag("q=a=b") == ("q", "a=b")
    assert read_tag("empty=") == ("empty", "")
    for wrong in ("env", "=prod", ""):
        with pytest.raises(InvalidRequest) as refused:
            read_tag(wrong)
        assert refused.value.param == "tag"
