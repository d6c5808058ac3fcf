"""Waiting for a caller that does not read, without being held up by it."""

import asyncio

from trunkline.errors import Unavailable
from trunkline.gateway.sink import Sink


async def drained_or(sink: Sink, signal: "asyncio.Future[None]") -> bool:
    """Wait until the caller has read enough; False when the signal came first."""
    reading = asyncio.ensure_future(sink.write(b""))
    try:
        await asyncio.wait((reading, signal), return_when=asyncio.FIRST_COMPLETED)
        if not reading.done():
            return False
        await reading
        return True
    finally:
        reading.cancel()


def too_slow() -> Unavailable:
    """Why a caller was cut off whose answer others wait for, too."""
    return Unavailable(
        "The answer is shared with other requests and was read too slowly.",
        code="caller_too_slow",
        hint="Read the stream as it comes, or send x-trunkline-cache: off.",
        should_retry=True,
    )
