"""The bodies of Cohere's chat, as far as the simulator reads them."""

from typing import Annotated, Any, Literal

import msgspec

_Share = Annotated[float, msgspec.Meta(ge=0, le=1)]
_Positive = Annotated[int, msgspec.Meta(ge=1)]


class Part(msgspec.Struct):
    """A part of a message."""

    type: Literal["text", "image_url", "thinking", "document"]
    text: str = ""
    thinking: str = ""
    image_url: dict[str, Any] | None = None
    document: dict[str, Any] | None = None


class CalledFunction(msgspec.Struct):
    """A call that the model made; its arguments are a text."""

    name: str
    arguments: str


class ToolCall(msgspec.Struct):
    """A call that the model made."""

    id: str
    function: CalledFunction
    type: Literal["function"] = "function"


class Message(msgspec.Struct):
    """A turn of the conversation."""

    role: str
    content: str | list[Part] | None = None
    tool_plan: str = ""
    tool_calls: list[ToolCall] | None = None
    tool_call_id: str = ""
    citations: Any = None


class Function(msgspec.Struct):
    """A function that the model may call."""

    name: Annotated[str, msgspec.Meta(min_length=1)]
    parameters: dict[str, Any] = {}
    description: str | None = None


class Tool(msgspec.Struct):
    """A tool; there are no other kinds."""

    type: Literal["function"]
    function: Function


class ResponseFormat(msgspec.Struct):
    """The form of an answer."""

    type: Literal["text", "json_object"]
    json_schema: dict[str, Any] | None = None


class Thinking(msgspec.Struct):
    """Whether to think, and how much."""

    type: Literal["enabled", "disabled"]
    token_budget: _Positive | None = None


class ChatBody(msgspec.Struct, forbid_unknown_fields=True):
    """A request of /v2/chat."""

    model: str
    messages: list[Message]
    stream: bool = False
    tools: list[Tool] | None = None
    strict_tools: bool | None = None
    tool_choice: Literal["REQUIRED", "NONE"] | None = None
    documents: list[Any] | None = None
    citation_options: Any = None
    response_format: ResponseFormat | None = None
    safety_mode: Any = None
    max_tokens: _Positive | None = None
    stop_sequences: Annotated[list[str], msgspec.Meta(max_length=5)] | None = None
    temperature: Annotated[float, msgspec.Meta(ge=0)] | None = None
    seed: int | None = None
    frequency_penalty: _Share | None = None
    presence_penalty: _Share | None = None
    k: Annotated[int, msgspec.Meta(ge=0, le=500)] | None = None
    p: _Share | None = None
    logprobs: bool | None = None
    thinking: Thinking | None = None
    priority: int | None = None
