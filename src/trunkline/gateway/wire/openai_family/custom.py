"""Custom tools, which take free text, at providers that have functions only.

Such a tool is a function with one argument there, and a call of it is told to its caller as the
call of the custom tool that it is.
"""

from typing import Final

import msgspec

from trunkline.gateway.exchange.parts import Part, ToolCall
from trunkline.gateway.exchange.request import Request
from trunkline.gateway.wire.contract import Answering
from trunkline.gateway.wire.documents import arguments_object

ARGUMENT: Final = "input"
"""The function's one argument."""

SCHEMA: Final = {
    "type": "object",
    "properties": {ARGUMENT: {"type": "string"}},
    "required": [ARGUMENT],
    "additionalProperties": False,
}


def custom_names(answering: Answering) -> frozenset[str]:
    """The names of the caller's custom tools."""
    asked = answering.request
    if not isinstance(asked, Request) or not asked.tools:
        return frozenset()
    return frozenset(tool.name for tool in asked.tools if tool.kind == "custom")


def input_of(arguments: str) -> str:
    """The text in a function's arguments; all of them where the model wrote something else."""
    text = arguments_object(arguments).get(ARGUMENT)
    return text if isinstance(text, str) else arguments


def unwrapped(parts: tuple[Part, ...], names: frozenset[str]) -> tuple[Part, ...]:
    """The parts with calls of custom tools as such."""
    if not names:
        return parts
    return tuple(
        [
            msgspec.structs.replace(part, kind="custom", arguments=input_of(part.arguments))
            if isinstance(part, ToolCall) and part.kind == "function" and part.name in names
            else part
            for part in parts
        ]
    )
