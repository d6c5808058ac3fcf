"""Signatures of other makers inside Anthropic's thinking blocks.

Callers of this wire give thinking blocks back as they got them, and ``signature`` is opaque to
them. A signature that another maker wants back therefore travels there, with our own mark before
it; thought without any signature gets the mark alone, since the wire demands one.
"""

from typing import Final, NamedTuple

from trunkline.gateway.exchange.parts import Family

SEAL: Final = "trunkline."
_FAMILIES: Final[dict[str, Family]] = {
    "none": "",
    "google": "google",
    "openai": "openai",
    "other": "other",
}


class Unsealed(NamedTuple):
    """What was sealed: a signature, or None, whose it is, and the id of its item."""

    signature: str | None
    family: Family
    id: str | None


def seal(signature: str | None, family: Family, item: str | None) -> str:
    """A text for ``signature`` that Anthropic did not make."""
    name = item if item is not None and "." not in item else ""
    return f"{SEAL}{family or 'none'}.{name}.{signature or ''}"


def unseal(text: str) -> Unsealed | None:
    """What a text of ours holds; None for a text that is not of ours."""
    if not text.startswith(SEAL):
        return None
    family, _, rest = text[len(SEAL) :].partition(".")
    item, dot, signature = rest.partition(".")
    if not dot or family not in _FAMILIES:
        return None
    return Unsealed(signature or None, _FAMILIES[family], item or None)
