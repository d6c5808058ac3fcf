"""Requests of Cohere's chat, read and refused as Cohere does."""

from typing import Any

import msgspec

from trunkline.simulator.asked import Asked
from trunkline.simulator.cohere.manners import read_body, the_model
from trunkline.simulator.cohere.samples import invalid
from trunkline.simulator.cohere.shapes import ChatBody, Message, Part, ResponseFormat, Thinking
from trunkline.simulator.models import SimModel
from trunkline.simulator.question import Question, Segment, Tool, fixed_segment, text_segment
from trunkline.simulator.reading import JSON_OBJECT, digest_of

IMAGE_TOKENS = 256
MESSAGE_OVERHEAD = 1
PREAMBLE = 62
"""Tokens that Cohere puts before a prompt, counts, and does not bill."""

_ROLES = frozenset({"system", "user", "assistant", "tool"})
_THINKING_TOKENS = 96


def read_chat(asked: Asked) -> Question:
    """The question in the body of a chat.

    Raises:
        Refusal: with Cohere's status and sentence.
    """
    wanted = read_body(asked.body, ChatBody)
    model = the_model(wanted.model, "cohere_chat")
    _check(wanted, model)
    users = [message for message in wanted.messages if message.role == "user"]
    question = Question(
        model=model,
        prompt=tuple(_prompt(wanted)),
        last_text=_text_of(users[-1] if users else wanted.messages[-1]),
        after_tools=wanted.messages[-1].role == "tool",
        tools=tuple(
            Tool(tool.function.name, tool.function.parameters) for tool in wanted.tools or ()
        ),
        tool_choice={"REQUIRED": "required", "NONE": "none"}.get(wanted.tool_choice or "", "auto"),
        schema=_schema(wanted.response_format),
        max_output=wanted.max_tokens,
        stops=tuple(stop for stop in wanted.stop_sequences or () if stop),
        stream=wanted.stream,
        reasoning_tokens=_thinking_tokens(wanted.thinking, model),
        show_reasoning=True,
    )
    if question.input_tokens > model.context:
        raise invalid(
            f"too many tokens: the total number of tokens in the prompt cannot exceed "
            f"{model.context} - received {question.input_tokens}"
        )
    return question


def _check(wanted: ChatBody, model: SimModel) -> None:
    if not wanted.messages:
        raise invalid("messages must not be empty")
    for number, message in enumerate(wanted.messages):
        if message.role not in _ROLES:
            raise invalid(
                f"message[{number}].role must be one of 'system', 'user', 'assistant', 'tool', not "
                f"'{message.role}'"
            )
        if message.role in {"user", "system", "tool"} and not message.content:
            raise invalid(f"message[{number}].content must not be empty")
        if message.role == "assistant" and not (message.content or message.tool_calls):
            raise invalid(
                f"all elements in history must have a message: message[{number}] has neither "
                "content nor tool_calls"
            )
    if (wanted.max_tokens or 0) > model.max_output:
        raise invalid(
            f"max_tokens must be less than or equal to {model.max_output}, the maximum output for "
            f"this model - received {wanted.max_tokens}."
        )
    if wanted.tool_choice and not wanted.tools:
        raise invalid("tool_choice may only be specified when tools are provided")
    _check_tool_results(wanted.messages)


def _check_tool_results(messages: list[Message]) -> None:
    """Each tool call of the assistant is answered by the tool messages right after it."""
    waiting: set[str] = set()
    for number, message in enumerate(messages):
        if message.role == "tool":
            if message.tool_call_id not in waiting:
                raise invalid(
                    f"message[{number}].tool_call_id '{message.tool_call_id}' not found in the "
                    "tool calls of the previous assistant message"
                )
            waiting.discard(message.tool_call_id)
            continue
        if waiting:
            break
        for call in message.tool_calls or ():
            _check_arguments(call.function.arguments, number)
            if call.id in waiting:
                raise invalid(f"message[{number}] has duplicate tool call ids: '{call.id}'")
            waiting.add(call.id)
    if waiting:
        raise invalid("missing tool results for tool call ids: " + ", ".join(sorted(waiting)))


def _check_arguments(arguments: str, number: int) -> None:
    try:
        msgspec.json.decode(arguments, type=dict[str, Any] | None)
    except msgspec.MsgspecError:
        raise invalid(
            f"message[{number}].tool_calls: arguments must be the text of a JSON object"
        ) from None


def _prompt(wanted: ChatBody) -> list[Segment]:
    segments = [
        text_segment(msgspec.json.encode(tool.function).decode()) for tool in wanted.tools or ()
    ]
    segments += [
        text_segment(
            document if isinstance(document, str) else msgspec.json.encode(document).decode()
        )
        for document in wanted.documents or ()
    ]
    for message in wanted.messages:
        segments.append(fixed_segment(message.role, MESSAGE_OVERHEAD))
        if isinstance(message.content, list):
            segments += map(_segment, message.content)
        elif message.content:
            segments.append(text_segment(message.content))
        if message.tool_plan:
            segments.append(text_segment(message.tool_plan))
        segments += [
            text_segment(call.function.name + call.function.arguments)
            for call in message.tool_calls or ()
        ]
    return segments


def _segment(part: Part) -> Segment:
    if part.image_url is not None:
        return fixed_segment(f"image {digest_of(part.image_url)}", IMAGE_TOKENS)
    if part.document is not None:
        return text_segment(msgspec.json.encode(part.document).decode())
    return text_segment(part.text or part.thinking)


def _text_of(message: Message) -> str:
    if isinstance(message.content, list):
        return " ".join(part.text for part in message.content if part.type == "text")
    return message.content or ""


def _thinking_tokens(thinking: Thinking | None, model: SimModel) -> int:
    """Models that can think do so unless they are told not to."""
    if thinking is None:
        return _THINKING_TOKENS if model.reasons else 0
    if thinking.type == "disabled":
        return 0
    if not (model.reasons or model.name.startswith("sim-")):
        raise invalid(f"thinking is not supported with model '{model.name}'")
    return min(thinking.token_budget or _THINKING_TOKENS, _THINKING_TOKENS)


def _schema(wanted: ResponseFormat | None) -> dict[str, Any] | None:
    if wanted is None or wanted.type == "text":
        return None
    return wanted.json_schema or JSON_OBJECT
