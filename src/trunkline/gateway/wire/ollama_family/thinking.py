"""How much a model shall think: Ollama's ``think`` is a switch, or a level for some models."""

from typing import Any, Final

from trunkline.gateway.exchange.destination import Destination
from trunkline.gateway.exchange.losses import Losses
from trunkline.gateway.exchange.request import ReasoningAsk, Request
from trunkline.gateway.exchange.thinking import (
    is_off,
    nearest_effort,
    says_something,
    settle_thinking,
)
from trunkline.gateway.wire.ollama_family.names import FAMILY

_LEVELS: Final = ("low", "medium", "high")


def read_think(value: Any) -> ReasoningAsk | None:
    """What ``think`` asks for, or None where it says nothing that we know."""
    if isinstance(value, bool):
        return ReasoningAsk(enabled=value)
    if isinstance(value, str) and value:
        return ReasoningAsk(effort=value)
    return None


def write_think(request: Request, destination: Destination, losses: Losses) -> bool | str | None:
    """The value of ``think``, or None where it is left out."""
    if request.wire in FAMILY:
        ask = request.reasoning
        return None if ask is None else ask.effort or ask.enabled
    ask = settle_thinking(request, destination, losses)
    if ask is None or not says_something(ask):
        return None
    if is_off(ask):
        return False
    if ask.effort is None:
        return True
    return nearest_effort(ask.effort, destination.traits.efforts or _LEVELS)
