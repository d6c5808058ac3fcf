"""A request that came by this wire, written back as it was."""

from typing import Any

from trunkline.gateway.exchange.parts import Document, Part
from trunkline.gateway.exchange.request import Message, Request, Tool
from trunkline.gateway.wire.anthropic_messages.marks import write_mark
from trunkline.gateway.wire.anthropic_messages.own_blocks import content_of, give_back
from trunkline.gateway.wire.anthropic_messages.settings import (
    write_choice,
    write_config,
    write_thinking,
)


def write_back(request: Request, model: str) -> Document:
    """The document of a request that came by this wire."""
    document: Document = {"model": model}
    messages = request.messages
    first = messages[0]
    if first.role == "system" and "role" not in first.extra:
        document["system"] = content_of(first.parts, bare=first.bare)
        messages = messages[1:]
    document["messages"] = [_message_back(message) for message in messages]
    _put(document, "max_tokens", request.max_tokens)
    _put(document, "temperature", request.temperature)
    _put(document, "top_p", request.top_p)
    _put(document, "top_k", request.top_k)
    _put(document, "stop_sequences", list(request.stop) or None)
    _put(document, "tools", [_tool_back(tool) for tool in request.tools] or None)
    if request.stream:
        document["stream"] = True
    if request.tool_choice is not None:
        document["tool_choice"] = write_choice(request.tool_choice, request.parallel_tools)
    if request.user is not None:
        document["metadata"] = {"user_id": request.user}
    _put(document, "service_tier", _tier_back(request.service_tier))
    _put_reasoning(document, request)
    give_back(request.extra, document)
    return document


def _put(document: Document, name: str, value: Any) -> None:
    if value is not None:
        document[name] = value


def _put_reasoning(document: Document, request: Request) -> None:
    ask = request.reasoning
    if ask is not None:
        _put(document, "thinking", write_thinking(ask))
    if "output_format" not in request.extra:
        _put(document, "output_config", write_config(ask, request.output) or None)


def _tier_back(tier: str | None) -> str | None:
    return "standard_only" if tier == "default" else tier


def _message_back(message: Message) -> Document:
    parts: tuple[Part, ...] = message.parts
    return {
        "role": message.role,
        "content": content_of(parts, bare=message.bare),
        **message.extra,
    }


def _tool_back(tool: Tool) -> Document:
    if tool.kind == "server":
        native: Document = tool.native
        return native
    document: Document = {"name": tool.name}
    _put(document, "description", tool.description)
    _put(document, "input_schema", tool.schema)
    _put(document, "strict", tool.strict)
    if tool.cache is not None:
        document["cache_control"] = write_mark(tool.cache)
    document.update(tool.extra)
    return document
