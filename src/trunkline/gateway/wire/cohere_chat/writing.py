"""Requests of ``/v2/chat``, written."""

from typing import Any, Final

from trunkline.gateway.exchange.destination import Destination
from trunkline.gateway.exchange.losses import Losses
from trunkline.gateway.exchange.parts import Document
from trunkline.gateway.exchange.request import OutputFormat, ReasoningAsk, Request, Tool
from trunkline.gateway.exchange.thinking import is_off, says_something, settle_thinking
from trunkline.gateway.wire.cohere_chat.content import WIRE
from trunkline.gateway.wire.cohere_chat.turns import write_messages
from trunkline.gateway.wire.documents import note_extras
from trunkline.gateway.wire.functions import function_of, tool_back
from trunkline.gateway.wire.spelling import SpelledRequest
from trunkline.gateway.wire.unsupported import lose_members

_UNKNOWN: Final = "the provider's API has no such setting"
_ALL_STRICT: Final = "the provider's tools are strict all together or not at all"
_ONLY_FUNCTIONS: Final = "the provider's API has only functions"
_NO_MARKS: Final = "the provider's API has no cache marks"
_NEAREST: Final = "the provider takes another range, and got the nearest value in it"

_WITHOUT_PLACE: Final = (
    "min_p",
    "repetition_penalty",
    "top_logprobs",
    "logit_bias",
    "verbosity",
    "user",
    "metadata",
    "service_tier",
    "prompt_cache_key",
    "suffix",
)
# Members by Cohere's names, with the range that it takes. Source: the SDK's documentation.
_RANGES: Final[tuple[tuple[str, str, float, float], ...]] = (
    ("p", "top_p", 0.01, 0.99),
    ("k", "top_k", 0, 500),
    ("presence_penalty", "presence_penalty", 0.0, 1.0),
    ("frequency_penalty", "frequency_penalty", 0.0, 1.0),
)
_MOST_STOPS: Final = 5


def write_request(request: Request, destination: Destination, losses: Losses) -> Document:
    """The document for a provider that speaks this wire."""
    document: Document = {
        "model": destination.model,
        "messages": write_messages(request, destination, losses),
    }
    for name, value in (
        ("max_tokens", request.max_tokens),
        ("temperature", request.temperature),
        ("seed", request.seed),
        ("logprobs", request.logprobs),
    ):
        if value is not None:
            document[name] = value
    if request.wire == WIRE:
        _write_back(request, document)
    else:
        _write_foreign(request, destination, document, losses)
    return document


def _write_back(request: Request, document: Document) -> None:
    """The rest of a request that came by this wire."""
    for name, member, _, _ in _RANGES:
        value = getattr(request, member)
        if value is not None:
            document[name] = value
    if request.stop:
        document["stop_sequences"] = list(request.stop)
    if request.tools:
        document["tools"] = [tool_back(tool) for tool in request.tools]
    if request.tool_choice is not None and request.tool_choice.mode != "auto":
        document["tool_choice"] = request.tool_choice.mode.upper()
    if request.output is not None:
        document["response_format"] = _format(request.output)
    if request.reasoning is not None:
        document["thinking"] = _thinking(request.reasoning)
    if request.stream:
        document["stream"] = True
    if isinstance(request, SpelledRequest):
        document |= request.plain
    document |= request.extra


def _write_foreign(
    request: Request, destination: Destination, document: Document, losses: Losses
) -> None:
    """The rest of a request that came by another wire."""
    for name, member, least, most in _RANGES:
        value = getattr(request, member)
        if value is not None:
            document[name] = _within(value, member, least, most, losses)
    if request.stop:
        document["stop_sequences"] = list(request.stop[:_MOST_STOPS])
        if len(request.stop) > _MOST_STOPS:
            losses.lose("stop", f"the provider takes {_MOST_STOPS} stop sequences at most")
    _write_tools(request, document, losses)
    if request.output is not None and request.output.kind != "text":
        document["response_format"] = _format(request.output)
    ask = settle_thinking(request, destination, losses)
    if ask is not None and says_something(ask):
        document["thinking"] = _thinking(ask)
    document["stream"] = request.stream
    lose_members(request, _WITHOUT_PLACE, losses)
    if request.raw_prompt:
        losses.lose("raw", _UNKNOWN)
    note_extras(request.extra, losses)


def _within(value: Any, name: str, least: float, most: float, losses: Losses) -> Any:
    nearest = min(max(value, least), most)
    # A nucleus of everything is none, and Cohere's largest comes close enough to it.
    if nearest != value and (name, value) != ("top_p", 1):
        losses.lose(name, _NEAREST)
    return nearest


def _write_tools(request: Request, document: Document, losses: Losses) -> None:
    """The functions. Where some must be called and others not, only those are told."""
    choice = request.tool_choice
    named = frozenset(choice.names) if choice is not None else frozenset()
    tools = [tool for tool in request.tools if not named or tool.name in named]
    written = [
        {"type": "function", "function": _function(tool, losses)}
        for tool in tools
        if _is_function(tool, losses)
    ]
    if not written:
        return
    document["tools"] = written
    strict = [tool.strict is True for tool in tools if tool.kind == "function"]
    if all(strict):
        document["strict_tools"] = True
    elif any(strict):
        losses.lose("strict", _ALL_STRICT)
    if choice is not None and choice.mode != "auto":
        document["tool_choice"] = choice.mode.upper()
    if request.parallel_tools is False:
        losses.lose("parallel_tool_calls", _UNKNOWN)


def _is_function(tool: Tool, losses: Losses) -> bool:
    if tool.kind != "function":
        losses.lose(tool.name or "tools", _ONLY_FUNCTIONS)
    return tool.kind == "function"


def _function(tool: Tool, losses: Losses) -> Document:
    if tool.cache is not None:
        losses.lose("cache_control", _NO_MARKS)
    note_extras(tool.extra, losses)
    return {"parameters": {"type": "object", "properties": {}}, **function_of(tool)}


def _format(output: OutputFormat) -> Document:
    if output.kind == "text":
        return {"type": "text"}
    if output.schema is None:
        return {"type": "json_object"}
    return {"type": "json_object", "json_schema": output.schema}


def _thinking(ask: ReasoningAsk) -> Document:
    if is_off(ask):
        return {"type": "disabled"}
    if ask.budget is None or ask.budget < 0:
        # Below zero the model is to decide by itself, which is what it does unasked.
        return {"type": "enabled"}
    return {"type": "enabled", "token_budget": ask.budget}
