"""The tools of a Responses request, and which of them the model may or must call."""

from collections.abc import Sequence
from typing import Any, Literal

import msgspec

from trunkline.simulator.openai.items import check_name
from trunkline.simulator.openai.strict import strict_problem
from trunkline.simulator.openai.wire import invalid
from trunkline.simulator.question import Tool
from trunkline.simulator.reading import decode

_HOSTED = (
    "apply_patch",
    "code_interpreter",
    "computer",
    "computer_use_preview",
    "file_search",
    "image_generation",
    "local_shell",
    "mcp",
    "namespace",
    "shell",
    "tool_search",
    "web_search",
    "web_search_preview",
)
"""Tools that OpenAI runs itself: they are accepted, and the model never uses them."""

_MODES = ("none", "auto", "required")


class _Kind(msgspec.Struct):
    type: str
    name: str | None = None


class _Function(msgspec.Struct, forbid_unknown_fields=True):
    type: Literal["function"]
    name: str
    parameters: dict[str, Any] | None = None
    strict: bool | None = None
    description: str | None = None
    defer_loading: bool | None = None


class _Custom(msgspec.Struct, forbid_unknown_fields=True):
    type: Literal["custom"]
    name: str
    description: str | None = None
    format: dict[str, Any] | None = None
    defer_loading: bool | None = None


class _Choice(msgspec.Struct):
    type: str
    name: str | None = None
    mode: Literal["auto", "required"] = "auto"
    tools: list[dict[str, Any]] = []


class Offered(msgspec.Struct, frozen=True):
    """The tools that a request offers.

    Attributes:
        tools: what may be called.
        shown: all of them, as the response repeats them.
    """

    tools: tuple[Tool, ...]
    shown: tuple[dict[str, Any], ...]


def read_tools(raws: Sequence[msgspec.Raw]) -> Offered:
    """The tools of a request.

    Raises:
        Refusal: with the place of the tool that is wrong.
    """
    tools, shown = [], []
    for number, raw in enumerate(raws):
        place = f"tools[{number}]"
        kind = decode(raw, _Kind, invalid, inside=place)
        if kind.type not in _HOSTED:
            tool, document = _own(raw, kind, place)
            tools.append(tool)
        else:
            document = msgspec.json.decode(raw)
        shown.append(document)
    return Offered(tuple(tools), tuple(shown))


def read_choice(choice: str | dict[str, Any] | None, offered: Offered) -> tuple[str, Offered]:
    """How tools are to be used, in the words of a question, and the tools that are left for it.

    Raises:
        Refusal: nobody knows such a choice, or it names a tool that is not there.
    """
    if choice is None:
        return "auto", offered
    if isinstance(choice, str):
        return _mode(choice, offered), offered
    wanted = decode(msgspec.json.encode(choice), _Choice, invalid, inside="tool_choice")
    if wanted.type == "allowed_tools":
        return _allowed(wanted, offered)
    if wanted.type in _HOSTED:
        return "auto", offered
    if wanted.type not in {"function", "custom"}:
        raise invalid(f"Invalid value: '{wanted.type}'.", "tool_choice.type", "invalid_value")
    if wanted.name is None:
        raise _missing("tool_choice.name")
    if wanted.name not in {tool.name for tool in offered.tools}:
        raise invalid(f"Tool choice '{wanted.name}' not found in 'tools' parameter.", "tool_choice")
    return f"={wanted.name}", offered


def _own(raw: msgspec.Raw, kind: _Kind, place: str) -> tuple[Tool, dict[str, Any]]:
    """A tool that the client runs."""
    if kind.type not in {"function", "custom"}:
        known = ", ".join(f"'{name}'" for name in ("function", "custom", *_HOSTED))
        raise invalid(
            f"Invalid value: '{kind.type}'. Supported values are: {known}.", place, "invalid_value"
        )
    if kind.name is None:
        # Chat's tools keep their name one level deeper, which is what this is mostly about.
        raise _missing(f"{place}.name")
    check_name(kind.name, f"{place}.name")
    if kind.type == "custom":
        custom = decode(raw, _Custom, invalid, inside=place)
        return Tool(custom.name, freeform=True), _custom_document(custom)
    function = decode(raw, _Function, invalid, inside=place)
    problem = strict_problem(function.parameters)
    if function.strict and problem:
        raise invalid(
            f"Invalid schema for function '{function.name}': {problem}",
            f"{place}.parameters",
            "invalid_function_parameters",
        )
    return Tool(function.name, function.parameters or {}), _function_document(function, problem)


def _function_document(function: _Function, problem: str | None) -> dict[str, Any]:
    """Without a word about ``strict`` OpenAI is strict where the schema lets it."""
    return {
        "type": "function",
        "description": function.description,
        "name": function.name,
        "parameters": function.parameters,
        "strict": problem is None if function.strict is None else function.strict,
    }


def _custom_document(custom: _Custom) -> dict[str, Any]:
    return {
        "type": "custom",
        "description": custom.description,
        "format": custom.format or {"type": "text"},
        "name": custom.name,
    }


def _mode(choice: str, offered: Offered) -> str:
    if choice not in _MODES:
        raise invalid(
            f"Invalid value: '{choice}'. Supported values are: 'none', 'auto', and 'required'.",
            "tool_choice",
            "invalid_value",
        )
    if choice == "required" and not offered.shown:
        raise invalid("Tool choice 'required' must be specified with 'tools' parameter.", "tools")
    return choice


def _allowed(wanted: _Choice, offered: Offered) -> tuple[str, Offered]:
    # A list and no set: what a caller sends as a name may be anything.
    names = [tool.get("name") for tool in wanted.tools]
    left = tuple(tool for tool in offered.tools if tool.name in names)
    return wanted.mode, Offered(left, offered.shown)


def _missing(param: str) -> Exception:
    return invalid(f"Missing required parameter: '{param}'.", param, "missing_required_parameter")
