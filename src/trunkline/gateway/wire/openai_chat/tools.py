"""Tools and the choice among them, as chats tell them.

Source: the types of OpenAI's own SDK.
"""

from typing import Any, Final

from trunkline.gateway.exchange.parts import Document
from trunkline.gateway.exchange.request import Request, Tool, ToolChoice
from trunkline.gateway.wire.documents import (
    members_of,
    take_flag,
    take_object,
    take_text,
    wrong_type,
)
from trunkline.gateway.wire.openai_chat.request import WIRE
from trunkline.gateway.wire.openai_family.sources import take_mark, write_mark

_KINDS: Final = ("function", "custom")
_NARROWED: Final = ("auto", "required")
_MODES: Final = {"auto": "auto", "none": "none", "required": "required", "any": "required"}


def read_tool(told: Any, where: str) -> Tool:
    """A tool of a request; one of a kind that we do not know is kept as it is.

    Raises:
        InvalidRequest: it is no object, or a function without a name.
    """
    if not isinstance(told, dict):
        raise wrong_type(where, "an object")
    kind = told.get("type", "function")
    inner = told.get(kind) if isinstance(kind, str) else None
    if kind not in _KINDS or (inner is None and "name" in told):
        name = told.get("name") or kind
        return Tool(name if isinstance(name, str) else "", "server", native=told, wire=WIRE)
    if not isinstance(inner, dict):
        raise wrong_type(f"{where}.{kind}", "an object")
    rest = members_of(told)
    rest.pop("type", None)
    del rest[kind]
    if kind == "custom":
        return _read_custom(inner, rest, f"{where}.custom.")
    return _with_rest(read_function(inner, f"{where}.function."), rest, "function")


def read_function(told: Document, where: str) -> Tool:
    """A function, as it stands in a tool and in the older ``functions``."""
    left = members_of(told)
    name = take_text(left, "name", where)
    if not name:
        raise wrong_type(f"{where}name", "a string")
    return Tool(
        name,
        description=take_text(left, "description", where),
        schema=take_object(left, "parameters", where),
        strict=take_flag(left, "strict", where),
        extra=left,
    )


def _read_custom(inner: Document, rest: Document, where: str) -> Tool:
    left = members_of(inner)
    name = take_text(left, "name", where)
    if not name:
        raise wrong_type(f"{where}name", "a string")
    form = left.pop("format", None)
    tool = Tool(
        name,
        "custom",
        description=take_text(left, "description", where),
        native=None if form is None else {"format": form},
        wire=WIRE,
        extra=left,
    )
    return _with_rest(tool, rest, "custom")


def _with_rest(tool: Tool, rest: Document, inner: str) -> Tool:
    """The tool with what stands beside its function; what stands in it lies one level down."""
    mark = take_mark(rest)
    if tool.extra:
        rest[inner] = tool.extra
    return Tool(
        tool.name,
        tool.kind,
        tool.description,
        tool.schema,
        tool.strict,
        tool.native,
        tool.wire,
        mark,
        rest,
    )


def write_tool(tool: Tool) -> Document:
    """A tool of this wire."""
    if tool.kind == "server":
        native: Document = tool.native
        return native
    extra = dict(tool.extra)
    inner: Document = {"name": tool.name}
    if tool.description is not None:
        inner["description"] = tool.description
    if tool.kind == "custom":
        if tool.native is not None:
            inner |= tool.native
    else:
        if tool.schema is not None:
            inner["parameters"] = tool.schema
        if tool.strict is not None:
            inner["strict"] = tool.strict
    left: Document = extra.pop(tool.kind, {})
    document: Document = {"type": tool.kind, tool.kind: {**inner, **left}, **extra}
    if tool.cache is not None:
        document["cache_control"] = write_mark(tool.cache)
    return document


def take_choice(rest: Document) -> ToolChoice | None:
    """Take the choice among tools out of a request; what we do not know stays there."""
    name = "tool_choice" if "tool_choice" in rest else "function_call"
    choice = _read_choice(rest.get(name))
    if choice is not None:
        del rest[name]
    return choice


def _read_choice(told: Any) -> ToolChoice | None:
    if isinstance(told, str):
        mode = _MODES.get(told)
        return None if mode is None else ToolChoice(mode)  # type: ignore[arg-type] # The table has the modes.
    if not isinstance(told, dict):
        return None
    kind = told.get("type")
    if kind == "allowed_tools":
        return _read_allowed(told.get("allowed_tools"))
    inner = told if kind is None else told.get(kind) if isinstance(kind, str) else None
    name = inner.get("name") if isinstance(inner, dict) else None
    return ToolChoice("required", (name,)) if isinstance(name, str) else None


def _read_allowed(told: Any) -> ToolChoice | None:
    if not isinstance(told, dict) or told.get("mode") not in _NARROWED:
        return None
    tools = told.get("tools")
    names = [_name_of(tool) for tool in tools] if isinstance(tools, list) else []
    if not names or not all(names):
        return None
    return ToolChoice(told["mode"], tuple(str(name) for name in names))


def _name_of(tool: Any) -> str | None:
    kind = tool.get("type") if isinstance(tool, dict) else None
    inner = tool.get(kind) if isinstance(kind, str) else None
    name = inner.get("name") if isinstance(inner, dict) else None
    return name if isinstance(name, str) else None


def write_choice(choice: ToolChoice, request: Request, required: str = "required") -> Any:
    """The choice in this wire, with a provider's word for "a tool must be called"."""
    if choice.mode == "required" and len(choice.names) == 1:
        name = choice.names[0]
        kinds = {tool.name: tool.kind for tool in request.tools}
        kind = "custom" if kinds.get(name) == "custom" else "function"
        return {"type": kind, kind: {"name": name}}
    return required if choice.mode == "required" else choice.mode
