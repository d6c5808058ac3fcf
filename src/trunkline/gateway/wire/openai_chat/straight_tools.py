"""Tools of the Responses API and of Anthropic's, which name themselves without an inner object."""

from typing import Any

import msgspec

from trunkline.gateway.exchange.parts import Document

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder().decode


def straighten_tools(fields: dict[str, msgspec.Raw]) -> None:
    """Make tools and the choice among them those of a chat, where they can be nothing else."""
    tools = _decode(fields["tools"])
    if isinstance(tools, list) and any(_is_flat(tool) for tool in tools):
        straight = [_straight_tool(tool) if _is_flat(tool) else tool for tool in tools]
        fields["tools"] = msgspec.Raw(_encode(straight))
    choice = _decode(fields.get("tool_choice", b"null"))
    if not isinstance(choice, dict):
        return
    told = _straight_choice(choice)
    if told is not None:
        fields["tool_choice"] = msgspec.Raw(_encode(told))


def _is_flat(tool: Any) -> bool:
    """Whether it is a tool of one of the other two APIs and can be nothing else."""
    if not isinstance(tool, dict) or not isinstance(tool.get("name"), str):
        return False
    kind = tool.get("type")
    if kind is None:
        return isinstance(tool.get("input_schema"), dict)
    return kind in ("function", "custom") and kind not in tool


def _straight_tool(tool: Document) -> Document:
    kind = tool.get("type", "function")
    if kind == "custom" and "input_schema" in tool:
        kind = "function"
    inner = {name: value for name, value in tool.items() if name not in ("type", "cache_control")}
    if "input_schema" in inner:
        inner["parameters"] = inner.pop("input_schema")
    straight: Document = {"type": kind, kind: inner}
    if "cache_control" in tool:
        straight["cache_control"] = tool["cache_control"]
    return straight


def _straight_choice(choice: Document) -> Any:
    kind, name = choice.get("type"), choice.get("name")
    if kind in ("function", "custom", "tool") and kind not in choice and isinstance(name, str):
        inner = "function" if kind == "tool" else str(kind)
        return {"type": inner, inner: {"name": name}}
    if kind == "any":
        return "required"
    return kind if kind in ("auto", "none", "required") else None
