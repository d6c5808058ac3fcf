"""Keys, tokens and private keys whose issuers gave them a shape."""

import re
from typing import Final

from trunkline.guardrails.personal.entity import Entity, every_match

# Mark -> what follows it. Lengths and letters as the issuers document them, or longer.
_SHAPES: Final = {
    "sk-": r"(?:ant-|proj-|svcacct-|or-v1-|lf-)?[A-Za-z0-9_-]{20,200}",  # OpenAI, Anthropic, others
    "sk_": r"(?:live|test)_[A-Za-z0-9]{16,128}",  # Stripe
    "rk_": r"(?:live|test)_[A-Za-z0-9]{16,128}",
    "tl_": r"[A-Za-z0-9]{8,24}_[A-Za-z0-9]{20,80}_[A-Za-z0-9]{4,12}",  # Our own.
    "AKIA": r"[A-Z0-9]{16}",  # AWS
    "ASIA": r"[A-Z0-9]{16}",
    "ghp_": r"[A-Za-z0-9]{36,200}",  # GitHub
    "gho_": r"[A-Za-z0-9]{36,200}",
    "ghu_": r"[A-Za-z0-9]{36,200}",
    "ghs_": r"[A-Za-z0-9]{36,200}",
    "ghr_": r"[A-Za-z0-9]{36,200}",
    "github_pat_": r"[A-Za-z0-9_]{22,200}",
    "glpat-": r"[A-Za-z0-9_-]{20,64}",  # GitLab
    "AIza": r"[A-Za-z0-9_-]{35}",  # Google
    "xox": r"[abeoprs]-[A-Za-z0-9-]{10,200}",  # Slack
    "hf_": r"[A-Za-z0-9]{30,64}",  # Hugging Face
    "gsk_": r"[A-Za-z0-9]{40,64}",  # Groq
    "npm_": r"[A-Za-z0-9]{36}",
    "pypi-": r"[A-Za-z0-9_-]{50,240}",
    "SG.": r"[A-Za-z0-9_-]{16,32}\.[A-Za-z0-9_-]{32,64}",  # SendGrid
    "eyJ": r"[A-Za-z0-9_-]{10,2000}\.eyJ[A-Za-z0-9_-]{10,4000}\.[A-Za-z0-9_-]{10,1000}",  # JWT
}
_LONGEST_TOKEN: Final = 7_100
# A letter before it makes the mark a part of a word, as in ``task-``.
_KEYS: Final = re.compile(
    "|".join(
        rf"{re.escape(mark)}(?<![A-Za-z0-9]{re.escape(mark)}){shape}"
        for mark, shape in _SHAPES.items()
    ),
    re.ASCII,
)
_BY_RARE: Final = tuple(
    (rare, tuple(mark for mark in _SHAPES if rare in mark and not set(mark) & set(before)))
    for rare, before in (("_", ""), ("-", "_"), ("K", "_-"), ("S", "_-K"), ("z", "_-KS"),
                         ("J", "_-KSz"), ("x", "_-KSzJ"))
)  # fmt: skip

BLOCK: Final = "-----BEGIN "
_BLOCK_ENDS: Final = "-----END "
_LINE: Final = "-----"
_IS_PRIVATE: Final = "PRIVATE KEY"
_LONGEST_BLOCK: Final = 16_384
# An encrypted key has lines with single dashes before its body.
_PRIVATE: Final = re.compile(
    r"-----BEGIN (?:[A-Z0-9]{1,16} ){0,3}PRIVATE KEY(?: BLOCK)?-----"
    rf"(?:[^-]|-(?!----)){{0,{_LONGEST_BLOCK}}}+"
    r"(?:-----END (?:[A-Z0-9]{1,16} ){0,3}PRIVATE KEY(?: BLOCK)?-----)?"
)


def _concerns(text: str) -> bool:
    """Whether a mark can be in the text; most have an underline or a dash, which prose hardly has.

    A mark is looked for by itself only where its rarest character is there.
    """
    for rare, marks in _BY_RARE:
        if rare in text:
            for mark in marks:
                if mark in text:
                    return True
    return False


def api_key() -> Entity:
    """Credentials of known issuers, and signed web tokens."""
    return Entity("api_key", _LONGEST_TOKEN, _concerns, every_match(_KEYS, re.Match.span))


def private_key() -> Entity:
    """A private key in PEM armour, also where its end is missing."""
    return Entity(
        "private_key",
        _LONGEST_BLOCK + 200,
        lambda text: BLOCK in text,
        every_match(_PRIVATE, re.Match.span),
    )


def open_block(text: str, start: int) -> int | None:
    """Where a private key begins whose end has not come."""
    begin = text.find(BLOCK, start)
    while begin >= 0:
        title = begin + len(BLOCK)
        titled = text.find(_LINE, title)
        end = text.find(_BLOCK_ENDS, title)
        is_over = end >= 0 and text.find(_LINE, end + len(_BLOCK_ENDS)) >= 0
        if not is_over and (titled < 0 or _IS_PRIVATE in text[title:titled]):
            return begin
        begin = text.find(BLOCK, title)
    return None
