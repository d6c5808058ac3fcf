"""The models on offer: what they are called, how fast they speak and what they bear."""

from typing import Literal

import msgspec

from trunkline.simulator.prices import PRICES, ListPrice

WireName = Literal["openai_chat", "anthropic_messages"]

OPENAI: WireName = "openai_chat"
ANTHROPIC: WireName = "anthropic_messages"


class SimModel(msgspec.Struct, frozen=True):
    """One model.

    Attributes:
        name: what a request calls it.
        served_as: the dated name that answers carry, as the providers do.
        wires: the wires that know it.
        first_token: seconds from the request's end to the first token.
        rate: tokens per second after it; 0 means without any delay.
        answer_tokens: ordinary length of an answer; real ones differ by 40 % both ways.
        reasons: whether it reasons without being asked, as OpenAI's reasoning models do.
        context: most tokens of input.
        max_output: most tokens of output.
    """

    name: str
    served_as: str
    wires: tuple[WireName, ...]
    first_token: float
    rate: float
    answer_tokens: int
    reasons: bool = False
    context: int = 200_000
    max_output: int = 64_000


_BOTH: tuple[WireName, ...] = (OPENAI, ANTHROPIC)


def _sim(name: str, first: float, rate: float, tokens: int, *, reasons: bool = False) -> SimModel:
    return SimModel(name, name, _BOTH, first, rate, tokens, reasons)


def _gpt(name: str, dated: str, rate: float, context: int, max_output: int) -> SimModel:
    return SimModel(
        name,
        f"{name}-{dated}",
        (OPENAI,),
        0.3,
        rate,
        120,
        reasons=name.startswith(("gpt-5", "o4")),
        context=context,
        max_output=max_output,
    )


def _claude(name: str, dated: str, rate: float, context: int, max_output: int) -> SimModel:
    return SimModel(
        name,
        f"{name}-{dated}",
        (ANTHROPIC,),
        0.4,
        rate,
        140,
        context=context,
        max_output=max_output,
    )


MODELS: tuple[SimModel, ...] = (
    _sim("sim-fast", 0.0, 0.0, 40),
    _sim("sim-chat", 0.2, 100.0, 120),
    _sim("sim-slow", 1.0, 10.0, 60),
    _sim("sim-long", 0.2, 200.0, 2000),
    _sim("sim-think", 0.1, 200.0, 80, reasons=True),
    _gpt("gpt-4o", "2024-08-06", 80.0, 128_000, 16_384),
    _gpt("gpt-4o-mini", "2024-07-18", 120.0, 128_000, 16_384),
    _gpt("gpt-4.1", "2025-04-14", 90.0, 1_000_000, 32_768),
    _gpt("gpt-4.1-mini", "2025-04-14", 130.0, 1_000_000, 32_768),
    _gpt("gpt-5", "2025-08-07", 90.0, 272_000, 128_000),
    _gpt("gpt-5-mini", "2025-08-07", 140.0, 272_000, 128_000),
    _gpt("gpt-5-nano", "2025-08-07", 200.0, 272_000, 128_000),
    _gpt("o4-mini", "2025-04-16", 120.0, 200_000, 100_000),
    _claude("claude-sonnet-4-5", "20250929", 80.0, 1_000_000, 64_000),
    _claude("claude-haiku-4-5", "20251001", 150.0, 200_000, 64_000),
    _claude("claude-opus-4-5", "20251101", 60.0, 200_000, 64_000),
    _claude("claude-opus-4-1", "20250805", 40.0, 200_000, 32_000),
)

_INVENTED_PREFIX = "sim-"
_STAND_IN = "sim-fast"


def models_of(wire: WireName) -> list[SimModel]:
    """The models that a wire knows, in the order of the table."""
    return [model for model in MODELS if wire in model.wires]


def find_model(name: str, wire: WireName) -> SimModel | None:
    """The model behind a name or its dated name, or None.

    A name that begins with ``sim-`` and is in no row behaves and costs as ``sim-fast``.
    """
    for model in models_of(wire):
        if name in {model.name, model.served_as}:
            return model
    if name.startswith(_INVENTED_PREFIX):
        return msgspec.structs.replace(
            next(model for model in MODELS if model.name == _STAND_IN), name=name, served_as=name
        )
    return None


def price_of(model: SimModel) -> ListPrice:
    """The list price of a model; invented names cost what ``sim-fast`` costs."""
    return PRICES.get(model.name, PRICES[_STAND_IN])
