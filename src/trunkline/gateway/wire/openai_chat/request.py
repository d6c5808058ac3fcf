"""A request that came as a chat completion, with how its caller spelled it."""

from typing import Final

import msgspec

from trunkline.gateway.exchange.parts import Document, Part
from trunkline.gateway.exchange.request import Message
from trunkline.gateway.wire.openai_family.spelling import SpelledRequest

WIRE: Final = "openai_chat"


class ChatRequest(SpelledRequest, frozen=True, kw_only=True):
    """A request of this wire.

    Attributes:
        legacy: whether its tools are the older ``functions``, so that the caller knows
            ``function_call`` alone.
    """

    legacy: bool = False


class ChatMessage(Message, frozen=True, kw_only=True):
    """A message of this wire.

    Attributes:
        spelled: members that we would write otherwise; see ``openai_family.spelling``.
        told: the parts that ``spelled`` belongs to; a message whose parts were changed since has
            no spelling any more.
    """

    spelled: Document = msgspec.field(default_factory=dict)
    told: tuple[Part, ...] = ()
