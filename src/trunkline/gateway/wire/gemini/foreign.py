"""A request of another wire, written as one of this wire. What it cannot carry is noted."""

from typing import Any, Final

from trunkline.errors import InvalidRequest
from trunkline.gateway.exchange.destination import Destination
from trunkline.gateway.exchange.fit import MEMBERS, asked_members
from trunkline.gateway.exchange.losses import Losses
from trunkline.gateway.exchange.parts import Document
from trunkline.gateway.exchange.request import OutputFormat, ReasoningAsk, Request, Tool, ToolChoice
from trunkline.gateway.exchange.thinking import is_off, settle_thinking
from trunkline.gateway.wire.gemini.foreign_parts import CUSTOM_ARGUMENT, lose_members
from trunkline.gateway.wire.gemini.requests import TIERS_BACK
from trunkline.gateway.wire.gemini.settings import CONFIG, output_back, sampling, thinking
from trunkline.gateway.wire.gemini.tools import calling_config, declared
from trunkline.gateway.wire.gemini.turns import write_turns

_UNKNOWN: Final = MEMBERS - {
    "temperature",
    "top_p",
    "top_k",
    "seed",
    "presence_penalty",
    "frequency_penalty",
    "logprobs",
    "top_logprobs",
    "answers",
    "metadata",
    "service_tier",
}
_NO_SETTING: Final = "the provider's API has no such setting"
# Source: the reference of generateContent.
_MOST_STOPS: Final = 5
_MOST_SEED: Final = (1 << 31) - 1
_CUSTOM_SCHEMA: Final = {
    "type": "object",
    "properties": {CUSTOM_ARGUMENT: {"type": "string"}},
    "required": [CUSTOM_ARGUMENT],
}


def write_foreign(request: Request, destination: Destination, losses: Losses) -> Document:
    """The document for the provider.

    Raises:
        InvalidRequest: it fills a gap, or its messages make no conversation here.
    """
    if request.suffix is not None:
        raise InvalidRequest(
            "The model cannot fill the gap before 'suffix'.",
            code="unsupported_parameter",
            param="suffix",
            hint="Use a model that completes code, or ask for the text in words.",
        )
    conversation = write_turns(request.messages, destination, losses)
    document: Document = {"contents": conversation.contents}
    if conversation.system:
        document["systemInstruction"] = {"parts": conversation.system}
    _write_tools(document, request, losses)
    config = _write_config(request, losses)
    _write_thinking(config, settle_thinking(request, destination, losses))
    if config:
        document[CONFIG] = config
    _write_rest(document, request, destination, losses)
    for name in destination.quirks.refuses & document.keys():
        del document[name]
        losses.lose(name, _NO_SETTING)
    return document


def _write_tools(document: Document, request: Request, losses: Losses) -> None:
    choice = request.tool_choice
    # Names go with calls that must be made only; otherwise the others are not offered at all.
    only = choice.names if choice is not None and choice.mode != "required" else ()
    functions = []
    for tool in request.tools:
        if tool.kind == "server":
            losses.lose(tool.name or "tools", "only the API that it came by knows this tool")
        elif not only or tool.name in only:
            functions.append(_function(tool, losses))
    if not functions:
        return
    document["tools"] = [{"functionDeclarations": functions}]
    if any(tool.strict for tool in request.tools):
        losses.lose("tools.strict", "the provider's functions are all alike strict")
    if choice is not None:
        known = {function["name"] for function in functions}
        names = () if only else tuple(name for name in choice.names if name in known)
        config = calling_config(ToolChoice(choice.mode, names))
        document["toolConfig"] = {"functionCallingConfig": config}


def _function(tool: Tool, losses: Losses) -> Document:
    document = declared(tool)
    if tool.kind == "custom":
        document["parametersJsonSchema"] = dict(_CUSTOM_SCHEMA)
        if tool.native:
            losses.lose("tools.format", "the provider's tools have no grammar for their text")
    if tool.cache is not None:
        losses.lose("cache_control", "the provider caches prompts by itself")
    if tool.extra:
        lose_members(tool.extra, losses)
    return document


def _write_config(request: Request, losses: Losses) -> Document:
    config: dict[str, Any] = sampling(request)
    if abs(config.get("seed", 0)) > _MOST_SEED:
        config["seed"] &= _MOST_SEED
    if not request.logprobs and "logprobs" in config:
        # The provider refuses how many there shall be where none shall be at all.
        del config["logprobs"]
    if request.stop:
        stops = [sequence for sequence in request.stop if sequence]
        if len(stops) > _MOST_STOPS:
            losses.lose("stop", "the provider takes five sequences at most")
        config["stopSequences"] = stops[:_MOST_STOPS]
    output = request.output
    if output is not None and output.kind != "text":
        config |= output_back(OutputFormat(output.kind, schema=output.schema))
    return config


def _write_thinking(config: Document, ask: ReasoningAsk | None) -> None:
    if ask is None:
        return
    written = thinking(ask)
    if ask.enabled and ask.show is None and not is_off(ask):
        # Other makers' models show what they think, or a summary, unless told otherwise.
        written["includeThoughts"] = True
    if is_off(ask):
        written = {"thinkingBudget": 0}
    if written:
        config["thinkingConfig"] = written


def _write_rest(
    document: Document, request: Request, destination: Destination, losses: Losses
) -> None:
    for name in asked_members(request, _UNKNOWN):
        losses.lose(name, _NO_SETTING)
    if request.raw_prompt:
        losses.lose("raw", "the model takes a prompt as a message only")
    if request.metadata:
        if "labels" in destination.quirks.takes:
            document["labels"] = request.metadata
        else:
            losses.lose("metadata", _NO_SETTING)
    if request.service_tier not in {None, "auto"}:
        tier = TIERS_BACK.get(request.service_tier or "")
        if tier is None:
            losses.lose("service_tier", "the provider has no such tier")
        else:
            document["serviceTier"] = tier
    if request.extra:
        lose_members(request.extra, losses)
