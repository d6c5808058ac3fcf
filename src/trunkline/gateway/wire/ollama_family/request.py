"""A request that came in one of Ollama's formats."""

import msgspec

from trunkline.gateway.exchange.parts import Document
from trunkline.gateway.exchange.request import Message, Request

CHAT_NAME = "ollama_chat"
GENERATE_NAME = "ollama_generate"
FAMILY = frozenset({CHAT_NAME, GENERATE_NAME})

# Members that mean the same in either format.
SHARED = ("options", "keep_alive", "truncate", "shift")


class OllamaRequest(Request, frozen=True, kw_only=True):
    """A request with its spelling.

    Attributes:
        plain: members that say nothing beyond what has been read of them, such as
            ``"stream": true`` or an empty list; they are no loss where they are left out.
    """

    plain: Document = msgspec.field(default_factory=dict)


class OllamaMessage(Message, frozen=True, kw_only=True):
    """A message with its spelling.

    Attributes:
        plain: as for the request.
        spelled: for each tool call, what it says besides the function's name and arguments.
    """

    plain: Document = msgspec.field(default_factory=dict)
    spelled: tuple[Document, ...] = ()
