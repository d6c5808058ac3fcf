"""Where a run takes place: its folder, its cores, and the addresses of the provider."""

import socket
from pathlib import Path
from typing import Final

import msgspec

from bench.cases import Case
from bench.machine import Cores

ROOT: Final = Path(__file__).resolve().parent.parent


class Upstreams(msgspec.Struct, frozen=True):
    """Ports of the provider on 127.0.0.1, by whether it streams and whether it speaks TLS."""

    calls: int
    calls_tls: int
    streams: int
    streams_tls: int

    def origin(self, case: Case) -> str:
        """Where the provider of a case is, such as ``http://127.0.0.1:1234``."""
        return self.all_origins()[case.stream, case.operation.tls]

    def all_origins(self) -> dict[tuple[bool, bool], str]:
        """Origins by (streamed, TLS)."""
        return {
            (False, False): f"http://127.0.0.1:{self.calls}",
            (False, True): f"https://127.0.0.1:{self.calls_tls}",
            (True, False): f"http://127.0.0.1:{self.streams}",
            (True, True): f"https://127.0.0.1:{self.streams_tls}",
        }


class Site(msgspec.Struct, frozen=True):
    """What a candidate is started with.

    Attributes:
        folder: for files of this run; removed afterwards.
        ca_file: the authority of the provider's certificate.
    """

    folder: Path
    cores: Cores
    upstreams: Upstreams
    ca_file: Path

    def room(self, name: str) -> Path:
        """A folder of one candidate."""
        path = self.folder / name
        path.mkdir(exist_ok=True)
        return path


def free_ports(count: int) -> list[int]:
    """Ports that nobody listens on now."""
    listeners = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    try:
        return [listener.getsockname()[1] for listener in listeners]
    finally:
        for listener in listeners:
            listener.close()
