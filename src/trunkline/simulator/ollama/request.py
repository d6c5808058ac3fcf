"""Requests of Ollama's chat and generate, read and refused as Ollama does."""

import base64
import binascii
from typing import Any

import msgspec

from trunkline.simulator.asked import Asked
from trunkline.simulator.models import SimModel, WireName, find_model
from trunkline.simulator.ollama.samples import invalid, not_found
from trunkline.simulator.ollama.shapes import ChatBody, GenerateBody, Message, Options
from trunkline.simulator.question import Question, Segment, Tool, fixed_segment, text_segment
from trunkline.simulator.reading import JSON_OBJECT, base_name, decode, digest_of
from trunkline.simulator.refusals import Refusal

MESSAGE_OVERHEAD = 5
IMAGE_TOKENS = 256
DEFAULT_WINDOW = 4096
"""Tokens of a prompt that are heeded, where ``num_ctx`` does not say otherwise."""

_ROLES = frozenset({"system", "user", "assistant", "tool"})
_THINKING_TOKENS = {"low": 48, "medium": 96, "high": 160, "max": 320}


def read_chat(asked: Asked) -> Question:
    """The question in the body of a chat.

    Raises:
        Refusal: with Ollama's status and sentence.
    """
    wanted = decode(asked.body, ChatBody, unreadable)
    model = the_model(wanted.model, "ollama_chat")
    if not wanted.messages:
        raise invalid("messages is required")
    for message in wanted.messages:
        if message.role not in _ROLES:
            raise invalid(
                f"invalid role: {message.role}, must be one of [system, user, assistant, tool]"
            )
        _check_images(message.images)
    tools = wanted.tools or []
    said = [_message_segments(message) for message in wanted.messages]
    declared = [text_segment(msgspec.json.encode(tool.function).decode()) for tool in tools]
    window = _window(wanted.options, model)
    users = [message for message in wanted.messages if message.role == "user"]
    return _question(
        wanted,
        model,
        tuple(declared) + _that_fits(wanted.messages, said, window),
        last_text=users[-1].content if users else wanted.messages[-1].content,
        after_tools=wanted.messages[-1].role == "tool",
        tools=tuple(Tool(tool.function.name, tool.function.parameters) for tool in tools),
    )


def read_generate(asked: Asked) -> Question:
    """The question in the body of a generate, which may be a gap to be filled.

    Raises:
        Refusal: with Ollama's status and sentence.
    """
    wanted = decode(asked.body, GenerateBody, unreadable)
    model = the_model(wanted.model, "ollama_generate")
    if wanted.raw and (wanted.template or wanted.system or wanted.context):
        raise invalid("raw mode does not support template, system, or context")
    _check_images(wanted.images)
    images = [_image_segment(image) for image in wanted.images or ()]
    texts = [wanted.system, wanted.prompt, wanted.suffix]
    prompt = [text_segment(text) for text in texts if text]
    context = [fixed_segment("context", len(wanted.context))] if wanted.context else []
    segments = (*context, *images, *prompt)
    return _question(wanted, model, segments, last_text=wanted.prompt)


def the_model(name: str, wire: WireName) -> SimModel:
    """The model of this name, with or without ``:latest`` behind it.

    Raises:
        Refusal: there is no name, or no such model.
    """
    bare = base_name(name)
    if not bare:
        raise invalid("model is required")
    model = find_model(bare.removesuffix(":latest"), wire)
    if model is None:
        raise not_found(bare)
    return model


def unreadable(message: str, param: str | None, _: str | None) -> Refusal:
    """Ollama's 400 for a body that is no JSON or not of the right form."""
    if param is None:
        return invalid("invalid character in request body")
    return invalid(f"json: cannot unmarshal into Go struct field {param}: {message}")


def _question(
    wanted: ChatBody | GenerateBody,
    model: SimModel,
    prompt: tuple[Segment, ...],
    *,
    last_text: str,
    after_tools: bool = False,
    tools: tuple[Tool, ...] = (),
) -> Question:
    options = wanted.options or Options()
    limit = options.num_predict
    stops = [options.stop] if isinstance(options.stop, str) else options.stop or []
    return Question(
        model=model,
        prompt=prompt,
        last_text=last_text,
        after_tools=after_tools,
        tools=tools,
        schema=_schema(wanted.format),
        # -1 and -2 mean without a limit.
        max_output=limit if limit and limit > 0 else None,
        stops=tuple(stop for stop in stops if stop),
        stream=wanted.stream is not False,
        reasoning_tokens=_thinking_tokens(wanted.think, model),
        show_reasoning=True,
    )


def _thinking_tokens(think: bool | str | None, model: SimModel) -> int:  # noqa: FBT001 - as it was sent
    """Models that can think do so unless they are told not to."""
    if think is None:
        return _THINKING_TOKENS["medium"] if model.reasons else 0
    if isinstance(think, bool):
        able = model.reasons or model.name.startswith("sim-")
        if think and not able:
            raise invalid(f'"{model.name}" does not support thinking')
        return _THINKING_TOKENS["medium"] if think else 0
    if think not in _THINKING_TOKENS:
        raise invalid(f'invalid think value: "{think}" (must be "high", "medium", "low", "max")')
    return _THINKING_TOKENS[think]


def _schema(wanted: str | dict[str, Any] | None) -> dict[str, Any] | None:
    if isinstance(wanted, dict):
        return wanted
    if wanted in {None, ""}:
        return None
    if wanted != "json":
        raise invalid(f'invalid format: "{wanted}"; expected "json" or a valid JSON Schema object')
    return JSON_OBJECT


def _window(options: Options | None, model: SimModel) -> int:
    asked_for = options.num_ctx if options else None
    return min(asked_for or DEFAULT_WINDOW, model.context)


def _that_fits(
    messages: list[Message], said: list[list[Segment]], window: int
) -> tuple[Segment, ...]:
    """What is left of a conversation that is longer than the window.

    Ollama drops the oldest messages without a word; system prompts and the newest one stay.
    """
    kept = [True] * len(messages)
    size = sum(len(segment.pieces) for segments in said for segment in segments)
    for number, message in enumerate(messages[:-1]):
        if size <= window:
            break
        if message.role != "system":
            kept[number] = False
            size -= sum(len(segment.pieces) for segment in said[number])
    return tuple(
        segment for keep, segments in zip(kept, said, strict=True) if keep for segment in segments
    )


def _check_images(images: list[str] | None) -> None:
    for image in images or ():
        try:
            base64.b64decode(image, validate=True)
        except (binascii.Error, ValueError):
            raise invalid("illegal base64 data at input byte 0") from None


def _message_segments(message: Message) -> list[Segment]:
    calls = message.tool_calls or ()
    return [
        fixed_segment(message.role, MESSAGE_OVERHEAD),
        text_segment(message.content),
        *(
            text_segment(call.function.name + msgspec.json.encode(call.function.arguments).decode())
            for call in calls
        ),
        *(_image_segment(image) for image in message.images or ()),
    ]


def _image_segment(image: str) -> Segment:
    return fixed_segment(f"image {digest_of(image)}", IMAGE_TOKENS)
