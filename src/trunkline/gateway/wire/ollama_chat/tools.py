"""Tools of ``/api/chat``: functions, in the shape of chat completions."""

from typing import Any, Final

import msgspec

from trunkline.gateway.exchange.losses import Losses
from trunkline.gateway.exchange.parts import Document
from trunkline.gateway.exchange.request import Request, Tool
from trunkline.gateway.wire.documents import members_of, note_extras, wrong_type
from trunkline.gateway.wire.ollama_family.request import CHAT_NAME

_ONLY_FUNCTIONS: Final = "the provider's API has only functions"
_NO_STRICTNESS: Final = "the provider's API has no strict tools"
_NO_MARKS: Final = "the provider's API has no cache marks"
_WITHOUT_ARGUMENTS: Final[Document] = {"type": "object", "properties": {}}


class OllamaTool(Tool, frozen=True):
    """A function with its spelling; ``plain`` is as for ``OllamaRequest``."""

    plain: Document = msgspec.field(default_factory=dict)


def read_tool(value: Any, number: int) -> Tool:
    """A tool; one that is no function with a name is kept as it is, for Ollama to judge.

    Raises:
        InvalidRequest: it is no object.
    """
    if not isinstance(value, dict):
        raise wrong_type(f"tools[{number}]", "an object")
    rest = members_of(value)
    function = rest.pop("function", None)
    name = function.get("name") if isinstance(function, dict) else None
    if not isinstance(name, str) or rest.get("type", "function") != "function":
        return Tool("", kind="server", native=value, wire=CHAT_NAME)
    inner = members_of(function)
    del inner["name"]
    plain = {"type": rest.pop("type")} if "type" in rest else {}
    description = _taken(inner, "description", str)
    schema = _taken(inner, "parameters", dict)
    strict = _taken(inner, "strict", bool)
    if inner:
        rest["function"] = inner
    return OllamaTool(
        name, description=description, schema=schema, strict=strict, extra=rest, plain=plain
    )


def _taken(members: Document, name: str, kind: type) -> Any:
    """The member if it is of this type; otherwise it stays where it is."""
    return members.pop(name) if isinstance(members.get(name), kind) else None


def write_tools(request: Request, losses: Losses) -> list[Document]:
    """The functions, unless none may be called: then a model that sees none calls none."""
    own = request.wire == CHAT_NAME
    if not own and request.tool_choice is not None and request.tool_choice.mode == "none":
        return []
    written = []
    for tool in request.tools:
        if own and tool.kind == "server":
            written.append(tool.native)
        elif tool.kind != "function":
            losses.lose(tool.name or "tools", _ONLY_FUNCTIONS)
        elif own and isinstance(tool, OllamaTool):
            written.append(_own(tool))
        else:
            written.append(_foreign(tool, losses))
    return written


def _own(tool: OllamaTool) -> Document:
    function = _function(tool)
    if tool.strict is not None:
        function["strict"] = tool.strict
    extra = dict(tool.extra)
    function |= extra.pop("function", {})
    return {**tool.plain, "function": function, **extra}


def _foreign(tool: Tool, losses: Losses) -> Document:
    if tool.strict:
        losses.lose("strict", _NO_STRICTNESS)
    if tool.cache is not None:
        losses.lose("cache_control", _NO_MARKS)
    note_extras(tool.extra, losses)
    return {"type": "function", "function": {"parameters": _WITHOUT_ARGUMENTS, **_function(tool)}}


def _function(tool: Tool) -> Document:
    function: Document = {"name": tool.name}
    if tool.description is not None:
        function["description"] = tool.description
    if tool.schema is not None:
        function["parameters"] = tool.schema
    return function


def read_tools(values: list[Any] | None) -> tuple[Tool, ...]:
    """All tools of a request.

    Raises:
        InvalidRequest: one of them is no object.
    """
    return tuple(read_tool(value, number) for number, value in enumerate(values or ()))
