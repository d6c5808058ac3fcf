"""Requests of Anthropic's Messages, read and refused as Anthropic does."""

from typing import Annotated, Any, Literal

import msgspec

from trunkline.simulator.models import ANTHROPIC, SimModel, find_model
from trunkline.simulator.question import Question, Segment, Tool, fixed_segment, text_segment
from trunkline.simulator.reading import base_name, decode, digest_of
from trunkline.simulator.refusals import Refusal

MESSAGE_OVERHEAD = 3
TOOLS_OVERHEAD = 346
"""Anthropic puts a system prompt of its own before the tools and bills it."""

IMAGE_TOKENS = 1600
DOCUMENT_TOKENS = 2000

_MOST_BREAKPOINTS = 4
_LEAST_THINKING_BUDGET = 1024
_THINKING_TOKENS = {"low": 48, "medium": 96, "high": 160, "xhigh": 320, "max": 640}

Lifetime = Literal["5m", "1h"]


class _CacheControl(msgspec.Struct):
    type: Literal["ephemeral"]
    ttl: Lifetime = "5m"


class _Block(msgspec.Struct):
    type: str
    text: str = ""
    thinking: str = ""
    data: str = ""
    name: str = ""
    id: str = ""
    tool_use_id: str = ""
    input: Any = None
    source: dict[str, Any] | None = None
    content: "str | list[_Block] | None" = None
    cache_control: _CacheControl | None = None


class _Message(msgspec.Struct):
    role: Literal["user", "assistant", "system"]
    content: str | list[_Block]


class _Tool(msgspec.Struct):
    name: str
    input_schema: dict[str, Any] = {}
    description: str | None = None
    cache_control: _CacheControl | None = None


class _ToolChoice(msgspec.Struct):
    type: Literal["auto", "any", "tool", "none"]
    name: str | None = None
    disable_parallel_tool_use: bool = False


class _Thinking(msgspec.Struct):
    type: Literal["enabled", "disabled", "adaptive", "between_tools"]
    budget_tokens: int | None = None
    display: Literal["summarized", "omitted"] = "summarized"


class _Format(msgspec.Struct):
    type: Literal["json_schema"]
    schema: dict[str, Any]


class _OutputConfig(msgspec.Struct):
    effort: Literal["low", "medium", "high", "xhigh", "max"] | None = None
    format: _Format | None = None


class _Body(msgspec.Struct):
    model: str
    messages: list[_Message]
    max_tokens: Annotated[int, msgspec.Meta(ge=1)] | None = None
    system: str | list[_Block] | None = None
    stream: bool = False
    stop_sequences: list[str] = []
    tools: list[_Tool] = []
    tool_choice: _ToolChoice | None = None
    thinking: _Thinking | None = None
    output_config: _OutputConfig | None = None
    output_format: _Format | None = None
    cache_control: _CacheControl | None = None


def read_messages(body: bytes, *, counting: bool = False) -> Question:
    """The question in the body of a message, or of a count of tokens, which needs less.

    Raises:
        Refusal: with Anthropic's status and kind.
    """
    asked = decode(body, _Body, _unreadable)
    model = find_model(base_name(asked.model), ANTHROPIC)
    if model is None:
        raise model_not_found(asked.model)
    _check(asked, model, counting=counting)
    last = next((m for m in reversed(asked.messages) if m.role == "user"), asked.messages[-1])
    thinking = _thinking_tokens(asked)
    question = Question(
        model=model,
        prompt=tuple(_prompt(asked)),
        last_text=_text_of(last),
        after_tools=any(block.type == "tool_result" for block in _blocks(asked.messages[-1])),
        tools=tuple(Tool(tool.name, tool.input_schema) for tool in asked.tools),
        tool_choice=_tool_choice(asked),
        parallel=not (asked.tool_choice and asked.tool_choice.disable_parallel_tool_use),
        schema=_schema(asked),
        max_output=asked.max_tokens,
        stops=tuple(stop for stop in asked.stop_sequences if stop),
        stream=asked.stream,
        reasoning_tokens=thinking,
        show_reasoning=bool(asked.thinking and asked.thinking.display == "summarized"),
        service_tier="standard",
    )
    if question.input_tokens > model.context:
        raise _invalid(
            f"prompt is too long: {question.input_tokens} tokens > {model.context} maximum"
        )
    return question


def model_not_found(name: str) -> Refusal:
    """Anthropic's answer to a model that it does not know."""
    return Refusal(404, "not_found_error", f"model: {name}")


def _invalid(message: str) -> Refusal:
    return Refusal(400, "invalid_request_error", message)


def _unreadable(message: str, param: str | None, code: str | None) -> Refusal:
    if code == "missing_required_parameter":
        return _invalid(f"{param}: Field required")
    if param:
        return _invalid(f"{param}: Input should be valid ({message})")
    return _invalid(f"The request body is not valid JSON: {message}")


def _check(asked: _Body, model: SimModel, *, counting: bool) -> None:
    if not asked.messages:
        raise _invalid("messages: at least one message is required")
    if asked.messages[0].role == "assistant":
        raise _invalid('messages: first message must use the "user" role')
    if not counting:
        _check_max_tokens(asked, model)
    for number, message in enumerate(asked.messages):
        for block in _blocks(message):
            if block.type == "text" and not block.text:
                raise _invalid(f"messages.{number}: text content blocks must be non-empty")
    _check_tool_results(asked.messages)
    marks = sum(segment.cached_for is not None for segment in _prompt(asked))
    if marks > _MOST_BREAKPOINTS:
        raise _invalid(
            f"A maximum of {_MOST_BREAKPOINTS} blocks with cache_control may be provided. Found "
            f"{marks}."
        )


def _check_max_tokens(asked: _Body, model: SimModel) -> None:
    if asked.max_tokens is None:
        raise _invalid("max_tokens: Field required")
    if asked.max_tokens > model.max_output:
        raise _invalid(
            f"max_tokens: {asked.max_tokens} > {model.max_output}, which is the maximum allowed "
            f"number of output tokens for {model.name}"
        )
    thinking = asked.thinking
    if thinking is None or thinking.type != "enabled":
        return
    if thinking.budget_tokens is None:
        raise _invalid("thinking.enabled.budget_tokens: Field required")
    if thinking.budget_tokens < _LEAST_THINKING_BUDGET:
        raise _invalid(
            "thinking.enabled.budget_tokens: Input should be greater than or equal to "
            f"{_LEAST_THINKING_BUDGET}"
        )
    if asked.max_tokens <= thinking.budget_tokens:
        raise _invalid("`max_tokens` must be greater than `thinking.budget_tokens`.")


def _check_tool_results(messages: list[_Message]) -> None:
    """Each tool_use of the assistant must have its result in the very next message."""
    for number, message in enumerate(messages[:-1]):
        used = {block.id for block in _blocks(message) if block.type == "tool_use"}
        given = {block.tool_use_id for block in _blocks(messages[number + 1])}
        if used - given:
            raise _invalid(
                f"messages.{number + 1}: `tool_use` ids were found without `tool_result` blocks "
                f"immediately after: {', '.join(sorted(used - given))}. Each `tool_use` block "
                "must have a corresponding `tool_result` block in the next message."
            )


def _blocks(message: _Message) -> list[_Block]:
    return message.content if isinstance(message.content, list) else []


def _prompt(asked: _Body) -> list[Segment]:
    """Tools, then system, then messages: the order in which Anthropic caches them."""
    segments = []
    if asked.tools:
        segments.append(fixed_segment("tools", TOOLS_OVERHEAD))
    for tool in asked.tools:
        shown = (tool.name, tool.description, tool.input_schema)
        segments.append(
            text_segment(msgspec.json.encode(shown).decode(), _lifetime(tool.cache_control))
        )
    schema = _schema(asked)
    if schema is not None:
        segments.append(text_segment(msgspec.json.encode(schema).decode()))
    if isinstance(asked.system, str):
        segments.append(text_segment(asked.system))
    elif asked.system:
        segments += [segment for block in asked.system for segment in _segments(block)]
    for message in asked.messages:
        segments.append(fixed_segment(message.role, MESSAGE_OVERHEAD))
        if isinstance(message.content, str):
            segments.append(text_segment(message.content))
        else:
            segments += [segment for block in message.content for segment in _segments(block)]
    if asked.cache_control is not None:
        # Automatic caching puts the breakpoint on the last block.
        segments[-1] = Segment(segments[-1].pieces, asked.cache_control.ttl)
    return segments


def _segments(block: _Block) -> list[Segment]:
    """A block, or the blocks inside of a tool's result; a breakpoint stands behind the last."""
    if not isinstance(block.content, list):
        return [_segment(block)]
    inner = [segment for part in block.content for segment in _segments(part)]
    if inner and block.cache_control:
        inner[-1] = Segment(inner[-1].pieces, block.cache_control.ttl)
    return inner


def _segment(block: _Block) -> Segment:
    lifetime = _lifetime(block.cache_control)
    if block.type == "image":
        return fixed_segment(f"image {digest_of(block.source)}", IMAGE_TOKENS, lifetime)
    if block.type == "document":
        source = block.source or {}
        if source.get("type") == "text":
            return text_segment(str(source.get("data", "")), lifetime)
        return fixed_segment(f"document {digest_of(source)}", DOCUMENT_TOKENS, lifetime)
    if block.type == "tool_use":
        return text_segment(block.name + msgspec.json.encode(block.input).decode(), lifetime)
    content = block.content if isinstance(block.content, str) else ""
    return text_segment(block.text or block.thinking or block.data or content, lifetime)


def _lifetime(control: _CacheControl | None) -> Lifetime | None:
    return None if control is None else control.ttl


def _text_of(message: _Message) -> str:
    if isinstance(message.content, str):
        return message.content
    return " ".join(block.text for block in message.content if block.type == "text")


def _tool_choice(asked: _Body) -> str:
    choice = asked.tool_choice
    if choice is None:
        return "auto"
    if not asked.tools:
        raise _invalid("tool_choice may only be specified while providing tools")
    if choice.type == "tool":
        if choice.name not in {tool.name for tool in asked.tools}:
            raise _invalid(f"Tool '{choice.name}' not found in provided tools")
        return f"={choice.name}"
    return "required" if choice.type == "any" else choice.type


def _schema(asked: _Body) -> dict[str, Any] | None:
    if asked.output_config and asked.output_config.format:
        return asked.output_config.format.schema
    return asked.output_format.schema if asked.output_format else None


def _thinking_tokens(asked: _Body) -> int:
    """About how long the model thinks; always less than the least budget that is allowed."""
    if asked.thinking is None or asked.thinking.type not in {"enabled", "adaptive"}:
        return 0
    effort = asked.output_config.effort if asked.output_config else None
    return _THINKING_TOKENS[effort or "medium"]
