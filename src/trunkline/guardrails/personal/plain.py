"""A text as it reads once its disguises are off: what a model, a browser or a decoder makes of it.

Letters and digits of full width or of other scripts' digits, blanks and dashes that do not break,
characters that nobody sees, and characters written as escapes of JSON, of URLs or of HTML. What is
encoded as a whole, such as base64, stays what it is.
"""

import re
import unicodedata
from bisect import bisect_right
from collections.abc import Callable
from typing import Final

_UNSEEN: Final = (
    "\u00ad\u034f\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060-\u2064\ufe00-\ufe0f\ufeff"
)
_BLANKS: Final = "\u00a0\u2000-\u200a\u202f\u205f\u3000"
_DASHES: Final = "\u2010-\u2015\u2212\ufe58\ufe63"
# Full width, small forms, mathematical letters and digits, digits of Arabic and of India.
_VARIANTS: Final = (
    "\uff01-\uff5e\ufe50-\ufe57\ufe59-\ufe62\ufe64-\ufe6b\U0001d400-\U0001d7ff"
    "\u0660-\u0669\u06f0-\u06f9\u0966-\u096f"
)
# All are bounded, and none begins with what another one goes on with.
_DISGUISED: Final = re.compile(
    rf"(?P<unseen>[{_UNSEEN}]+)|(?P<blank>[{_BLANKS}])|(?P<dash>[{_DASHES}])"
    rf"|(?P<variant>[{_VARIANTS}])"
    r"|\\u00(?P<json>[2-7][0-9A-Fa-f])|%(?P<url>[2-7][0-9A-Fa-f])"
    r"|&#0{0,4}(?P<decimal>3[2-9]|[4-9][0-9]|1[01][0-9]|12[0-6]);|&#[xX]0{0,4}(?P<hex>[2-7][0-9A-Fa-f]);"
    r"|&(?P<named>commat|period|nbsp|plus|hyphen|dash|lowbar);"
)
# An escape that may go on in the next piece of a text.
_UNFINISHED: Final = re.compile(r"(?:\\(?:u(?:00?[2-7]?)?)?|%[2-7]?|&[#A-Za-z0-9]{0,8})\Z")
_ESCAPE_CHARACTERS: Final = 9
_NAMED: Final = {
    "commat": "@", "period": ".", "nbsp": " ", "plus": "+", "hyphen": "-", "dash": "-",
    "lowbar": "_",
}  # fmt: skip


def _variant(written: str) -> str:
    if written.isdigit():
        return str(unicodedata.digit(written))
    plain = unicodedata.normalize("NFKC", written)
    return plain if len(plain) == 1 else written


_READ: Final[dict[str, Callable[[str], str]]] = {
    "unseen": lambda _: "",
    "blank": lambda _: " ",
    "dash": lambda _: "-",
    "variant": _variant,
    "json": lambda told: chr(int(told, 16)),
    "url": lambda told: chr(int(told, 16)),
    "decimal": lambda told: chr(int(told)),
    "hex": lambda told: chr(int(told, 16)),
    "named": lambda told: _NAMED[told],
}


class Plain:
    """A text without its disguises, and where each of its characters stands in the one written.

    It consists of stretches: characters as they are, or one character that was read from several,
    or from one that looks different. It never changes after it is made.

    Attributes:
        text: as it reads.
    """

    __slots__ = ("_behind", "_here", "_there", "_written", "text")

    def __init__(self, written: str) -> None:
        self._written = written
        # Of each stretch: its begin here and in what is written, and its end in that where it is
        # one character, else 0.
        self._here: list[int] = []
        self._there: list[int] = []
        self._behind: list[int] = []
        pieces: list[str] = []
        size = end = 0
        for match in _DISGUISED.finditer(written):
            size = self._add(pieces, written[end : match.start()], size, end)
            end = match.end()
            kind = match.lastgroup or ""
            told = _READ[kind](match.group(kind))
            size = self._add(pieces, told, size, match.start(), end)
        self._add(pieces, written[end:], size, end)
        self.text = "".join(pieces)

    def _add(self, pieces: list[str], piece: str, size: int, there: int, behind: int = 0) -> int:
        if piece:
            pieces.append(piece)
            self._here.append(size)
            self._there.append(there)
            self._behind.append(behind)
        return size + len(piece)

    def begin(self, place: int) -> int:
        """Where the character at a place of the text begins in what is written."""
        if place >= len(self.text):
            return len(self._written)
        stretch = bisect_right(self._here, place) - 1
        return self._there[stretch] + place - self._here[stretch]

    def end(self, place: int) -> int:
        """Behind what is written for the character before a place."""
        stretch = bisect_right(self._here, place - 1) - 1
        return self._behind[stretch] or self._there[stretch] + place - self._here[stretch]

    def place(self, written: int) -> int:
        """The first place whose character begins here in what is written, or later."""
        stretch = bisect_right(self._there, written) - 1
        if stretch < 0:
            return 0
        beyond = written - self._there[stretch]
        if self._behind[stretch]:
            return self._here[stretch] + (beyond > 0)
        later = self._here[stretch + 1] if stretch + 1 < len(self._here) else len(self.text)
        return min(self._here[stretch] + beyond, later)


def plain_of(text: str) -> Plain | None:
    """What a text reads as, or None where it is what it reads as."""
    if text.isascii() and "\\u00" not in text and "%" not in text and "&" not in text:
        return None
    return Plain(text) if _DISGUISED.search(text) is not None else None


def without_unfinished(text: str) -> str:
    """The beginning of a text that goes on, up to an escape that is not whole."""
    tail = _UNFINISHED.search(text, max(0, len(text) - _ESCAPE_CHARACTERS))
    return text if tail is None else text[: tail.start()]
