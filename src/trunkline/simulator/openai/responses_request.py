"""Requests of the Responses API, read and refused as OpenAI does."""

from typing import Any, Literal

import msgspec

from trunkline.simulator.models import SimModel
from trunkline.simulator.openai.item_rules import check_items, resolved
from trunkline.simulator.openai.items import Item, read_items, user_message
from trunkline.simulator.openai.levels import reasoning_tokens, service_tier
from trunkline.simulator.openai.responses_tools import Offered, read_choice, read_tools
from trunkline.simulator.openai.sizes import MESSAGE_OVERHEAD, PROMPT_OVERHEAD
from trunkline.simulator.openai.stored import StoredResponses
from trunkline.simulator.openai.strict import strict_problem
from trunkline.simulator.openai.wire import invalid, required_model
from trunkline.simulator.question import Question, Segment, fixed_segment, text_segment
from trunkline.simulator.reading import JSON_OBJECT, decode
from trunkline.simulator.refusals import Refusal

_LEAST_OUTPUT = 16
_HOTTEST = 2
_ENCRYPTED = "reasoning.encrypted_content"
_INCLUDABLE = (
    "file_search_call.results",
    "web_search_call.results",
    "web_search_call.action.sources",
    "message.input_image.image_url",
    "computer_call_output.output.image_url",
    "code_interpreter_call.outputs",
    _ENCRYPTED,
    "message.output_text.logprobs",
)
_MOVED = {
    "messages": "input",
    "response_format": "text.format",
    "max_tokens": "max_output_tokens",
    "max_completion_tokens": "max_output_tokens",
    "reasoning_effort": "reasoning.effort",
    "verbosity": "text.verbosity",
}
"""What Chat Completions calls otherwise; OpenAI tells the new name."""

_DOCUMENTATION = "https://platform.openai.com/docs/api-reference/responses/create"


class _Format(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    type: Literal["text", "json_object", "json_schema"] = "text"
    name: str | None = None
    schema: dict[str, Any] | None = None
    strict: bool | None = None
    description: str | None = None


class _Text(msgspec.Struct, forbid_unknown_fields=True):
    format: _Format = _Format()
    verbosity: Literal["low", "medium", "high"] | None = None


class _Reasoning(msgspec.Struct, forbid_unknown_fields=True):
    effort: str | None = None
    summary: Literal["auto", "concise", "detailed"] | None = None
    generate_summary: Literal["auto", "concise", "detailed"] | None = None
    mode: str | None = None
    context: str | None = None


class _StreamOptions(msgspec.Struct, forbid_unknown_fields=True):
    include_obfuscation: bool = True


class _Body(msgspec.Struct, forbid_unknown_fields=True):
    model: str
    input: str | list[msgspec.Raw] | None = None
    instructions: str | None = None
    max_output_tokens: int | None = None
    max_tool_calls: int | None = None
    tools: list[msgspec.Raw] | None = None
    tool_choice: str | dict[str, Any] | None = None
    parallel_tool_calls: bool | None = None
    text: _Text | None = None
    reasoning: _Reasoning | None = None
    include: list[str] | None = None
    store: bool | None = None
    previous_response_id: str | None = None
    conversation: str | dict[str, Any] | None = None
    background: bool | None = None
    truncation: Literal["auto", "disabled"] | None = None
    prompt_cache_key: str | None = None
    prompt_cache_retention: str | None = None
    prompt_cache_options: dict[str, Any] | None = None
    service_tier: str | None = None
    safety_identifier: str | None = None
    metadata: dict[str, str] | None = None
    temperature: float | None = None
    top_p: float | None = None
    top_logprobs: int | None = None
    stream: bool | None = None
    stream_options: _StreamOptions | None = None
    context_management: list[dict[str, Any]] | None = None
    moderation: dict[str, Any] | None = None
    user: str | None = None


class Wanted(msgspec.Struct, frozen=True):
    """What a response depends on besides the question.

    Attributes:
        items: the whole conversation up to the answer.
        repeated: the fields of the request that every response repeats.
        summary: whether the reasoning is summed up.
        encrypted: whether reasoning comes with its encrypted content.
        obfuscated: whether each delta is padded to a like length.
    """

    items: tuple[Item, ...]
    repeated: dict[str, Any]
    store: bool
    summary: bool
    encrypted: bool
    obfuscated: bool


def read_response(body: bytes, stored: StoredResponses) -> Question:
    """The question in the body of a response; what else it wants is ``repeated`` in it.

    Raises:
        Refusal: with OpenAI's status, code and field.
    """
    asked = decode(body, _Body, _invalid)
    model = required_model(asked.model, "openai_responses")
    _check(asked, model)
    items = _items(asked, stored)
    offered = read_tools(asked.tools or ())
    choice, left = read_choice(asked.tool_choice, offered)
    last = next((item for item in reversed(items) if item.role == "user"), items[-1])
    reasoning = asked.reasoning or _Reasoning()
    tier = service_tier(asked.service_tier, model)
    question = Question(
        model=model,
        prompt=tuple(_prompt(asked, items, offered)),
        last_text=last.text,
        after_tools=items[-1].type.endswith("_call_output"),
        tools=left.tools,
        tool_choice=choice,
        parallel=asked.parallel_tool_calls is not False,
        schema=_schema(asked, items),
        max_output=asked.max_output_tokens,
        stream=bool(asked.stream),
        reasoning_tokens=reasoning_tokens(reasoning.effort, model, "reasoning.effort"),
        service_tier=tier,
        repeated=Wanted(
            items=items,
            repeated=_repeated(asked, model, offered, tier),
            store=asked.store is not False,
            summary=bool(reasoning.summary or reasoning.generate_summary),
            encrypted=_ENCRYPTED in (asked.include or ()),
            obfuscated=asked.stream_options is None or asked.stream_options.include_obfuscation,
        ),
    )
    if question.input_tokens > model.context and asked.truncation != "auto":
        raise invalid(
            "Your input exceeds the context window of this model. Please adjust your input and "
            "try again.",
            "input",
            "context_length_exceeded",
        )
    return question


def _invalid(message: str, param: str | None, code: str | None) -> Refusal:
    moved = _MOVED.get(param or "") if code == "unknown_parameter" else None
    if moved is None:
        return invalid(message, param, code)
    return invalid(
        f"Unsupported parameter: '{param}'. In the Responses API, this parameter has moved to "
        f"'{moved}'. Try again with the new parameter. See the API documentation for more "
        f"information: {_DOCUMENTATION}.",
        None,
        "unsupported_parameter",
    )


def _items(asked: _Body, stored: StoredResponses) -> tuple[Item, ...]:
    """What was said before, then what is said now."""
    if isinstance(asked.conversation, str | dict):
        raise Refusal(404, "invalid_request_error", "Conversation not found.", param="conversation")
    before: tuple[Item, ...] = ()
    if asked.previous_response_id is not None:
        previous = stored.find(asked.previous_response_id)
        if previous is None:
            raise invalid(
                f"Previous response with id '{asked.previous_response_id}' not found.",
                "previous_response_id",
                "previous_response_not_found",
            )
        before = (*previous.input, *previous.output)
    if isinstance(asked.input, str):
        now: tuple[Item, ...] = (user_message(asked.input),)
    else:
        now = resolved(read_items(asked.input or ()), stored)
    if not before and not now:
        raise invalid(
            "One of \"input\" or \"previous_response_id\" or 'prompt' or 'conversation_id' must be "
            "provided.",
            None,
            "missing_required_parameter",
        )
    items = (*before, *now)
    check_items(items)
    return items


def _check(asked: _Body, model: SimModel) -> None:
    _check_bounds(asked)
    if asked.max_output_tokens is not None and asked.max_output_tokens > model.max_output:
        raise invalid(
            f"Invalid 'max_output_tokens': integer above maximum value. Expected a value <= "
            f"{model.max_output}, but got {asked.max_output_tokens} instead.",
            "max_output_tokens",
            "integer_above_max_value",
        )
    for number, wanted in enumerate(asked.include or ()):
        if wanted not in _INCLUDABLE:
            known = ", ".join(f"'{name}'" for name in _INCLUDABLE)
            raise invalid(
                f"Invalid value: '{wanted}'. Supported values are: {known}.",
                f"include[{number}]",
                "invalid_value",
            )
    if asked.stream_options is not None and not asked.stream:
        raise invalid(
            "The 'stream_options' parameter is only allowed when 'stream' is enabled.",
            "stream_options",
        )
    if not model.name.startswith("sim-"):
        _check_reasoning_rules(asked, model)


def _check_bounds(asked: _Body) -> None:
    if asked.max_output_tokens is not None and asked.max_output_tokens < _LEAST_OUTPUT:
        raise invalid(
            f"Invalid 'max_output_tokens': integer below minimum value. Expected a value >= "
            f"{_LEAST_OUTPUT}, but got {asked.max_output_tokens} instead.",
            "max_output_tokens",
            "integer_below_min_value",
        )
    for name, value, most in (
        ("temperature", asked.temperature, _HOTTEST),
        ("top_p", asked.top_p, 1),
    ):
        if value is not None and value < 0:
            raise invalid(
                f"Invalid '{name}': decimal below minimum value. Expected a value >= 0, but got "
                f"{value:g} instead.",
                name,
                "decimal_below_min_value",
            )
        if value is not None and value > most:
            raise invalid(
                f"Invalid '{name}': decimal above maximum value. Expected a value <= {most}, but "
                f"got {value:g} instead.",
                name,
                "decimal_above_max_value",
            )


def _check_reasoning_rules(asked: _Body, model: SimModel) -> None:
    """What a model refuses because it reasons, or because it does not."""
    if model.reasons:
        for name, value in (("temperature", asked.temperature), ("top_p", asked.top_p)):
            if value not in {None, 1}:
                raise _unsupported(name)
        return
    if asked.reasoning is not None and asked.reasoning.effort is not None:
        raise _unsupported("reasoning.effort")
    if asked.reasoning is not None and asked.reasoning.summary is not None:
        raise _unsupported("reasoning.summary")
    if _ENCRYPTED in (asked.include or ()):
        raise invalid("Encrypted content is not supported with this model.", "include")


def _unsupported(param: str) -> Refusal:
    return invalid(
        f"Unsupported parameter: '{param}' is not supported with this model.",
        param,
        "unsupported_parameter",
    )


def _prompt(asked: _Body, items: tuple[Item, ...], offered: Offered) -> list[Segment]:
    segments = [text_segment(msgspec.json.encode(tool).decode()) for tool in offered.shown]
    if asked.text and asked.text.format.schema:
        segments.append(text_segment(msgspec.json.encode(asked.text.format.schema).decode()))
    if asked.instructions:
        segments.append(fixed_segment("instructions", MESSAGE_OVERHEAD))
        segments.append(text_segment(asked.instructions))
    for item in items:
        segments += item.segments
    return [*segments, fixed_segment("answer", PROMPT_OVERHEAD)]


def _schema(asked: _Body, items: tuple[Item, ...]) -> dict[str, Any] | None:
    wanted = asked.text.format if asked.text else _Format()
    if wanted.type == "text":
        return None
    if wanted.type == "json_object":
        if not any("json" in item.text.lower() for item in items):
            raise invalid(
                "Response input messages must contain the word 'json' in some form to use "
                "'text.format' of type 'json_object'.",
                "input",
            )
        return JSON_OBJECT
    for name in ("name", "schema"):
        if getattr(wanted, name) is None:
            raise invalid(
                f"Missing required parameter: 'text.format.{name}'.",
                f"text.format.{name}",
                "missing_required_parameter",
            )
    problem = strict_problem(wanted.schema) if wanted.strict else None
    if problem:
        raise invalid(
            f"Invalid schema for response_format '{wanted.name}': {problem}",
            "text.format.schema",
            "invalid_json_schema",
        )
    return wanted.schema


def _repeated(asked: _Body, model: SimModel, offered: Offered, tier: str) -> dict[str, Any]:
    """The request's fields in the order in which a response repeats them."""
    text, reasoning = asked.text or _Text(), asked.reasoning or _Reasoning()
    effort = reasoning.effort or ("medium" if model.reasons else None)
    return {
        "instructions": asked.instructions,
        "max_output_tokens": asked.max_output_tokens,
        "max_tool_calls": asked.max_tool_calls,
        "model": model.served_as,
        "output": [],
        "parallel_tool_calls": asked.parallel_tool_calls is not False,
        "presence_penalty": 0.0,
        "previous_response_id": asked.previous_response_id,
        "prompt_cache_key": asked.prompt_cache_key,
        "prompt_cache_retention": asked.prompt_cache_retention or "in_memory",
        "reasoning": {
            "effort": effort,
            "summary": reasoning.summary or reasoning.generate_summary,
        },
        "safety_identifier": asked.safety_identifier,
        "service_tier": tier,
        "store": asked.store is not False,
        "temperature": 1.0 if asked.temperature is None else asked.temperature,
        "text": {"format": _format(text.format), "verbosity": text.verbosity or "medium"},
        "tool_choice": "auto" if asked.tool_choice is None else asked.tool_choice,
        "tools": offered.shown,
        "top_logprobs": asked.top_logprobs or 0,
        "top_p": 1.0 if asked.top_p is None else asked.top_p,
        "truncation": asked.truncation or "disabled",
        "usage": None,
        "user": asked.user,
        "metadata": asked.metadata or {},
    }


def _format(wanted: _Format) -> dict[str, Any]:
    if wanted.type != "json_schema":
        return {"type": wanted.type}
    return {
        "type": "json_schema",
        "description": wanted.description,
        "name": wanted.name,
        "schema": wanted.schema,
        "strict": wanted.strict is not False,
    }
