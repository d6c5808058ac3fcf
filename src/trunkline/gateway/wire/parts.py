"""Parts of other wires on their way into formats that have fewer kinds of them."""

from base64 import b64decode

from trunkline.gateway.exchange.parts import File, Foreign, Inline


def name_of(part: Foreign) -> str:
    """What a part that only its own wire understands calls itself, for a note of its loss."""
    kind = part.value.get("type") if isinstance(part.value, dict) else None
    return kind if isinstance(kind, str) and kind else "content"


def text_of(part: File) -> str | None:
    """The text of a file that is plain text, with its name above it; None for any other file."""
    source = part.source
    if not isinstance(source, Inline) or not source.media_type.startswith("text/"):
        return None
    try:
        text = b64decode(source.data).decode()
    except ValueError:
        return None
    return text if part.name is None else f"{part.name}\n{text}"
