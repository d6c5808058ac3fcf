"""A request of this wire, read into the internal form and written back as it came."""

from typing import Any

import msgspec

from trunkline.gateway.exchange.parts import Document
from trunkline.gateway.exchange.request import Request, Tool
from trunkline.gateway.wire.documents import (
    members_of,
    missing,
    require_model,
    take_list,
    wrong_type,
)
from trunkline.gateway.wire.openai_chat.message_reader import read_messages
from trunkline.gateway.wire.openai_chat.message_writer import write_message
from trunkline.gateway.wire.openai_chat.output import take_output, write_output
from trunkline.gateway.wire.openai_chat.request import WIRE, ChatRequest
from trunkline.gateway.wire.openai_chat.thinking import take_thinking
from trunkline.gateway.wire.openai_chat.tools import (
    read_function,
    read_tool,
    take_choice,
    write_choice,
    write_tool,
)
from trunkline.gateway.wire.openai_family.settings import (
    take_settings,
    take_stream,
    write_settings,
)
from trunkline.gateway.wire.openai_family.spelling import respelled, spelling


def read_request(document: Document) -> ChatRequest:
    """A caller's request.

    Raises:
        InvalidRequest: it makes no sense as it is; ``param`` names the place.
    """
    rest = members_of(document)
    model = require_model(rest)
    messages = take_list(rest, "messages")
    if not messages:
        raise missing("messages", "'messages' is missing or empty.", "Send at least one message.")
    told = dict(rest)
    stream, wants_usage = take_stream(rest)
    settings = take_settings(rest)
    tools, functions = take_list(rest, "tools") or [], take_list(rest, "functions") or []
    if functions and settings["parallel_tools"] is None:
        # The older form has room for one call.
        settings["parallel_tools"] = False
    request = ChatRequest(
        wire=WIRE,
        model=model,
        messages=read_messages(messages),
        stream=stream,
        wants_usage=wants_usage,
        tools=_read_tools(tools, functions),
        tool_choice=take_choice(rest),
        output=take_output(rest),
        reasoning=take_thinking(rest),
        legacy=bool(functions) and not tools,
        extra=rest,
        **settings,
    )
    other = spelling(told, _members(request))
    return msgspec.structs.replace(request, spelled=other) if other else request


def _read_tools(tools: list[Any], functions: list[Any]) -> tuple[Tool, ...]:
    read = [read_tool(tool, f"tools[{at}]") for at, tool in enumerate(tools)]
    for at, function in enumerate(functions):
        if not isinstance(function, dict):
            raise wrong_type(f"functions[{at}]", "an object")
        read.append(read_function(function, f"functions[{at}]."))
    return tuple(read)


def write_own(request: Request, model: str) -> Document:
    """A request of this wire as it came, under the provider's own name of the model."""
    members = _members(request)
    if isinstance(request, ChatRequest):
        members = respelled(members, request.spelled)
    messages = [write_message(message) for message in request.messages]
    return {"model": model, "messages": messages, **members}


def _members(request: Request) -> Document:
    """All members but the model and the messages, in the spelling that is usual now."""
    document = write_settings(request)
    if request.tools:
        document["tools"] = [write_tool(tool) for tool in request.tools]
    if request.tool_choice is not None:
        document["tool_choice"] = write_choice(request.tool_choice, request)
    if request.output is not None:
        document["response_format"] = write_output(request.output)
    if request.reasoning is not None and request.reasoning.effort is not None:
        document["reasoning_effort"] = request.reasoning.effort
    if request.stream:
        document["stream"] = True
        if request.wants_usage:
            document["stream_options"] = {"include_usage": True}
    return {**document, **request.extra}
