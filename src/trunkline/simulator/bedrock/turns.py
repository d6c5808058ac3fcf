"""What Bedrock, and the models behind it, check about the turns of a conversation."""

import base64
import binascii

import msgspec

from trunkline.simulator.bedrock.errors import invalid
from trunkline.simulator.bedrock.shapes import Block, Body, Bytes, Message, Reasoning
from trunkline.simulator.seals import is_sealed

PROVIDER = "bedrock"

_MOST_CACHE_POINTS = 4


def check_turns(asked: Body, *, thinks: bool) -> None:
    """Refuse what Bedrock refuses; ``thinks`` says whether thinking is asked for.

    Raises:
        Refusal: 400 with Bedrock's sentence.
    """
    messages = asked.messages
    if not messages:
        raise invalid("The messages field must not be empty. Add a message and try again.")
    if messages[0].role != "user":
        raise invalid(
            "A conversation must start with a user message. Try again with a conversation that "
            "starts with a user message."
        )
    for number, message in enumerate(messages):
        if number and message.role == messages[number - 1].role:
            raise invalid(
                "A conversation must alternate between user and assistant roles. Make sure the "
                "conversation alternates between user and assistant roles and try again."
            )
        _check_blocks(message, number)
    _check_tools(asked)
    _check_documents(messages)
    if thinks:
        _check_thought_first(messages)


def marks_of(asked: Body) -> int:
    """How many cache points a request has.

    Raises:
        Refusal: there are more than four.
    """
    tools = asked.tool_config.tools if asked.tool_config else []
    points = [
        *(tool.cache_point for tool in tools),
        *(block.cache_point for block in asked.system),
        *(block.cache_point for message in asked.messages for block in message.content),
    ]
    marks = sum(point is not None for point in points)
    if marks > _MOST_CACHE_POINTS:
        raise invalid(f"At most {_MOST_CACHE_POINTS} cache points may be provided. Found {marks}.")
    return marks


def _check_blocks(message: Message, number: int) -> None:
    if not message.content:
        raise invalid(
            f"The content field in the Message object at messages.{number} is empty. Add a "
            "ContentBlock object to the content field and try again."
        )
    for position, block in enumerate(message.content):
        place = f"messages.{number}.content.{position}"
        held = [value for value in msgspec.structs.astuple(block) if value is not None]
        if len(held) != 1:
            raise invalid(
                f"The content block at {place} must set exactly one of its members; it sets "
                f"{len(held)}."
            )
        if block.text is not None and not block.text.strip():
            raise invalid(
                f"The text field in the ContentBlock object at {place} is blank. Add text to the "
                "text field, and try again."
            )
        if message.role == "assistant" and (block.tool_result or block.image or block.document):
            raise invalid(f"The content block at {place} is not for the assistant role.")
        if message.role == "user" and (block.tool_use or block.reasoning_content):
            raise invalid(f"The content block at {place} is not for the user role.")
        _check_source(block, place)
        if block.reasoning_content is not None:
            _check_reasoning(block.reasoning_content, place)


def _check_source(block: Block, place: str) -> None:
    sources = [one.source for one in (block.image, block.document) if one is not None]
    results = block.tool_result.content if block.tool_result else []
    sources += [result.image.source for result in results if result.image is not None]
    for source in sources:
        _check_bytes(source, place)


def _check_bytes(source: Bytes, place: str) -> None:
    if source.bytes is None:
        return
    try:
        decoded = base64.b64decode(source.bytes, validate=True)
    except (binascii.Error, ValueError):
        raise invalid(f"The bytes at {place} are not valid base64.") from None
    if not decoded:
        raise invalid(f"The bytes at {place} are empty.")


def _check_reasoning(reasoning: Reasoning, place: str) -> None:
    told = reasoning.reasoning_text
    if (told is None) == (reasoning.redacted_content is None):
        raise invalid(f"The reasoning content at {place} must set exactly one of its members.")
    if told is not None and not is_sealed(PROVIDER, told.signature, told.text):
        raise invalid(
            f"The model returned the following errors: {place}: Invalid `signature` in `thinking` "
            "block"
        )


def _check_tools(asked: Body) -> None:
    """Each call is answered by the very next message, and there is nothing else to answer."""
    waiting: list[str] = []
    seen = False
    for number, message in enumerate(asked.messages):
        results = [b.tool_result.tool_use_id for b in message.content if b.tool_result is not None]
        seen = seen or bool(results)
        if missing := sorted(set(waiting) - set(results)):
            raise invalid(
                f"Expected toolResult blocks at messages.{number}.content for the following Ids: "
                + ", ".join(missing)
            )
        if set(results) - set(waiting) or len(results) != len(set(results)):
            raise invalid(
                f"The number of toolResult blocks at messages.{number}.content exceeds the number "
                "of toolUse blocks of previous turn."
            )
        waiting = [b.tool_use.tool_use_id for b in message.content if b.tool_use is not None]
        seen = seen or bool(waiting)
        if len(waiting) != len(set(waiting)):
            raise invalid(f"The toolUse blocks at messages.{number}.content contain duplicate Ids.")
    if waiting:
        raise invalid("Expected toolResult blocks for the following Ids: " + ", ".join(waiting))
    if seen and asked.tool_config is None:
        raise invalid(
            "The toolConfig field must be defined when using toolUse and toolResult content blocks."
        )


def _check_documents(messages: list[Message]) -> None:
    names = [b.document.name for m in messages for b in m.content if b.document is not None]
    if len(names) != len(set(names)):
        raise invalid("Documents in a request must have unique names.")
    for name in names:
        letters = name.translate(str.maketrans("", "", "-()[]"))
        if not all(one.isalnum() or one.isspace() for one in letters) or "  " in name:
            raise invalid(
                "The document file name can only contain alphanumeric characters, whitespace "
                "characters, hyphens, parentheses, and square brackets. The name can't contain "
                "more than one consecutive whitespace character."
            )


def _check_thought_first(messages: list[Message]) -> None:
    """While tools are at work, the assistant's turn begins with the reasoning that led to them."""
    if len(messages) == 1 or not any(block.tool_result for block in messages[-1].content):
        return
    number = len(messages) - 2
    first = messages[number].content[0]
    if first.reasoning_content is None:
        found = "tool_use" if first.tool_use is not None else "text"
        raise invalid(
            "The model returned the following errors: "
            f"messages.{number}.content.0.type: Expected `thinking` or `redacted_thinking`, but "
            f"found `{found}`. When `thinking` is enabled, a final `assistant` message must start "
            "with a thinking block."
        )
