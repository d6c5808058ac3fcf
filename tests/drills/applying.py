"""``python -m tests.drills.applying``: applies files in turn, as an operator's script would.

It is a process of its own, which shares nothing with the front but the data directory. Each commit
is told as a line of JSON.
"""

import argparse
import asyncio
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec

from trunkline.cli.applying import parts_of
from trunkline.cli.session import open_session
from trunkline.configuration.apply import apply_configuration
from trunkline.configuration.loading import load_file


class Commit(msgspec.Struct, frozen=True):
    """One configuration that was applied.

    Attributes:
        number: of the file, counted from 0 in the order of the command line.
        begun, committed: Unix seconds.
        changes: rows that it touched.
    """

    number: int
    begun: float
    committed: float
    changes: int


async def apply_in_turn(files: Sequence[Path], count: int, every: float) -> None:
    """Apply so many times, beginning one each so many seconds."""
    began = time.time()
    async with open_session() as session:
        parts = await parts_of(session)
        for turn in range(count):
            await asyncio.sleep(max(began + turn * every - time.time(), 0.0))
            begun, number = time.time(), turn % len(files)
            applied = await apply_configuration(parts, load_file(files[number]), prune=True)
            commit = Commit(number, begun, time.time(), len(applied.changes))
            sys.stdout.buffer.write(msgspec.json.encode(commit) + b"\n")
            sys.stdout.flush()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("files", type=Path, nargs="+")
    parser.add_argument("--count", type=int, required=True)
    parser.add_argument("--every", type=float, required=True, help="seconds")
    chosen: Any = parser.parse_args()
    asyncio.run(apply_in_turn(chosen.files, chosen.count, chosen.every))


if __name__ == "__main__":
    main()
