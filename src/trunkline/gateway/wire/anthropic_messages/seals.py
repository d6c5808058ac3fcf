"""Signatures of other makers inside Anthropic's thinking blocks.

Callers of this wire give thinking blocks back as they got them, and ``signature`` is opaque to
them. A signature that another maker wants back therefore travels there, with our own mark before
it; thought without any signature gets the mark alone, since the wire demands one.
"""

from typing import Any, Final, NamedTuple

import msgspec

from trunkline.gateway.exchange.parts import Family

SEAL: Final = "trunkline."
_decode = msgspec.json.Decoder().decode
_encode = msgspec.json.Encoder().encode
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


def unsealed_messages(messages: msgspec.Raw) -> msgspec.Raw:
    """The messages without thought that other makers' models had, for Anthropic itself.

    A conversation that another provider answered before goes on with this one, which refuses each
    signature that it did not make.
    """
    try:
        decoded = _decode(messages)
    except (msgspec.DecodeError, RecursionError):
        return messages
    kept = [_unsealed(message) for message in decoded]
    return msgspec.Raw(_encode([message for message in kept if message is not None]))


def _unsealed(message: Any) -> Any:
    """The message without sealed blocks; None where it had nothing else."""
    content = message.get("content") if isinstance(message, dict) else None
    if not isinstance(content, list):
        return message
    left = [block for block in content if not _is_sealed(block)]
    if len(left) == len(content):
        return message
    return {**message, "content": left} if left else None


def _is_sealed(block: Any) -> bool:
    if not isinstance(block, dict) or block.get("type") != "thinking":
        return False
    signature = block.get("signature")
    return isinstance(signature, str) and unseal(signature) is not None
