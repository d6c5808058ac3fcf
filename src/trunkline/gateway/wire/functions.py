"""Functions and their calls in the shape of chat completions, which other formats took over."""

from typing import Any

from trunkline.gateway.exchange.parts import Document, ToolCall
from trunkline.gateway.exchange.request import Tool
from trunkline.gateway.wire.documents import (
    arguments_object,
    arguments_text,
    members_of,
    wrong_type,
)
from trunkline.gateway.wire.spelling import SpelledTool

# As much of a request's id as keeps a tool call's id within the 40 letters that OpenAI takes.
_SEED_LETTERS = 24

# What a call says besides its function's name and arguments without asking for anything.
_SPELLING = ("id", "type")


def call_id(seed: str, number: int) -> str:
    """An id for the call of this number in the answer of this seed, where the provider has none."""
    return f"call_{seed[-_SEED_LETTERS:]}_{number}"


def read_tools(values: list[Any] | None, wire: str) -> tuple[Tool, ...]:
    """All tools of a request.

    Raises:
        InvalidRequest: one of them is no object.
    """
    return tuple(_read_tool(value, n, wire) for n, value in enumerate(values or ()))


def _read_tool(value: Any, number: int, wire: str) -> Tool:
    """A tool; one that is no function with a name is kept as it is, for the provider to judge."""
    if not isinstance(value, dict):
        raise wrong_type(f"tools[{number}]", "an object")
    rest = members_of(value)
    function = rest.pop("function", None)
    name = function.get("name") if isinstance(function, dict) else None
    if not isinstance(name, str) or rest.get("type", "function") != "function":
        return Tool("", kind="server", native=value, wire=wire)
    inner = members_of(function)
    del inner["name"]
    plain = {"type": rest.pop("type")} if "type" in rest else {}
    description = _taken(inner, "description", str)
    schema = _taken(inner, "parameters", dict)
    strict = _taken(inner, "strict", bool)
    if inner:
        rest["function"] = inner
    return SpelledTool(
        name, description=description, schema=schema, strict=strict, extra=rest, plain=plain
    )


def _taken(members: Document, name: str, kind: type) -> Any:
    """The member if it is of this type; otherwise it stays where it is."""
    return members.pop(name) if isinstance(members.get(name), kind) else None


def tool_back(tool: Tool) -> Document:
    """A tool of the caller's own wire, as it came."""
    if tool.kind == "server":
        native: Document = tool.native
        return native
    function = function_of(tool)
    if tool.strict is not None and not (isinstance(tool, SpelledTool) and tool.strict_with_all):
        function["strict"] = tool.strict
    extra = dict(tool.extra)
    function |= extra.pop("function", {})
    plain = tool.plain if isinstance(tool, SpelledTool) else {"type": "function"}
    return {**plain, "function": function, **extra}


def function_of(tool: Tool) -> Document:
    """The function of a tool: its name, and its description and schema where it has any."""
    function: Document = {"name": tool.name}
    if tool.description is not None:
        function["description"] = tool.description
    if tool.schema is not None:
        function["parameters"] = tool.schema
    return function


def read_call(value: Any, where: str, made_id: str, *, text: bool) -> tuple[ToolCall, Document]:
    """A call of a caller's history, and how it is spelled.

    Args:
        value: the call as decoded JSON.
        where: its place in the request, for errors.
        made_id: its id where it has none.
        text: whether the wire has the arguments as JSON text rather than as an object.

    Raises:
        InvalidRequest: it names no function.
    """
    rest = members_of(value) if isinstance(value, dict) else {}
    function = rest.pop("function", None)
    if not isinstance(function, dict) or not isinstance(function.get("name"), str):
        raise wrong_type(f"{where}.function.name", "a string")
    told = rest.get("id")
    spelling = {name: rest.pop(name) for name in _SPELLING if isinstance(rest.get(name), str)}
    inner = members_of(function)
    name, arguments = inner.pop("name"), inner.pop("arguments", None)
    read = arguments_text(arguments)
    usual = arguments == read if text else isinstance(arguments, dict)
    if not usual:
        # There are none, or they are spelled as in another API, which the provider may refuse.
        inner["arguments"] = arguments
    if inner:
        spelling["function"] = inner
    found = told if isinstance(told, str) and told else made_id
    return ToolCall(found, name, read, extra=rest), spelling


def calls_back(
    calls: list[ToolCall], spelled: tuple[Document, ...], *, text: bool
) -> list[Document]:
    """The calls of a message of the caller's own wire, as they came; ``text`` as when read."""
    spellings = (*spelled, *[{}] * len(calls))
    return [_call_back(*pair, text=text) for pair in zip(calls, spellings, strict=False)]


def _call_back(call: ToolCall, spelling: Document, *, text: bool) -> Document:
    inner = dict(spelling.get("function", {}))
    if "arguments" in inner and arguments_text(inner["arguments"]) != call.arguments:
        # Somebody has changed them since they were read.
        del inner["arguments"]
    arguments = call.arguments if text else arguments_object(call.arguments)
    function = {"name": call.name, "arguments": arguments, **inner}
    return {**spelling, "function": function, **call.extra}
