"""What an earlier process left in the folder for counts."""

from pathlib import Path

import msgspec
import structlog

from trunkline.ledger.recount.texts import SUFFIX

_log = structlog.stdlib.get_logger("trunkline.ledger.recount")


class _Waiting(msgspec.Struct, frozen=True):
    """What is of interest in a file of texts: the texts themselves are not read into objects."""

    attempt_id: str
    hold_nano: int | None


_decode = msgspec.msgpack.Decoder(_Waiting).decode


def backlog(folder: Path) -> dict[str, int]:
    """What was held for each attempt whose tokens are still to be counted, in nano-dollars.

    Attempts without a price are left out. Files that were not written to their end are removed,
    so the folder must have no other writer.

    Raises:
        OSError: the folder cannot be read.
    """
    for torn in folder.glob("*.part"):
        torn.unlink(missing_ok=True)
    waiting = (_read(path) for path in folder.glob(f"*{SUFFIX}"))
    return {
        found.attempt_id: found.hold_nano
        for found in waiting
        if found is not None and found.hold_nano is not None
    }


def _read(path: Path) -> _Waiting | None:
    """None for what the worker has counted meanwhile, and for what nobody can read."""
    try:
        return _decode(path.read_bytes())
    except FileNotFoundError:
        return None
    except (msgspec.MsgspecError, OSError) as error:
        _log.warning("texts_not_read", file=path.name, error=str(error))
        return None
