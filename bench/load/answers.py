"""Whether an answer is whole: its text is the one that the provider sent, and its end is proper."""

from typing import Any

import msgspec

from bench.bodies import STREAMED_TEXT
from bench.cases import Wire


def count_pieces(wire: Wire, answer: bytes) -> int | None:
    """How many pieces of content a streamed answer has, or None where it is not whole.

    Args:
        wire: decides what a piece and what the end looks like.
        answer: all bytes from the status line to the last chunk.
    """
    head, _, rest = answer.partition(b"\r\n\r\n")
    if not head.startswith(b"HTTP/1.1 200"):
        return None
    body = _joined(rest) if b"transfer-encoding: chunked" in head.lower() else None
    if body is None:
        return None
    try:
        events = [_data(event) for event in body.decode().split("\n\n") if event.strip()]
        pieces = _chat_pieces(events) if wire == "chat" else _message_pieces(events)
    except (ValueError, LookupError, TypeError, AttributeError):
        return None
    return len(pieces) if "".join(pieces) == STREAMED_TEXT else None


def _joined(rest: bytes) -> bytes | None:
    """The body of a chunked answer, or None where it was cut."""
    parts: list[bytes] = []
    position = 0
    while True:
        end = rest.find(b"\r\n", position)
        if end < 0:
            return None
        size = int(rest[position:end].partition(b";")[0], 16)
        if size == 0:
            return b"".join(parts)
        parts.append(rest[end + 2 : end + 2 + size])
        position = end + 4 + size


def _data(event: str) -> str:
    lines = [line for line in event.split("\n") if line.startswith("data:")]
    return lines[0][5:].strip() if lines else ""


def _chat_pieces(events: list[str]) -> list[str]:
    if events[-1] != "[DONE]":
        raise ValueError("no end")
    pieces, finished = [], False
    for event in events[:-1]:
        choices: list[dict[str, Any]] = msgspec.json.decode(event).get("choices") or []
        for choice in choices:
            if content := choice["delta"].get("content"):
                pieces.append(content)
            finished = finished or choice.get("finish_reason") == "stop"
    if not finished:
        raise ValueError("no reason to finish")
    return pieces


def _message_pieces(events: list[str]) -> list[str]:
    decoded = [msgspec.json.decode(event) for event in events if event]
    if decoded[-1]["type"] != "message_stop":
        raise ValueError("no end")
    deltas = [event["delta"] for event in decoded if event["type"] == "content_block_delta"]
    return [delta["text"] for delta in deltas]
