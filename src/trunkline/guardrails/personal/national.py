"""National identity numbers whose check digits tell them from other numbers."""

import re
from typing import Final

from trunkline.guardrails.personal.entity import Entity, Spot, every_match

# Brazil's CPF: two check digits, modulo 11.
_CPF: Final = r"(?P<cpf>[0-9]{3}\.[0-9]{3}\.[0-9]{3}-[0-9]{2})"
# Spain's DNI and NIE: the letter is the remainder of the number by 23.
_DNI: Final = r"(?P<dni>(?:[0-9]{8}|[XYZ]-?[0-9]{7})-?[A-HJ-NP-TV-Z])"
# Italy's codice fiscale: sixteen characters, the last one computed.
_FISCALE: Final = r"(?P<fiscale>[A-Z]{6}[0-9]{2}[A-EHLMPRST][0-9]{2}[A-Z][0-9]{3}[A-Z])"
_ANY: Final = re.compile(rf"(?<![\w.\-])(?:{_CPF}|{_DNI}|{_FISCALE})(?![\w\-])")
_LONGEST: Final = 18

_DNI_LETTERS: Final = "TRWAGMYFPDXBNJZSQVHLCKE"
_FISCALE_ODD: Final = (1, 0, 5, 7, 9, 13, 15, 17, 19, 21, 2, 4, 18, 20, 11, 3, 6, 8, 12, 14, 16,
                       10, 22, 25, 24, 23)  # fmt: skip
_HAS_DIGITS: Final = re.compile(r"[0-9]{2}(?:[0-9]\.[0-9]{3}\.|[0-9]{5}|[A-EHLMPRST][0-9]{2}[A-Z])")


def is_cpf(text: str) -> bool:
    """Whether both check digits are right."""
    digits = [int(character) for character in text if character.isdigit()]
    if len(digits) != 11 or len(set(digits)) == 1:
        return False
    for size in (9, 10):
        total = sum(
            digit * weight
            for digit, weight in zip(digits[:size], range(size + 1, 1, -1), strict=True)
        )
        if total * 10 % 11 % 10 != digits[size]:
            return False
    return True


def is_dni(text: str) -> bool:
    """Whether the letter is right; X, Y and Z of foreigners count as 0, 1 and 2."""
    plain = text.replace("-", "")
    number = plain[:-1].translate(str.maketrans("XYZ", "012"))
    return _DNI_LETTERS[int(number) % 23] == plain[-1]


def is_fiscale(text: str) -> bool:
    """Whether the last letter is right."""
    values = [int(c) if c.isdigit() else ord(c) - 65 for c in text[:15]]
    total = sum(_FISCALE_ODD[value] for value in values[::2]) + sum(values[1::2])
    return chr(65 + total % 26) == text[15]


_RULES: Final = {"cpf": is_cpf, "dni": is_dni, "fiscale": is_fiscale}


def _judge(match: re.Match[str]) -> Spot | None:
    rule = match.lastgroup
    return match.span() if rule is not None and _RULES[rule](match.group()) else None


def national_id() -> Entity:
    """Brazil's CPF, Spain's DNI and NIE, Italy's codice fiscale, each with its check."""
    return Entity(
        "national_id",
        _LONGEST,
        lambda text: _HAS_DIGITS.search(text) is not None,
        every_match(_ANY, _judge),
    )
