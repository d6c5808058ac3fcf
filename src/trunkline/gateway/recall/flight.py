"""One request that is being answered, and those who wait for the same answer.

The leader's relay hands frames over as they come, and each follower's socket gets them in the same
step: there is no task and no queue for a frame. A follower that does not read keeps its place in
the list of pieces and goes on from there. The quickest caller sets the pace, and nobody waits for
another one.
"""

import asyncio
from typing import Final, Protocol

import msgspec

from trunkline.gateway.headers import Pairs
from trunkline.gateway.metering.event import CacheUse
from trunkline.gateway.recall.reply import Reply

MOST_KEPT_BYTES: Final = 4_194_304
"""A longer answer is neither stored nor followed from its beginning."""

# Bytes that a follower gets at once when it has fallen behind.
_AT_ONCE: Final = 65_536
_MOST_AT_ONCE: Final = 1_024


class Member(Protocol):
    """Who follows a flight. All methods are called on the event loop and never wait."""

    position: int
    """How many pieces it has been given."""
    behind: bool
    """Whether its caller has not read all of them."""

    def begin(self, head: Pairs, told: Pairs) -> None:
        """The first content is near."""
        ...

    def take(self, piece: bytes) -> None:
        """The newest piece."""
        ...

    def lead(self) -> None:
        """It is its turn to make the answer."""
        ...

    def rouse(self) -> None:
        """The flight has ended, one way or the other."""
        ...


class Leader(Protocol):
    """Who makes the answer of a flight."""

    def all_left(self) -> None:
        """The last follower has gone."""
        ...


class Flight(msgspec.Struct, eq=False):
    """The state of one answer that is being made. It lives in one event loop.

    Attributes:
        key: of the answer, with an end of its own where streams are held until they are whole.
        flights: those that one may join, by their keys.
        reply: the whole answer, once there is one.
        use: how the followers came by it.
        last: the last frames of a stream, which are given when its cost is known.
        failure: why there will be none.
        followers: in the order in which they came.
        leader: who makes the answer, while only the followers want it.
        attempts: how many leaders have failed.
        forgotten: the answer must not be stored: it was invalidated while it was made.
        size: bytes of a stream that have come.
        whole: whether all of the answer is here, so that one can still join it, and store it.
    """

    key: str
    flights: "dict[str, Flight]"
    reply: Reply | None = None
    use: CacheUse = "follow"
    last: bytes = b""
    failure: Exception | None = None
    followers: dict[Member, None] = {}
    leader: Leader | None = None
    attempts: int = 0
    forgotten: bool = False
    size: int = 0
    whole: bool = True
    _begun: tuple[Pairs, Pairs] | None = None
    _pieces: list[bytes] = []
    _first: int = 0
    _stirred: asyncio.Future[None] | None = None

    @property
    def started(self) -> bool:
        """Whether somebody has got a part of the answer."""
        return self._begun is not None or self.reply is not None

    @property
    def head(self) -> Pairs:
        """The headers that the provider gave the stream, once it has begun."""
        return self._begun[0] if self._begun is not None else []

    @property
    def pieces(self) -> tuple[bytes, ...]:
        """What has come of a stream; all of it, as long as ``whole``."""
        return tuple(self._pieces)

    def close(self) -> None:
        """Nobody may join it any more."""
        if self.flights.get(self.key) is self:
            del self.flights[self.key]

    def add(self, member: Member) -> None:
        """One more who waits; it gets what has come so far at its own pace."""
        self.followers[member] = None
        if self._begun is not None:
            member.begin(*self._begun)
        self.stir()

    def remove(self, member: Member) -> None:
        """One who has left, or has everything."""
        if self.followers.pop(member, self) is None:
            self.stir()
            if not self.followers and self.leader is not None:
                self.leader.all_left()

    def stir(self) -> None:
        """Somebody has joined, left or caught up, so that the pace may be another one."""
        if self._stirred is not None and not self._stirred.done():
            self._stirred.set_result(None)

    def stirred(self) -> asyncio.Future[None]:
        """Done with the next ``stir``."""
        if self._stirred is None or self._stirred.done():
            self._stirred = asyncio.get_running_loop().create_future()
        return self._stirred

    def keeps_up(self) -> bool:
        """Whether any follower reads as fast as the answer comes."""
        return any(not member.behind for member in self.followers)

    def begin(self, head: Pairs, told: Pairs) -> None:
        """A stream has reached its first content."""
        self._begun = head, told
        for member in tuple(self.followers):
            member.begin(head, told)

    def push(self, piece: bytes) -> None:
        """The next frames of the stream, to all who keep up."""
        self._pieces.append(piece)
        self.size += len(piece)
        for member in tuple(self.followers):
            member.take(piece)
        if self.size > MOST_KEPT_BYTES:
            self.whole = False
            self._let_go()

    def end(self, reply: Reply, last: bytes = b"", use: CacheUse = "follow") -> None:
        """The answer is whole."""
        self.reply, self.last, self.use = reply, last, use
        self._rouse()

    def fail(self, failure: Exception) -> None:
        """There will be no answer, or no more of it."""
        self.failure = failure
        self._rouse()

    def pass_on(self) -> bool:
        """Let the next one lead; False when nobody waits."""
        for member in self.followers:
            del self.followers[member]
            member.lead()
            return True
        return False

    def after(self, position: int) -> tuple[int, bytes]:
        """How many pieces follow this position, as many as are given at once, and their bytes."""
        start = position - self._first
        count = size = 0
        for piece in self._pieces[start : start + _MOST_AT_ONCE]:
            if count and size + len(piece) > _AT_ONCE:
                break
            count += 1
            size += len(piece)
        return count, b"".join(self._pieces[start : start + count])

    def _rouse(self) -> None:
        for member in tuple(self.followers):
            member.rouse()

    def _let_go(self) -> None:
        """Keep of a long answer only what somebody still needs."""
        newest = self._first + len(self._pieces)
        needed = min((member.position for member in self.followers), default=newest)
        del self._pieces[: needed - self._first]
        self._first = needed
