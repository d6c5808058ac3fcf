"""Pictures and sound in Ollama's formats: base64 without a word about what it is."""

import binascii
from base64 import b64decode
from typing import Final

from trunkline.gateway.exchange.losses import Losses
from trunkline.gateway.exchange.parts import Audio, Image, Inline
from trunkline.gateway.wire.documents import wrong_type

# The first bytes of each kind. Source: the formats' own specifications.
_PICTURES: Final = (
    (b"\x89PNG", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF8", "image/gif"),
    (b"BM", "image/bmp"),
)
_SOUNDS: Final = ((b"ID3", "audio/mpeg"), (b"\xff\xfb", "audio/mpeg"), (b"OggS", "audio/ogg"))

_WITHOUT_FETCHING: Final = "the provider takes pictures and sound only in the request itself"


def read_images(values: list[object], where: str) -> tuple[Image | Audio, ...]:
    """The members of ``images``, each with the kind that its first bytes tell.

    Raises:
        InvalidRequest: one of them is no string.
    """
    found: list[Image | Audio] = []
    for number, value in enumerate(values):
        if not isinstance(value, str):
            raise wrong_type(f"{where}[{number}]", "base64")
        kind = _kind_of(value)
        part = Audio if kind.startswith("audio/") else Image
        found.append(part(Inline(kind, value)))
    return tuple(found)


def _kind_of(data: str) -> str:
    try:
        start = b64decode(data[:16], validate=True)
    except (binascii.Error, ValueError):
        start = b""
    for mark, kind in (*_PICTURES, *_SOUNDS):
        if start.startswith(mark):
            return kind
    if start.startswith(b"RIFF"):
        return "image/webp" if start.endswith(b"WEBP") else "audio/wav"
    # Most are, and a reader looks at the bytes in any case.
    return "image/jpeg"


def image_for(part: Image | Audio, losses: Losses) -> str | None:
    """The base64 of a picture or a sound, or None where the provider would have to fetch it."""
    if isinstance(part.source, Inline):
        return part.source.data
    losses.lose("audio" if isinstance(part, Audio) else "image", _WITHOUT_FETCHING)
    return None
