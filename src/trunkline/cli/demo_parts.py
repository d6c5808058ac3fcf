"""The processes of the demo: the simulated providers as a child, then the front and its worker."""

import asyncio
import sys
from collections.abc import Callable
from pathlib import Path

import structlog

from trunkline.cli.applying import apply_in
from trunkline.cli.processes import serve_front
from trunkline.cli.session import open_session
from trunkline.demo.calls import QUESTIONS, make_example_calls
from trunkline.demo.configuration import demo_configuration
from trunkline.errors import Unavailable
from trunkline.settings import Settings
from trunkline.storage.processes import DataDirectoryLock
from trunkline.supervisor import ChildProcess

SECONDS_FOR_THE_SIMULATOR = 10.0


async def serve_demo(
    settings: Settings,
    *,
    key: str,
    key_file: Path,
    simulator_port: int,
    log_fd: int,
    announce: Callable[[int], None],
) -> None:
    """Run the demo until told to stop.

    Args:
        settings: with the loopback among the allowed networks.
        key: text of the demo's key.
        key_file: absolute path of the file that holds it.
        simulator_port: free port for the simulated providers.
        log_fd: where log lines go.
        announce: called with the port once the example calls have been made.

    Raises:
        Conflict: another front serves from the data directory; nothing was changed there.
    """
    # The front takes the lock for its life. It is asked for here because a demo that is refused
    # later would have pointed the connections of the one that runs to its own simulator.
    DataDirectoryLock(settings.data_dir, alone=True).close()
    simulator = ChildProcess(
        [
            *(sys.executable, "-m", "trunkline.cli.main", "simulate"),
            *("--port", str(simulator_port), "--json"),
            *("--ledger", str(settings.data_dir / "simulator.jsonl")),
        ],
        name="simulator",
        output=log_fd,
    )
    await simulator.start()
    try:
        await _reachable(simulator_port)
        await _configure(settings, f"http://127.0.0.1:{simulator_port}", key_file)

        async def welcome(port: int) -> None:
            answered = await make_example_calls(f"http://{settings.host}:{port}", key)
            if answered < len(QUESTIONS):
                structlog.get_logger("trunkline.demo").warning(
                    "some example calls failed", answered=answered, asked=len(QUESTIONS)
                )
            announce(port)

        await serve_front(settings, welcome, log_fd=log_fd)
    finally:
        await simulator.stop(5.0)


async def _configure(settings: Settings, simulator_url: str, key_file: Path) -> None:
    async with open_session(settings) as session:
        await apply_in(session, demo_configuration(simulator_url, str(key_file)), source="demo")


async def _reachable(port: int) -> None:
    """Wait until the simulated providers take connections."""
    try:
        async with asyncio.timeout(SECONDS_FOR_THE_SIMULATOR):
            while True:
                try:
                    _, writer = await asyncio.open_connection("127.0.0.1", port)
                except OSError:
                    await asyncio.sleep(0.05)
                else:
                    writer.close()
                    return
    except TimeoutError:
        raise Unavailable(
            "The simulated providers did not start.", hint="The log says why."
        ) from None
