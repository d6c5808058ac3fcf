"""Forms as browsers and SDKs send them with files inside (RFC 7578)."""

import re

import msgspec

_BOUNDARY = re.compile(r'multipart/form-data;.*?\bboundary="?([^";]+)"?', re.IGNORECASE)
_NAME = re.compile(rb'\bname="([^"]*)"')
_FILENAME = re.compile(rb'\bfilename="([^"]*)"')


class Field(msgspec.Struct, frozen=True):
    """One field of a form; ``filename`` is None where it is no file."""

    name: str
    content: bytes
    filename: str | None = None

    @property
    def text(self) -> str:
        """The content of a field that is no file."""
        return self.content.decode("utf-8", "replace")


def read_form(content_type: str, body: bytes) -> list[Field] | None:
    """The fields in order, or None where the body is no form."""
    found = _BOUNDARY.match(content_type)
    if found is None:
        return None
    mark = b"--" + found[1].encode()
    opened, *parts = (b"\r\n" + body).split(b"\r\n" + mark)
    if not parts or not parts[-1].startswith(b"--") or opened.strip():
        return None
    fields = []
    for part in parts[:-1]:
        head, separator, content = part.partition(b"\r\n\r\n")
        name = _NAME.search(head)
        if not separator or name is None:
            return None
        filename = _FILENAME.search(head)
        fields.append(Field(_text(name[1]), content, _text(filename[1]) if filename else None))
    return fields


def _text(raw: bytes) -> str:
    return raw.decode("utf-8", "replace")
