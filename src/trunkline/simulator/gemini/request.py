"""Requests of Gemini's generateContent and countTokens, read and refused as Google does."""

import msgspec

from trunkline.simulator.asked import Asked, named_model
from trunkline.simulator.gemini.settings import answer_schema, check_settings, thinking_tokens
from trunkline.simulator.gemini.shapes import (
    Content,
    CountRequest,
    GenerateRequest,
    Part,
    decode,
    invalid,
)
from trunkline.simulator.gemini.tools import read_tools
from trunkline.simulator.gemini.turns import check_turns
from trunkline.simulator.models import SimModel, WireName, find_model
from trunkline.simulator.question import Question, Segment, fixed_segment, text_segment
from trunkline.simulator.reading import base_name, digest_of
from trunkline.simulator.refusals import Refusal

CONTENT_OVERHEAD = 1
IMAGE_TOKENS = 258
FILE_TOKENS = 1032

_INSISTS = ("gemini-3", "sim-")
"""Models, by the beginning of their names, that want their thought signatures back."""


def read_generate(asked: Asked, *, vertex: bool) -> Question:
    """The question in the body of a generateContent; the model stands in the path.

    Raises:
        Refusal: with Google's status and kind.
    """
    model = the_model(named_model(asked))
    wanted: GenerateRequest = decode(asked.body, GenerateRequest)
    return _question(wanted, model, asked, vertex=vertex, speaks=True)


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
    return _question(whole, model, asked, vertex=vertex, speaks=False)


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


def _question(
    wanted: GenerateRequest, model: SimModel, asked: Asked, *, vertex: bool, speaks: bool
) -> Question:
    config = wanted.generation_config
    thinking = thinking_tokens(config, model)
    needs_signatures = bool(thinking) and speaks and insists_on_signatures(model)
    check_turns(wanted.contents, vertex=vertex, needs_signatures=needs_signatures)
    check_settings(config, model)
    if wanted.labels and not vertex:
        raise invalid('Invalid JSON payload received. Unknown name "labels": Cannot find field.')
    schema = answer_schema(config, vertex=vertex)
    tools, choice = read_tools(wanted, vertex=vertex)
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
