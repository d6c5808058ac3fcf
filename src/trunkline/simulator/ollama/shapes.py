"""The bodies of Ollama's requests, as far as the simulator reads them."""

from typing import Any, Literal

import msgspec


class Options(msgspec.Struct):
    """How to answer; other options change nothing here."""

    num_ctx: int | None = None
    num_predict: int | None = None
    stop: str | list[str] | None = None


class CalledFunction(msgspec.Struct):
    """A call that the model made; its arguments are an object, not a text."""

    name: str
    arguments: dict[str, Any] = {}


class ToolCall(msgspec.Struct):
    """A call that the model made."""

    function: CalledFunction


class Message(msgspec.Struct):
    """A turn of the conversation."""

    role: str
    content: str = ""
    thinking: str = ""
    images: list[str] | None = None
    tool_calls: list[ToolCall] | None = None
    tool_name: str = ""


class Function(msgspec.Struct):
    """A function that the model may call."""

    name: str
    description: str | None = None
    parameters: dict[str, Any] = {}


class Tool(msgspec.Struct):
    """A tool; there are no other kinds."""

    function: Function
    type: Literal["function"] = "function"


class _Common(msgspec.Struct):
    model: str = ""
    stream: bool | None = None
    format: str | dict[str, Any] | None = None
    options: Options | None = None
    think: bool | str | None = None
    keep_alive: Any = None


class ChatBody(_Common):
    """A request of /api/chat."""

    messages: list[Message] = []
    tools: list[Tool] | None = None


class GenerateBody(_Common):
    """A request of /api/generate."""

    prompt: str = ""
    suffix: str = ""
    system: str = ""
    template: str = ""
    context: list[int] | None = None
    raw: bool = False
    images: list[str] | None = None


class EmbedBody(msgspec.Struct):
    """A request of /api/embed."""

    model: str = ""
    input: str | list[str] | None = None
    truncate: bool | None = None
    dimensions: int | None = None
    options: Options | None = None
    keep_alive: Any = None


class ShowBody(msgspec.Struct):
    """A request of /api/show; ``name`` is the old way to say ``model``."""

    model: str = ""
    name: str = ""
