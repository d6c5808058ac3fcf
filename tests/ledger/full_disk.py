"""A process whose files may grow to a limit only, as on a full disk; says what happened as JSON."""

import asyncio
import json
import resource
import sys
from pathlib import Path

from tests.ledger.examples import attempt, outcome

from trunkline.errors import Unavailable
from trunkline.gateway.metering.event import Attempt
from trunkline.kit.clock import SystemClock
from trunkline.ledger.journal import SYNC_SECONDS, Journal

LIMIT = 5_000


def grow_to(limit: int) -> None:
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))


async def main(root: Path) -> None:
    journal = Journal(root, SystemClock())
    await journal.start()
    grow_to(LIMIT)
    opened: list[Attempt] = []
    refusals: list[str] = []
    while not refusals:
        one = attempt()
        try:
            journal.opened(one)
            opened.append(one)
        except Unavailable as error:
            refusals.append(error.code)
    # No segment can begin now, since what is carried over is larger than the limit.
    grow_to(100)
    for one in opened[:3]:
        journal.closed(one, outcome())
    await asyncio.sleep(2 * SYNC_SECONDS)
    try:
        journal.opened(attempt())
    except Unavailable as error:
        refusals.append(error.code)
    broken = journal.stats()
    grow_to(resource.RLIM_INFINITY)
    while not journal.stats().ready:  # noqa: ASYNC110 -- The journal tells nobody that it recovered.
        await asyncio.sleep(0.01)
    last = attempt()
    journal.opened(last)
    journal.closed(last, outcome())
    print(  # noqa: T201 -- The answer to the parent.
        json.dumps(
            {
                "refusals": refusals,
                "ready": broken.ready,
                "pending": broken.pending,
                "error": broken.last_error,
                "closed": [one.id for one in (*opened[:3], last)],
                "lost": [one.id for one in opened[3:]],
            }
        )
    )
    await journal.close()


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1])))
