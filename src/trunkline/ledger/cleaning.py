"""Removing segments whose records are all in the ledger."""

from collections.abc import Mapping
from pathlib import Path

from trunkline.ledger.recovery import unfinished_of
from trunkline.ledger.segments import DAMAGED_SUFFIX, read_all, segments_of
from trunkline.ledger.slots import Slot


def remove_shipped(slot: Path, finished: Mapping[str, int], older_than: float) -> list[str]:
    """Remove what nobody needs any more; the names of the segments removed.

    The newest segment of a slot goes only when the slot has no owner and every attempt in it is
    closed; all others have been carried over by the one that follows. A segment with damage is
    kept under another name for whoever wants to look at it.

    Args:
        slot: directory of the slot.
        finished: damaged bytes by the name of each segment that is shipped to its end.
        older_than: Unix seconds; segments written to since then stay.
    """
    segments = segments_of(slot)
    due = [path for path in segments if _is_due(path, finished, older_than)]
    removed = [path for path in due if path != segments[-1]]
    if due and due[-1] == segments[-1] and _has_no_owner_and_no_attempt(due[-1]):
        removed.append(due[-1])
    for path in removed:
        if finished[path.name]:
            path.rename(path.with_suffix(DAMAGED_SUFFIX))
        else:
            path.unlink(missing_ok=True)
    return [path.name for path in removed]


def _is_due(path: Path, finished: Mapping[str, int], older_than: float) -> bool:
    return path.name in finished and path.stat().st_mtime < older_than


def _has_no_owner_and_no_attempt(newest: Path) -> bool:
    """Whether the newest segment of a slot can go; nobody else ever appends to it."""
    slot = Slot.claim(newest.parent)
    if slot is None:
        return False
    with slot:
        return not unfinished_of(read_all(newest))
