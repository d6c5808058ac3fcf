"""A request of another wire, written as one of this wire. What it cannot carry is noted."""

from typing import Final

from trunkline.errors import InvalidRequest
from trunkline.gateway.exchange.destination import Destination
from trunkline.gateway.exchange.fit import MEMBERS, asked_members, in_words
from trunkline.gateway.exchange.losses import Losses
from trunkline.gateway.exchange.parts import Document
from trunkline.gateway.exchange.request import ReasoningAsk, Request, Tool, ToolChoice
from trunkline.gateway.exchange.thinking import budget_of, is_off, settle_thinking
from trunkline.gateway.wire.anthropic_messages.foreign_parts import CUSTOM_ARGUMENT
from trunkline.gateway.wire.anthropic_messages.marks import limit_marks, write_mark
from trunkline.gateway.wire.anthropic_messages.schemas import object_schema, restrict
from trunkline.gateway.wire.anthropic_messages.settings import write_choice
from trunkline.gateway.wire.anthropic_messages.turns import write_turns
from trunkline.gateway.wire.documents import note_extras

_CARRIED: Final = frozenset(
    {"temperature", "top_p", "top_k", "parallel_tools", "user", "service_tier"}
)
_UNKNOWN: Final = MEMBERS - _CARRIED
_NO_SETTING: Final = "the provider's API has no such setting"
_TIERS: Final = {"auto": "auto", "default": "standard_only", "standard_only": "standard_only"}
_CUSTOM_SCHEMA: Final = {
    "type": "object",
    "properties": {CUSTOM_ARGUMENT: {"type": "string"}},
    "required": [CUSTOM_ARGUMENT],
    "additionalProperties": False,
}


def write_foreign(request: Request, destination: Destination, losses: Losses) -> Document:
    """The document for the provider.

    Raises:
        InvalidRequest: it fills a gap, or holds nothing that could be answered.
    """
    if request.suffix is not None:
        raise InvalidRequest(
            "The model cannot fill the gap before 'suffix'.",
            code="unsupported_parameter",
            param="suffix",
            hint="Use a model that completes code, or ask for the text in words.",
        )
    conversation = write_turns(request.messages, destination, losses)
    document: Document = {
        "model": destination.model,
        "max_tokens": request.max_tokens or destination.max_output_tokens,
    }
    tools = _write_tools(request, losses)
    if tools:
        document["tools"] = tools
        _write_choice(document, request)
    _write_output(document, conversation.system, request, losses)
    if conversation.system:
        document["system"] = conversation.system
    document["messages"] = conversation.messages
    _write_thinking(document, settle_thinking(request, destination, losses), destination)
    _write_settings(document, request, losses)
    limit_marks(_bearers(document), losses)
    for name in destination.quirks.refuses & document.keys():
        del document[name]
        losses.lose(name, _NO_SETTING)
    return document


def _write_tools(request: Request, losses: Losses) -> list[Document]:
    choice = request.tool_choice
    # Anthropic can be made to call any of the tools or one of them, so the others are left out.
    only = choice.names if choice is not None and len(choice.names) > 1 else ()
    tools = []
    for tool in request.tools:
        if tool.kind == "server":
            losses.lose(tool.name or "tools", "only the API that it came by knows this tool")
        elif not only or tool.name in only:
            tools.append(_tool(tool, losses))
    return tools


def _tool(tool: Tool, losses: Losses) -> Document:
    document: Document = {"name": tool.name}
    if tool.description:
        document["description"] = tool.description
    if tool.kind == "custom":
        document["input_schema"] = dict(_CUSTOM_SCHEMA)
        if tool.native:
            losses.lose("tools.format", "the provider's tools have no grammar for their text")
    elif tool.strict:
        document["input_schema"] = restrict(object_schema(tool.schema))
        document["strict"] = True
    else:
        document["input_schema"] = object_schema(tool.schema)
    if tool.cache is not None:
        document["cache_control"] = write_mark(tool.cache)
    if tool.extra:
        note_extras(tool.extra, losses)
    return document


def _write_choice(document: Document, request: Request) -> None:
    choice, parallel = request.tool_choice, request.parallel_tools
    alone = False if parallel is False else None
    if choice is None:
        if alone is not None:
            document["tool_choice"] = write_choice(ToolChoice("auto"), alone)
    elif choice.mode == "none":
        document["tool_choice"] = {"type": "none"}
    elif len(choice.names) > 1:
        document["tool_choice"] = write_choice(ToolChoice(choice.mode), alone)
    else:
        document["tool_choice"] = write_choice(choice, alone)


def _write_output(
    document: Document, system: list[Document], request: Request, losses: Losses
) -> None:
    output = request.output
    if output is None or output.kind == "text":
        return
    if output.kind == "json_schema" and output.schema is not None:
        config = document.setdefault("output_config", {})
        config["format"] = {"type": "json_schema", "schema": restrict(output.schema)}
        return
    losses.lose("response_format", "the provider has no JSON mode; the model is told in words")
    system.append({"type": "text", "text": in_words(output)})


def _write_thinking(document: Document, ask: ReasoningAsk | None, destination: Destination) -> None:
    if ask is None:
        return
    traits = destination.traits
    if is_off(ask):
        kind = "between_tools" if "disabled_thinking" in traits.refuses else "disabled"
        document["thinking"] = {"type": kind}
        return
    if traits.thinking == "adaptive":
        if ask.enabled:
            # Without the word, newer models tell the signature of their thought alone.
            display = "omitted" if ask.show is False else "summarized"
            document["thinking"] = {"type": "adaptive", "display": display}
        if ask.effort is not None:
            document.setdefault("output_config", {})["effort"] = ask.effort
    elif ask.enabled:
        budget = ask.budget if ask.budget is not None else budget_of(ask.effort or "")
        document["thinking"] = {"type": "enabled", "budget_tokens": budget}
        if ask.show is False:
            document["thinking"]["display"] = "omitted"


def _write_settings(document: Document, request: Request, losses: Losses) -> None:
    if request.stream:
        document["stream"] = True
    if request.temperature is not None:
        document["temperature"] = min(request.temperature, 1)
        if request.temperature > 1:
            losses.lose("temperature", "the provider takes 1 at most")
    if request.top_p is not None:
        document["top_p"] = request.top_p
    if request.top_k is not None:
        document["top_k"] = request.top_k
    if request.stop:
        _write_stop(document, request.stop, losses)
    if request.user:
        document["metadata"] = {"user_id": request.user}
    for name in asked_members(request, _UNKNOWN):
        losses.lose(name, _NO_SETTING)
    _write_rest(document, request, losses)


def _write_rest(document: Document, request: Request, losses: Losses) -> None:
    if request.service_tier is not None:
        tier = _TIERS.get(request.service_tier)
        if tier is None:
            losses.lose("service_tier", "the provider has no such tier")
        else:
            document["service_tier"] = tier
    if request.raw_prompt:
        losses.lose("raw", "the model takes a prompt as a message only")
    if request.extra:
        note_extras(request.extra, losses)


def _write_stop(document: Document, stop: tuple[str, ...], losses: Losses) -> None:
    taken = [sequence for sequence in stop if sequence.strip()]
    if len(taken) < len(stop):
        losses.lose("stop", "the provider takes no sequence of spaces alone")
    if taken:
        document["stop_sequences"] = taken


def _bearers(document: Document) -> list[Document]:
    """What bears a cache mark, in the order of the prompt."""
    blocks: list[Document] = [*document.get("tools", ()), *document.get("system", ())]
    for message in document["messages"]:
        for block in message["content"]:
            if block["type"] == "tool_result" and isinstance(block.get("content"), list):
                blocks.extend(block["content"])
            blocks.append(block)
    return [block for block in blocks if "cache_control" in block]
