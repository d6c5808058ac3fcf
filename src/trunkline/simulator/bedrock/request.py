"""Requests of Bedrock's Converse, read and refused as Bedrock does."""

from typing import Any

import msgspec

from trunkline.simulator.asked import Asked, named_model
from trunkline.simulator.bedrock.errors import invalid, refused
from trunkline.simulator.bedrock.shapes import Block, Body, Thinking
from trunkline.simulator.bedrock.turns import check_turns, marks_of
from trunkline.simulator.models import SimModel, find_model
from trunkline.simulator.question import Question, Segment, Tool, fixed_segment, text_segment
from trunkline.simulator.reading import base_name, decode, digest_of
from trunkline.simulator.refusals import Refusal

MESSAGE_OVERHEAD = 3
TOOLS_OVERHEAD = 300
IMAGE_TOKENS = 1600
DOCUMENT_TOKENS = 2000

_LEAST_THINKING_BUDGET = 1024
_THINKING_TOKENS = 96
_REGIONS = ("us.", "eu.", "apac.", "global.", "jp.", "au.")
_THINKERS = ("anthropic.", "sim-")


def read_converse(asked: Asked) -> Question:
    """The question in the body of a Converse; the model stands in the path.

    Raises:
        Refusal: with Bedrock's status and kind.
    """
    model = the_model(named_model(asked))
    wanted = decode(asked.body, Body, _unreadable)
    thinking = _thinking(wanted)
    _check_thinking(wanted, thinking, model)
    check_turns(wanted, thinks=thinking is not None)
    marks_of(wanted)
    config = wanted.inference_config
    max_output = config.max_tokens if config else None
    if (max_output or 0) > model.max_output:
        raise invalid(
            f"The maximum tokens you requested exceeds the model limit of {model.max_output}. Try "
            "again with a maximum tokens value that is lower."
        )
    last = wanted.messages[-1]
    users = next(
        (
            m
            for m in reversed(wanted.messages)
            if any(b.text for b in m.content) and m.role == "user"
        ),
        last,
    )
    question = Question(
        model=model,
        prompt=tuple(_prompt(wanted)),
        last_text=" ".join(block.text for block in users.content if block.text),
        after_tools=any(block.tool_result for block in last.content),
        tools=_tools(wanted),
        tool_choice=_tool_choice(wanted),
        schema=_schema(wanted),
        max_output=max_output,
        stops=tuple(config.stop_sequences) if config else (),
        stream=asked.stream,
        reasoning_tokens=_THINKING_TOKENS if thinking is not None else 0,
        show_reasoning=True,
        service_tier=(wanted.service_tier or {}).get("type", "default"),
    )
    if question.input_tokens > model.context:
        raise invalid(
            "The model returned the following errors: prompt is too long: "
            f"{question.input_tokens} tokens > {model.context} maximum"
        )
    return question


def the_model(name: str) -> SimModel:
    """The model of this id, with or without the region of an inference profile before it.

    Raises:
        Refusal: Bedrock does not have it.
    """
    bare = base_name(name).rpartition("/")[2]
    region = next((one for one in _REGIONS if bare.startswith(one)), "")
    model = find_model(bare.removeprefix(region), "bedrock_converse")
    if model is None:
        raise refused(400, "ValidationException", "The provided model identifier is invalid.")
    return model


def _unreadable(message: str, param: str | None, _: str | None) -> Refusal:
    if param is None:
        return refused(400, "SerializationException", message)
    return invalid(f"1 validation error detected: Value at '{param}' failed to satisfy: {message}")


def _thinking(wanted: Body) -> Thinking | None:
    more = wanted.additional_model_request_fields
    thinking = more.thinking if more else None
    return thinking if thinking and thinking.type != "disabled" else None


def _check_thinking(wanted: Body, thinking: Thinking | None, model: SimModel) -> None:
    if thinking is None:
        return
    problem = ""
    budget = thinking.budget_tokens or 0
    ceiling = wanted.inference_config.max_tokens if wanted.inference_config else None
    choice = wanted.tool_config.tool_choice if wanted.tool_config else None
    if not model.name.startswith(_THINKERS):
        problem = "thinking: Extra inputs are not permitted"
    elif thinking.type == "enabled" and budget < _LEAST_THINKING_BUDGET:
        problem = (
            "thinking.enabled.budget_tokens: Input should be greater than or equal to "
            f"{_LEAST_THINKING_BUDGET}"
        )
    elif ceiling is not None and ceiling <= budget:
        problem = "`max_tokens` must be greater than `thinking.budget_tokens`."
    elif choice is not None and (choice.any is not None or choice.tool is not None):
        problem = "Thinking may not be enabled when tool_choice forces tool use."
    if problem:
        raise invalid(f"The model returned the following errors: {problem}")


def _tools(wanted: Body) -> tuple[Tool, ...]:
    tools = wanted.tool_config.tools if wanted.tool_config else []
    specs = [tool.tool_spec for tool in tools if tool.tool_spec is not None]
    names = [spec.name for spec in specs]
    if len(names) != len(set(names)):
        raise invalid("The tools in toolConfig must have unique names.")
    return tuple(Tool(spec.name, spec.input_schema.json) for spec in specs)


def _tool_choice(wanted: Body) -> str:
    choice = wanted.tool_config.tool_choice if wanted.tool_config else None
    if choice is None:
        return "auto"
    held = [value for value in msgspec.structs.astuple(choice) if value is not None]
    if len(held) != 1:
        raise invalid("toolConfig.toolChoice must set exactly one of auto, any and tool.")
    if choice.tool is not None:
        if choice.tool.name not in {tool.name for tool in _tools(wanted)}:
            raise invalid(f"The tool {choice.tool.name} of toolChoice is not among the tools.")
        return f"={choice.tool.name}"
    return "required" if choice.any is not None else "auto"


def _schema(wanted: Body) -> dict[str, Any] | None:
    wanted_format = wanted.output_config.text_format if wanted.output_config else None
    if wanted_format is None:
        return None
    try:
        return msgspec.json.decode(wanted_format.structure.json_schema.schema, type=dict[str, Any])
    except msgspec.MsgspecError:
        raise invalid("outputConfig.textFormat: the schema is not valid JSON.") from None


def _prompt(wanted: Body) -> list[Segment]:
    """Tools, then system, then messages: the order in which Claude caches them."""
    segments: list[Segment] = []
    if wanted.tool_config:
        segments.append(fixed_segment("tools", TOOLS_OVERHEAD))
        for tool in wanted.tool_config.tools:
            if tool.tool_spec is not None:
                segments.append(text_segment(msgspec.json.encode(tool.tool_spec).decode()))
            elif tool.cache_point is not None:
                segments[-1] = Segment(segments[-1].pieces, tool.cache_point.ttl)
    if schema := _schema(wanted):
        segments.append(text_segment(msgspec.json.encode(schema).decode()))
    for system in wanted.system:
        if system.cache_point is not None and segments:
            segments[-1] = Segment(segments[-1].pieces, system.cache_point.ttl)
        else:
            segments.append(text_segment(system.text or ""))
    for message in wanted.messages:
        segments.append(fixed_segment(message.role, MESSAGE_OVERHEAD))
        for block in message.content:
            if block.cache_point is not None:
                segments[-1] = Segment(segments[-1].pieces, block.cache_point.ttl)
            else:
                segments.append(_segment(block))
    return segments


def _segment(block: Block) -> Segment:
    if block.image is not None:
        return fixed_segment(f"image {digest_of(block.image)}", IMAGE_TOKENS)
    if block.document is not None:
        return fixed_segment(f"document {digest_of(block.document)}", DOCUMENT_TOKENS)
    if block.tool_use is not None:
        arguments = msgspec.json.encode(block.tool_use.input).decode()
        return text_segment(block.tool_use.name + arguments)
    if block.tool_result is not None:
        told = [
            part.text if part.text is not None else msgspec.json.encode(part.json).decode()
            for part in block.tool_result.content
        ]
        return text_segment(" ".join(told))
    if block.reasoning_content is not None and block.reasoning_content.reasoning_text is not None:
        return text_segment(block.reasoning_content.reasoning_text.text)
    return text_segment(block.text or "")
