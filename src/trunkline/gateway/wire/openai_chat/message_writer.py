"""Messages of a chat, written as they came."""

from trunkline.gateway.exchange.parts import (
    Document,
    Part,
    Reasoning,
    Refusal,
    Text,
    ToolCall,
    ToolResult,
)
from trunkline.gateway.exchange.request import Message
from trunkline.gateway.wire.openai_chat.request import ChatMessage
from trunkline.gateway.wire.openai_family.calls import write_call
from trunkline.gateway.wire.openai_family.citations import write_annotations
from trunkline.gateway.wire.openai_family.content_writer import write_item
from trunkline.gateway.wire.openai_family.reasoning import joined, write_details
from trunkline.gateway.wire.openai_family.sources import write_mark
from trunkline.gateway.wire.openai_family.spelling import respelled


def write_message(message: Message) -> Document:
    """A message of this wire."""
    first = message.parts[0] if message.parts else None
    document = _write_result(first) if isinstance(first, ToolResult) else _write_turn(message)
    if isinstance(message, ChatMessage) and message.told is message.parts:
        return respelled(document, message.spelled)
    return document


def _write_turn(message: Message) -> Document:
    document: Document = {"role": message.role}
    if message.name is not None:
        document["name"] = message.name
    content: list[Part] = []
    thoughts: list[Reasoning] = []
    calls: list[ToolCall] = []
    for part in message.parts:
        if isinstance(part, ToolCall):
            calls.append(part)
        elif isinstance(part, Reasoning):
            thoughts.append(part)
        elif isinstance(part, Refusal):
            document["refusal"] = part.text
        else:
            content.append(part)
    _write_content(document, content, bare=message.bare)
    if thoughts:
        _write_thoughts(document, thoughts)
    if calls:
        document["tool_calls"] = [write_call(call, call.id) for call in calls]
    if message.cache is not None:
        document["cache_control"] = write_mark(message.cache)
    return {**document, **message.extra} if message.extra else document


def _write_content(document: Document, content: list[Part], *, bare: bool) -> None:
    cited = [part.citations for part in content if isinstance(part, Text) and part.citations]
    if cited:
        document["annotations"] = [item for part in cited for item in write_annotations(part)]
    if not bare:
        document["content"] = [write_item(part) for part in content]
    elif content and isinstance(content[0], Text):
        document["content"] = content[0].text


def _write_thoughts(document: Document, thoughts: list[Reasoning]) -> None:
    """Thought in the members that we give it to callers in."""
    text = joined(thoughts)
    if text:
        document["reasoning_content"] = text
    if any(part.signature is not None for part in thoughts):
        document["reasoning_details"] = write_details(thoughts)


def _write_result(result: ToolResult) -> Document:
    document: Document = {"role": "tool", "tool_call_id": result.call_id}
    if result.name is not None:
        document["name"] = result.name
    if not result.bare:
        document["content"] = [write_item(part) for part in result.parts]
    elif result.parts and isinstance(result.parts[0], Text):
        document["content"] = result.parts[0].text
    if result.cache is not None:
        document["cache_control"] = write_mark(result.cache)
    return {**document, **result.extra} if result.extra else document
