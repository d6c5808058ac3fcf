"""Tools, sampling and thinking of a request of another wire, in the places that Converse has.

What Converse itself has no place for is a field of the model behind it, where that is known.
"""

import re
from typing import Any, Final

import msgspec

from trunkline.gateway.exchange.destination import Destination
from trunkline.gateway.exchange.losses import Losses
from trunkline.gateway.exchange.parts import CacheMark, Document
from trunkline.gateway.exchange.request import ReasoningAsk, Request, Tool, ToolChoice
from trunkline.gateway.exchange.thinking import is_off, says_something
from trunkline.gateway.wire.bedrock_converse.blocks import write_cache_point
from trunkline.gateway.wire.bedrock_converse.conversation import takes_marks
from trunkline.gateway.wire.documents import note_extras

_NO_SETTING: Final = "the provider's API has no such setting"
_UNSUPPORTED: Final = (
    ("min_p", "min_p"),
    ("seed", "seed"),
    ("presence_penalty", "presence_penalty"),
    ("frequency_penalty", "frequency_penalty"),
    ("repetition_penalty", "repetition_penalty"),
    ("top_logprobs", "top_logprobs"),
    ("logit_bias", "logit_bias"),
    ("verbosity", "verbosity"),
    ("user", "user"),
    ("prompt_cache_key", "prompt_cache_key"),
)
_TIERS: Final = frozenset({"default", "flex", "priority", "reserved"})
# Source: the service description in botocore; pairs of other shapes are refused with the request.
_METADATA: Final = re.compile(r"[a-zA-Z0-9\s:_@$#=/+,.-]{0,256}")
_MOST_METADATA: Final = 16
_OPEN_SCHEMA: Final[Document] = {"type": "object"}
_CUSTOM_SCHEMA: Final[Document] = {
    "type": "object",
    "properties": {"input": {"type": "string"}},
    "required": ["input"],
}


def write_settings(request: Request, destination: Destination, losses: Losses) -> Document:
    """Members of the document beside the conversation and the tools."""
    _note_unsupported(request, losses)
    config = _sampling(request, destination, losses)
    more: Document = {}
    output: Document = {}
    _thinking(request.reasoning, destination, more, output)
    if request.top_k is not None:
        _top_k(request.top_k, destination, more, losses)
    if request.output is not None and request.output.kind == "json_schema":
        output["textFormat"] = _text_format(request)
    document: Document = {"inferenceConfig": config} if config else {}
    if more:
        document["additionalModelRequestFields"] = more
    if output:
        document["outputConfig"] = output
    _tier(request, document, losses)
    _metadata(request, document, losses)
    return document


def _note_unsupported(request: Request, losses: Losses) -> None:
    for member, name in _UNSUPPORTED:
        if getattr(request, member) is not None:
            losses.lose(name, _NO_SETTING)
    if request.logprobs:
        losses.lose("logprobs", _NO_SETTING)
    if (request.answers or 1) > 1:
        losses.lose("n", "the provider gives one answer only")
    if request.raw_prompt:
        losses.lose("raw", "the provider always uses the model's own chat template")
    if request.parallel_tools is False and request.tools:
        losses.lose("parallel_tool_calls", _NO_SETTING)
    note_extras(request.extra, losses)


def _sampling(request: Request, destination: Destination, losses: Losses) -> Document:
    config: Document = {}
    ceiling = request.max_tokens
    budget = request.reasoning.budget if request.reasoning is not None else None
    if ceiling is None and budget and destination.traits.thinking == "budget":
        # The ceiling must be above the budget, and a provider's own may not be.
        ceiling = destination.max_output_tokens
    if ceiling is not None:
        config["maxTokens"] = ceiling
    if request.temperature is not None:
        config["temperature"] = min(request.temperature, 1)
        if request.temperature > 1:
            losses.lose("temperature", "the provider takes 1 at most")
    if request.top_p is not None:
        config["topP"] = request.top_p
    stop = [text for text in request.stop if text.strip()]
    if len(stop) < len(request.stop):
        losses.lose("stop", "the provider takes no blank sequence")
    if stop:
        config["stopSequences"] = stop
    return config


def _thinking(
    ask: ReasoningAsk | None, destination: Destination, more: Document, output: Document
) -> None:
    """How much to think, in the words of the model; what it cannot be told was taken out before.

    Source: the request fields of Claude, Nova 2 and gpt-oss in Bedrock's documentation.
    """
    if ask is None or not says_something(ask):
        return
    off = is_off(ask)
    match destination.traits.thinking:
        case "budget":
            enabled = {"type": "enabled", "budget_tokens": ask.budget}
            more["thinking"] = {"type": "disabled"} if off else enabled
        case "adaptive":
            shown = {} if ask.show is None else {"display": _DISPLAY[ask.show]}
            # Some models cannot be told not to think at all, only not before they answer.
            never = "disabled_thinking" in destination.traits.refuses
            quiet = {"type": "between_tools" if never else "disabled"}
            more["thinking"] = quiet if off else {"type": "adaptive", **shown}
            if ask.effort is not None and not off:
                output["effort"] = ask.effort
        case "level":
            level = {} if off or ask.effort is None else {"maxReasoningEffort": ask.effort}
            more["reasoningConfig"] = {"type": "disabled" if off else "enabled", **level}
        case "switch":
            more["thinking"] = {"type": "disabled" if off else "enabled"}
        case _:
            if ask.effort is not None:
                more["reasoning_effort"] = ask.effort


_DISPLAY: Final = {True: "summarized", False: "omitted"}


def _top_k(top_k: int, destination: Destination, more: Document, losses: Losses) -> None:
    if destination.family == "anthropic":
        more["top_k"] = top_k
    elif "amazon.nova" in destination.model:
        more["inferenceConfig"] = {"topK": top_k}
    else:
        losses.lose("top_k", _NO_SETTING)


def _text_format(request: Request) -> Document:
    output = request.output
    if output is None:
        raise AssertionError("only a request with a form of its text has one to write")
    schema: Document = {"schema": msgspec.json.encode(output.schema or {}).decode()}
    if output.name is not None:
        schema["name"] = output.name
    if output.description:
        schema["description"] = output.description
    return {"type": "json_schema", "structure": {"jsonSchema": schema}}


def _tier(request: Request, document: Document, losses: Losses) -> None:
    tier = request.service_tier
    if tier in _TIERS:
        document["serviceTier"] = {"type": tier}
    elif tier is not None and tier != "auto":
        losses.lose("service_tier", f"the provider has no tier '{tier}'")


def _metadata(request: Request, document: Document, losses: Losses) -> None:
    pairs = request.metadata
    if not pairs:
        return
    texts = (*pairs, *pairs.values())
    if len(pairs) <= _MOST_METADATA and all(_METADATA.fullmatch(text) for text in texts):
        document["requestMetadata"] = pairs
    else:
        losses.lose("metadata", "the provider takes 16 pairs of few kinds of letters at most")


def write_tools(
    request: Request, turns: list[Document], destination: Destination, losses: Losses
) -> Document | None:
    """The tools and the choice; tools that were called must be named even where none is offered."""
    choice = request.tool_choice
    called = _called(turns)
    if choice is not None and choice.mode == "none":
        if called:
            losses.lose("tool_choice", "the provider cannot be told to call none of the tools")
        choice = None
        offered: tuple[Tool, ...] = request.tools if called else ()
    else:
        offered = _narrowed(request.tools, choice)
    listed: list[Any] = []
    for tool in offered:
        listed += _tool(tool, destination, losses)
    if called and not any("toolSpec" in item for item in listed):
        listed = [{"toolSpec": _spec(name, None, _OPEN_SCHEMA)} for name in called]
        choice = None
    if not any("toolSpec" in item for item in listed):
        return None
    config: Document = {"tools": listed}
    if choice is not None:
        config["toolChoice"] = _choice(choice)
    return config


def _called(turns: list[Document]) -> list[str]:
    blocks = (block for turn in turns for block in turn["content"])
    return list(dict.fromkeys(b["toolUse"]["name"] for b in blocks if "toolUse" in b))


def _narrowed(tools: tuple[Tool, ...], choice: ToolChoice | None) -> tuple[Tool, ...]:
    """Converse can force one named tool or any of them: some of them are all that is offered."""
    if choice is None or len(choice.names) <= 1:
        return tools
    return tuple(tool for tool in tools if tool.name in choice.names)


def _choice(choice: ToolChoice) -> Document:
    if choice.mode == "auto":
        return {"auto": {}}
    return {"tool": {"name": choice.names[0]}} if len(choice.names) == 1 else {"any": {}}


def _tool(tool: Tool, destination: Destination, losses: Losses) -> list[Document]:
    if tool.kind == "server":
        losses.lose(f"tools.{tool.name or 'server'}", "it runs at another provider only")
        return []
    if tool.kind == "custom":
        # What the text must look like cannot be said in a schema.
        losses.lose("tools.custom", "the provider's tools take JSON")
    for name in tool.extra:
        losses.lose(f"tools.{name}", "only the caller's own API has it")
    schema = _CUSTOM_SCHEMA if tool.kind == "custom" else _OPEN_SCHEMA | (tool.schema or {})
    spec = _spec(tool.name, tool.description, schema)
    if tool.strict:
        spec["strict"] = True
    listed: list[Document] = [{"toolSpec": spec}]
    if tool.cache is not None:
        if takes_marks(destination):
            mark = tool.cache if tool.cache.ttl == "1h" else CacheMark()
            listed.append(write_cache_point(mark))
        else:
            losses.lose("cache_control", "the model has no prompt cache that can be marked")
    return listed


def _spec(name: str, description: str | None, schema: Document) -> Document:
    spec: Document = {"name": name, "inputSchema": {"json": schema}}
    if description and description.strip():
        spec["description"] = description
    return spec
