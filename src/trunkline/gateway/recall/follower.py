"""A request that gets the answer which another one has made."""

import asyncio
from typing import Final, Literal

from typing_extensions import override

from trunkline.gateway.answer import Answer
from trunkline.gateway.headers import Pairs
from trunkline.gateway.recall.flight import Flight, Member
from trunkline.gateway.recall.waiting import drained_or, too_slow

MOST_BEHIND_BYTES: Final = 1_048_576
"""A caller who has so much of a running answer still to read is not waited for any longer."""

Way = Literal["turn", "ended", "dropped"]
"""How following came to its end: it is this request's turn to make the answer, the answer is whole,
or its caller was too slow and has been cut off."""


class Follower(Member):
    """One request's place in a flight.

    Its state is how much its caller has been given.

    Attributes:
        position: how many pieces these are.
        behind: whether the caller has not read all of them.
        begun: whether its answer has begun.
        turn: whether it must make the answer.
    """

    __slots__ = (
        "_allowed",
        "_answer",
        "_dropped",
        "_flight",
        "_news",
        "_sent",
        "begun",
        "behind",
        "position",
        "turn",
    )

    def __init__(self, flight: Flight, answer: Answer) -> None:
        self.position = 0
        self.begun = False
        self.turn = False
        self._flight = flight
        self._answer = answer
        self._sent = 0
        # Who joins late is not slow because of what was said before.
        self._allowed = flight.size + MOST_BEHIND_BYTES
        self.behind = flight.size > 0
        self._dropped: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._news: asyncio.Future[None] | None = None

    @override
    def begin(self, head: Pairs, told: Pairs) -> None:
        self.begun = True
        self._answer.begin_again(head, told)

    @override
    def take(self, piece: bytes) -> None:
        if self.behind:
            if self._flight.size - self._sent > self._allowed and not self._dropped.done():
                self._dropped.set_result(None)
                self._answer.cut_off(too_slow())
                self._flight.remove(self)
                self.rouse()
            return
        self.position += 1
        self._sent += len(piece)
        if self._answer.sink.push(piece):
            self.behind = True
            self.rouse()

    @override
    def lead(self) -> None:
        self.turn = True
        self.rouse()

    @override
    def rouse(self) -> None:
        if self._news is not None and not self._news.done():
            self._news.set_result(None)

    async def follow(self) -> Way:
        """Give the caller what comes, until it is whole but for the last frames.

        Raises:
            Exception: the failure of the flight; what came before it has been given.
        """
        flight = self._flight
        while True:
            if self._dropped.done():
                return "dropped"
            if self.behind:
                await self._catch_up()
            elif flight.reply is not None:
                return "ended"
            elif flight.failure is not None:
                # Each of many raises the same one, whose trace must not grow with each.
                raise flight.failure.with_traceback(None)
            elif self.turn:
                return "turn"
            else:
                self._news = asyncio.get_running_loop().create_future()
                await self._news

    async def _catch_up(self) -> None:
        """Give what the caller has missed, as fast as it reads."""
        sink, piece = self._answer.sink, b""
        while True:
            if sink.push(piece) and not await drained_or(sink, self._dropped):
                return
            count, piece = self._flight.after(self.position)
            if not count:
                self.behind = False
                self._flight.stir()
                return
            self.position += count
            self._sent += len(piece)
