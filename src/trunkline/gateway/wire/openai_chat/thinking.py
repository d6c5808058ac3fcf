"""How much a model shall think, in the members that callers and providers use for it.

OpenAI says ``reasoning_effort``, OpenRouter ``reasoning``, DeepSeek and LiteLLM ``thinking``, and
Groq ``include_reasoning`` for what is shown.
"""

from typing import Any, Final

from trunkline.gateway.exchange.destination import Destination
from trunkline.gateway.exchange.losses import Losses
from trunkline.gateway.exchange.parts import Document
from trunkline.gateway.exchange.request import ReasoningAsk
from trunkline.gateway.exchange.thinking import EFFORTS, effort_of, is_off, says_something

_ON: Final = ("enabled", "adaptive")
_OFF: Final = "disabled"


def take_thinking(rest: Document) -> ReasoningAsk | None:
    """Take what is said about thinking out of a request; what we do not know stays there."""
    said: dict[str, Any] = {}
    for name, read in (("thinking", _read_switch), ("reasoning", _read_object)):
        told = rest.get(name)
        found = read(told) if isinstance(told, dict) else None
        if found is not None:
            del rest[name]
            said |= found
    effort = rest.get("reasoning_effort")
    if effort in EFFORTS:
        del rest["reasoning_effort"]
        said["effort"] = effort
    show = rest.get("include_reasoning")
    if isinstance(show, bool):
        del rest["include_reasoning"]
        said.setdefault("show", show)
    return ReasoningAsk(**said) if said else None


def _read_switch(told: Document) -> dict[str, Any] | None:
    kind, budget = told.get("type"), told.get("budget_tokens")
    known = kind == _OFF or kind in _ON
    if not known or told.keys() - {"type", "budget_tokens"} or not _is_count(budget):
        return None
    said: dict[str, Any] = {"enabled": kind != _OFF}
    if budget is not None:
        said["budget"] = budget
    return said


def _read_object(told: Document) -> dict[str, Any] | None:
    if told.keys() - {"effort", "max_tokens", "enabled", "exclude", "summary"}:
        return None
    effort, budget, summary = told.get("effort"), told.get("max_tokens"), told.get("summary")
    enabled, hidden = told.get("enabled"), told.get("exclude")
    texts = isinstance(summary, (str, type(None))) and (effort is None or effort in EFFORTS)
    flags = isinstance(enabled, (bool, type(None))) and isinstance(hidden, (bool, type(None)))
    if not (texts and flags and _is_count(budget)):
        return None
    said = {"effort": effort, "budget": budget, "enabled": enabled, "summary": summary}
    if hidden is not None:
        said["show"] = not hidden
    return {name: value for name, value in said.items() if value is not None}


def _is_count(value: Any) -> bool:
    return value is None or (isinstance(value, int) and not isinstance(value, bool))


def write_thinking(ask: ReasoningAsk | None, destination: Destination, losses: Losses) -> Document:
    """The members that tell the provider, where it can be told."""
    if ask is None:
        return {}
    setting = destination.quirks.reasoning_setting
    if not says_something(ask):
        hides = setting == "reasoning" and ask.show is False
        return {"reasoning": {"exclude": True}} if hides else {}
    match setting:
        case "reasoning_effort":
            return _write_effort(ask, losses)
        case "reasoning":
            return {"reasoning": _write_object(ask)}
        case "thinking":
            return {"thinking": _write_switch(ask, destination)}
        case _:
            if not is_off(ask):
                losses.lose("reasoning", "the provider's API has no setting for it")
            return {}


def _write_effort(ask: ReasoningAsk, losses: Losses) -> Document:
    if is_off(ask):
        if ask.effort == "none":
            return {"reasoning_effort": "none"}
        losses.lose("reasoning", "the provider's API cannot turn it off")
        return {}
    effort = ask.effort
    if effort is None and ask.budget is not None and ask.budget > 0:
        effort = effort_of(ask.budget)
    return {} if effort is None else {"reasoning_effort": effort}


def _write_object(ask: ReasoningAsk) -> Document:
    told: Document = {}
    if is_off(ask):
        told["enabled"] = False
    elif ask.budget is not None and ask.budget > 0:
        told["max_tokens"] = ask.budget
    elif ask.effort is not None:
        told["effort"] = ask.effort
    else:
        told["enabled"] = True
    if ask.show is False:
        told["exclude"] = True
    return told


def _write_switch(ask: ReasoningAsk, destination: Destination) -> Document:
    if is_off(ask):
        return {"type": "disabled"}
    told: Document = {"type": "enabled"}
    if destination.traits.thinking == "budget" and ask.budget is not None and ask.budget > 0:
        told["budget_tokens"] = ask.budget
    return told
