"""How much a model is asked to think, in the terms that it takes."""

import pytest

from trunkline.gateway.exchange.destination import Destination, Traits
from trunkline.gateway.exchange.losses import Losses
from trunkline.gateway.exchange.parts import Family, Text, ToolCall, ToolResult
from trunkline.gateway.exchange.request import Message, ReasoningAsk, Request, Tool, ToolChoice
from trunkline.gateway.exchange.thinking import (
    budget_of,
    effort_of,
    nearest_effort,
    settle_thinking,
)

BUDGET = Traits(thinking="budget")
ADAPTIVE = Traits(thinking="adaptive", efforts=("low", "medium", "high", "max"))
EFFORT = Traits(thinking="effort", efforts=("none", "low", "medium", "high"))
ALWAYS = Traits(
    thinking="effort", efforts=("minimal", "low"), thinks_unasked=True, thinks_always=True
)
LEVEL = Traits(thinking="level", efforts=("low", "high"), thinks_unasked=True)
SWITCH = Traits(thinking="switch", thinks_unasked=True)
ASKED = (Message("user", (Text("hello"),)),)


def settled(
    ask: ReasoningAsk | None,
    traits: Traits,
    family: Family = "anthropic",
    messages: tuple[Message, ...] = ASKED,
    *,
    max_tokens: int | None = None,
    forced: bool = False,
) -> tuple[ReasoningAsk | None, tuple[str, ...]]:
    """What the model is told, and what is lost; telling it again changes nothing."""
    request = Request(
        wire="openai_chat",
        model="m",
        messages=messages,
        reasoning=ask,
        max_tokens=max_tokens,
        tools=(Tool("look"),) if forced else (),
        tool_choice=ToolChoice("required") if forced else None,
    )
    destination = Destination("m", max_output_tokens=64_000, family=family, traits=traits)
    losses = Losses()
    told = settle_thinking(request, destination, losses)
    again = Request(
        wire="openai_chat",
        model="m",
        messages=messages,
        reasoning=told,
        max_tokens=max_tokens,
        tools=request.tools,
        tool_choice=request.tool_choice,
    )
    assert settle_thinking(again, destination, Losses()) == told
    return told, losses.names


@pytest.mark.parametrize(
    ("effort", "budget"),
    [
        ("minimal", 1_024),
        ("low", 2_048),
        ("medium", 10_000),
        ("high", 16_384),
        ("xhigh", 32_768),
        ("max", 32_768),
        ("unheard-of", 10_000),
    ],
)
def test_an_effort_stands_for_a_budget(effort: str, budget: int) -> None:
    assert budget_of(effort) == budget


@pytest.mark.parametrize(
    ("budget", "effort"),
    [(1, "minimal"), (1_025, "low"), (8_000, "medium"), (16_384, "high"), (10**6, "xhigh")],
)
def test_a_budget_stands_for_the_least_effort_that_covers_it(budget: int, effort: str) -> None:
    assert effort_of(budget) == effort


@pytest.mark.parametrize(
    ("effort", "efforts", "nearest"),
    [
        ("xhigh", (), "xhigh"),
        ("low", ("low", "high"), "low"),
        ("minimal", ("low", "high"), "low"),
        ("medium", ("low", "high"), "high"),
        ("max", ("low", "high"), "high"),
        ("unheard-of", ("low", "high"), "high"),
    ],
)
def test_an_effort_becomes_the_least_that_is_not_below_it(
    effort: str, efforts: tuple[str, ...], nearest: str
) -> None:
    assert nearest_effort(effort, efforts) == nearest


def test_nothing_asked_is_nothing_told() -> None:
    assert settled(None, BUDGET) == (None, ())
    shown = ReasoningAsk(show=True, summary="auto")
    assert settled(shown, EFFORT) == (shown, ())


def test_a_model_that_cannot_be_told_is_told_nothing() -> None:
    assert settled(ReasoningAsk(effort="high"), Traits()) == (None, ("reasoning",))


@pytest.mark.parametrize(
    ("ask", "told", "lost"),
    [
        (ReasoningAsk(effort="high"), ReasoningAsk(enabled=True, budget=16_384), ()),
        (ReasoningAsk(enabled=True), ReasoningAsk(enabled=True, budget=10_000), ()),
        (ReasoningAsk(budget=3_000), ReasoningAsk(enabled=True, budget=3_000), ()),
        (ReasoningAsk(budget=-1), ReasoningAsk(enabled=True, budget=10_000), ()),
        (
            ReasoningAsk(budget=100),
            ReasoningAsk(enabled=True, budget=1_024),
            ("reasoning.budget",),
        ),
        (ReasoningAsk(effort="none"), None, ()),
        (ReasoningAsk(budget=0), None, ()),
        (ReasoningAsk(enabled=False), None, ()),
    ],
)
def test_a_model_that_thinks_by_a_budget_is_given_one(
    ask: ReasoningAsk, told: ReasoningAsk | None, lost: tuple[str, ...]
) -> None:
    assert settled(ask, BUDGET) == (told, lost)


def test_a_budget_stays_below_the_ceiling_of_output() -> None:
    high = ReasoningAsk(effort="high")
    assert settled(high, BUDGET, max_tokens=8_000) == (
        ReasoningAsk(enabled=True, budget=6_976),
        (),
    )
    assert settled(high, BUDGET, max_tokens=2_000) == (None, ("reasoning",))


def test_google_takes_its_own_bounds_and_decides_by_itself_where_it_may() -> None:
    flash = Traits(thinking="budget", least_budget=1, most_budget=24_576, thinks_unasked=True)
    assert settled(ReasoningAsk(effort="max"), flash, "google") == (
        ReasoningAsk(enabled=True, budget=24_576),
        (),
    )
    assert settled(ReasoningAsk(budget=-1), flash, "google", max_tokens=10) == (
        ReasoningAsk(enabled=True, budget=-1),
        (),
    )
    assert settled(ReasoningAsk(budget=0), flash, "google") == (ReasoningAsk(enabled=False), ())


@pytest.mark.parametrize(
    ("ask", "told", "lost"),
    [
        (ReasoningAsk(enabled=True), ReasoningAsk(enabled=True), ()),
        (ReasoningAsk(effort="high"), ReasoningAsk(enabled=True, effort="high"), ()),
        (
            ReasoningAsk(effort="xhigh"),
            ReasoningAsk(enabled=True, effort="max"),
            ("reasoning_effort",),
        ),
        (
            ReasoningAsk(enabled=True, budget=9_000, show=False),
            ReasoningAsk(enabled=True, effort="medium", show=False),
            ("reasoning.budget",),
        ),
    ],
)
def test_a_model_that_adapts_is_given_an_effort(
    ask: ReasoningAsk, told: ReasoningAsk, lost: tuple[str, ...]
) -> None:
    assert settled(ask, ADAPTIVE) == (told, lost)


def test_a_model_that_does_not_think_unasked_needs_a_word_to_begin() -> None:
    assert settled(ReasoningAsk(enabled=True), EFFORT, "openai") == (
        ReasoningAsk(enabled=True, effort="medium"),
        (),
    )
    assert settled(ReasoningAsk(enabled=True), LEVEL, "google") == (ReasoningAsk(enabled=True), ())
    assert settled(ReasoningAsk(enabled=True, effort="none"), EFFORT, "openai") == (
        ReasoningAsk(enabled=True, effort="medium"),
        (),
    )


def test_a_model_that_cannot_stop_thinking_is_asked_for_the_least() -> None:
    assert settled(ReasoningAsk(effort="none"), ALWAYS, "openai") == (
        ReasoningAsk(enabled=True, effort="minimal"),
        ("reasoning",),
    )
    pro = Traits(thinking="budget", least_budget=128, thinks_unasked=True, thinks_always=True)
    assert settled(ReasoningAsk(budget=0), pro, "google") == (
        ReasoningAsk(enabled=True, budget=128),
        ("reasoning",),
    )
    untold = Traits(thinks_unasked=True, thinks_always=True)
    assert settled(ReasoningAsk(enabled=False), untold) == (None, ("reasoning",))


def test_thinking_is_turned_off_in_the_models_own_word() -> None:
    asked = Traits(thinking="effort", efforts=("none", "low"), thinks_unasked=True)
    assert settled(ReasoningAsk(enabled=False), asked, "openai") == (
        ReasoningAsk(enabled=False, effort="none"),
        (),
    )
    assert settled(ReasoningAsk(effort="none"), SWITCH, "other") == (
        ReasoningAsk(enabled=False),
        (),
    )


def test_a_switch_knows_no_degrees() -> None:
    assert settled(ReasoningAsk(effort="high"), SWITCH, "other") == (
        ReasoningAsk(enabled=True),
        ("reasoning_effort",),
    )
    assert settled(ReasoningAsk(enabled=True), SWITCH, "other") == (
        ReasoningAsk(enabled=True),
        (),
    )


def test_a_forced_call_comes_before_thought_where_both_cannot_be() -> None:
    either = Traits(thinking="budget", refuses_thinking=frozenset({"forced_tools"}))
    assert settled(ReasoningAsk(effort="low"), either, forced=True) == (None, ("reasoning",))
    assert settled(ReasoningAsk(effort="low"), ADAPTIVE, forced=True) == (
        ReasoningAsk(enabled=True, effort="low"),
        (),
    )
    unasked = Traits(
        thinking="switch", refuses_thinking=frozenset({"forced_tools"}), thinks_unasked=True
    )
    assert settled(None, unasked, "other", forced=True) == (
        ReasoningAsk(enabled=False),
        ("reasoning",),
    )


def test_a_budget_is_given_up_where_the_thought_before_a_call_is_lost() -> None:
    turn = (
        *ASKED,
        Message("assistant", (ToolCall("call_1", "look"),)),
        Message("user", (ToolResult("call_1"),)),
    )
    low = ReasoningAsk(effort="low")
    assert settled(low, BUDGET, messages=turn) == (None, ("reasoning",))
    told = ReasoningAsk(enabled=True, budget=2_048)
    assert settled(low, BUDGET, "google", messages=turn) == (told, ())
    # Models that adapt go on without it.
    assert settled(low, ADAPTIVE, messages=turn) == (
        ReasoningAsk(enabled=True, effort="low"),
        (),
    )
