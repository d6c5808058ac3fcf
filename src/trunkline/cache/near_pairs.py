"""Pairs of questions with the verdict whether they are the same, to measure near matches with."""

from collections.abc import Iterable, Sequence
from importlib.resources import files
from typing import Final

import msgspec

from trunkline.errors import InvalidRequest

SHIPPED: Final = "shipped"
"""Name of the set that the marks were tuned on."""

HELD_OUT: Final = "held-out"
"""Name of the set that no mark was tuned on."""

_FILES: Final = {SHIPPED: "pairs.jsonl", HELD_OUT: "pairs_held_out.jsonl"}


class Pair(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Two questions.

    Attributes:
        same: whether the answer to one is a right answer to the other.
        kind: what they have in common or differ in, such as ``negation``.
    """

    a: str
    b: str
    same: bool
    kind: str = ""


class PairSet(msgspec.Struct, frozen=True):
    """Pairs that are measured together.

    Attributes:
        name: ``shipped``, ``held-out``, or what the caller's file is called.
        fitted: whether the marks were tuned on these pairs, so that what they say about the marks
            is a fit and no estimate.
    """

    name: str
    pairs: Sequence[Pair]
    fitted: bool = False


def set_of_ours(name: str) -> PairSet:
    """A set of this package: paraphrases, and questions that only look the same.

    Args:
        name: ``SHIPPED`` or ``HELD_OUT``.
    """
    text = files("trunkline.cache").joinpath(_FILES[name]).read_text("utf-8")
    return PairSet(name, read_pairs(text.splitlines(), _FILES[name]), fitted=name == SHIPPED)


def read_pairs(lines: Iterable[str], source: str) -> list[Pair]:
    """Pairs of JSON lines ``{"a", "b", "same", "kind"}``; empty lines are passed over.

    Args:
        lines: without their ends.
        source: what errors call it.

    Raises:
        InvalidRequest: a line is something else, or there is none.
    """
    decode = msgspec.json.Decoder(Pair).decode
    pairs = []
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            pair = decode(line)
        except (msgspec.DecodeError, RecursionError) as error:
            raise _unreadable(source, number, str(error)) from None
        if not (pair.a.strip() and pair.b.strip()):
            raise _unreadable(source, number, "a question is empty")
        pairs.append(pair)
    if not pairs:
        raise InvalidRequest(f"{source} has no pairs.", code="no_pairs", param="pairs", hint=_HINT)
    return pairs


def _unreadable(source: str, number: int, reason: str) -> InvalidRequest:
    return InvalidRequest(
        f"{source}, line {number}: {reason}.", code="invalid_pairs", param="pairs", hint=_HINT
    )


_HINT: Final = 'A line is like {"a": "How old is it?", "b": "What is its age?", "same": true}.'
