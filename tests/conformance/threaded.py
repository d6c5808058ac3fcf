"""The product on an event loop of its own, for properties that are tested from another thread."""

import asyncio
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx2
import msgspec
from tests.product.running import Product, running_product

from trunkline.simulator.server import Simulator

PATIENCE = 20.0


class Served(msgspec.Struct, frozen=True):
    """A running product as seen from outside."""

    product: Product
    port: int
    key: str

    @property
    def seen(self) -> int:
        """How many attempts reached the simulator."""
        return len(self.product.simulator.ledger)

    def client(self) -> httpx2.Client:
        """A plain client without a key."""
        return httpx2.Client(base_url=f"http://127.0.0.1:{self.port}", timeout=PATIENCE)

    def send(self, data: bytes) -> bytes:
        """What comes back for these bytes until the connection ends; ours ends with the last."""
        with socket.create_connection(("127.0.0.1", self.port), PATIENCE) as connection:
            received = bytearray()
            try:
                connection.sendall(data)
                connection.shutdown(socket.SHUT_WR)
                while part := connection.recv(65536):
                    received += part
            except ConnectionError:
                pass
            return bytes(received)


@contextmanager
def serving(directory: Path) -> Iterator[Served]:
    """Serve from a thread until the block ends."""
    ready: list[Served] = []
    started, stop = threading.Event(), asyncio.Event()
    loop = asyncio.new_event_loop()

    async def run() -> None:
        simulator = Simulator(seed=3, speed=1e6)
        await simulator.start()
        try:
            async with running_product(directory, simulator) as product:
                ready.append(Served(product, product.port, product.key))
                started.set()
                await stop.wait()
        finally:
            await simulator.stop()

    def work() -> None:
        try:
            loop.run_until_complete(run())
        finally:
            started.set()
            loop.close()

    thread = threading.Thread(target=work, name="product")
    thread.start()
    started.wait(PATIENCE)
    try:
        yield ready[0]
    finally:
        if not loop.is_closed():
            loop.call_soon_threadsafe(stop.set)
        thread.join(PATIENCE)
