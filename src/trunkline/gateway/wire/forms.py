"""Uploads (``multipart/form-data``): which fields there are, and one of them replaced.

A file stays where it is in the body; only the edges of its part are looked for. Source: RFC 7578.
"""

import re
from email.message import Message
from typing import NamedTuple

from trunkline.errors import InvalidRequest

_NAME = re.compile(rb'(?i)content-disposition:[^\r\n]*?[;\s]name="([^"\r\n]*)"')
MOST_PARTS = 1_000


class Part(NamedTuple):
    """One field: its name, and where its value begins and ends in the body."""

    name: str
    start: int
    end: int


def parts_of(body: bytes, content_type: bytes) -> list[Part]:
    """The fields of an upload in their order, files included.

    Raises:
        InvalidRequest: the body is no upload with the boundary that its type names.
    """
    boundary = _boundary(content_type)
    delimiter = b"--" + boundary
    if not body.startswith(delimiter):
        position = body.find(b"\r\n" + delimiter)
        if position < 0:
            raise _malformed("it does not begin with its boundary")
        position += 2
    else:
        position = 0
    parts: list[Part] = []
    while True:
        position += len(delimiter)
        if body.startswith(b"--", position):
            return parts
        head_end = body.find(b"\r\n\r\n", position)
        if head_end < 0:
            raise _malformed("a part has no end of its head")
        end = body.find(b"\r\n" + delimiter, head_end + 2)
        if end < 0:
            raise _malformed("its last boundary is missing")
        named = _NAME.search(body, position, head_end + 2)
        if named is None:
            raise _malformed("a part has no name")
        start = head_end + 4
        parts.append(Part(named[1].decode("utf-8", "replace"), start, max(start, end)))
        if len(parts) > MOST_PARTS:
            raise _malformed(f"it has more than {MOST_PARTS} parts")
        position = end + 2


def text_of(body: bytes, parts: list[Part], name: str) -> str | None:
    """The value of the last field of this name, where it is text."""
    for part in reversed(parts):
        if part.name == name:
            return body[part.start : part.end].decode("utf-8", "replace")
    return None


def with_text(body: bytes, parts: list[Part], name: str, value: str) -> bytes:
    """The body with every field of this name set to a value."""
    pieces, begun = [], 0
    for part in parts:
        if part.name == name:
            pieces += [body[begun : part.start], value.encode()]
            begun = part.end
    return b"".join((*pieces, body[begun:]))


def _boundary(content_type: bytes) -> bytes:
    header = Message()
    header["content-type"] = content_type.decode("latin-1").replace("\n", " ").replace("\r", " ")
    boundary = header.get_param("boundary")
    if not isinstance(boundary, str) or not 1 <= len(boundary) <= 70:
        raise _malformed("its content type names no boundary")
    return boundary.encode("latin-1", "replace")


def _malformed(reason: str) -> InvalidRequest:
    return InvalidRequest(
        f"The upload cannot be read: {reason}.",
        code="invalid_form",
        hint="Send multipart/form-data as your HTTP library writes it, and let it set the header.",
    )
