"""Requests of Gemini's generateContent and countTokens, read and refused as Google does."""

from typing import Any

import msgspec

from trunkline.simulator.asked import Asked, named_model
from trunkline.simulator.gemini.schema import json_schema_of
from trunkline.simulator.gemini.shapes import (
    Content,
    CountRequest,
    FunctionDeclaration,
    GenerateRequest,
    GenerationConfig,
    Part,
    decode,
    invalid,
)
from trunkline.simulator.gemini.turns import check_turns
from trunkline.simulator.models import SimModel, WireName, find_model
from trunkline.simulator.question import Question, Segment, Tool, fixed_segment, text_segment
from trunkline.simulator.reading import JSON_OBJECT, base_name, digest_of
from trunkline.simulator.refusals import Refusal

CONTENT_OVERHEAD = 1
IMAGE_TOKENS = 258
FILE_TOKENS = 1032

_JSON = "application/json"
_MOST_STOPS = 5
_MOST_CANDIDATES = 8
_THINKING_TOKENS = {"minimal": 24, "low": 48, "medium": 96, "high": 160}
_DYNAMIC = -1
_BUDGETS_ONLY = ("gemini-2.5",)
_INSISTS = ("gemini-3", "sim-")
"""Models, by the beginning of their names, that want their thought signatures back."""


def read_generate(asked: Asked, *, vertex: bool) -> Question:
    """The question in the body of a generateContent; the model stands in the path.

    Raises:
        Refusal: with Google's status and kind.
    """
    model = the_model(named_model(asked))
    return _question(decode(asked.body, GenerateRequest), model, asked, vertex=vertex)


def read_count(asked: Asked, *, vertex: bool) -> Question:
    """The question in the body of a countTokens.

    Raises:
        Refusal: with Google's status and kind.
    """
    model = the_model(named_model(asked))
    wanted: CountRequest = decode(asked.body, CountRequest)
    whole = wanted.generate_content_request
    if whole is None:
        whole = GenerateRequest(
            contents=wanted.contents,
            system_instruction=wanted.system_instruction,
            tools=wanted.tools,
        )
    elif wanted.contents:
        raise invalid("contents and generateContentRequest are mutually exclusive.")
    return _question(whole, model, asked, vertex=vertex)


def the_model(name: str, wire: WireName = "gemini") -> SimModel:
    """The model of this name, with or without ``models/`` before it.

    Raises:
        Refusal: Google does not have it.
    """
    model = find_model(base_name(name).removeprefix("models/"), wire)
    if model is None:
        raise Refusal(
            404,
            "NOT_FOUND",
            f"models/{name} is not found for API version v1beta, or is not supported for "
            "generateContent. Call ListModels to see the list of available models and their "
            "supported methods.",
        )
    return model


def insists_on_signatures(model: SimModel) -> bool:
    """Whether the model, when it thinks, refuses a conversation without its signatures."""
    return model.name.startswith(_INSISTS)


def content_segments(content: Content) -> list[Segment]:
    """What a content counts as."""
    return [fixed_segment(content.role or "user", CONTENT_OVERHEAD), *map(_segment, content.parts)]


def _question(wanted: GenerateRequest, model: SimModel, asked: Asked, *, vertex: bool) -> Question:
    config = wanted.generation_config
    thinking = _thinking_tokens(config, model)
    check_turns(
        wanted.contents,
        vertex=vertex,
        needs_signatures=bool(thinking) and insists_on_signatures(model),
    )
    _check(config, model)
    if wanted.labels and not vertex:
        raise invalid('Invalid JSON payload received. Unknown name "labels": Cannot find field.')
    schema = _schema(config, vertex=vertex)
    tools, choice = _tools(wanted, vertex=vertex)
    last = wanted.contents[-1]
    users = next(c for c in reversed(wanted.contents) if c.role != "model" and not _answers(c))
    question = Question(
        model=model,
        prompt=tuple(_prompt(wanted)),
        last_text=" ".join(part.text for part in users.parts if part.text),
        after_tools=_answers(last),
        tools=tools,
        tool_choice=choice,
        schema=schema,
        max_output=config.max_output_tokens,
        stops=tuple(stop for stop in config.stop_sequences if stop),
        choices=config.candidate_count or 1,
        stream=asked.stream,
        reasoning_tokens=thinking,
        show_reasoning=bool(config.thinking_config and config.thinking_config.include_thoughts),
        service_tier=(wanted.service_tier or "standard").lower(),
    )
    if question.input_tokens > model.context:
        raise invalid(
            f"The input token count ({question.input_tokens}) exceeds the maximum number of tokens "
            f"allowed ({model.context})."
        )
    return question


def _answers(content: Content) -> bool:
    return any(part.function_response is not None for part in content.parts)


def _check(config: GenerationConfig, model: SimModel) -> None:
    _check_range("temperature", config.temperature, 0, 2)
    _check_range("top_p", config.top_p, 0, 1)
    _check_range("candidate_count", config.candidate_count, 1, _MOST_CANDIDATES)
    _check_range("max_output_tokens", config.max_output_tokens, 1, model.max_output)
    if len(config.stop_sequences) > _MOST_STOPS:
        raise invalid(f"The number of stop sequences must be at most {_MOST_STOPS}.")


def _check_range(name: str, value: float | None, least: float, most: float) -> None:
    if value is not None and not least <= value <= most:
        raise invalid(
            f"* GenerateContentRequest.generation_config.{name}: {name} must be in the range "
            f"[{least:g}, {most:g}].\n"
        )


def _thinking_tokens(config: GenerationConfig, model: SimModel) -> int:
    """About how long the model thinks; not at all where it must be asked and was not."""
    thinking = config.thinking_config
    if thinking is None:
        return _THINKING_TOKENS["medium"] if model.reasons else 0
    budget, level = thinking.thinking_budget, thinking.thinking_level.lower()
    if level and budget is not None:
        raise invalid("You can only set only one of thinking budget and thinking level.")
    if level:
        if model.name.startswith(_BUDGETS_ONLY):
            raise invalid("Thinking level is not supported for this model.")
        if level not in _THINKING_TOKENS:
            raise invalid(f"Invalid value at 'generation_config.thinking_config' \"{level}\"")
        return _THINKING_TOKENS[level]
    if budget == 0:
        if model.reasons and model.name.endswith(("pro", "pro-preview")):
            raise invalid("Budget 0 is invalid. This model only works in thinking mode.")
        return 0
    if budget is None or budget == _DYNAMIC:
        asked_for = thinking.include_thoughts or budget == _DYNAMIC
        return _THINKING_TOKENS["medium"] if asked_for or model.reasons else 0
    if budget < _DYNAMIC:
        raise invalid("The thinking budget must be -1, 0 or a positive number.")
    return min(budget, _THINKING_TOKENS["high"])


def _schema(config: GenerationConfig, *, vertex: bool) -> dict[str, Any] | None:
    own, standard = config.response_schema, config.response_json_schema
    if own is not None and standard is not None:
        raise invalid("response_schema and response_json_schema are mutually exclusive.")
    if (own is not None or standard is not None) and config.response_mime_type != _JSON:
        raise invalid(
            "A response schema is only allowed with the response mime type application/json."
        )
    if own is not None:
        return json_schema_of(own, "generation_config.response_schema", vertex=vertex)
    if standard is not None:
        if not isinstance(standard, dict):
            raise invalid("response_json_schema must be an object.")
        return standard
    return JSON_OBJECT if config.response_mime_type == _JSON else None


def _tools(wanted: GenerateRequest, *, vertex: bool) -> tuple[tuple[Tool, ...], str]:
    """What may be called, and whether something must be."""
    tools = tuple(
        Tool(
            one.name, _parameters(one, f"tools[{number}].function_declarations[{position}]", vertex)
        )
        for number, tool in enumerate(wanted.tools)
        for position, one in enumerate(tool.function_declarations)
    )
    names = [tool.name for tool in tools]
    if len(set(names)) != len(names):
        raise invalid("Duplicate function declaration found.")
    config = wanted.tool_config.function_calling_config if wanted.tool_config else None
    if config is None:
        return tools, "auto"
    allowed = config.allowed_function_names
    if config.mode not in {"AUTO", "ANY", "NONE", "VALIDATED", "MODE_UNSPECIFIED"}:
        raise invalid(
            f"Invalid value at 'tool_config.function_calling_config.mode' \"{config.mode}\""
        )
    if allowed and config.mode not in {"ANY", "VALIDATED"}:
        raise invalid("Allowed function names should be set only when the mode is ANY.")
    if unknown := set(allowed) - set(names):
        raise invalid(
            f"Allowed function names {sorted(unknown)} are not among the function declarations."
        )
    if config.mode == "ANY" and not tools:
        raise invalid("Function calling config is set without function_declarations.")
    chosen = tuple(tool for tool in tools if not allowed or tool.name in allowed)
    return chosen, {"ANY": "required", "NONE": "none"}.get(config.mode, "auto")


def _parameters(
    declared: FunctionDeclaration,
    path: str,
    vertex: bool,  # noqa: FBT001 - one private caller
) -> dict[str, Any]:
    if not _is_name(declared.name):
        raise invalid(
            f"* GenerateContentRequest.{path}.name: [Invalid function name. Must start with a "
            "letter or an underscore. Must be alphameric (a-z, A-Z, 0-9), underscores (_), dots "
            "(.), colons (:), or dashes (-), with a maximum length of 128.]\n"
        )
    if declared.parameters is not None and declared.parameters_json_schema is not None:
        raise invalid(f"{path}: parameters and parameters_json_schema are mutually exclusive.")
    if declared.parameters is not None:
        return json_schema_of(declared.parameters, f"{path}.parameters", vertex=vertex)
    standard = declared.parameters_json_schema
    return standard if isinstance(standard, dict) else {"type": "object"}


def _is_name(name: str) -> bool:
    letters = name.translate(str.maketrans("", "", "_.:-"))
    begun = name[:1].isalpha() or name[:1] == "_"
    return begun and len(name) <= 128 and name.isascii() and (letters.isalnum() or not letters)


def _prompt(wanted: GenerateRequest) -> list[Segment]:
    segments = [
        text_segment(msgspec.json.encode(declared).decode())
        for tool in wanted.tools
        for declared in tool.function_declarations
    ]
    config = wanted.generation_config
    segments += [
        text_segment(msgspec.json.encode(schema).decode())
        for schema in (config.response_schema, config.response_json_schema)
        if schema is not None
    ]
    if wanted.system_instruction is not None:
        segments += map(_segment, wanted.system_instruction.parts)
    for content in wanted.contents:
        segments += content_segments(content)
    return segments


def _segment(part: Part) -> Segment:
    if part.inline_data is not None:
        image = part.inline_data.mime_type.startswith("image/")
        size = IMAGE_TOKENS if image else FILE_TOKENS
        kind = "image" if image else "file"
        return fixed_segment(f"{kind} {digest_of(part.inline_data.data)}", size)
    if part.file_data is not None:
        return fixed_segment(f"file {digest_of(part.file_data.file_uri)}", FILE_TOKENS)
    if part.function_call is not None:
        arguments = msgspec.json.encode(part.function_call.args).decode()
        return text_segment(part.function_call.name + arguments)
    if part.function_response is not None:
        return text_segment(msgspec.json.encode(part.function_response.response).decode())
    return text_segment(part.text or "")
