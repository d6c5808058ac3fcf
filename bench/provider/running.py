"""The provider as processes: nginx and the sender of streams, both on the core of the load."""

import contextlib
import socket
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from bench.machine import CannotMeasure, Cores
from bench.place import ROOT, Site, Upstreams, free_ports
from bench.processes import Spawned, Unable, find_program, spawn
from bench.provider.nginx import configuration, write_certificate

_READY_SECONDS: Final = 15.0


@contextlib.contextmanager
def provider(folder: Path, cores: Cores) -> Iterator[Site]:
    """Start the provider in a folder, and end it.

    Raises:
        CannotMeasure: it does not start.
    """
    upstreams = Upstreams(*free_ports(4))
    room = folder / "provider"
    room.mkdir()
    ca_file = write_certificate(room)
    (room / "nginx.conf").write_text(configuration(room, upstreams))
    started: list[Spawned] = []
    try:
        nginx = find_program("nginx", "nginx-light")
        command = (nginx, "-p", str(room), "-c", str(room / "nginx.conf"))
        started.append(spawn(command, core=cores.load, log=room / "nginx.log"))
        sender = (sys.executable, "-m", "bench.provider.streams", str(upstreams.streams))
        place = {"PYTHONPATH": str(ROOT)}
        log = room / "streams.log"
        started.append(spawn(sender, core=cores.load, log=log, environment=place))
        for process, port in zip(started, (upstreams.calls, upstreams.streams), strict=True):
            _await_listener(process, port)
        # The worker of nginx may run as nobody and must reach its own folders.
        yield Site(folder=folder, cores=cores, upstreams=upstreams, ca_file=ca_file)
    except Unable as error:
        raise CannotMeasure(f"The provider does not start: {error}") from error
    finally:
        for process in started:
            process.end()


def _await_listener(process: Spawned, port: int) -> None:
    deadline = time.monotonic() + _READY_SECONDS
    while time.monotonic() < deadline:
        process.check()
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        time.sleep(0.02)
    raise Unable(f"nobody listens on port {port}")
