"""How much a model is asked to think, in the terms that it takes.

Source of the budgets: the map that pydantic-ai uses for Anthropic's and Google's models.
"""

from typing import Final

import msgspec

from trunkline.gateway.exchange.continuity import lacks_thought
from trunkline.gateway.exchange.destination import Destination, Traits
from trunkline.gateway.exchange.losses import Losses
from trunkline.gateway.exchange.request import ReasoningAsk, Request

EFFORTS: Final = ("none", "minimal", "low", "medium", "high", "xhigh", "max")
_BUDGETS: Final = {
    "minimal": 1_024,
    "low": 2_048,
    "medium": 10_000,
    "high": 16_384,
    "xhigh": 32_768,
    "max": 32_768,
}
_USUAL: Final = "medium"
# What an answer needs at least beside its thought, where the ceiling is for both.
_LEAST_ANSWER: Final = 1_024


def budget_of(effort: str) -> int:
    """Tokens of thought that an effort stands for; an unknown word stands for the usual one."""
    return _BUDGETS.get(effort, _BUDGETS[_USUAL])


def effort_of(budget: int) -> str:
    """The least effort that stands for as many tokens."""
    return next((effort for effort, most in _BUDGETS.items() if budget <= most), "xhigh")


def nearest_effort(effort: str, efforts: tuple[str, ...]) -> str:
    """The least accepted effort that is not below this one, else the greatest that is accepted."""
    if not efforts or effort in efforts:
        return effort
    wanted = _rank(effort)
    return next((word for word in efforts if _rank(word) >= wanted), efforts[-1])


def _rank(effort: str) -> int:
    return EFFORTS.index(effort) if effort in EFFORTS else EFFORTS.index(_USUAL)


def is_off(ask: ReasoningAsk) -> bool:
    """Whether thinking is to be turned off."""
    if ask.enabled is not None:
        return not ask.enabled
    return ask.effort == "none" or ask.budget == 0


def says_something(ask: ReasoningAsk) -> bool:
    """Whether it is about how much to think, and not only about what is to be shown."""
    return ask.enabled is not None or ask.effort is not None or ask.budget is not None


def settle_thinking(
    request: Request, destination: Destination, losses: Losses
) -> ReasoningAsk | None:
    """What this model can be told of what the caller asks for; None for nothing.

    What comes out can go in again and stays as it is.
    """
    ask, traits = request.reasoning, destination.traits
    if ask is None or not says_something(ask):
        return _unasked(request, destination, losses)
    if is_off(ask):
        return _off(ask, traits, losses)
    why = _hindrance(request, destination)
    if why is not None:
        losses.lose("reasoning", why)
        return None if why == _UNTOLD else _off(ask, traits, losses)
    return _on(request, ask, destination, losses)


_UNTOLD: Final = "the model cannot be told how much to think"


def _unasked(request: Request, destination: Destination, losses: Losses) -> ReasoningAsk | None:
    """A model that thinks unasked is told not to where its thought would make it refuse."""
    if destination.traits.thinks_unasked and not destination.traits.thinks_always:
        why = _hindrance(request, destination)
        if why is not None and why != _UNTOLD:
            losses.lose("reasoning", why)
            return _off(request.reasoning or ReasoningAsk(), destination.traits, losses)
    return request.reasoning


def _hindrance(request: Request, destination: Destination) -> str | None:
    """Why the model must not be asked to think, or None."""
    traits = destination.traits
    if not traits.thinking:
        return _UNTOLD
    if traits.thinks_always:
        return None
    choice = request.tool_choice
    forced = choice is not None and choice.mode == "required" and bool(request.tools)
    if forced and "forced_tools" in traits.refuses_thinking - traits.refuses:
        return "the model does not think while a tool call is forced"
    by_budget = traits.thinking == "budget" and destination.family == "anthropic"
    if by_budget and lacks_thought(request.messages, destination.family):
        return "the thought that led to the last tool call is not known any more"
    if by_budget and _budget(request, destination) is None:
        return "the ceiling of output tokens leaves no room for thought"
    return None


def _off(ask: ReasoningAsk, traits: Traits, losses: Losses) -> ReasoningAsk | None:
    if traits.thinks_always:
        losses.lose("reasoning", "the model cannot be told not to think")
        if traits.thinking == "budget":
            return _told(ask, enabled=True, budget=traits.least_budget)
        return _told(ask, enabled=True, effort=traits.efforts[0]) if traits.efforts else None
    if not traits.thinks_unasked:
        return None
    return _told(ask, enabled=False, effort="none" if "none" in traits.efforts else None)


def _on(
    request: Request, ask: ReasoningAsk, destination: Destination, losses: Losses
) -> ReasoningAsk:
    match destination.traits.thinking:
        case "budget":
            budget = _budget(request, destination)
            if ask.budget is not None and ask.budget > 0 and budget != ask.budget:
                losses.lose("reasoning.budget", f"the model thinks {budget} tokens then")
            return _told(ask, enabled=True, budget=budget)
        case "switch":
            if ask.effort is not None or (ask.budget is not None and ask.budget > 0):
                losses.lose("reasoning_effort", "the model's thinking is only on or off")
            return _told(ask, enabled=True)
        case _:
            return _told(ask, enabled=True, effort=_effort(ask, destination.traits, losses))


def _effort(ask: ReasoningAsk, traits: Traits, losses: Losses) -> str | None:
    effort = ask.effort if ask.effort != "none" else None
    if effort is None and ask.budget is not None and ask.budget > 0:
        losses.lose("reasoning.budget", "the model takes an effort and no number of tokens")
        effort = effort_of(ask.budget)
    if effort is None:
        if traits.thinks_unasked or traits.thinking == "adaptive":
            return None
        return nearest_effort(_USUAL, traits.efforts)
    accepted = nearest_effort(effort, traits.efforts)
    if accepted != effort:
        losses.lose("reasoning_effort", f"the model knows no effort '{effort}'")
    return accepted


def _budget(request: Request, destination: Destination) -> int | None:
    """Tokens of thought that the model takes; None where the ceiling leaves too few of them."""
    ask, traits = request.reasoning, destination.traits
    asked = ask.budget if ask is not None else None
    if asked == -1 and destination.family == "google":
        return asked
    effort = ask.effort if ask is not None and ask.effort is not None else _USUAL
    budget = asked if asked is not None and asked > 0 else budget_of(effort)
    if traits.most_budget is not None:
        budget = min(budget, traits.most_budget)
    budget = max(budget, traits.least_budget)
    if destination.family != "anthropic":
        return budget
    ceiling = min(
        request.max_tokens or destination.max_output_tokens, destination.max_output_tokens
    )
    if budget < ceiling:
        return budget
    left = ceiling - _LEAST_ANSWER
    return left if left >= traits.least_budget else None


def _told(
    ask: ReasoningAsk,
    *,
    enabled: bool | None = None,
    effort: str | None = None,
    budget: int | None = None,
) -> ReasoningAsk:
    """What is asked for, with other words for how much; what shall be shown stays."""
    return msgspec.structs.replace(ask, enabled=enabled, effort=effort, budget=budget)
