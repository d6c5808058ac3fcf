"""Tool calls in Ollama's formats: arguments are objects, and ids came late and stay optional."""

from typing import Any

import msgspec

from trunkline.gateway.exchange.parts import Document, ToolCall
from trunkline.gateway.wire.documents import arguments_object, arguments_text
from trunkline.gateway.wire.functions import call_id


class Function(msgspec.Struct):
    """What is called."""

    name: str
    arguments: Any = None


class Call(msgspec.Struct):
    """One call as a provider tells it."""

    function: Function
    id: str | None = None


def read_call(call: Call, seed: str, number: int) -> ToolCall:
    """A provider's call, with an id of our own where it has none."""
    return ToolCall(
        id=call.id or call_id(seed, number),
        name=call.function.name,
        arguments=arguments_text(call.function.arguments),
    )


def write_call(call_id: str, name: str, arguments: str, number: int) -> Document:
    """A call as Ollama tells it, and as it is sent back to Ollama."""
    function = {"index": number, "name": name, "arguments": arguments_object(arguments)}
    return {"id": call_id, "function": function}
