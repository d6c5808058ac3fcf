"""The context window that a request needs.

Ollama cuts what does not fit its ``num_ctx`` from the front of the conversation and says nothing.
Its own default may be as small as 4,096 tokens, so a longer request has to ask for more. Source:
Ollama's documentation of the context length, and the issues about silent truncation.
"""

from typing import Final

import msgspec

from trunkline.gateway.exchange.parts import (
    Audio,
    File,
    Image,
    Part,
    Reasoning,
    Text,
    ToolCall,
    ToolResult,
)
from trunkline.gateway.exchange.request import Request
from trunkline.gateway.wire.sse import size_of

_LEAST_WINDOW: Final = 4_096
# Ollama makes no window larger than the model was trained for.
_LARGEST_WINDOW: Final = 1 << 20

# Fewer than any tokenizer needs for prose or code, so that the window is rather too large.
_BYTES_PER_TOKEN: Final = 3
_TOKENS_PER_MESSAGE: Final = 8
# As many as the vision models of Ollama's library make of one picture.
_TOKENS_PER_IMAGE: Final = 2_048
# Ceilings are often far above what is ever written, and a window costs memory.
_ROOM_FOR_AN_ANSWER: Final = 1_024
_MOST_ROOM_FOR_AN_ANSWER: Final = 4_096

_encode = msgspec.json.Encoder().encode


def window_for(request: Request) -> int | None:
    """The ``num_ctx`` to ask for, or None where the smallest default is enough.

    Windows are powers of two: each new size makes Ollama load the model again.
    """
    size = 0
    tokens = min(request.max_tokens or _ROOM_FOR_AN_ANSWER, _MOST_ROOM_FOR_AN_ANSWER)
    for message in request.messages:
        tokens += _TOKENS_PER_MESSAGE
        for part in message.parts:
            if isinstance(part, (Image, Audio)):
                tokens += _TOKENS_PER_IMAGE
            else:
                size += _size_of(part)
    for tool in request.tools:
        size += size_of(tool.name) + size_of(tool.description or "")
        size += len(_encode(tool.schema)) if tool.schema else 0
    if request.output is not None and request.output.schema:
        size += len(_encode(request.output.schema))
    needed = tokens + (size + size_of(request.suffix or "")) // _BYTES_PER_TOKEN
    if needed <= _LEAST_WINDOW:
        return None
    return min(1 << (needed - 1).bit_length(), _LARGEST_WINDOW)


def _size_of(part: Part) -> int:
    if isinstance(part, (Text, Reasoning)):
        return size_of(part.text)
    if isinstance(part, ToolCall):
        return size_of(part.name) + size_of(part.arguments)
    if isinstance(part, ToolResult):
        return sum(
            _TOKENS_PER_IMAGE * _BYTES_PER_TOKEN
            if isinstance(inner, (Image, Audio))
            else _size_of(inner)
            for inner in part.parts
        )
    if isinstance(part, File):
        return len(getattr(part.source, "data", ""))
    return 0
