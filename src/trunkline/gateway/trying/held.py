"""A stream that is held until it is whole, so that a break in it never reaches the caller."""

import msgspec
from typing_extensions import override

from trunkline.gateway.attempt import OpenStream
from trunkline.gateway.headers import Pairs
from trunkline.gateway.relay import StreamBroken, read_to_the_end, relay
from trunkline.gateway.scope import LiveAttempt
from trunkline.gateway.sink import Headers, Sink
from trunkline.gateway.transport import BodyTooLarge
from trunkline.gateway.upstream_errors import AttemptFailed, from_transport


class HeldStream(msgspec.Struct, frozen=True):
    """A whole stream, as the caller gets it: the head, and the pieces in their order."""

    head: Pairs
    pieces: list[bytes]


class HoldingSink(Sink):
    """Keeps what a relay writes. Its state is the pieces, up to so many bytes."""

    def __init__(self, limit: int) -> None:
        self._left = limit
        self.pieces: list[bytes] = []

    @override
    def respond(self, status: int, headers: Headers, body: bytes) -> None:
        raise AssertionError("only a stream is held")

    @override
    def start(self, status: int, headers: Headers) -> None:
        raise AssertionError("the head is held by whoever holds the stream")

    @override
    async def write(self, chunk: bytes) -> None:
        self.push(chunk)

    @override
    def push(self, chunk: bytes) -> bool:
        if chunk:
            self._left -= len(chunk)
            if self._left < 0:
                raise BodyTooLarge("a held stream is larger than the operator allows", sent=True)
            self.pieces.append(chunk)
        return False

    @override
    def write_soon(self, chunk: bytes) -> None:
        raise AssertionError("nobody is kept alive by what is held")

    @override
    def finish(self) -> None:
        raise AssertionError("the end is for whoever gets the stream")


class NowhereSink(Sink):
    """Takes a stream that nobody waits for."""

    @override
    def respond(self, status: int, headers: Headers, body: bytes) -> None:
        pass

    @override
    def start(self, status: int, headers: Headers) -> None:
        pass

    @override
    async def write(self, chunk: bytes) -> None:
        pass

    @override
    def push(self, chunk: bytes) -> bool:
        return False

    @override
    def write_soon(self, chunk: bytes) -> None:
        pass

    @override
    def finish(self) -> None:
        pass


async def hold(stream: OpenStream, live: LiveAttempt, limit: int) -> HeldStream:
    """Read a stream to its end.

    Raises:
        AttemptFailed: it broke off; nothing of it has reached the caller.
    """
    sink = HoldingSink(limit)
    try:
        sink.push(await relay(stream, live, sink))
    except StreamBroken as broken:
        raise _repairable(broken) from None
    except BodyTooLarge as error:
        stream.response.abort()
        raise from_transport(error) from None
    except BaseException:
        stream.response.abort()
        raise
    await read_to_the_end(stream.response)
    return HeldStream(stream.passage.head(stream.response.headers), sink.pieces)


def _repairable(broken: StreamBroken) -> AttemptFailed:
    """The break as a failure that another attempt may repair, since the caller saw nothing."""
    failure = broken.failure
    # An answer that is larger than we take would be so again, and a guard's word is final.
    final = {"upstream_answer_too_large", "guardrail_refused"}
    failure.elsewhere = failure.elsewhere or failure.error.code not in final
    return failure
