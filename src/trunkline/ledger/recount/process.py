"""The counting process as the worker sees it."""

import asyncio
import sys
from collections.abc import Sequence
from pathlib import Path

import msgspec

from trunkline.errors import InternalError
from trunkline.gateway.metering.usage import Usage

# A megabyte of text takes a third of a second; two hundred files have never taken a minute.
SECONDS = 120.0

_decode_lines = msgspec.json.Decoder(Usage).decode_lines


async def count_tokens(paths: Sequence[Path]) -> list[Usage]:
    """The usage that each of these files stands for, counted in a process of its own.

    Raises:
        InternalError: the process failed or took too long.
    """
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "trunkline.ledger.recount",
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    names = "".join(f"{path}\n" for path in paths).encode()
    try:
        async with asyncio.timeout(SECONDS):
            told, _ = await process.communicate(names)
    except TimeoutError:
        raise InternalError(f"counting tokens took longer than {SECONDS:.0f} s") from None
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if process.returncode != 0:
        raise InternalError(f"the counting process ended with {process.returncode}")
    return _decode_lines(told)
