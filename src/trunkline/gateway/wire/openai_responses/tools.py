"""Tools and the choice of them, read and written back as they came.

Coding tools give some of their tools inside of others: in a namespace, or in an item of the input.
Those get a name of their own, by which any model can call them; see ``InnerTool``.
"""

import hashlib
from typing import Any, Final, NamedTuple

import msgspec

from trunkline.gateway.exchange.parts import Document
from trunkline.gateway.exchange.request import Tool, ToolChoice
from trunkline.gateway.wire.documents import members_of, wrong_type
from trunkline.gateway.wire.openai_family.spelling import respelled, spelling
from trunkline.gateway.wire.openai_responses.form import InnerTool
from trunkline.gateway.wire.openai_responses.names import WIRE
from trunkline.gateway.wire.spelling import SpelledTool

_JOINT: Final = "__"
# As many letters as the providers' APIs take in the name of a function.
_LONGEST_NAME: Final = 64
_DIGEST_LETTERS: Final = 12
# Tuples, since what is looked for in them may be of any type.
_NAMED: Final = ("function", "custom")


def flat_name(namespace: Any, name: str) -> str:
    """The name by which a tool of a namespace is known elsewhere; the same for the same two."""
    if not isinstance(namespace, str) or not namespace:
        return name
    joint = "" if namespace.endswith(_JOINT) else _JOINT
    flat = f"{namespace}{joint}{name}"
    if len(flat) <= _LONGEST_NAME:
        return flat
    digest = hashlib.sha256(flat.encode("utf-8", "surrogatepass")).hexdigest()[:_DIGEST_LETTERS]
    return f"{flat[: _LONGEST_NAME - _DIGEST_LETTERS - 1]}_{digest}"


def read_tools(values: list[Any], where: str) -> list[Tool]:
    """Tools as a request lists them.

    Raises:
        InvalidRequest: one of them is no object.
    """
    tools: list[Tool] = []
    for number, value in enumerate(values):
        if not isinstance(value, dict):
            raise wrong_type(f"{where}[{number}]", "an object")
        inner = value.get("tools")
        if value.get("type") == "namespace" and isinstance(inner, list):
            tools += _read_namespace(value, inner)
        else:
            tools.append(_read_tool(value))
    return tools


def inner_tools(values: list[Any]) -> list[Tool]:
    """Tools that are written back with the item that they came in."""
    tools = read_tools([value for value in values if isinstance(value, dict)], "tools")
    return [_inside(tool) for tool in tools]


def _inside(tool: Tool) -> Tool:
    if isinstance(tool, InnerTool):
        return msgspec.structs.replace(tool, whole=None)
    return _inner(tool, None, tool.name)


def _read_namespace(value: Document, inner: list[Any]) -> list[Tool]:
    namespace = value.get("name")
    tools: list[Tool] = []
    for tool in map(_read_tool, [one for one in inner if isinstance(one, dict)]):
        found = _inner(tool, namespace if isinstance(namespace, str) else None, tool.name)
        tools.append(msgspec.structs.replace(found, whole=None if tools else value))
    return tools or [_server(value)]


def _inner(tool: Tool, namespace: str | None, name: str) -> InnerTool:
    return InnerTool(
        flat_name(namespace, name),
        tool.kind,
        tool.description,
        tool.schema,
        tool.strict,
        tool.native,
        tool.wire,
        extra=tool.extra,
        namespace=namespace,
        inner=name,
    )


def _server(value: Document) -> Tool:
    name = value.get("name") or value.get("type")
    return Tool(name if isinstance(name, str) else "", "server", native=value, wire=WIRE)


def _read_tool(value: Document) -> Tool:
    """One tool; one that runs at the provider, or that has no name, is kept as it is."""
    kind = value.get("type")
    if kind == "custom" and isinstance(value.get("name"), str):
        return _read_custom(value)
    if kind is not None and kind != "function":
        return _server(value)
    # Some clients send the shape of chat completions here.
    nested = value.get("function")
    rest = members_of(nested if isinstance(nested, dict) else value)
    rest.pop("type", None)
    name = rest.pop("name", None)
    if not isinstance(name, str):
        return _server(value)
    tool = SpelledTool(
        name,
        description=_taken(rest, "description", str),
        schema=_taken(rest, "parameters", dict),
        strict=_taken(rest, "strict", bool),
        extra=_asking(rest),
    )
    return _spelled(tool, value)


def _read_custom(value: Document) -> Tool:
    rest = members_of(value)
    for name in ("type", "name"):
        del rest[name]
    form = rest.pop("format", None)
    tool = SpelledTool(
        value["name"],
        "custom",
        description=_taken(rest, "description", str),
        native=None if form is None else {"format": form},
        wire=WIRE,
        extra=_asking(rest),
    )
    return _spelled(tool, value)


def _taken(members: Document, name: str, kind: type) -> Any:
    """The member if it is of this type; otherwise it stays where it is."""
    return members.pop(name) if isinstance(members.get(name), kind) else None


def _asking(rest: Document) -> Document:
    """Members that ask for something; what is false or empty does not."""
    return {name: value for name, value in rest.items() if value}


def _spelled(tool: SpelledTool, value: Document) -> Tool:
    plain = spelling(value, write_tool(tool))
    return msgspec.structs.replace(tool, plain=plain) if plain else tool


def write_tool(tool: Tool) -> Document:
    """A tool in the spelling that is usual."""
    document: Document = {"type": tool.kind, "name": tool.name}
    if tool.description is not None:
        document["description"] = tool.description
    if tool.kind == "custom":
        document |= tool.native or {}
    elif tool.schema is not None:
        document["parameters"] = tool.schema
    if tool.strict is not None:
        document["strict"] = tool.strict
    return {**document, **tool.extra}


def tools_back(tools: tuple[Tool, ...]) -> list[Document]:
    """The tools of a request as they came."""
    documents: list[Document] = []
    for tool in tools:
        if isinstance(tool, InnerTool):
            if tool.whole is not None:
                documents.append(tool.whole)
        elif tool.kind == "server":
            documents.append(tool.native)
        elif isinstance(tool, SpelledTool):
            documents.append(respelled(write_tool(tool), tool.plain))
        else:
            documents.append(write_tool(tool))
    return documents


class Called(NamedTuple):
    """How a caller of this wire knows a tool that its model called."""

    name: str
    namespace: str | None = None
    custom: bool = False


def callable_tools(tools: tuple[Tool, ...]) -> dict[str, Called]:
    """The tools that are not simply functions under their own names, by what the model says."""
    known: dict[str, Called] = {}
    for tool in tools:
        custom = tool.kind == "custom"
        if isinstance(tool, InnerTool) and tool.namespace is not None:
            known[tool.name] = Called(tool.inner, tool.namespace, custom)
        elif custom:
            known[tool.name] = Called(tool.name, custom=True)
    return known


def read_choice(value: Any) -> ToolChoice | None:
    """The choice, or None for one that we do not know."""
    if isinstance(value, str):
        return _by_mode(value)
    if not isinstance(value, dict):
        return None
    kind, name = value.get("type"), value.get("name")
    if kind in _NAMED and isinstance(name, str):
        return ToolChoice("required", (flat_name(value.get("namespace"), name),))
    allowed = value.get("tools")
    if kind != "allowed_tools" or not isinstance(allowed, list):
        return None
    names = [one.get("name") for one in allowed if isinstance(one, dict)]
    chosen = _by_mode(value.get("mode", "auto"))
    if chosen is None or not all(isinstance(name, str) for name in names):
        return None
    return ToolChoice(chosen.mode, tuple(str(name) for name in names))


def _by_mode(word: Any) -> ToolChoice | None:
    match word:
        case "auto" | "none" | "required":
            return ToolChoice(word)
        case _:
            return None


def write_choice(choice: ToolChoice, tools: tuple[Tool, ...]) -> str | Document:
    """The member ``tool_choice``."""
    if not choice.names:
        return choice.mode
    kinds = {tool.name: tool.kind for tool in tools}
    named = [
        {"type": "custom" if kinds.get(name) == "custom" else "function", "name": name}
        for name in choice.names
    ]
    if choice.mode == "required" and len(named) == 1:
        return dict(named[0])
    return {"type": "allowed_tools", "mode": choice.mode, "tools": named}
