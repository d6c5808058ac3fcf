"""Signatures of other makers inside ``encrypted_content``.

Callers of this wire give reasoning items back as they got them, and ``encrypted_content`` is opaque
to them. A signature that another maker wants back therefore travels there, with our own mark
before it. It must never reach a provider of this wire, which could not decrypt it.
"""

from typing import Final, NamedTuple

from trunkline.gateway.exchange.parts import Family

MARK: Final = "trunkline."
_WORDS: Final[dict[str, Family]] = {
    "none": "",
    "anthropic": "anthropic",
    "google": "google",
    "other": "other",
}
_REDACTED: Final = "redacted"
_SHOWN: Final = "shown"


class Unsealed(NamedTuple):
    """What was sealed: a signature, whose it is, and whether there are no words to it."""

    signature: str
    family: Family
    redacted: bool


def seal(signature: str, family: Family, *, redacted: bool) -> str:
    """A text for ``encrypted_content``; what OpenAI made stays as it is."""
    if family == "openai":
        return signature
    return f"{MARK}{family or 'none'}.{_REDACTED if redacted else _SHOWN}.{signature}"


def unseal(text: str) -> Unsealed:
    """Whose signature a text is; without our mark it is OpenAI's."""
    if text.startswith(MARK):
        family, _, rest = text[len(MARK) :].partition(".")
        kind, dot, signature = rest.partition(".")
        if dot and family in _WORDS and kind in {_REDACTED, _SHOWN}:
            return Unsealed(signature, _WORDS[family], kind == _REDACTED)
    return Unsealed(text, "openai", redacted=False)
