"""Names to addresses, in threads of its own.

The loop's default executor is shared with everything else that blocks; a hanging name server must
not stop those, nor the other way round.
"""

import asyncio
import socket
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import chain, zip_longest
from typing import Any

import msgspec
from typing_extensions import override

from trunkline.gateway.transport.errors import NameNotResolved
from trunkline.kit.clock import Clock, SystemClock

# Names come from connections that organisations configure, so the cache must not grow with them.
MAX_NAMES = 1024

LookUp = Callable[[str], list[tuple[Any, ...]]]


class ResolvedAddress(msgspec.Struct, frozen=True):
    """One address of a name.

    Attributes:
        family: ``socket.AF_INET`` or ``socket.AF_INET6``.
        ip: textual address; may carry a zone.
        scope: the zone's number, for link-local IPv6 addresses, else 0.
    """

    family: int
    ip: str
    scope: int = 0

    def endpoint(self, port: int) -> tuple[str, int] | tuple[str, int, int, int]:
        """The address with a port, as sockets want it."""
        if self.family == socket.AF_INET6:
            return (self.ip, port, 0, self.scope)
        return (self.ip, port)


def system_look_up(host: str) -> list[tuple[Any, ...]]:
    """Ask the operating system; blocks, so it runs in a thread only."""
    return socket.getaddrinfo(host, None, type=socket.SOCK_STREAM, proto=socket.IPPROTO_TCP)


class Resolver:
    """A cache of names over a small pool of threads.

    Its state is the answers it knows and the look-ups under way, both used on the event loop only.
    Requests for a name that is being looked up wait for the same answer. The composition root owns
    it and closes it.

    Args:
        ttl: seconds for which an answer is used; the system's resolver does not tell the real one.
        threads: how many names can be looked up at once.
        look_up: what asks, in a thread.
        clock: what the age of answers is measured with.
    """

    def __init__(
        self,
        *,
        ttl: float = 30.0,
        threads: int = 4,
        look_up: LookUp = system_look_up,
        clock: Clock | None = None,
    ) -> None:
        self._ttl = ttl
        self._look_up = look_up
        self._clock = clock or SystemClock()
        self._executor = ThreadPoolExecutor(threads, thread_name_prefix="resolver")
        self._known: dict[str, tuple[float, tuple[ResolvedAddress, ...]]] = {}
        self._running: dict[str, asyncio.Future[list[tuple[Any, ...]]]] = {}

    @override
    def __repr__(self) -> str:
        return f"<Resolver {len(self._known)} known, {len(self._running)} running>"

    async def resolve(self, host: str) -> tuple[ResolvedAddress, ...]:
        """The addresses of a name, families taking turns, the system's first choice first.

        A cancelled caller does not cancel the look-up that others wait for.

        Raises:
            NameNotResolved: there is none, or the name cannot be one.
        """
        now = self._clock.monotonic()
        known = self._known.get(host)
        if known is not None and now < known[0]:
            return known[1]
        running = self._ask(host)
        try:
            answer = await asyncio.shield(running)
        except (OSError, UnicodeError) as error:
            raise NameNotResolved(f"{host} cannot be resolved: {error}") from None
        except asyncio.CancelledError:
            if running.cancelled():
                raise NameNotResolved(f"{host} was not looked up: closing") from None
            raise
        addresses = _interleave(answer)
        if not addresses:
            raise NameNotResolved(f"{host} has no address")
        if len(self._known) >= MAX_NAMES:
            self._known.clear()
        self._known[host] = (now + self._ttl, addresses)
        return addresses

    def close(self) -> None:
        """Give up all look-ups; a thread that hangs in the system ends by itself."""
        for running in self._running.values():
            running.cancel()
        self._executor.shutdown(wait=False, cancel_futures=True)

    def _ask(self, host: str) -> "asyncio.Future[list[tuple[Any, ...]]]":
        running = self._running.get(host)
        if running is None:
            loop = asyncio.get_running_loop()
            running = loop.run_in_executor(self._executor, self._look_up, host)
            self._running[host] = running
            running.add_done_callback(lambda _: self._running.pop(host))
        return running


def _interleave(answer: list[tuple[Any, ...]]) -> tuple[ResolvedAddress, ...]:
    """The system's order within each family, families in turn (RFC 8305, section 4)."""
    by_family: dict[int, dict[str, ResolvedAddress]] = {}
    for family, _, _, _, endpoint in answer:
        if family in {socket.AF_INET, socket.AF_INET6}:
            scope = endpoint[3] if family == socket.AF_INET6 else 0
            address = ResolvedAddress(int(family), endpoint[0], scope)
            by_family.setdefault(family, {}).setdefault(address.ip, address)
    turns = zip_longest(*(addresses.values() for addresses in by_family.values()))
    return tuple(address for address in chain.from_iterable(turns) if address is not None)
