"""Lines reach files and pipes whole and in order, and a slow reader costs lines, never time."""

import asyncio
import contextlib
import os
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from trunkline.observability.line_writer import LineWriter


@pytest.fixture
def pipe() -> Iterator[tuple[int, int]]:
    reader, writer = os.pipe()
    os.set_blocking(reader, False)
    yield reader, writer
    for fd in (reader, writer):
        with contextlib.suppress(OSError):
            os.close(fd)


def read_all(fd: int) -> bytes:
    pieces = []
    while True:
        try:
            piece = os.read(fd, 65536)
        except BlockingIOError:
            break
        if not piece:
            break
        pieces.append(piece)
    return b"".join(pieces)


def test_before_the_start_each_line_is_written_at_once(tmp_path: Path) -> None:
    with (tmp_path / "log").open("wb") as file:
        writer = LineWriter(file.fileno())
        writer.write(b"one\n")
        assert (tmp_path / "log").read_bytes() == b"one\n"
        writer.write(b"two\n")
        assert (tmp_path / "log").read_bytes() == b"one\ntwo\n"
        assert writer.shed == 0


async def test_after_the_start_lines_go_out_together(pipe: tuple[int, int]) -> None:
    writer = LineWriter(pipe[1])
    writer.start()
    lines = [b"line %d\n" % number for number in range(1000)]
    for line in lines:
        writer.write(line)
    assert read_all(pipe[0]) == b""
    async with asyncio.timeout(20):
        seen = b""
        while len(seen) < len(b"".join(lines)):
            await asyncio.sleep(0.01)
            seen += read_all(pipe[0])
    assert seen == b"".join(lines)
    writer.close()


async def test_a_full_pipe_sheds_whole_lines_and_never_blocks(pipe: tuple[int, int]) -> None:
    writer = LineWriter(pipe[1], capacity=10_000)
    line = b"x" * 99 + b"\n"
    for _ in range(5000):
        writer.write(line)
    first = read_all(pipe[0])
    assert first == line * (len(first) // 100)
    assert writer.shed == 5000 - len(first) // 100 - 100
    writer.flush()
    assert read_all(pipe[0]) == line * 100


async def test_a_line_longer_than_the_pipe_takes_at_once_arrives_whole(
    pipe: tuple[int, int],
) -> None:
    writer = LineWriter(pipe[1])
    writer.start()
    line = b"y" * 200_000 + b"\n"
    writer.write(line)
    writer.write(b"next\n")
    seen = b""
    async with asyncio.timeout(10):
        while not seen.endswith(b"next\n"):
            writer.flush()
            seen += read_all(pipe[0])
            await asyncio.sleep(0)
    assert seen == line + b"next\n"
    writer.close()


async def test_what_a_slow_reader_left_is_written_when_it_reads_again(
    pipe: tuple[int, int],
) -> None:
    writer = LineWriter(pipe[1])
    writer.start()
    for _ in range(3000):
        writer.write(b"z" * 99 + b"\n")
    seen = 0
    async with asyncio.timeout(10):
        while seen < 300_000:
            await asyncio.sleep(0.01)
            seen += len(read_all(pipe[0]))
    assert (seen, writer.shed) == (300_000, 0)
    writer.close()


async def test_lines_from_other_threads_are_taken(pipe: tuple[int, int]) -> None:
    writer = LineWriter(pipe[1])
    writer.start()

    def write_many() -> None:
        for _ in range(500):
            writer.write(b"t\n")

    threads = [threading.Thread(target=write_many) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        await asyncio.to_thread(thread.join)
    writer.close()
    assert read_all(pipe[0]) == b"t\n" * 2000


def test_a_reader_that_is_gone_costs_lines_and_no_error(pipe: tuple[int, int]) -> None:
    os.close(pipe[0])
    writer = LineWriter(pipe[1])
    writer.write(b"lost\n")
    writer.write(b"lost\n")
    assert writer.shed == 2


def test_closing_gives_a_stuck_reader_only_so_long(pipe: tuple[int, int]) -> None:
    writer = LineWriter(pipe[1], capacity=1_000_000)
    for _ in range(2000):
        writer.write(b"w" * 99 + b"\n")
    writer.close(within=0.1)
    written = len(read_all(pipe[0])) // 100
    assert 0 < written < 2000
    assert writer.shed == 2000 - written


async def test_closing_after_the_start_writes_the_rest(pipe: tuple[int, int]) -> None:
    writer = LineWriter(pipe[1])
    writer.start()
    writer.write(b"last\n")
    writer.close()
    assert read_all(pipe[0]) == b"last\n"


def test_a_socket_that_does_not_block_keeps_what_it_did_not_take() -> None:
    left, right = socket.socketpair()
    with left, right:
        left.setblocking(False)
        right.setblocking(False)
        left.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
        writer = LineWriter(left.fileno())
        for _ in range(1000):
            writer.write(b"v" * 99 + b"\n")
        seen = 0
        while seen < 100_000:
            seen += len(right.recv(65536))
            writer.flush()
        assert (seen, writer.shed) == (100_000, 0)
