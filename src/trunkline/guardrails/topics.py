"""Denied topics: phrases that are found whatever their case, accents or blanks."""

import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from typing_extensions import override

from trunkline.gateway.guarding.guard import Finding
from trunkline.guardrails.written import Heading, WrittenGuard

# Accents, soft hyphens and characters without width: nobody sees or misses them.
_UNSEEN: Final = re.compile("[\u0300-\u036f\u00ad\u200b-\u200d\u2060\ufeff]+")
_WORD: Final = re.compile(r"\w+")
_BETWEEN: Final = r"[\W_]{1,4}"
_BETWEEN_CHARACTERS: Final = 4
_REST_OF_WORD: Final = r"\w{0,40}"
_REST_CHARACTERS: Final = 40
# A letter with its accent apart takes two characters, so a text may be twice its normal length.
_SLACK: Final = 2
# Scripts that write words without blanks between them: Thai, Lao, Khmer, kana, Han.
_WITHOUT_BLANKS: Final = re.compile(
    "[\u0e00-\u0eff\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff]"
)


def normal(text: str) -> str:
    """The text as phrases are compared: without case, accents and unseen characters."""
    if text.isascii():
        return text.lower()
    return _UNSEEN.sub("", unicodedata.normalize("NFKD", text)).casefold()


class _Phrase:
    """One phrase as a pattern over normal texts, bounded in length and without choices."""

    def __init__(self, written: str) -> None:
        words = normal(written).split()
        self.first = words[0]
        self.pattern = _BETWEEN.join(
            re.escape(word).replace(r"\*", _REST_OF_WORD) for word in words
        )
        self.reach = sum(map(len, words)) + _BETWEEN_CHARACTERS * len(words)
        self.reach += _REST_CHARACTERS * written.count("*")
        self.has_blanks = _WITHOUT_BLANKS.search(written) is None
        self.is_plain = self.has_blanks and _WORD.fullmatch(self.first) is not None


class _Topic:
    """The phrases of one name, as two patterns."""

    def __init__(self, kind: str, written: Iterable[str]) -> None:
        self.kind = kind
        phrases = [_Phrase(one) for one in written]
        self.reach = max(phrase.reach for phrase in phrases)
        plain = [phrase for phrase in phrases if phrase.is_plain]
        other = [phrase for phrase in phrases if not phrase.is_plain]
        # Most texts have none of the first words, and then no pattern is searched for.
        self._first = frozenset(phrase.first for phrase in plain)
        self._plain = _pattern(plain)
        self._other = _pattern(other)

    def spots(self, text: str, words: list[str], start: int) -> Iterator[tuple[int, int]]:
        """Where phrases stand in a normal text."""
        if self._plain is not None and not self._first.isdisjoint(words):
            for match in self._plain.finditer(text, start):
                yield match.span()
        if self._other is not None:
            for match in self._other.finditer(text, start):
                yield match.span()


def _pattern(phrases: list[_Phrase]) -> re.Pattern[str] | None:
    if not phrases:
        return None
    # The longest first, since the first one that fits is taken.
    phrases = sorted(phrases, key=lambda phrase: phrase.reach, reverse=True)
    parts = [
        rf"(?<!\w){phrase.pattern}(?!\w)" if phrase.has_blanks else phrase.pattern
        for phrase in phrases
    ]
    return re.compile("|".join(parts))


class TopicGuard(WrittenGuard):
    """Finds phrases by the name of their topic. It refuses or notes, and changes nothing.

    Args:
        heading: of the guardrail.
        topics: phrases by the name of the topic.
    """

    def __init__(self, heading: Heading, topics: Mapping[str, Iterable[str]]) -> None:
        super().__init__(heading)
        self._topics = [_Topic(kind, phrases) for kind, phrases in topics.items()]
        self._reach = _SLACK * max(topic.reach for topic in self._topics) + 1

    @property
    @override
    def reach(self) -> int:
        return self._reach

    @override
    def find(self, text: str, start: int = 0) -> list[Finding]:
        plain = normal(text)
        words = _WORD.findall(plain)
        begin = len(normal(text[:start])) if start else 0
        spots = sorted(
            (spot, topic.kind)
            for topic in self._topics
            for spot in topic.spots(plain, words, begin)
        )
        found: list[Finding] = []
        end = begin
        for (first, behind), kind in spots:
            if first >= end:
                where = _place_of(text, first), _place_of(text, behind)
                found.append(Finding(*where, kind))
                end = behind
        return found


def _place_of(text: str, position: int) -> int:
    """The place in a text that stands at this place of its normal form."""
    if text.isascii():
        return position
    seen = 0
    for place, character in enumerate(text):
        if seen >= position:
            return place
        seen += len(normal(character))
    return len(text)
