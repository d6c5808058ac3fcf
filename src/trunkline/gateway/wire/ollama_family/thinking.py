"""How much a model shall think: Ollama's ``think`` is a switch, or a level for some models."""

from typing import Any, Final

from trunkline.gateway.exchange.destination import Destination, Traits
from trunkline.gateway.exchange.losses import Losses
from trunkline.gateway.exchange.request import ReasoningAsk, Request
from trunkline.gateway.wire.ollama_family.request import FAMILY

_UNTOLD: Final = "this model cannot be told how much to think"
_NO_BUDGET: Final = "the provider's API has a switch and levels for thinking but no budget"
_ALWAYS: Final = "this model cannot be kept from thinking"

_LEVELS: Final = ("low", "medium", "high")
_LEVEL_OF: Final = {"minimal": "low", "xhigh": "high", "max": "high"}
# The budgets that other APIs use for the words; up to each of them the word is the level.
_LEVEL_UP_TO: Final = ((2_048, "low"), (10_000, "medium"))


def read_think(value: Any) -> ReasoningAsk | None:
    """What ``think`` asks for, or None where it says nothing that we know."""
    if isinstance(value, bool):
        return ReasoningAsk(enabled=value)
    if isinstance(value, str) and value:
        return ReasoningAsk(effort=value)
    return None


def write_think(request: Request, destination: Destination, losses: Losses) -> bool | str | None:
    """The value of ``think``, or None where it is left out."""
    ask = request.reasoning
    if ask is None:
        return None
    if request.wire in FAMILY:
        return ask.effort or ask.enabled
    if ask.enabled is None and ask.effort is None and ask.budget is None:
        return None
    traits = destination.traits
    off = ask.enabled is False or ask.effort == "none" or ask.budget == 0
    if off:
        if traits.thinks_always:
            losses.lose("reasoning", _ALWAYS)
            return None
        return False if traits.thinking else None
    if not traits.thinking:
        losses.lose("reasoning", _UNTOLD)
        return None
    return _degree(ask, traits, losses)


def _degree(ask: ReasoningAsk, traits: Traits, losses: Losses) -> bool | str:
    leveled = traits.thinking in {"level", "effort"}
    if ask.effort is not None:
        return _level(ask.effort, traits) if leveled else True
    if ask.budget is not None and ask.budget > 0:
        if leveled:
            return next((word for most, word in _LEVEL_UP_TO if ask.budget <= most), "high")
        losses.lose("reasoning.budget", _NO_BUDGET)
    return True


def _level(effort: str, traits: Traits) -> str:
    if effort in traits.efforts or effort in _LEVELS:
        return effort
    return _LEVEL_OF.get(effort, "medium")
