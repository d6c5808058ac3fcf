"""What bytes are, told by how they begin: a name or a header may say anything."""

from typing import Final

# Source: the WHATWG MIME Sniffing standard, sections 6.1 and 6.2.
_SIGNATURES: Final = (
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF87a", "image/gif"),
    (b"GIF89a", "image/gif"),
    (b"%PDF-", "application/pdf"),
    (b"ID3", "audio/mp3"),
)
_RIFF: Final = ((b"WEBP", "image/webp"), (b"WAVE", "audio/wav"))
# A frame of MPEG audio begins with eleven set bits; then come version and layer, here layer III.
_MP3_SECOND_BYTES: Final = frozenset({0xE2, 0xE3, 0xF2, 0xF3, 0xFA, 0xFB})


def media_type_of(data: bytes) -> str | None:
    """The media type of an image, a PDF or sound; None for everything else."""
    for signature, media_type in _SIGNATURES:
        if data.startswith(signature):
            return media_type
    if data.startswith(b"RIFF"):
        return next((media for name, media in _RIFF if data[8:12] == name), None)
    if len(data) > 1 and data[0] == 0xFF and data[1] in _MP3_SECOND_BYTES:
        return "audio/mp3"
    return None
