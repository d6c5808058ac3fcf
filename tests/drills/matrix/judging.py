"""Compares what was seen of a call with what its fault's kind and its mode promise."""

from collections.abc import Iterator, Sequence

import msgspec
from tests.drills.matrix.offer import FIRST, SECOND, Cell
from tests.drills.matrix.promises import Promise, Sight, promise
from tests.product.answers import Reading

from trunkline.ledger.rows import Row


class Texts(msgspec.Struct, frozen=True):
    """What the targets say when nothing is wrong, by path; the second one also translated."""

    first: dict[str, str]
    second: dict[tuple[str, bool], str]

    def of(self, cell: Cell, sight: Sight) -> str:
        """The text of the target that a sight is about."""
        if sight == "second":
            return self.second[cell.path, cell.mode == "translated"]
        return self.first[cell.path]


def promise_of(cell: Cell) -> Promise:
    """What must be seen of a cell."""
    return promise(cell.harm.kind(stream=cell.stream), cell.mode, stream=cell.stream)


def problems_of(cell: Cell, reading: Reading, rows: Sequence[Row], texts: Texts) -> Iterator[str]:
    """Where a promise was broken; nothing when all is well."""
    promised = promise_of(cell)
    if reading.error == "internal_error":
        yield "the client met a defect of ours"
    whole = texts.of(cell, promised.sight)
    if promised.sight in {"first", "second"}:
        yield from _no_whole_answer(reading, whole)
    else:
        yield from _no_honest_error(reading, promised.sight, whole)
    wanted = [(one.place, one.reason, one.ending) for one in promised.tries]
    told = [(place_of(row), row["reason"], row["ending"]) for row in rows]
    if told != wanted:
        yield f"the attempts were {told}, not {wanted}"
    for row in rows:
        yield from _misbooked(row)


def _no_whole_answer(reading: Reading, whole: str) -> Iterator[str]:
    if not reading.clean or reading.status != 200:
        yield f"the client saw {reading.summary} ({reading.error}) and not the whole answer"
    elif reading.text != whole:
        yield "the client saw another text than that of the target"


def _no_honest_error(reading: Reading, sight: Sight, whole: str) -> Iterator[str]:
    if reading.clean or reading.error is None:
        yield f"the client saw {reading.summary} and no error"
    elif sight == "error" and (reading.status or 0) < 400:
        yield f"the client saw {reading.summary} in place of an error status"
    elif sight == "event":
        begin = 0 < len(reading.text) < len(whole) and whole.startswith(reading.text)
        # Only what says that the answer is over may be missing.
        if reading.status != 200 or not (begin or reading.text == whole):
            yield f"the client saw {reading.summary} and not the begin of the first's answer"


def _misbooked(row: Row) -> Iterator[str]:
    cost, hold = row["cost_nano"], row["hold_nano"]
    if cost is None or hold is None or not 0 <= cost <= hold:
        yield f"attempt {row['number']} costs {cost} and {hold} were held"
    elif row["ending"] in {"refused", "not_sent"} and cost:
        yield f"attempt {row['number']} was {row['ending']} and costs {cost}"


def place_of(row: Row) -> int:
    """Which target an attempt was made at, from 1."""
    return {FIRST: 1, SECOND: 2}[row["model"].partition("+")[0]]
