"""Bedrock's words for formats of images, documents and sound, and the media types they stand for.

Source: the service description in botocore.
"""

from types import MappingProxyType
from typing import Final

IMAGES: Final = MappingProxyType(
    {"png": "image/png", "jpeg": "image/jpeg", "gif": "image/gif", "webp": "image/webp"}
)
DOCUMENTS: Final = MappingProxyType(
    {
        "pdf": "application/pdf",
        "csv": "text/csv",
        "doc": "application/msword",
        "docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
        "xls": "application/vnd.ms-excel",
        "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        "html": "text/html",
        "txt": "text/plain",
        "md": "text/markdown",
    }
)
SOUNDS: Final = MappingProxyType(
    {
        name: f"audio/{name}"
        for name in ("mp3", "opus", "wav", "aac", "flac", "ogg", "m4a", "webm", "pcm")
    }
)

_IMAGE_OF: Final = MappingProxyType(
    {media: name for name, media in IMAGES.items()} | {"image/jpg": "jpeg"}
)
_DOCUMENT_OF: Final = MappingProxyType(
    {media: name for name, media in DOCUMENTS.items()} | {"application/json": "txt"}
)
_SOUND_OF: Final = MappingProxyType(
    {media: name for name, media in SOUNDS.items()}
    | {"audio/mpeg": "mp3", "audio/x-wav": "wav", "audio/wave": "wav", "audio/mp4": "m4a"}
)


def image_format(media_type: str) -> str | None:
    """Bedrock's word for an image, or None where it takes no such image."""
    return _IMAGE_OF.get(_bare(media_type))


def document_format(media_type: str) -> str | None:
    """Bedrock's word for a document; any other text is plain text."""
    bare = _bare(media_type)
    return _DOCUMENT_OF.get(bare) or ("txt" if bare.startswith("text/") else None)


def sound_format(media_type: str) -> str | None:
    """Bedrock's word for sound."""
    return _SOUND_OF.get(_bare(media_type))


def _bare(media_type: str) -> str:
    return media_type.partition(";")[0].strip().lower()
