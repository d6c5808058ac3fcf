"""Signatures of other makers inside Gemini's thought signatures.

Callers of this wire give each part back with its signature, and that is opaque to them but for
being base64, which google-genai writes anew in the alphabet for addresses. What another maker wants
back travels there with the words that belong to it, behind our own mark.
"""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from typing import Final

import msgspec

from trunkline.gateway.exchange.parts import Family, Reasoning

# Twelve bytes make sixteen letters, whatever follows them.
_MARK: Final = b"trunkline.1."
_PREFIX: Final = urlsafe_b64encode(_MARK).decode()
_PLAIN: Final = str.maketrans("+/", "-_")


class _Thought(msgspec.Struct, array_like=True):
    family: Family
    signature: str | None
    text: str
    id: str | None
    redacted: bool
    summary: bool


_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(list[_Thought]).decode


def seal(thoughts: list[Reasoning]) -> str:
    """A thought signature that holds these."""
    packed = [
        _Thought(one.family, one.signature, one.text, one.id, one.redacted, one.summary)
        for one in thoughts
    ]
    return urlsafe_b64encode(_MARK + _encode(packed)).decode()


def unseal(signature: str) -> list[Reasoning] | None:
    """What a signature of ours holds; None for one that is not ours."""
    if not signature.startswith(_PREFIX):
        return None
    try:
        packed = urlsafe_b64decode(signature.translate(_PLAIN).encode())
        thoughts = _decode(packed[len(_MARK) :])
    except (ValueError, msgspec.DecodeError):
        return None
    return [
        Reasoning(
            one.text,
            one.signature,
            one.family,
            one.id,
            redacted=one.redacted,
            summary=one.summary,
        )
        for one in thoughts
    ] or None
