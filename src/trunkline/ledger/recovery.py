"""Adoption: the attempts of a process that died get an end and a cost.

An attempt that was opened and never closed may have been billed. Nobody will learn its usage any
more, so it is closed as ``lost`` with an estimate between its input alone and its hold.
"""

from collections.abc import Iterable
from pathlib import Path

import msgspec

from trunkline.gateway.metering.event import Attempt, Outcome
from trunkline.gateway.metering.usage import Usage
from trunkline.kit.clock import Clock
from trunkline.kit.money import TOKENS_PER_PRICE
from trunkline.ledger.frames import frame
from trunkline.ledger.records import Advanced, Carried, Close, Open, Record, encode
from trunkline.ledger.segments import Segment, read_all, segments_of
from trunkline.ledger.slots import Slot, slots_of

BYTES_PER_TOKEN = 4


class Unfinished(msgspec.Struct):
    """An attempt without a close, and how much of its answer had come."""

    attempt: Attempt
    output_bytes: int = 0


def adopt_all(root: Path, clock: Clock) -> int:
    """Adopt every slot of a journal that has no owner; the number of attempts closed as lost.

    Raises:
        OSError: a segment cannot be read, or the closes cannot be written.
    """
    return sum(adopt_if_free(path, clock) or 0 for path in slots_of(root))


def adopt_if_free(path: Path, clock: Clock) -> int | None:
    """Adopt one slot; None when it has a living owner."""
    slot = Slot.claim(path)
    if slot is None:
        return None
    with slot:
        return adopt(slot, clock)


def adopt(slot: Slot, clock: Clock) -> int:
    """Close what the last owner of a locked slot left open; the number of attempts closed.

    All closes appear in one new segment or none does, so an adopter that dies is repeated whole,
    and one that has finished leaves nothing to be repeated.
    """
    lost = unfinished_of(_since_last_carried(segments_of(slot.path)))
    if lost:
        closed_ms = int(clock.now() * 1000)
        records: list[Record] = [
            Close(item.attempt, outcome_of_lost(item, closed_ms)) for item in lost
        ]
        records.append(Carried(0))
        opening = b"".join(frame(encode(record)) for record in records)
        Segment.create(slot.path, opening, durable=True).close()
    return len(lost)


def unfinished_of(records: Iterable[Record]) -> list[Unfinished]:
    """The attempts that these records open and do not close, in the order of their opening."""
    live: dict[str, Unfinished] = {}
    for record in records:
        match record:
            case Open(attempt):
                live.setdefault(attempt.id, Unfinished(attempt))
            case Advanced(advances):
                for progress in advances:
                    if progress.attempt_id in live:
                        live[progress.attempt_id].output_bytes = progress.output_bytes
            case Close(attempt):
                live.pop(attempt.id, None)
            case Carried():
                pass
    return list(live.values())


def outcome_of_lost(lost: Unfinished, closed_ms: int) -> Outcome:
    """The end of an attempt whose process died, estimated from its last progress."""
    attempt = lost.attempt
    output = min(-(-lost.output_bytes // BYTES_PER_TOKEN), attempt.output_bound)
    cost = _estimate(attempt, output)
    return Outcome(
        closed_ms=closed_ms,
        ending="lost",
        cost_state="unpriced" if cost is None else "estimated",
        cost_nano=cost,
        usage=Usage(input=attempt.input_estimate, output=output),
        price_ref=attempt.price_ref,
        error_code="process_lost",
        output_bytes=lost.output_bytes,
    )


def _estimate(attempt: Attempt, output_tokens: int) -> int | None:
    """Nano-dollars, at least the estimated input and at most the hold; None without a price."""
    if attempt.floor_nano is None or attempt.hold_nano is None:
        return None
    output = -(-output_tokens * (attempt.output_rate_nano or 0) // TOKENS_PER_PRICE)
    return max(attempt.floor_nano, min(attempt.floor_nano + output, attempt.hold_nano))


def _since_last_carried(segments: list[Path]) -> list[Record]:
    """The records from the newest segment on that carried over what was live before it.

    Older segments cannot add anything, and reading all of them could take longer than a start
    may. After a power loss the newest opening may be gone; then the one before it counts as well.
    """
    records: list[Record] = []
    for segment in reversed(segments):
        newer = read_all(segment)
        records = newer + records
        if any(isinstance(record, Carried) for record in newer):
            break
    return records
