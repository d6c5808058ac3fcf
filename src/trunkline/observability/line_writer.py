"""Writes log lines to a descriptor in batches, and never waits for whoever reads it."""

import asyncio
import os
import select
import stat
import threading
import time

FLUSH_EVERY = 0.05  # Seconds; two people reading along do not notice, and it saves 99 % of writes.
_CAPACITY = 1_048_576
# A pipe that poll(2) calls writable takes this much without blocking, and does not mix it with what
# another process writes (pipe(7)). A line longer than this may be mixed; ours are shorter.
_PIPE_BUF = select.PIPE_BUF


class LineWriter:
    """A bounded batch of lines in front of a file, a pipe, a socket or a terminal.

    Lines wait up to ``FLUSH_EVERY`` seconds once ``start`` has been called on the event loop;
    before that each is written at once. When the reader is so slow that ``capacity`` bytes are
    waiting, further lines are shed and counted: a request never waits for its log line.

    Its state is the text of the lines that are not written yet, guarded by one lock, since ordinary
    logs may come from any thread. It does not own the descriptor; ``close`` writes what is left.
    """

    def __init__(self, fd: int, *, capacity: int = _CAPACITY) -> None:
        self._fd = fd
        self._capacity = capacity
        self._waiting = bytearray()
        self._shed = 0
        self._lock = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._loop_thread = 0
        self._timer: asyncio.TimerHandle | None = None
        self._never_blocks = stat.S_ISREG(os.fstat(fd).st_mode)
        self._poll = select.poll()
        self._poll.register(fd, select.POLLOUT)

    @property
    def shed(self) -> int:
        """How many lines were dropped since the start because the reader was too slow."""
        return self._shed

    def start(self) -> None:
        """Write in batches from now on; called on the running event loop."""
        self._loop = asyncio.get_running_loop()
        self._loop_thread = threading.get_ident()

    def write(self, lines: bytes, *, at_once: bool = False) -> None:
        """Queue whole lines, each with its newline. Never blocks and never raises.

        Args:
            lines: those that do not fit are shed.
            at_once: they have waited elsewhere, so they leave now with all that waits here.
        """
        with self._lock:
            room = self._capacity - len(self._waiting)
            if len(lines) > room:
                fitting = lines.rfind(b"\n", 0, room) + 1
                self._shed += lines.count(b"\n", fitting)
                lines = lines[:fitting]
            self._waiting += lines
        if at_once:
            self.flush()
        elif self._timer is None:
            self._schedule()

    def flush(self) -> None:
        """Write what the descriptor takes now; the rest stays queued for the next time."""
        with self._lock:
            self._timer = None
            try:
                self._write_out()
            except OSError:
                # The reader is gone for good, as with a closed pipe: nobody can be told.
                self._shed_all()
            unfinished = bool(self._waiting)
        loop = self._loop
        if unfinished and loop is not None:
            loop.call_soon_threadsafe(self._schedule)

    def close(self, *, within: float = 1.0) -> None:
        """Write the rest, for at most so many seconds, and forget the event loop."""
        if self._timer is not None:
            self._timer.cancel()
        self._loop = None
        deadline = time.monotonic() + within
        self.flush()
        while self._waiting and (left := deadline - time.monotonic()) > 0:
            self._poll.poll(left * 1000)
            self.flush()
        with self._lock:
            self._shed_all()

    def _schedule(self) -> None:
        loop = self._loop
        if loop is None or threading.get_ident() != self._loop_thread:
            self.flush()
        elif self._timer is None:
            self._timer = loop.call_later(FLUSH_EVERY, self.flush)

    def _shed_all(self) -> None:
        self._shed += self._waiting.count(b"\n")
        self._waiting.clear()

    def _write_out(self) -> None:
        waiting = self._waiting
        if self._never_blocks:
            while waiting and self._write_once(len(waiting)):
                pass
            return
        while waiting and self._poll.poll(0) and self._write_once(self._size_of_next()):
            pass

    def _size_of_next(self) -> int:
        """Bytes of as many whole lines as fit, or of the beginning of one that is longer."""
        return self._waiting.rfind(b"\n", 0, _PIPE_BUF) + 1 or _PIPE_BUF

    def _write_once(self, size: int) -> int:
        """One system call for so many bytes; those that it took leave the queue."""
        try:
            taken = os.write(self._fd, self._waiting[:size])
        except BlockingIOError:
            return 0
        del self._waiting[:taken]
        return taken
