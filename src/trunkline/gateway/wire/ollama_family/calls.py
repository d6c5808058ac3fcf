"""Tool calls in Ollama's formats: arguments are objects, and ids came late and stay optional."""

from typing import Any

import msgspec

from trunkline.gateway.exchange.parts import Document, ToolCall
from trunkline.gateway.wire.documents import arguments_object, arguments_text

# As much of a request's id as keeps a tool call's id within the 40 letters that OpenAI takes.
_SEED_LETTERS = 24


class Function(msgspec.Struct):
    """What is called."""

    name: str
    arguments: Any = None


class Call(msgspec.Struct):
    """One call as a provider tells it."""

    function: Function
    id: str | None = None


def call_id(seed: str, number: int) -> str:
    """An id for the call of this number in the answer of this seed."""
    return f"call_{seed[-_SEED_LETTERS:]}_{number}"


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
