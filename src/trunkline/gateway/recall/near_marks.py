"""What two texts must have in common to be the same question, however alike their embeddings are.

An embedding says what a text is about. "Convert 5 miles" and "Convert 50 miles", "is it safe" and
"is it not safe", "from Paris to Rome" and "from Rome to Paris" are about the same and have other
answers. So a text is read for the marks that carry such differences, and a pair that differs in one
of them is never near. The reading is of letters, not of meaning: it sees no synonyms, and what it
takes for a difference where there is none costs a hit and never a wrong answer.
"""

import re
from typing import Final, Literal

import msgspec

from trunkline.gateway.recall.near_words import COUNTS, DATES, NEGATIONS, OPPOSITES, UNITS

Difference = Literal[
    "number", "negation", "quote", "code", "name", "order", "date", "unit", "opposite"
]
"""Why two texts are not the same question."""

# Typographic quotation marks as the plain ones: both kinds of single, all kinds of double.
_PLAIN_QUOTES: Final = str.maketrans(
    dict.fromkeys("\u2018\u2019\u201a", "'") | dict.fromkeys("\u201c\u201d\u201e\u00ab\u00bb", '"')
)
_QUOTED: Final = re.compile(r"```.*?```|`[^`]+`|\"[^\"]+\"|(?<!\w)'(?!s\b)[^']+'(?!\w)", re.DOTALL)
_MARKS_OF_QUOTES: Final = "`\"' \n"
_NUMBER: Final = re.compile(r"\d+(?:[.,:/-]\d+)*")
_THOUSANDS: Final = re.compile(r",(?=\d{3}(?!\d))")
_WORD: Final = re.compile(r"[^\W\d_]+(?:'[^\W\d_]+)*")
_ENDS_A_SENTENCE: Final = frozenset(".?!:\n")
# A sign that prose has not, a dot, slash or colon inside a token, a flag, a path, a call.
_CODE: Final = re.compile(r"[=+*^$~|<>{}\[\]\\@#_&]|\w[.:/]+\w|^-{1,2}\w|^[/.]\w|\(\)")
_AROUND: Final = ".,;:?!\"'`"
_THE_SPEAKER: Final = frozenset({"I", "I'm", "I'd", "I've", "I'll"})
_ENDINGS: Final = ("ing", "ed", "es", "e", "s", "d")
_SHORTEST_STEM: Final = 3


class Marks(msgspec.Struct, frozen=True):
    """The marks of one text.

    Attributes:
        numbers: in their order, digits or words.
        negations: how many.
        quotes: what stands in quotation marks, in its order.
        code: what is no word of prose, such as ``user.name`` or ``--force``, in its order.
        names: words with a capital letter that no sentence begins with, in small letters.
        words: all words in small letters, in their order.
    """

    numbers: tuple[str, ...]
    negations: int
    quotes: tuple[str, ...]
    code: tuple[str, ...]
    names: frozenset[str]
    words: tuple[str, ...]


def marks_of(text: str) -> Marks:
    """Read a text."""
    text = text.translate(_PLAIN_QUOTES)
    quotes = tuple(found[0].strip(_MARKS_OF_QUOTES) for found in _QUOTED.finditer(text))
    tokens = [token.strip(_AROUND) for token in _QUOTED.sub(" ", text).split()]
    words: list[str] = []
    names: set[str] = set()
    for found in _WORD.finditer(text):
        word = _plain(found[0])
        words.append(word)
        if _is_name(text, found.start(), found[0]):
            names.add(word)
    return Marks(
        numbers=_numbers(text),
        negations=sum(word in NEGATIONS or word.endswith("n't") for word in words),
        quotes=quotes,
        code=tuple(token for token in tokens if _CODE.search(token) and not _is_number(token)),
        names=frozenset(names),
        words=tuple(words),
    )


def difference(one: Marks, other: Marks) -> Difference | None:
    """In which mark two texts differ, or None."""
    if one.numbers != other.numbers:
        return "number"
    if one.negations != other.negations:
        return "negation"
    if one.quotes != other.quotes:
        return "quote"
    if one.code != other.code:
        return "code"
    if one.words == other.words:
        return None
    names = one.names | other.names
    if names and _order(one, names) != _order(other, names):
        return "name"
    if _is_rearranged(one.words, other.words):
        return "order"
    return _exchanged(_stems(one), _stems(other))


def _is_rearranged(one: tuple[str, ...], other: tuple[str, ...]) -> bool:
    """Whether the same words stand in an order that means something else.

    A phrase may move from one end to the other, as in "in Python, how do I sort": that turns the
    words round as in a ring. Who does what to whom changes when words inside change places.
    """
    if len(one) != len(other) or sorted(one) != sorted(other):
        return False
    ring = one + one
    return all(ring[start : start + len(one)] != other for start in range(len(one)))


def _exchanged(one: frozenset[str], other: frozenset[str]) -> Difference | None:
    """Whether a word of a closed class stands in the place of another one."""
    here, there = one - other, other - one
    if here & _DATES and there & _DATES:
        return "date"
    if here & _UNITS and there & _UNITS:
        return "unit"
    for word in here:
        if not there.isdisjoint(_OPPOSITES.get(word, ())):
            return "opposite"
    return None


def _order(marks: Marks, names: frozenset[str]) -> list[str]:
    """These words in the order in which a text first has them."""
    return list(dict.fromkeys(word for word in marks.words if word in names))


def _numbers(text: str) -> tuple[str, ...]:
    found: list[tuple[int, str]] = [
        (match.start(), _THOUSANDS.sub("", match[0])) for match in _NUMBER.finditer(text)
    ]
    found += [
        (match.start(), COUNTS[match[0].lower()])
        for match in _WORD.finditer(text)
        if match[0].lower() in COUNTS
    ]
    return tuple(number for _, number in sorted(found))


def _is_number(token: str) -> bool:
    return _NUMBER.fullmatch(token) is not None


def _is_name(text: str, start: int, word: str) -> bool:
    """A capital letter inside a sentence, or a second one anywhere, makes a name."""
    if any(letter.isupper() for letter in word[1:]):
        return True
    if not word[0].isupper() or word in _THE_SPEAKER:
        return False
    before = text[:start].rstrip(" \t\"'(*-")
    return bool(before) and before[-1] not in _ENDS_A_SENTENCE


def _plain(word: str) -> str:
    return word.lower().removesuffix("'s")


def _stems(marks: Marks) -> frozenset[str]:
    return frozenset(map(_stem, marks.words))


def _stem(word: str) -> str:
    """A word without its ending, so that "increasing" and "increases" are one."""
    for ending in _ENDINGS:
        stem = word.removesuffix(ending)
        if stem != word and len(stem) >= _SHORTEST_STEM:
            return stem
    return word


def _both_ways() -> dict[str, frozenset[str]]:
    opposites: dict[str, set[str]] = {}
    for one, other in OPPOSITES:
        opposites.setdefault(_stem(one), set()).add(_stem(other))
        opposites.setdefault(_stem(other), set()).add(_stem(one))
    return {word: frozenset(others) for word, others in opposites.items()}


_OPPOSITES: Final = _both_ways()
_DATES: Final = frozenset(map(_stem, DATES))
_UNITS: Final = frozenset(map(_stem, UNITS))
