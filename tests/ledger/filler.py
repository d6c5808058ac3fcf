"""A process that records so many attempts of seeded lengths without a pause, and ends."""

import asyncio
import random
import sys
from pathlib import Path

from tests.ledger.examples import attempt, outcome

from trunkline.kit.clock import SystemClock
from trunkline.ledger.journal import Journal


async def main(root: Path, seed: int, attempts: int) -> None:
    randomness = random.Random(seed)
    made = [attempt(end_user="u" * randomness.randrange(200)) for _ in range(attempts)]
    journal = Journal(root, SystemClock(), segment_bytes=4_000_000)
    await journal.start()
    for one in made:
        journal.opened(one)
        journal.closed(one, outcome())
    await journal.close()


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])))
