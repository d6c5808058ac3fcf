"""A process that records attempts as fast as it can until it is killed.

Prints nothing: the parent compares the journal with the file in which this process notes each
attempt that was opened or closed, as soon as the journal has taken it.
"""

import asyncio
import os
import random
import sys
from pathlib import Path

from tests.ledger.examples import attempt, outcome

from trunkline.kit.clock import SystemClock
from trunkline.ledger.journal import Journal


async def main(root: Path, notes: Path, seed: int) -> None:
    randomness = random.Random(seed)
    journal = Journal(root, SystemClock(), segment_bytes=30_000)
    await journal.start()
    noting = os.open(notes, os.O_CREAT | os.O_APPEND | os.O_WRONLY)
    live = []
    while True:
        one = attempt()
        progress = journal.opened(one)
        os.write(noting, f"opened {one.id}\n".encode())
        live.append((one, progress))
        for _, moved in live:
            moved.output_bytes += randomness.randrange(100)
        if randomness.random() < 0.1:
            journal.tick()
        if len(live) > randomness.randrange(12):
            done, progress = live.pop(randomness.randrange(len(live)))
            journal.closed(done, outcome(output_bytes=progress.output_bytes))
            os.write(noting, f"closed {done.id}\n".encode())
        await asyncio.sleep(0)


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3])))
