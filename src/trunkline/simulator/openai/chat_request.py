"""Requests of OpenAI's Chat Completions, read and refused as OpenAI does."""

from typing import Annotated, Any, Literal

import msgspec

from trunkline.simulator.models import OPENAI, OPENAI_WIRES, SimModel
from trunkline.simulator.openai.levels import reasoning_tokens, service_tier
from trunkline.simulator.openai.sizes import (
    FILE_TOKENS,
    HIGH_DETAIL_IMAGE,
    LOW_DETAIL_IMAGE,
    MESSAGE_OVERHEAD,
    PROMPT_OVERHEAD,
)
from trunkline.simulator.openai.wire import invalid, required_model
from trunkline.simulator.question import Question, Segment, Tool, fixed_segment, text_segment
from trunkline.simulator.reading import JSON_OBJECT, decode, digest_of


class _ImageUrl(msgspec.Struct):
    url: str
    detail: str = "auto"


class _Part(msgspec.Struct):
    type: Literal["text", "image_url", "file", "refusal"]
    text: str = ""
    refusal: str = ""
    image_url: _ImageUrl | None = None
    file: dict[str, Any] | None = None


class _CalledFunction(msgspec.Struct):
    name: str
    arguments: str


class _ToolCall(msgspec.Struct):
    id: str
    function: _CalledFunction


class _Message(msgspec.Struct):
    role: Literal["system", "developer", "user", "assistant", "tool"]
    content: str | list[_Part] | None = None
    name: str | None = None
    tool_calls: list[_ToolCall] | None = None
    tool_call_id: str | None = None


class _Function(msgspec.Struct):
    name: str
    description: str | None = None
    parameters: dict[str, Any] = {}


class _Tool(msgspec.Struct):
    type: Literal["function"]
    function: _Function


class _JsonSchema(msgspec.Struct):
    name: str
    schema: dict[str, Any] = {}


class _ResponseFormat(msgspec.Struct):
    type: Literal["text", "json_object", "json_schema"]
    json_schema: _JsonSchema | None = None


class _StreamOptions(msgspec.Struct):
    include_usage: bool = False


_Positive = Annotated[int, msgspec.Meta(ge=1)]


class _Body(msgspec.Struct):
    model: str
    messages: list[_Message]
    max_tokens: _Positive | None = None
    max_completion_tokens: _Positive | None = None
    n: Annotated[int, msgspec.Meta(ge=1, le=128)] | None = None
    stop: str | Annotated[list[str], msgspec.Meta(max_length=4)] | None = None
    stream: bool | None = None
    stream_options: _StreamOptions | None = None
    temperature: Annotated[float, msgspec.Meta(ge=0, le=2)] | None = None
    top_p: Annotated[float, msgspec.Meta(ge=0, le=1)] | None = None
    tools: list[_Tool] | None = None
    tool_choice: str | dict[str, Any] | None = None
    parallel_tool_calls: bool | None = None
    response_format: _ResponseFormat | None = None
    reasoning_effort: str | None = None
    service_tier: str | None = None


def read_chat(body: bytes) -> Question:
    """The question in the body of a chat completion.

    Raises:
        Refusal: with OpenAI's status, code and field.
    """
    asked = decode(body, _Body, invalid)
    model = required_model(asked.model, OPENAI)
    _check(asked, model)
    tools = asked.tools or []
    last = next((m for m in reversed(asked.messages) if m.role == "user"), asked.messages[-1])
    question = Question(
        model=model,
        prompt=tuple(_prompt(asked)),
        last_text=_text_of(last),
        after_tools=asked.messages[-1].role == "tool",
        tools=tuple(Tool(t.function.name, t.function.parameters) for t in tools),
        tool_choice=_tool_choice(asked),
        parallel=asked.parallel_tool_calls is not False,
        schema=_schema(asked.response_format),
        max_output=asked.max_completion_tokens or asked.max_tokens,
        stops=_stops(asked.stop),
        choices=asked.n or 1,
        stream=bool(asked.stream),
        include_usage=bool(asked.stream_options and asked.stream_options.include_usage),
        reasoning_tokens=reasoning_tokens(asked.reasoning_effort, model, "reasoning_effort"),
        service_tier=service_tier(asked.service_tier, model),
    )
    if question.input_tokens > model.context:
        raise invalid(
            f"This model's maximum context length is {model.context} tokens. However, your "
            f"messages resulted in {question.input_tokens} tokens. Please reduce the length of "
            "the messages.",
            "messages",
            "context_length_exceeded",
        )
    return question


def _check(asked: _Body, model: SimModel) -> None:
    if not asked.messages:
        raise invalid(
            "Invalid 'messages': empty array. Expected an array with minimum length 1, but got an "
            "empty array instead.",
            "messages",
            "empty_array",
        )
    # The rules are those of OpenAI's own models, not of others that speak by its wire.
    if model.reasons and model.name != "sim-think" and model.wires[0] in OPENAI_WIRES:
        _check_reasoning_rules(asked)
    ceiling = asked.max_completion_tokens or asked.max_tokens or 0
    if ceiling > model.max_output:
        name = "max_completion_tokens" if asked.max_completion_tokens else "max_tokens"
        raise invalid(
            f"{name} is too large: {ceiling}. This model supports at most {model.max_output} "
            "completion tokens.",
            name,
            "invalid_value",
        )
    if asked.stream_options is not None and not asked.stream:
        raise invalid(
            "The 'stream_options' parameter is only allowed when 'stream' is enabled.",
            "stream_options",
        )
    _check_tool_results(asked.messages)


def _check_reasoning_rules(asked: _Body) -> None:
    if asked.max_tokens is not None:
        raise invalid(
            "Unsupported parameter: 'max_tokens' is not supported with this model. Use "
            "'max_completion_tokens' instead.",
            "max_tokens",
            "unsupported_parameter",
        )
    if asked.temperature not in {None, 1}:
        raise invalid(
            f"Unsupported value: 'temperature' does not support {asked.temperature:g} with this "
            "model. Only the default (1) value is supported.",
            "temperature",
            "unsupported_value",
        )


def _check_tool_results(messages: list[_Message]) -> None:
    """Each tool call of the assistant must be answered by the tool messages right after it."""
    waiting: set[str] = set()
    for number, message in enumerate(messages):
        if message.role == "tool":
            if message.tool_call_id not in waiting:
                raise invalid(
                    "Invalid parameter: messages with role 'tool' must be a response to a "
                    "preceding message with 'tool_calls'.",
                    f"messages.[{number}].role",
                )
            waiting.discard(message.tool_call_id)
            continue
        if waiting:
            break
        waiting = {call.id for call in message.tool_calls or ()}
    if waiting:
        raise invalid(
            "An assistant message with 'tool_calls' must be followed by tool messages responding "
            "to each 'tool_call_id'. The following tool_call_ids did not have response messages: "
            + ", ".join(sorted(waiting)),
            "messages",
        )


def _prompt(asked: _Body) -> list[Segment]:
    segments = [
        text_segment(msgspec.json.encode(tool.function).decode()) for tool in asked.tools or ()
    ]
    if asked.response_format and asked.response_format.json_schema:
        segments.append(text_segment(msgspec.json.encode(asked.response_format).decode()))
    for message in asked.messages:
        segments.append(fixed_segment(message.role, MESSAGE_OVERHEAD))
        segments += _content(message)
    segments.append(fixed_segment("answer", PROMPT_OVERHEAD))
    return segments


def _content(message: _Message) -> list[Segment]:
    segments = []
    if isinstance(message.content, str):
        segments.append(text_segment(message.content))
    for part in message.content if isinstance(message.content, list) else ():
        if part.image_url is not None:
            low = part.image_url.detail == "low"
            size = LOW_DETAIL_IMAGE if low else HIGH_DETAIL_IMAGE
            segments.append(fixed_segment(f"image {digest_of(part.image_url.url)}", size))
        elif part.file is not None:
            segments.append(fixed_segment(f"file {digest_of(part.file)}", FILE_TOKENS))
        else:
            segments.append(text_segment(part.text or part.refusal))
    calls = message.tool_calls or ()
    return [
        *segments,
        *(text_segment(call.function.name + call.function.arguments) for call in calls),
    ]


def _text_of(message: _Message) -> str:
    if isinstance(message.content, list):
        return " ".join(part.text for part in message.content if part.type == "text")
    return message.content or ""


def _tool_choice(asked: _Body) -> str:
    choice = asked.tool_choice
    if choice is None:
        return "auto"
    if isinstance(choice, str):
        if choice not in {"auto", "none", "required"}:
            raise invalid(
                f"Invalid value: '{choice}'. Supported values are: 'none', 'auto', and 'required'.",
                "tool_choice",
                "invalid_value",
            )
        if choice != "none" and not asked.tools:
            raise invalid(
                "'tool_choice' is only allowed when 'tools' are specified.", "tool_choice"
            )
        return choice
    function = choice.get("function")
    name = function.get("name") if isinstance(function, dict) else None
    if name not in {tool.function.name for tool in asked.tools or ()}:
        raise invalid(
            f"Tool choice '{name}' not found in 'tools' parameter.", "tool_choice", "invalid_value"
        )
    return f"={name}"


def _schema(wanted: _ResponseFormat | None) -> dict[str, Any] | None:
    if wanted is None or wanted.type == "text":
        return None
    if wanted.type == "json_object":
        return JSON_OBJECT
    if wanted.json_schema is None:
        raise invalid(
            "Missing required parameter: 'response_format.json_schema'.",
            "response_format.json_schema",
            "missing_required_parameter",
        )
    return wanted.json_schema.schema


def _stops(stop: str | list[str] | None) -> tuple[str, ...]:
    if stop is None:
        return ()
    return tuple(one for one in ([stop] if isinstance(stop, str) else stop) if one)
