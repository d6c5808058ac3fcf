"""The functions of a request: what the model may call, and whether it must."""

from typing import Any

from trunkline.simulator.gemini.schema import json_schema_of
from trunkline.simulator.gemini.shapes import FunctionDeclaration, GenerateRequest, invalid
from trunkline.simulator.question import Tool

_LONGEST_NAME = 128
_MODES = frozenset({"AUTO", "ANY", "NONE", "VALIDATED", "MODE_UNSPECIFIED"})


def read_tools(wanted: GenerateRequest, *, vertex: bool) -> tuple[tuple[Tool, ...], str]:
    """What may be called, and whether something must be, as a question says it.

    Raises:
        Refusal: a declaration, a schema or the choice is one that Google does not know.
    """
    tools = tuple(
        Tool(
            one.name, _parameters(one, f"tools[{number}].function_declarations[{position}]", vertex)
        )
        for number, tool in enumerate(wanted.tools)
        for position, one in enumerate(tool.function_declarations)
    )
    names = [tool.name for tool in tools]
    if len(set(names)) != len(names):
        raise invalid("Duplicate function declaration found.")
    config = wanted.tool_config.function_calling_config if wanted.tool_config else None
    if config is None:
        return tools, "auto"
    allowed = config.allowed_function_names
    if config.mode not in _MODES:
        raise invalid(
            f"Invalid value at 'tool_config.function_calling_config.mode' \"{config.mode}\""
        )
    if allowed and config.mode not in {"ANY", "VALIDATED"}:
        raise invalid("Allowed function names should be set only when the mode is ANY.")
    if unknown := set(allowed) - set(names):
        raise invalid(
            f"Allowed function names {sorted(unknown)} are not among the function declarations."
        )
    if config.mode == "ANY" and not tools:
        raise invalid("Function calling config is set without function_declarations.")
    chosen = tuple(tool for tool in tools if not allowed or tool.name in allowed)
    return chosen, {"ANY": "required", "NONE": "none"}.get(config.mode, "auto")


def _parameters(
    declared: FunctionDeclaration,
    path: str,
    vertex: bool,  # noqa: FBT001 - one private caller
) -> dict[str, Any]:
    if not _is_name(declared.name):
        raise invalid(
            f"* GenerateContentRequest.{path}.name: [Invalid function name. Must start with a "
            "letter or an underscore. Must be alphameric (a-z, A-Z, 0-9), underscores (_), dots "
            "(.), colons (:), or dashes (-), with a maximum length of 128.]\n"
        )
    if declared.parameters is not None and declared.parameters_json_schema is not None:
        raise invalid(f"{path}: parameters and parameters_json_schema are mutually exclusive.")
    if declared.parameters is not None:
        return json_schema_of(declared.parameters, f"{path}.parameters", vertex=vertex)
    standard = declared.parameters_json_schema
    return standard if isinstance(standard, dict) else {"type": "object"}


def _is_name(name: str) -> bool:
    letters = name.translate(str.maketrans("", "", "_.:-"))
    begun = name[:1].isalpha() or name[:1] == "_"
    return (
        begun
        and len(name) <= _LONGEST_NAME
        and name.isascii()
        and (letters.isalnum() or not letters)
    )
