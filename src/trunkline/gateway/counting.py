"""Token counts for callers whose provider cannot count: bytes and the model family's factor.

A provider that speaks the caller's wire is asked instead; it counts exactly and for nothing.
"""

import math
from collections.abc import Callable, Mapping
from types import MappingProxyType

import msgspec

from trunkline.gateway.snapshot import Target
from trunkline.gateway.wire.contract import Inbound

_encode = msgspec.json.Encoder().encode

_SHAPES: Mapping[str, Callable[[int], dict[str, object]]] = MappingProxyType(
    {
        "anthropic_messages": lambda tokens: {"input_tokens": tokens},
        "openai_responses": lambda tokens: {
            "object": "response.input_tokens",
            "input_tokens": tokens,
        },
        "gemini": lambda tokens: {"totalTokens": tokens},
    }
)


def estimated_count(wire: str, request: Inbound, target: Target) -> bytes:
    """The answer to a count of tokens in the caller's wire."""
    return _encode(_SHAPES[wire](math.ceil(request.size / target.bytes_per_token)))
