"""A text as it reads once its disguises are off: what a model, a browser or a decoder makes of it.

Letters and digits of full width or of other scripts' digits, blanks and dashes that do not break,
characters that nobody sees, and characters written as escapes of JSON, of URLs or of HTML. What is
encoded as a whole, such as base64, stays what it is.
"""

import re
import unicodedata
from bisect import bisect_right
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
_LOOKS: Final = _UNSEEN + _BLANKS + _DASHES + _VARIANTS
_LOOKS_DIFFERENT: Final = re.compile(f"[{_LOOKS}]")
_SEEN_AS_NOTHING: Final = re.compile(f"[{_UNSEEN}]")
_SEEN_AS_DASH: Final = re.compile(f"[{_DASHES}]")
# It begins with a set of characters, which is searched for several times faster.
_DISGUISED: Final = re.compile(
    rf"[\\%&{_LOOKS}](?:(?<=\\)u00(?P<json>[2-7][0-9A-Fa-f])|(?<=%)(?P<url>[2-7][0-9A-Fa-f])"
    r"|(?<=&)(?:#0{0,4}(?P<decimal>3[2-9]|[4-9][0-9]|1[01][0-9]|12[0-6]);"
    r"|#[xX]0{0,4}(?P<hex>[2-7][0-9A-Fa-f]);"
    r"|(?P<named>commat|period|nbsp|plus|hyphen|dash|lowbar);)"
    rf"|(?<=[{_LOOKS}]))"
)
# An escape that may go on in the next piece of a text.
_UNFINISHED: Final = re.compile(r"(?:\\(?:u(?:00?[2-7]?)?)?|%[2-7]?|&[#A-Za-z0-9]{0,8})\Z")
_ESCAPE_CHARACTERS: Final = 9
_NAMED: Final = {
    "commat": "@", "period": ".", "nbsp": " ", "plus": "+", "hyphen": "-", "dash": "-",
    "lowbar": "_",
}  # fmt: skip


_BASES: Final = {"json": 16, "url": 16, "hex": 16, "decimal": 10}


def _alike(written: str) -> str:
    """What a character looks like; nothing for one that nobody sees."""
    if _SEEN_AS_NOTHING.match(written):
        return ""
    if _SEEN_AS_DASH.match(written):
        return "-"
    if written.isdigit():
        return str(unicodedata.digit(written))
    plain = unicodedata.normalize("NFKC", written)
    return plain if len(plain) == 1 else " " if written.isspace() else written


def _read(match: re.Match[str]) -> str:
    kind = match.lastgroup
    if kind is None:
        return _alike(match.group())
    told = match.group(kind)
    return _NAMED[told] if kind == "named" else chr(int(told, _BASES[kind]))


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
            start = match.start()
            if start > end:
                self._add(size, end, 0)
                pieces.append(written[end:start])
                size += start - end
            end = match.end()
            if told := _read(match):
                self._add(size, start, end)
                pieces.append(told)
                size += 1
        if end < len(written):
            self._add(size, end, 0)
            pieces.append(written[end:])
        self.text = "".join(pieces)

    def _add(self, here: int, there: int, behind: int) -> None:
        self._here.append(here)
        self._there.append(there)
        self._behind.append(behind)

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
    is_coded = "%" in text or "&" in text or "\\u00" in text
    if not is_coded and (text.isascii() or _LOOKS_DIFFERENT.search(text) is None):
        return None
    return Plain(text) if _DISGUISED.search(text) is not None else None


def without_unfinished(text: str) -> str:
    """The beginning of a text that goes on, up to an escape that is not whole."""
    tail = _UNFINISHED.search(text, max(0, len(text) - _ESCAPE_CHARACTERS))
    return text if tail is None else text[: tail.start()]
