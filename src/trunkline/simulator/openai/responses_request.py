"""Requests of the Responses API, read and refused as OpenAI does."""

from typing import Any

import msgspec

from trunkline.simulator.models import SimModel
from trunkline.simulator.openai.item_rules import check_items, resolved
from trunkline.simulator.openai.items import Item, read_items, user_message
from trunkline.simulator.openai.levels import reasoning_tokens, service_tier
from trunkline.simulator.openai.responses_body import (
    ReasoningSettings,
    ResponseBody,
    TextFormat,
    TextSettings,
    decode_body,
)
from trunkline.simulator.openai.responses_rules import ENCRYPTED, check_settings
from trunkline.simulator.openai.responses_tools import Offered, read_choice, read_tools
from trunkline.simulator.openai.sizes import MESSAGE_OVERHEAD, PROMPT_OVERHEAD
from trunkline.simulator.openai.stored import StoredResponses
from trunkline.simulator.openai.strict import strict_problem
from trunkline.simulator.openai.wire import invalid, required_model
from trunkline.simulator.question import Question, Segment, fixed_segment, text_segment
from trunkline.simulator.reading import JSON_OBJECT
from trunkline.simulator.refusals import Refusal


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
    asked = decode_body(body)
    model = required_model(asked.model, "openai_responses")
    check_settings(asked, model)
    items = _items(asked, stored)
    offered = read_tools(asked.tools or ())
    choice, left = read_choice(asked.tool_choice, offered)
    last = next((item for item in reversed(items) if item.role == "user"), items[-1])
    reasoning = asked.reasoning or ReasoningSettings()
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
            encrypted=ENCRYPTED in (asked.include or ()),
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


def _items(asked: ResponseBody, stored: StoredResponses) -> tuple[Item, ...]:
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


def _prompt(asked: ResponseBody, items: tuple[Item, ...], offered: Offered) -> list[Segment]:
    segments = [text_segment(msgspec.json.encode(tool).decode()) for tool in offered.shown]
    if asked.text and asked.text.format.schema:
        segments.append(text_segment(msgspec.json.encode(asked.text.format.schema).decode()))
    if asked.instructions:
        segments.append(fixed_segment("instructions", MESSAGE_OVERHEAD))
        segments.append(text_segment(asked.instructions))
    for item in items:
        segments += item.segments
    return [*segments, fixed_segment("answer", PROMPT_OVERHEAD)]


def _schema(asked: ResponseBody, items: tuple[Item, ...]) -> dict[str, Any] | None:
    wanted = asked.text.format if asked.text else TextFormat()
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


def _repeated(asked: ResponseBody, model: SimModel, offered: Offered, tier: str) -> dict[str, Any]:
    """The request's fields in the order in which a response repeats them."""
    text, reasoning = asked.text or TextSettings(), asked.reasoning or ReasoningSettings()
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


def _format(wanted: TextFormat) -> dict[str, Any]:
    if wanted.type != "json_schema":
        return {"type": wanted.type}
    return {
        "type": "json_schema",
        "description": wanted.description,
        "name": wanted.name,
        "schema": wanted.schema,
        "strict": wanted.strict is not False,
    }
