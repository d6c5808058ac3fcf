"""Numbers that belong to a person, told from the numbers that a log is full of.

A pattern finds candidates and a rule decides: the check digits of cards and IBANs, the ranges of
addresses, the shapes in which people write telephone numbers. What is ours (UUIDs, timestamps,
prices, counts) is made to fail these rules. Each pattern reads a run of characters once.
"""

import ipaddress
import itertools
import re
from collections.abc import Iterator

CARD, IBAN, PHONE, ADDRESS = "[card]", "[iban]", "[phone]", "[ip]"

_HEX = "[0-9a-fA-F]"
# What begins with a digit, a plus sign or a bracket; the conditions on what stands before it come
# second, because a pattern that begins with a set of characters is searched for four times faster.
# The first two alternatives are taken in order to be kept: UUIDs, then dates with or without time.
_NUMBERS = re.compile(
    rf"(?P<keep>[0-9](?<!\w.){_HEX}{{7}}-(?:{_HEX}{{4}}-){{3}}{_HEX}{{12}}(?!\w)"
    r"|[0-9](?<!\w.)[0-9]{3}-[0-9]{2}-[0-9]{2}"
    r"(?:[T ][0-9]{2}:[0-9:.]+(?:[+-][0-9]{2}:?[0-9]{2}|Z)?)?(?!\w))"
    r"|(?P<run>(?:[0-9](?<!\w.)(?<![0-9]\..)|[+(](?<!\w.)\(?[0-9])"
    r"(?:[ ().\-/]{0,2}[0-9]){6,}(?!\w))"
)
# A product's version, as in Chrome/120.0.0.0, is written like an address.
_IPV4 = re.compile(r"[0-9](?<![\w.].)(?<![A-Za-z]/.)[0-9]{0,2}(?:\.[0-9]{1,3}){3}(?!\w|\.[0-9])")
_IBAN = re.compile(
    r"(?<![A-Za-z0-9])(?=([A-Za-z]{2}[0-9]{2}(?:[ -]?[A-Za-z0-9]){11,30}))", re.ASCII
)
_UUID = re.compile(rf"(?<!\w){_HEX}{{8}}-(?:{_HEX}{{4}}-){{3}}{_HEX}{{12}}(?!\w)")
_IPV6 = re.compile(rf"(?<![\w:.])(?:{_HEX}|:)[0-9A-Fa-f:.]{{1,44}}(?!\w)")
_GROUP = re.compile("[0-9]+")

# Length of an IBAN by country: SWIFT, IBAN Registry, release 99.
_IBAN_LENGTHS = {
    country: length
    for length, countries in {
        15: "NO",
        16: "BE",
        18: "DK FI FK FO GL NL SD",
        19: "MK SI",
        20: "AT BA EE KZ LT LU MN XK",
        21: "CH HR LI LV",
        22: "BG BH CR DE GB GE IE ME RS VA",
        23: "AE GI IL IQ OM SO TL",
        24: "AD CZ ES MD PK RO SA SE SK TN VG",
        25: "LY PT ST",
        26: "IS TR",
        27: "BI DJ FR GR IT MC MR SM",
        28: "AL AZ BY CY DO GT HU LB NI PL SV",
        29: "BR EG PS QA UA",
        30: "JO KW MU YE",
        31: "MT SC",
        32: "LC",
        33: "RU",
    }.items()
    for country in countries.split()
}

# First digits and lengths of the card schemes: ISO/IEC 7812 as the schemes publish them.
_CARD = re.compile(
    "4[0-9]{12}(?:[0-9]{3}){0,2}"  # Visa
    "|(?:5[1-5][0-9]{2}|222[1-9]|22[3-9][0-9]|2[3-6][0-9]{2}|27[01][0-9]|2720)"  # Mastercard
    "[0-9]{12}"
    "|3[47][0-9]{13}"  # American Express
    "|3(?:0[0-5]|[689][0-9])[0-9]{11,16}"  # Diners Club
    "|35[0-9]{14,17}"  # JCB
    "|(?:50|5[6-9]|6[0-9])[0-9]{11,17}"  # Discover, Maestro, UnionPay
)
_CARD_SHAPES = frozenset({(4, 4, 4, 4), (4, 4, 4, 4, 3), (4, 6, 5), (4, 6, 4), (4, 3, 3, 3)})
_CARD_DIGITS = range(13, 20)
_E164_DIGITS = range(7, 16)
_TRUNK_DIGITS = range(9, 13)


def hide_numbers(text: str) -> str:
    """The text with payment cards, IBANs, telephone numbers and network addresses replaced."""
    # Addresses first, for a run of numbers and blanks would swallow them.
    if text.count(".") >= 3:
        text = _IPV4.sub(_judge_ipv4, text)
    text = _hide_ibans(text)
    text = _NUMBERS.sub(_judge, text)
    if "::" in text or text.count(":") >= 7:
        text = _IPV6.sub(_judge_ipv6, text)
    return text


def _judge(match: re.Match[str]) -> str:
    if match.lastgroup == "keep":
        return match.group()
    before = match.string[max(0, match.start() - 2) : match.start()]
    is_part_of_id = before[-1:] in {"-", "_"} and before[:1].isalnum()
    return _hide_in_run(match.group(), is_part_of_id=is_part_of_id)


def _judge_ipv4(match: re.Match[str]) -> str:
    return match.group() if _names_no_one(match.group()) else ADDRESS


def _judge_ipv6(match: re.Match[str]) -> str:
    address = match.group().rstrip(".")
    tail = match.group()[len(address) :]
    if address.count(":") < 2 or _names_no_one(address):
        return match.group()
    return ADDRESS + tail


def _names_no_one(text: str) -> bool:
    """Whether this is no address, or one that every machine has."""
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return True
    return address.is_loopback or address.is_unspecified


def _hide_in_run(run: str, *, is_part_of_id: bool) -> str:
    """A run of digits and separators with what is personal in it replaced."""
    groups = [(group.start(), group.end()) for group in _GROUP.finditer(run)]
    pieces = []
    done = first = 0
    while first < len(groups):
        label, after = _match_at(run, groups, first, is_part_of_id=is_part_of_id)
        if label is not None:
            start = groups[first][0]
            # The plus sign or the bracket in front belongs to the number.
            while start > done and run[start - 1] in "+(":
                start -= 1
            pieces += [run[done:start], label]
            done = groups[after - 1][1]
        first = after
    return "".join([*pieces, run[done:]])


def _match_at(
    run: str, groups: list[tuple[int, int]], first: int, *, is_part_of_id: bool
) -> tuple[str | None, int]:
    """What begins at this group and the index after its last; without a label the next group."""
    start = groups[first][0]
    if run[start - 1 : start] == "." and run[start - 2 : start - 1].isdigit():
        return None, first + 1  # The fraction of a number.
    if (after := _card_end(run, groups, first)) is not None:
        return CARD, after
    if not is_part_of_id and (after := _phone_end(run, groups, first)) is not None:
        return PHONE, after
    return None, first + 1


def _card_end(run: str, groups: list[tuple[int, int]], first: int) -> int | None:
    digits = ""
    shape: tuple[int, ...] = ()
    for index in range(first, min(first + 6, len(groups))):
        start, end = groups[index]
        if index > first and "." in run[groups[index - 1][1] : start]:
            return None  # A decimal point, not a card's blank or dash.
        digits += run[start:end]
        shape += (end - start,)
        if len(digits) > _CARD_DIGITS.stop:
            return None
        whole = first == 0 and index == len(groups) - 1 and _has_one_separator(run, groups)
        if (len(shape) == 1 or shape in _CARD_SHAPES or whole) and is_card(digits):
            return index + 1
    return None


def _has_one_separator(run: str, groups: list[tuple[int, int]]) -> bool:
    ends = itertools.pairwise(groups)
    return len({run[before[1] : after[0]] for before, after in ends}) == 1


def is_card(digits: str) -> bool:
    """Whether a card scheme gives out such numbers and the check digit is right (Luhn)."""
    if len(digits) not in _CARD_DIGITS or _CARD.fullmatch(digits) is None:
        return False
    values = [ord(digit) - 48 for digit in reversed(digits)]
    doubled = (value * 2 - 9 if value > 4 else value * 2 for value in values[1::2])
    return (sum(values[::2]) + sum(doubled)) % 10 == 0


def _phone_end(run: str, groups: list[tuple[int, int]], first: int) -> int | None:
    start = groups[first][0]
    lengths = [end - begin for begin, end in groups[first : first + 8]]
    if run[start - 1 : start] == "+" or run[max(0, start - 2) : start] == "+(":
        return _international_end(lengths, first)
    if run[start] == "0" and lengths[0] in range(2, 6):
        return _trunk_end(run, groups, first)
    if lengths[:1] == [1] and run[start] == "1":
        return _north_american_end(run, groups, first + 1)
    return _north_american_end(run, groups, first)


def _international_end(lengths: list[int], first: int) -> int | None:
    """As many groups behind the plus sign as a number may have digits (E.164)."""
    best = None
    for count in range(1, len(lengths) + 1):
        if sum(lengths[:count]) in _E164_DIGITS:
            best = first + count
    return best


def _trunk_end(run: str, groups: list[tuple[int, int]], first: int) -> int | None:
    """A national number such as 020 7946 0958 or 01.23.45.67.89: the same separator throughout."""
    best = None
    digits = 0
    separator: str | None = None
    for index in range(first, min(first + 6, len(groups))):
        start, end = groups[index]
        if index > first:
            between = run[groups[index - 1][1] : start].strip("()")
            separator = between if separator is None else separator
            if between != separator:
                break
        digits += end - start
        count = index - first + 1
        if digits in _TRUNK_DIGITS and count >= (3 if separator == "." else 2):
            best = index + 1
    return best


def _north_american_end(run: str, groups: list[tuple[int, int]], first: int) -> int | None:
    """(212) 555-0123 and its like: 3, 3 and 4 digits, area and exchange from 2 on (NANP)."""
    wanted = groups[first : first + 3]
    if [end - start for start, end in wanted] != [3, 3, 4]:
        return None
    return first + 3 if run[wanted[0][0]] > "1" and run[wanted[1][0]] > "1" else None


def _hide_ibans(text: str) -> str:
    pieces = []
    done = 0
    for start, end in _ibans(text):
        pieces += [text[done:start], IBAN]
        done = end
    return "".join([*pieces, text[done:]]) if done else text


def _ibans(text: str) -> Iterator[tuple[int, int]]:
    """Where IBANs stand, without overlap."""
    done = 0
    for candidate in _IBAN.finditer(text):
        start, found = candidate.start(), candidate.group(1)
        length = _IBAN_LENGTHS.get(found[:2].upper())
        if length is None or start < done:
            continue
        end = start + _index_after(found, length)
        if text[end : end + 1].isalnum() or not is_iban(text[start:end]):
            continue
        if not is_in_uuid(text, start, end):
            done = end
            yield start, end


def _index_after(text: str, count: int) -> int:
    """The index behind so many letters and digits, or the end of the text."""
    for index, character in enumerate(text):
        count -= character.isalnum()
        if not count:
            return index + 1
    return len(text)


def is_in_uuid(text: str, start: int, end: int) -> bool:
    """Whether these characters are a part of a UUID, whose groups may look like an IBAN's."""
    around = _UUID.finditer(text, max(0, start - 35), end + 36)
    return any(uuid.start() <= start and end <= uuid.end() for uuid in around)


def is_iban(text: str) -> bool:
    """Whether length and check digits are right (ISO 13616, mod 97); blanks and dashes are free."""
    plain = text.replace(" ", "").replace("-", "").upper()
    if _IBAN_LENGTHS.get(plain[:2]) != len(plain):
        return False
    return int("".join(str(int(c, 36)) for c in plain[4:] + plain[:4])) % 97 == 1
