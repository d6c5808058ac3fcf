"""Tools of another wire's request, and the choice among them."""

from typing import Any

from trunkline.gateway.exchange.destination import Quirks
from trunkline.gateway.exchange.losses import Losses
from trunkline.gateway.exchange.parts import Document
from trunkline.gateway.exchange.request import Request, Tool
from trunkline.gateway.wire.documents import note_extras
from trunkline.gateway.wire.openai_chat.tools import write_choice
from trunkline.gateway.wire.openai_family.custom import SCHEMA
from trunkline.gateway.wire.openai_family.sources import write_mark


def write_tools(request: Request, quirks: Quirks, losses: Losses) -> Document:
    """The members ``tools``, ``tool_choice`` and ``parallel_tool_calls``.

    A choice of several tools is written by leaving the others out, which every server understands.
    """
    choice = request.tool_choice
    only = choice.names if choice is not None else ()
    tools = []
    for tool in request.tools:
        if tool.kind == "server":
            losses.lose(tool.name or "tools", "only the API that it came by knows this tool")
        elif not only or tool.name in only:
            tools.append(_write_tool(tool, quirks, losses))
    if not tools:
        return {}
    document: Document = {"tools": tools}
    if choice is not None:
        document["tool_choice"] = _choice(request, quirks)
    if request.parallel_tools is not None:
        document["parallel_tool_calls"] = request.parallel_tools
    return document


def _choice(request: Request, quirks: Quirks) -> Any:
    choice = request.tool_choice
    if choice is None:
        raise AssertionError("there is no choice to be written")
    told = write_choice(choice, request, quirks.required_word)
    if isinstance(told, dict) and told["type"] == "custom" and not quirks.developer_role:
        return {"type": "function", "function": told["custom"]}
    return told


def _write_tool(tool: Tool, quirks: Quirks, losses: Losses) -> Document:
    note_extras(tool.extra, losses)
    inner: Document = {"name": tool.name}
    if tool.description is not None:
        inner["description"] = tool.description
    kind = "function"
    if tool.kind == "custom":
        # Only OpenAI itself has tools that take free text.
        if quirks.developer_role:
            kind = "custom"
            inner |= _format(tool)
        else:
            inner["parameters"] = dict(SCHEMA)
            if tool.native:
                losses.lose("tools.format", "the provider's tools have no grammar for their text")
    else:
        if tool.schema is not None:
            inner["parameters"] = tool.schema
        if tool.strict is not None:
            inner["strict"] = tool.strict
    document: Document = {"type": kind, kind: inner}
    if tool.cache is not None:
        if "cache_control" in quirks.takes:
            document["cache_control"] = write_mark(tool.cache)
        else:
            losses.lose("cache_control", "the provider's API has no cache marks")
    return document


def _format(tool: Tool) -> Document:
    """The grammar of a custom tool; the Responses API tells it without the inner object."""
    form = tool.native.get("format") if isinstance(tool.native, dict) else None
    if not isinstance(form, dict):
        return {}
    if form.get("type") == "grammar" and "grammar" not in form:
        grammar = {name: value for name, value in form.items() if name != "type"}
        return {"format": {"type": "grammar", "grammar": grammar}}
    return {"format": form}
