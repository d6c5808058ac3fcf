"""Silence as sound files, and how long a sound file lasts."""

import io
import struct
import wave

_RATE = 24_000
_SAMPLE_BYTES = 2
_MP3_HEADER = bytes((0xFF, 0xF3, 0x18, 0xC0))
"""MPEG 2, layer III, 8 kbit/s, 16 kHz, one channel."""
_MP3_FRAME_BYTES = 36
_MP3_FRAME_SECONDS = 0.036
_GUESSED_BYTES_PER_SECOND = 16_000


def silence(kind: str, seconds: int) -> bytes:
    """So many seconds of silence as ``mp3``, ``wav`` or ``pcm``, as OpenAI samples them."""
    samples = bytes(seconds * _RATE * _SAMPLE_BYTES)
    match kind:
        case "pcm":
            return samples
        case "wav":
            return _wav_header(len(samples)) + samples
        case _:
            frame = _MP3_HEADER.ljust(_MP3_FRAME_BYTES, b"\0")
            return frame * round(seconds / _MP3_FRAME_SECONDS)


def seconds_of(sound: bytes) -> float:
    """How long a sound lasts: a wav says so itself, of others 16,000 bytes are one second."""
    try:
        with wave.open(io.BytesIO(sound)) as file:
            seconds: float = file.getnframes() / file.getframerate()
            return seconds
    except (wave.Error, EOFError):
        return len(sound) / _GUESSED_BYTES_PER_SECOND


def _wav_header(length: int) -> bytes:
    return struct.pack(
        "<4sI4s4sIHHIIHH4sI",
        b"RIFF",
        36 + length,
        b"WAVE",
        b"fmt ",
        16,
        1,
        1,
        _RATE,
        _RATE * _SAMPLE_BYTES,
        _SAMPLE_BYTES,
        8 * _SAMPLE_BYTES,
        b"data",
        length,
    )
