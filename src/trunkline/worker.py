"""The composition root of the worker: what computes, away from the front's event loop.

It ships the journal into the ledger, has tokens counted that no provider counted, compares the
rollups with the rows every night, and removes what has expired.
"""

import asyncio
import contextlib
import signal
import sys
from contextlib import AsyncExitStack

import structlog
from sqlalchemy.exc import SQLAlchemyError

from trunkline.errors import TrunklineError
from trunkline.kit.clock import Clock, SystemClock
from trunkline.ledger.nightly import NightlyReconcile
from trunkline.ledger.recount.counting import Recounter
from trunkline.ledger.recount.texts import FOLDER as RECOUNT_FOLDER
from trunkline.ledger.service import Ledger
from trunkline.ledger.shipping import Shipper
from trunkline.observability.line_writer import LineWriter
from trunkline.observability.logs import configure_logs
from trunkline.repeats.repository import purge
from trunkline.responses.retention import remove_expired
from trunkline.settings import Settings
from trunkline.storage.changes import forget_changes
from trunkline.storage.engine import Database
from trunkline.supervisor import watch_parent

HOUSEKEEPING_SECONDS = 300.0


async def run_worker(settings: Settings, *, beside_a_front: bool) -> None:
    """Work until SIGTERM, SIGINT or, beside a front, the end of the parent process."""
    clock = SystemClock()
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    async with AsyncExitStack() as stack:
        lines = LineWriter(sys.stdout.fileno())
        stack.callback(lines.close)
        configure_logs(lines, settings.log_level)
        lines.start()
        url = settings.database_url
        database = await Database.open(
            None if url is None else url.get_secret_value(),
            data_dir=settings.data_dir,
            pool_size=settings.database_pool_size,
            application="trunkline worker",
        )
        stack.push_async_callback(database.close)
        await database.migrate()
        shipper = Shipper(database, settings.data_dir / "journal", clock)
        async with asyncio.TaskGroup() as tasks:
            if beside_a_front:
                parent = tasks.create_task(watch_parent(stop.set), name="parent")
            tasks.create_task(shipper.run(stop), name="shipping")
            tasks.create_task(NightlyReconcile(Ledger(database, clock), clock).run(stop))
            recounter = Recounter(database, settings.data_dir / RECOUNT_FOLDER, clock)
            tasks.create_task(recounter.run(stop), name="recount")
            tasks.create_task(_keep_house(database, clock, stop), name="housekeeping")
            await stop.wait()
            if beside_a_front:
                parent.cancel()
        # The front has written its last record by now.
        await shipper.drain()


async def _keep_house(database: Database, clock: Clock, stop: asyncio.Event) -> None:
    """Remove what nobody can ask for any more."""
    log = structlog.get_logger("trunkline.worker")
    while not stop.is_set():
        try:
            async with database.write(None) as connection:
                await purge(connection, int(clock.now() * 1000))
                await forget_changes(connection)
            await remove_expired(database, int(clock.now() * 1000))
        except (TrunklineError, SQLAlchemyError) as error:
            log.warning("housekeeping failed", error=repr(error))
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), HOUSEKEEPING_SECONDS)
