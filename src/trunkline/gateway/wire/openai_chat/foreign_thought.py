"""Thought of earlier turns, given back in the member in which the provider wants it."""

from typing import Final

import msgspec

from trunkline.gateway.exchange.destination import Destination
from trunkline.gateway.exchange.losses import Losses
from trunkline.gateway.exchange.parts import Document, Reasoning
from trunkline.gateway.wire.openai_family.content_writer import write_thinking
from trunkline.gateway.wire.openai_family.reasoning import (
    PLAIN,
    joined,
    write_blocks,
    write_details,
)

_NO_PLACE: Final = "the provider takes no thought of earlier turns"


def write_thought(
    document: Document, thoughts: list[Reasoning], destination: Destination, losses: Losses
) -> None:
    """Set the provider's member of an assistant's message.

    ``content`` is the list in which Mistral's models tell their thought; ``reasoning_details`` and
    ``thinking_blocks`` carry signatures, as far as they are of the target's family.
    """
    member = destination.quirks.reasoning_member
    readable = [_readable(thought, destination) for thought in thoughts]
    told = [thought for thought in readable if thought.text or thought.signature is not None]
    if not told:
        return
    if member is None:
        losses.lose("reasoning", _NO_PLACE)
    elif member in PLAIN:
        text = joined(told)
        if text:
            document[member] = text
    elif member == "content":
        items = [write_thinking(thought) for thought in told if thought.text]
        said = document["content"] or []
        rest = [{"type": "text", "text": said}] if isinstance(said, str) else said
        document["content"] = [*items, *rest]
    elif member == "thinking_blocks":
        blocks = write_blocks(told)
        if blocks:
            document[member] = blocks
        document["reasoning_content"] = joined(told)
    else:
        document[member] = write_details(told)


def _readable(thought: Reasoning, destination: Destination) -> Reasoning:
    """The thought without a signature that means nothing to the target.

    A provider of many makers' models has no family, and tells by the format whose it is.
    """
    if thought.signature is None or destination.family in {"", thought.family}:
        return thought
    return msgspec.structs.replace(thought, signature=None, family="", id=None)
