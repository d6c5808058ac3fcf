"""Frames of this wire's streams."""

from typing import Final

import msgspec

from trunkline.gateway.exchange.parts import Document

_encode = msgspec.json.Encoder().encode

PING: Final = b'event: ping\ndata: {"type": "ping"}\n\n'
STOP: Final = b'event: message_stop\ndata: {"type":"message_stop"}\n\n'
TAIL: Final = b"}}\n\n"


def frame(kind: bytes, document: Document) -> bytes:
    """An event under its name."""
    return b"event: " + kind + b"\ndata: " + _encode(document) + b"\n\n"


def delta_head(index: int, kind: bytes, member: bytes) -> bytes:
    """What precedes the text of a piece; ``TAIL`` follows it."""
    return (
        b'event: content_block_delta\ndata: {"type":"content_block_delta","index":%d,'
        b'"delta":{"type":"%s","%s":' % (index, kind, member)
    )
