"""The leader's side of a flight: what its caller gets is given to all who follow."""

import asyncio
from typing import Final

import msgspec
from typing_extensions import override

from trunkline.gateway.answer import Answer
from trunkline.gateway.attempt import WholeAnswer
from trunkline.gateway.headers import Pairs
from trunkline.gateway.recall.flight import MOST_KEPT_BYTES, Flight
from trunkline.gateway.recall.reply import Reply, made_by, reply_of
from trunkline.gateway.recall.waiting import drained_or, too_slow
from trunkline.gateway.scope import RequestScope
from trunkline.gateway.sink import Headers, Sink

MOST_UNREAD_BYTES: Final = 1_048_576
"""With others waiting for the same answer, a leader's own caller may be so far behind."""


class SharingSink(Sink):
    """Gives each piece to the flight and to the leader's caller.

    The answer comes as fast as the quickest of all callers reads. Its state is how much the
    leader's own has not read while others have.

    Attributes:
        inner: the leader's own.
    """

    def __init__(self, inner: Sink, flight: Flight, leading: "Leading") -> None:
        self.inner = inner
        self._flight = flight
        self._leading = leading
        self._unread = 0
        self._over = False

    def end(self) -> None:
        """What follows is for the leader's caller alone."""
        self._over = True

    @override
    def respond(self, status: int, headers: Headers, body: bytes) -> None:
        self.inner.respond(status, headers, body)

    @override
    def start(self, status: int, headers: Headers) -> None:
        self.inner.start(status, headers)

    @override
    async def write(self, chunk: bytes) -> None:
        behind = self.push(chunk)
        while behind:
            stirred = self._flight.stirred()
            if self._leading.gone:
                await stirred
            elif await drained_or(self.inner, stirred):
                return
            behind = self.push(b"")

    @override
    def push(self, chunk: bytes) -> bool:
        flight = self._flight
        if chunk and not self._over:
            flight.push(chunk)
        behind = self.inner.push(chunk)
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
        self.inner.write_soon(chunk)

    @override
    def finish(self) -> None:
        self.inner.finish()


class Leading(msgspec.Struct, eq=False):
    """One request that makes the answer of a flight.

    From ``start`` to ``stop`` it is the ``Shared`` of its answer and the ``Company`` of its scope.

    Attributes:
        flight: what others follow.
        scope: of the request that leads.
        answer: to its own caller.
        made: the whole answer, once it is here: the headers that the provider gave it, and of a
            stream the pieces, each of them whole frames, otherwise the body alone.
        gone: whether its own caller is no longer there.
        cut: whether that one was cut off.
    """

    flight: Flight
    scope: RequestScope
    answer: Answer
    made: tuple[Pairs, tuple[bytes, ...]] | None = None
    gone: bool = False
    cut: bool = False
    _sink: SharingSink | None = None

    def start(self, *, stream: bool) -> None:
        """From now on the answer is shared; one that is no stream comes in one piece."""
        self.answer.shared = self.scope.company = self
        if stream:
            self._sink = self.answer.sink = SharingSink(self.answer.sink, self.flight, self)

    def stop(self) -> None:
        """From now on it is this caller's alone."""
        self.answer.shared = self.scope.company = None
        if self.gone:
            self.flight.leader = None
        if self._sink is not None:
            self.answer.sink = self._sink.inner
            # The two know each other. Left so, all of the request would wait for the garbage
            # collector, which costs more than all else about keeping an answer.
            self._sink = None

    def begin(self, head: Pairs) -> None:
        """A stream begins."""
        self.flight.begin(head, made_by(self.scope))

    def respond(self, whole: WholeAnswer) -> None:
        """The whole answer is here."""
        self.made = whole.headers, (whole.body,)
        if len(whole.body) > MOST_KEPT_BYTES:
            self.flight.whole = False
        if self.flight.followers:
            self.flight.end(self.reply())

    def end(self, last: bytes) -> None:
        """A stream is whole with these frames."""
        flight = self.flight
        if self._sink is not None:
            self._sink.end()
        self.made = flight.head, (*flight.pieces, last)
        if flight.size + len(last) > MOST_KEPT_BYTES:
            flight.whole = False
        # Whoever joins while the caller reads these last frames has them at once, too.
        flight.end(self.reply(), last)

    def reply(self) -> Reply:
        """The answer, once it is made."""
        if self.made is None:
            raise AssertionError("who leads gives an answer or raises")
        return reply_of(self.scope, *self.made)

    def cut_off(self) -> None:
        """Go on without the caller, who reads too slowly for those who wait as well."""
        self.cut = True
        self._leave()
        self.answer.cut_off(too_slow())

    def stays(self) -> bool:
        """The caller has left: whether the request goes on for others."""
        self._leave()
        if self.flight.followers:
            return True
        self.flight.close()
        return False

    def all_left(self) -> None:
        """Nobody waits any more."""
        if self.made is None:
            self.flight.close()
            # Not at once: the last one may have been cut off by the relay that is to be ended.
            asyncio.get_running_loop().call_soon(self.scope.cancel)

    def _leave(self) -> None:
        self.gone = True
        self.flight.leader = self
