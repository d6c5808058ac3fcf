"""One answer of the model that a wire tells as several messages, for wires that want it as one."""

from collections.abc import Iterable

from trunkline.gateway.exchange.parts import Reasoning, ToolCall
from trunkline.gateway.exchange.request import Message


def joined_answers(messages: Iterable[Message]) -> list[Message]:
    """The messages, where thought, words and calls of one answer are one message.

    OpenAI's Responses has an item for each of them. In a chat the results must follow the message
    with all the calls, and thought belongs to the message that came of it. Source: OpenAI's
    reference of chat completions, which refuses a call whose result does not come next.
    """
    joined: list[Message] = []
    for message in messages:
        before = joined[-1] if joined else None
        if before is not None and _belong_together(before, message):
            joined[-1] = _join(before, message)
        else:
            joined.append(message)
    return joined


def _belong_together(before: Message, message: Message) -> bool:
    if not before.role == message.role == "assistant":
        return False
    parts = (*before.parts, *message.parts)
    return any(isinstance(part, ToolCall) for part in parts) or all(
        isinstance(part, Reasoning) for part in before.parts
    )


def _join(before: Message, message: Message) -> Message:
    return Message(
        "assistant",
        (*before.parts, *message.parts),
        name=message.name or before.name,
        cache=message.cache or before.cache,
        extra={**before.extra, **message.extra},
    )
