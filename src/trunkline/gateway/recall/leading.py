"""The leader's side of a flight: what its caller gets is given to all who follow."""

import asyncio
from collections.abc import Callable
from typing import Final

from typing_extensions import override

from trunkline.gateway.answer import Answer, Shared
from trunkline.gateway.attempt import WholeAnswer
from trunkline.gateway.headers import Pairs
from trunkline.gateway.recall.flight import Flight
from trunkline.gateway.recall.reply import Reply, told_of
from trunkline.gateway.recall.waiting import drained_or, too_slow
from trunkline.gateway.scope import RequestScope
from trunkline.gateway.sink import Headers, Sink
from trunkline.kit.clock import Clock

MOST_UNREAD_BYTES: Final = 1_048_576
"""With others waiting for the same answer, a leader's own caller may be so far behind."""


class SharingSink(Sink):
    """Gives each piece to the flight and to the leader's caller.

    The answer comes as fast as the quickest of all callers reads. Its state is how much the
    leader's own has not read while others have.
    """

    def __init__(self, inner: Sink, flight: Flight, leading: "Leading") -> None:
        self._inner = inner
        self._flight = flight
        self._leading = leading
        self._unread = 0
        self._over = False

    def end(self) -> None:
        """What follows is for the leader's caller alone."""
        self._over = True

    @override
    def respond(self, status: int, headers: Headers, body: bytes) -> None:
        self._inner.respond(status, headers, body)

    @override
    def start(self, status: int, headers: Headers) -> None:
        self._inner.start(status, headers)

    @override
    async def write(self, chunk: bytes) -> None:
        behind = self.push(chunk)
        while behind:
            stirred = self._flight.stirred()
            if self._leading.gone:
                await stirred
            elif await drained_or(self._inner, stirred):
                return
            behind = self.push(b"")

    @override
    def push(self, chunk: bytes) -> bool:
        flight = self._flight
        if chunk and not self._over:
            flight.push(chunk)
        behind = self._inner.push(chunk)
        if self._over or not flight.followers:
            return behind
        if not flight.keeps_up():
            return behind or self._leading.gone
        if behind:
            self._unread += len(chunk)
            if self._unread > MOST_UNREAD_BYTES and not self._leading.gone:
                self._leading.cut_off()
        else:
            self._unread = 0
        return False

    @override
    def write_soon(self, chunk: bytes) -> None:
        self._inner.write_soon(chunk)

    @override
    def finish(self) -> None:
        self._inner.finish()


class Leading(Shared):
    """One request that makes the answer of a flight.

    Attributes:
        gone: whether its own caller is no longer there.
        cut: whether that one was cut off.
    """

    def __init__(
        self,
        flight: Flight,
        scope: RequestScope,
        answer: Answer,
        clock: Clock,
        on_alone: Callable[[], None],
    ) -> None:
        """Ready to ``start``.

        Args:
            flight: what others follow.
            scope: of the request that leads.
            answer: to its own caller.
            clock: tells when the answer was made.
            on_alone: called when nobody waits any more, so that nobody may join either.
        """
        self._flight = flight
        self._scope = scope
        self._answer = answer
        self._clock = clock
        self._inner = answer.sink
        self._sink = SharingSink(self._inner, flight, self)
        self._on_alone = on_alone
        self._head: Pairs = []
        self.gone = False
        self.cut = False

    def start(self) -> None:
        """From now on the answer is shared."""
        self._answer.sink, self._answer.shared = self._sink, self
        self._scope.stays = self._stays
        self._flight.on_left = self._all_left

    def stop(self) -> None:
        """From now on it is this caller's alone."""
        self._answer.sink, self._answer.shared = self._inner, None
        self._scope.stays = None
        self._flight.on_left = None
        # The two know each other. Left so, all of the request would wait for the garbage collector,
        # which costs more than all else about keeping an answer.
        del self._sink

    @override
    def begin(self, head: Pairs) -> None:
        self._head = head
        self._flight.begin(head, self._told())

    @override
    def respond(self, whole: WholeAnswer) -> None:
        self._flight.end(self._reply(whole.headers, (whole.body,)))

    @override
    def end(self, last: bytes) -> None:
        self._sink.end()
        self._flight.end(self._reply(self._head, (*self._flight.pieces, last)), last)

    def cut_off(self) -> None:
        """Go on without the caller, who reads too slowly for those who wait as well."""
        self.gone = self.cut = True
        self._answer.cut_off(too_slow())

    def _stays(self) -> bool:
        """The caller has left: whether the request goes on for others."""
        self.gone = True
        if self._flight.followers:
            return True
        self._on_alone()
        return False

    def _all_left(self) -> None:
        if self.gone and self._flight.reply is None:
            self._on_alone()
            # Not at once: the last one may have been cut off by the relay that is to be ended.
            asyncio.get_running_loop().call_soon(self._scope.cancel)

    def _told(self) -> Pairs:
        served = self._scope.served
        return told_of(served.label if served is not None else b"", self._scope.dropped)

    def _reply(self, head: Pairs, pieces: tuple[bytes, ...]) -> Reply:
        scope = self._scope
        attempt, outcome = scope.answered
        served = scope.served
        return Reply(
            made_ms=int(self._clock.now() * 1000),
            stream=attempt.stream,
            head=tuple(head),
            pieces=pieces,
            label=served.label if served is not None else b"",
            dropped=scope.dropped,
            provider=attempt.provider,
            connection_id=attempt.connection_id,
            model=attempt.model,
            wire=attempt.wire,
            outcome=outcome,
        )
