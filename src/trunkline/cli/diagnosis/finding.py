"""What a check of the doctor found."""

from collections.abc import Iterable
from typing import Literal

import msgspec

Verdict = Literal["ok", "warn", "fail"]

_WORST: dict[Verdict, int] = {"ok": 0, "warn": 1, "fail": 2}


class Finding(msgspec.Struct, frozen=True):
    """One row of the doctor's answer.

    Attributes:
        check: what was looked at, such as ``database``.
        says: what was found, in a sentence.
        remedy: what to do, or None where nothing is wrong.
    """

    check: str
    verdict: Verdict
    says: str
    remedy: str | None = None


def worst(findings: Iterable[Finding]) -> Verdict:
    """The verdict on the whole."""
    return max((found.verdict for found in findings), key=_WORST.__getitem__, default="ok")
