"""Payment cards, bank accounts, telephone numbers and social security numbers.

All patterns are bounded, and where a number must not go on is looked at on both sides.
"""

import re
from typing import Final

from trunkline.guardrails.personal.entity import Entity, Spot, every_match
from trunkline.observability.personal_numbers import is_card, is_iban, is_in_uuid

# Nothing below has fewer digits than this; most texts have no such run and are read only once.
_MANY_DIGITS: Final = re.compile(r"[0-9](?:[ ().\-/]{0,2}[0-9]){6}")
_SEPARATOR: Final = re.compile(r"[ \-]")

# In one piece, or in the groups that cards have: 4-4-4-4, with 3 more, 4-6-5 and 4-6-4.
_CARD: Final = re.compile(
    r"[0-9](?<![\w.].)(?:[0-9]{12,18}|[0-9]{3}(?:[ \-][0-9]{3,6}){2,4})(?![0-9A-Za-z_])"
)
_CARD_CHARACTERS: Final = 19 + 18 + 1
_SHORTEST_CARD: Final = 13

_IBAN: Final = re.compile(
    r"[A-Za-z]{2}[0-9]{2}(?:[ \-]?[A-Za-z0-9]){11,30}(?![A-Za-z0-9])", re.ASCII
)
_IBAN_CHARACTERS: Final = 34 + 30 + 1
# Digits are rarer than letters, so the search is for the first digit and then looks back.
_IBAN_BEGIN: Final = re.compile(r"[0-9](?<=[A-Za-z]{2}[0-9])(?<![A-Za-z0-9]...)[0-9]", re.ASCII)

# Area numbers that are given out: not 000, 666 or 900 to 999. Source: the Social Security
# Administration's rules since 2011.
_SSN: Final = re.compile(
    r"[0-9](?<![\w\-.].)(?<!9)[0-9]{2}([ \-])(?<!000.)(?<!666.)(?!00)[0-9]{2}\1(?!0000)[0-9]{4}"
    r"(?![\w\-]|\.[0-9])"
)
_SSN_CHARACTERS: Final = 11 + 2

# What stands before is looked at behind the first character, because a pattern that begins with a
# set of characters is searched for several times faster.
_FREE: Final = r"(?<![\w.+\-/].)"
_NORTH_AMERICAN: Final = r"[2-9][0-9]{2}[ .\-][0-9]{4}(?![\w\-]|\.[0-9])"
_GROUPS: Final = r"[0-9]{2,8}(?![0-9])"
_PHONE: Final = re.compile(
    # E.164: a plus sign and at most 15 digits, however they are grouped.
    r"\+\(?[1-9](?:[ ().\-/]{0,2}[0-9]){6,14}(?![0-9A-Za-z_])"
    # North America: area and exchange from 2 on, and something between the groups.
    rf"|[2-9]{_FREE}[0-9]{{2}}[ .\-]{_NORTH_AMERICAN}"
    rf"|\({_FREE}[2-9][0-9]{{2}}\)[ ]?{_NORTH_AMERICAN}"
    rf"|1{_FREE}[ .\-](?:\([2-9][0-9]{{2}}\)[ ]?|[2-9][0-9]{{2}}[ .\-]){_NORTH_AMERICAN}"
    # A national number with its trunk prefix, the same separator between all groups.
    rf"|\({_FREE}0[0-9]{{1,4}}\)(?P<open>[ \-/]){_GROUPS}(?:(?P=open){_GROUPS}){{0,4}}"
    r"(?![\w\-]|\.[0-9])"
    # Neither 000 nor the middle of a longer number in groups.
    rf"|0{_FREE}(?<![0-9][ \-/].)(?!00)[0-9]{{1,4}}"
    rf"(?P<mark>[ \-/]){_GROUPS}(?:(?P=mark){_GROUPS}){{0,4}}"
    r"(?![\w\-]|\.[0-9])"
    rf"|0{_FREE}[0-9](?:\.[0-9]{{2}}){{4}}(?![\w\-]|\.[0-9])"
)
_PHONE_CHARACTERS: Final = 52
_TRUNK_DIGITS: Final = range(9, 13)


def has_many_digits(text: str) -> bool:
    """Whether a number of seven digits or more can be in the text."""
    return _MANY_DIGITS.search(text) is not None


def _judge_card(match: re.Match[str]) -> Spot | None:
    """The longest run of whole groups that is a card: behind it may stand its date or code."""
    text, start = match.group(), match.start()
    ends = [len(text), *(gap.start() for gap in reversed(list(_SEPARATOR.finditer(text))))]
    for end in ends:
        digits = text[:end].replace(" ", "").replace("-", "")
        if len(digits) < _SHORTEST_CARD:
            break
        if is_card(digits):
            return start, start + end
    return None


def _search_iban(text: str, start: int) -> Spot | None:
    begin = iban_begin(text, start)
    while begin is not None:
        found = _IBAN.match(text, begin)
        spot = None if found is None else _judge_iban(found)
        if spot is not None:
            return spot
        begin = iban_begin(text, begin + 1)
    return None


def _judge_iban(match: re.Match[str]) -> Spot | None:
    """The whole groups that have the country's length; words may follow."""
    text, start = match.group(), match.start()
    ends = [len(text), *(gap.start() for gap in reversed(list(_SEPARATOR.finditer(text))))]
    for end in ends:
        if is_iban(text[:end]) and not is_in_uuid(match.string, start, start + end):
            return start, start + end
    return None


def _judge_phone(match: re.Match[str]) -> Spot | None:
    if match.lastgroup is None:
        return match.span()
    digits = sum(character.isdigit() for character in match.group())
    return match.span() if digits in _TRUNK_DIGITS else None


def credit_card() -> Entity:
    """Numbers of card schemes with a valid check digit (Luhn)."""
    return Entity("credit_card", _CARD_CHARACTERS, has_many_digits, every_match(_CARD, _judge_card))


def iban() -> Entity:
    """International bank account numbers with valid check digits and the length of a country."""
    return Entity("iban", _IBAN_CHARACTERS, has_iban_begin, _search_iban)


def has_iban_begin(text: str) -> bool:
    """Whether two letters and two digits stand somewhere."""
    return iban_begin(text, 0) is not None


def iban_begin(text: str, start: int) -> int | None:
    """Where an account number may begin, at ``start`` or later."""
    # The digit that is searched for is the third character.
    found = _IBAN_BEGIN.search(text, start + 2)
    return None if found is None else found.start() - 2


def us_ssn() -> Entity:
    """US social security numbers in groups of three, two and four."""
    return Entity("us_ssn", _SSN_CHARACTERS, has_many_digits, every_match(_SSN, re.Match.span))


def phone() -> Entity:
    """E.164, the North American form, and national numbers with a leading zero in groups."""
    return Entity("phone", _PHONE_CHARACTERS, has_many_digits, every_match(_PHONE, _judge_phone))
