"""Tools and whether they must be called, read and written back."""

from typing import Any, Final, Literal

from trunkline.errors import InvalidRequest
from trunkline.gateway.exchange.parts import Document
from trunkline.gateway.exchange.request import Tool, ToolChoice
from trunkline.gateway.wire.documents import are_texts, members_of, take_list, wrong_type
from trunkline.gateway.wire.gemini.own import WIRE, OwnChoice, OwnTool, overridden
from trunkline.gateway.wire.gemini.schemas import json_schema

_DECLARED: Final = "functionDeclarations"
_CALLING: Final = "functionCallingConfig"
_MODES: Final[dict[str, Literal["auto", "required", "none"]]] = {
    "AUTO": "auto",
    "ANY": "required",
    "NONE": "none",
    # The model may answer in words or call, and its calls follow their schemas.
    "VALIDATED": "auto",
    "MODE_UNSPECIFIED": "auto",
}
_WORDS: Final = {"auto": "AUTO", "required": "ANY", "none": "NONE"}


def read_tools(rest: Document, own: Document) -> tuple[Tool, ...]:
    """The tools; a list that cannot be told from them is kept in ``own``.

    Raises:
        InvalidRequest: one of them is no object, or a function has no name.
    """
    groups = take_list(rest, "tools")
    tools: list[Tool] = []
    for number, group in enumerate(groups or ()):
        where = f"tools[{number}]"
        if not isinstance(group, dict):
            raise wrong_type(where, "an object")
        found = _read_group(members_of(group), number, where)
        if not found or group.get(_DECLARED) == []:
            own["tools"] = groups
        tools += found
    if groups == []:
        own["tools"] = groups
    return tuple(tools)


def _read_group(group: Document, number: int, where: str) -> list[Tool]:
    declared = take_list(group, _DECLARED, f"{where}.") or ()
    tools = [_read_function(one, number, where) for one in declared]
    return tools + [
        OwnTool(name, "server", native={name: value}, wire=WIRE, group=number)
        for name, value in group.items()
    ]


def _read_function(value: Any, number: int, where: str) -> Tool:
    rest = members_of(value) if isinstance(value, dict) else {}
    name = rest.pop("name", None)
    if not isinstance(name, str):
        raise wrong_type(f"{where}.{_DECLARED}.name", "a string")
    own: Document = {}
    schema = rest.get("parametersJsonSchema")
    if isinstance(schema, dict):
        del rest["parametersJsonSchema"]
    else:
        schema = None
        googles = rest.get("parameters")
        if isinstance(googles, dict) and "parametersJsonSchema" not in rest:
            own = {"parametersJsonSchema": None, "parameters": rest.pop("parameters")}
            schema = _converted(googles)
    description = rest.pop("description") if isinstance(rest.get("description"), str) else None
    return OwnTool(name, description=description, schema=schema, extra=rest, own=own, group=number)


def _converted(schema: Document) -> Document:
    try:
        return json_schema(schema)
    except RecursionError:
        raise InvalidRequest(
            "A schema is nested too deeply to be read.",
            code="too_deeply_nested",
            hint="Flatten the schema.",
        ) from None


def tools_back(tools: tuple[Tool, ...]) -> list[Document]:
    """The tools of a request that came by this wire, grouped as they came."""
    groups: dict[int, Document] = {}
    for tool in tools:
        group = groups.setdefault(tool.group if isinstance(tool, OwnTool) else -1, {})
        if tool.kind == "server":
            group.update(tool.native)
        else:
            group.setdefault(_DECLARED, []).append(_function_back(tool))
    return list(groups.values())


def _function_back(tool: Tool) -> Document:
    document = declared(tool)
    if isinstance(tool, OwnTool):
        document = overridden(document, tool.own)
    document.update(tool.extra)
    return document


def declared(tool: Tool) -> Document:
    """A function's declaration."""
    document: Document = {"name": tool.name}
    if tool.description is not None:
        document["description"] = tool.description
    if tool.schema is not None:
        document["parametersJsonSchema"] = tool.schema
    return document


def read_choice(rest: Document) -> ToolChoice | None:
    """What ``toolConfig`` says of calling; what else it says stays."""
    config = rest.get("toolConfig")
    if not isinstance(config, dict) or not isinstance(config.get(_CALLING), dict):
        return None
    calling = members_of(config[_CALLING])
    word, names = calling.pop("mode", None), calling.pop("allowedFunctionNames", None)
    mode = _MODES.get(word.upper()) if isinstance(word, str) else "auto" if word is None else None
    if mode is None or not (names is None or (isinstance(names, list) and are_texts(names))):
        return None
    own: Document = {} if word == _WORDS[mode] else {"mode": word}
    if names == []:
        own["allowedFunctionNames"] = names
    left = {name: one for name, one in config.items() if name != _CALLING and one is not None}
    if left:
        rest["toolConfig"] = left
    else:
        del rest["toolConfig"]
    return OwnChoice(mode, tuple(names or ()), extra=calling, own=own)


def calling_config(choice: ToolChoice) -> Document:
    """The value of ``functionCallingConfig``."""
    document: Document = {"mode": _WORDS[choice.mode]}
    if choice.names:
        document["allowedFunctionNames"] = list(choice.names)
    if isinstance(choice, OwnChoice):
        document = overridden(document, choice.own)
        document.update(choice.extra)
    return document
