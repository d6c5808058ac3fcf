"""Answers that were given before, and answers that are being given now.

For each request that may be answered so (``policy.py``) there is a key (``key.py``). A flight of
that key is followed, if there is one. Otherwise the request opens one: it looks into the store, for
a near answer where the policy says so, and else makes the answer itself, with everybody who asks
the same meanwhile following (``flight.py``).

A leader that fails before its first content gives its own caller the error, and the next follower
leads. A failure that the request itself is the reason for, or the third one in a row, is that of
everybody. After the first content all get the error event.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Final

import msgspec

from trunkline.errors import BudgetExhausted, InvalidRequest, LimitExceeded, Unavailable
from trunkline.gateway.answer import Answer
from trunkline.gateway.buffering import wants_it_whole
from trunkline.gateway.caller import Caller
from trunkline.gateway.metering.event import CacheUse
from trunkline.gateway.ports import Admission, Recorder
from trunkline.gateway.recall.charging import Charging
from trunkline.gateway.recall.configuration import Configurations
from trunkline.gateway.recall.counts import Counts, RecallStats
from trunkline.gateway.recall.flight import Flight
from trunkline.gateway.recall.follower import Follower
from trunkline.gateway.recall.key import key_of
from trunkline.gateway.recall.leading import Leading
from trunkline.gateway.recall.nearness import Nearness, NoNearness
from trunkline.gateway.recall.place import beginning_of
from trunkline.gateway.recall.policy import Terms, terms_of
from trunkline.gateway.recall.reply import Reply, money_told, read_reply, write_reply
from trunkline.gateway.recall.store import AnswerStore, Holding
from trunkline.gateway.scope import RequestScope
from trunkline.gateway.snapshot import Alias
from trunkline.gateway.upstream_errors import AttemptFailed
from trunkline.gateway.wire.contract import Inbound
from trunkline.kit.clock import Clock

MOST_LEADERS: Final = 3
LEASE_SECONDS: Final = 60.0
"""How long another process may take for an answer before this one makes it as well."""
LEASE_PAUSE: Final = 0.1

# What one caller may not do says nothing about the next one.
_OF_THE_CALLER: Final = (BudgetExhausted, LimitExceeded)


class Asking(msgspec.Struct, frozen=True):
    """One request, as the cache sees it.

    Attributes:
        terms: beside those of the alias's own policy.
        key: names its answer.
        space: within it near prompts may share answers, too.
        lead: makes its answer by attempts of its own.
    """

    scope: RequestScope
    answer: Answer
    caller: Caller
    alias: Alias
    request: Inbound
    terms: Terms
    key: str
    space: str
    lead: Callable[[], Awaitable[None]]


class Recall:
    """The answer cache and single flight of one process.

    Its state is the flights under way and what was counted. The composition root owns it, and
    closes the store.
    """

    def __init__(
        self,
        store: AnswerStore,
        *,
        admission: Admission,
        recorder: Recorder,
        clock: Clock,
        default: bool = False,
        nearness: Nearness | None = None,
    ) -> None:
        """Ready at once.

        Args:
            store: where answers are kept.
            admission: covers answers that are charged.
            recorder: writes them down.
            clock: tells how old answers are.
            default: whether requests are answered from the cache when nobody says anything.
            nearness: finds near answers; without it only exact ones are given.
        """
        self._store = store
        self._shared = store.shared
        self._clock = clock
        self._default = default
        self._nearness = nearness or NoNearness()
        self._charging = Charging(admission, recorder, clock)
        self._configurations = Configurations()
        self._flights: dict[str, Flight] = {}
        # Those as well that nobody may join any more and whose answers are still to be stored.
        self._led: set[Flight] = set()
        self._counts: dict[str, Counts] = {}
        self._dropped = 0

    def wanted(
        self,
        caller: Caller,
        alias: Alias,
        request: Inbound,
        headers: Mapping[bytes, bytes],
        operation: str,
    ) -> Terms | None:
        """What ``answer`` may do for a request; None where it is not to be asked.

        Raises:
            InvalidRequest: the request's header ``x-trunkline-cache`` says nothing that we know.
        """
        return terms_of(caller, alias, request, headers, operation, default=self._default)

    def answer(
        self,
        scope: RequestScope,
        answer: Answer,
        caller: Caller,
        alias: Alias,
        request: Inbound,
        terms: Terms,
        lead: Callable[[], Awaitable[None]],
    ) -> Awaitable[None]:
        """Give an admitted request the stored answer, or the running one, or have it made.

        Others follow this request from the call on, so what it gives is to be awaited at once.

        Args:
            scope: of the request.
            answer: to its caller.
            caller: who asks.
            alias: what is asked.
            request: as it would be sent.
            terms: of ``wanted`` for the same alias.
            lead: makes the answer, and gives it through ``answer``.

        Raises:
            Exception: what ``lead`` raises, or raised for somebody else whose answer it was, too.
        """
        key, space = key_of(
            caller,
            request,
            scope.wire.name,
            scope.operation,
            scope.arrival.headers,
            scope.arrival.pairs,
            self._configurations.of(caller.org_id, alias),
        )
        return self._serve(Asking(scope, answer, caller, alias, request, terms, key, space, lead))

    async def forget(self, org_id: str, prefix: str = "", *, alias: bool = False) -> int:
        """Invalidate answers of an organisation; how many were stored.

        Those that are being made are given to whoever waits for them, and neither stored nor
        shared any further.

        Args:
            org_id: whose.
            prefix: what the names of their aliases begin with.
            alias: whether the prefix is one whole name.
        """
        return await self.forget_below(beginning_of(org_id, prefix) + ("/" if alias else ""))

    async def forget_below(self, beginning: str) -> int:
        """As ``forget``, by what the keys begin with."""
        for flight in self._led.union(self._flights.values()):
            if flight.key.startswith(beginning):
                flight.forgotten = True
                flight.close()
        return await self._store.delete_prefix(beginning)

    async def holding(self, org_id: str) -> Holding:
        """What is kept for an organisation."""
        return await self._store.holding(beginning_of(org_id))

    def counts(self, org_id: str) -> Counts:
        """What this process has counted for an organisation."""
        return self._counts.get(org_id) or Counts()

    def stats(self) -> RecallStats:
        """Counts for metrics."""
        total = Counts()
        for counts in self._counts.values():
            total.include(counts)
        return RecallStats(
            counts=total,
            dropped=self._dropped,
            flights=len(self._flights),
            followers=sum(len(flight.followers) for flight in self._flights.values()),
            store=self._store.stats(),
        )

    def _serve(self, asking: Asking) -> Awaitable[None]:
        """One way to the answer: behind somebody who asks the same, or by a flight of its own."""
        name, looks = asking.key, asking.terms.looks
        if asking.request.stream:
            name += _manner_of(asking)
        running = self._flights.get(name)
        if looks and running is not None and running.whole:
            return self._follow(asking, running)
        kept = self._store.at_hand(asking.key) if looks else None
        if kept is not None:
            reply = self._usable(asking, kept)
            if reply is not None:
                return self._give(asking, reply, "hit")
        flight = Flight(name, self._flights)
        if running is None:
            self._flights[name] = flight
        if looks and (self._shared or asking.alias.cache.mode == "semantic"):
            return self._open(asking, flight)
        return self._lead(asking, flight)

    async def _open(self, asking: Asking, flight: Flight) -> None:
        """Find the answer of a flight, or make it."""
        if asking.terms.looks:
            try:
                found = await self._find(asking)
            except BaseException:
                self._pass_on(flight)
                raise
            if found is not None:
                reply, use = found
                flight.end(reply, use=use)
                flight.close()
                await self._give(asking, reply, use)
                return
        await self._lead(asking, flight)

    async def _find(self, asking: Asking) -> tuple[Reply, CacheUse] | None:
        """A stored answer; None when this request has to make it."""
        key = asking.key
        reply = self._usable(asking, await self._store.get(key))
        if reply is not None:
            return reply, "hit"
        near = await self._near(asking) if asking.alias.cache.mode == "semantic" else None
        if near is not None:
            return near, "near"
        while self._shared and not await self._store.lease(key, LEASE_SECONDS):
            # Another process makes it.
            await asyncio.sleep(LEASE_PAUSE)
            reply = self._usable(asking, await self._store.get(key))
            if reply is not None:
                return reply, "hit"
        return None

    def _usable(self, asking: Asking, kept: bytes | None) -> Reply | None:
        """What was kept, where it can still be read and is young enough."""
        reply = read_reply(kept) if kept is not None else None
        return reply if reply is not None and self._will_do(asking, reply) else None

    async def _near(self, asking: Asking) -> Reply | None:
        near = await self._nearness.find(
            asking.caller,
            asking.alias,
            asking.alias.cache,
            asking.space,
            asking.request,
            asking.scope.wire,
        )
        if near is None:
            return None
        reply = self._usable(asking, await self._store.get(near.key))
        if reply is None:
            self._nearness.forget(near.key)
            return None
        told = (b"x-trunkline-similarity", b"%.4f" % near.similarity)
        return msgspec.structs.replace(reply, head=[*reply.head, told])

    def _will_do(self, asking: Asking, reply: Reply) -> bool:
        age, most = reply.age(self._clock.now()), asking.terms.max_age
        # It was kept for the time of the policy of then, which may have been longer.
        return age < asking.alias.cache.ttl and (most is None or age <= most)

    async def _lead(self, asking: Asking, flight: Flight) -> None:
        """Make the answer, with others following."""
        scope = asking.scope
        scope.cache = "miss"
        self._counts_of(asking.caller.org_id).miss += 1
        self._led.add(flight)
        leading = Leading(flight, scope, asking.answer)
        leading.start(stream=asking.request.stream)
        try:
            await asking.lead()
            if not leading.made:
                raise AssertionError("who leads gives an answer or raises")
            scope.let_go()
        except BaseException as error:
            if not leading.made:
                self._failed(flight, error)
            raise
        finally:
            leading.stop()
            if leading.cut:
                self._dropped += 1
            try:
                if leading.made and _is_worth_keeping(asking, flight):
                    await self._keep(asking, flight, flight.reply or leading.reply())
            finally:
                self._led.discard(flight)
                if leading.made:
                    flight.close()
                if self._shared and asking.terms.looks:
                    await self._store.release(asking.key)

    def _failed(self, flight: Flight, error: BaseException) -> None:
        """Who follows, after a leader that has come to nothing."""
        own = not isinstance(error, Exception) or isinstance(error, _OF_THE_CALLER)
        flight.attempts += not own
        if flight.started or _is_about_the_request(error) or flight.attempts >= MOST_LEADERS:
            flight.fail(error if isinstance(error, Exception) else _given_up())
            flight.close()
        else:
            self._pass_on(flight)

    def _pass_on(self, flight: Flight) -> None:
        if not flight.pass_on():
            flight.close()

    async def _keep(self, asking: Asking, flight: Flight, reply: Reply) -> None:
        """Store an answer, unless it is invalidated meanwhile."""
        key, policy = asking.key, asking.alias.cache
        # Whoever joins while it is stored has it at once.
        flight.reply = reply
        await self._store.set(key, write_reply(reply), policy.ttl)
        if flight.forgotten:
            # It may have been written after what was invalidated had been removed.
            await self._store.delete(key)
        elif policy.mode == "semantic":
            flight.close()
            await self._nearness.add(
                asking.caller,
                asking.alias,
                policy,
                asking.space,
                asking.request,
                asking.scope.wire,
                key,
            )

    async def _follow(self, asking: Asking, flight: Flight) -> None:
        """Wait for the answer of another request."""
        follower = Follower(flight, asking.answer)
        asking.scope.cache = "follow"
        flight.add(follower)
        try:
            way = await follower.follow()
        except BaseException:
            if follower.turn:
                self._pass_on(flight)
            raise
        finally:
            flight.remove(follower)
        if way == "turn":
            await self._open(asking, flight)
        elif way == "dropped":
            self._dropped += 1
        elif flight.reply is None:
            raise AssertionError("a flight that has ended has an answer or a failure")
        elif follower.begun:
            await self._pay(asking, flight.reply, "follow")
            await asking.answer.finish(flight.last)
        elif flight.use == "follow" or self._will_do(asking, flight.reply):
            await self._give(asking, flight.reply, flight.use)
        else:
            # What was found for others is too old for this request.
            await self._serve(asking)

    async def _give(self, asking: Asking, reply: Reply, use: CacheUse) -> None:
        """A whole answer, as it was given before."""
        charged = await self._pay(asking, reply, use)
        told = money_told(reply, charged=charged)
        told.append((b"age", b"%d" % reply.age(self._clock.now())))
        answer = asking.answer
        if not reply.stream:
            answer.respond_again(reply.head, reply.pieces[0], told)
            return
        answer.begin_again(reply.head, told)
        for piece in reply.pieces[:-1]:
            await answer.sink.write(piece)
        await answer.finish(reply.pieces[-1])

    async def _pay(self, asking: Asking, reply: Reply, use: CacheUse) -> bool:
        """Charge the answer, or count it as saved; whether it was charged."""
        scope, charged = asking.scope, asking.alias.cache.charge == "full"
        scope.cache = use
        if charged:
            await self._charging.charge(scope, reply)
        else:
            scope.saved_nano = reply.cost_nano
        self._counts_of(asking.caller.org_id).add(use, scope.saved_nano)
        return charged

    def _counts_of(self, org_id: str) -> Counts:
        counts = self._counts.get(org_id)
        if counts is None:
            counts = self._counts[org_id] = Counts()
        return counts


def _manner_of(asking: Asking) -> str:
    """Who wants a stream whole or not at all must not follow one that comes as it is made."""
    headers = asking.scope.arrival.headers
    return "/whole" if wants_it_whole(asking.caller, asking.alias, headers) else ""


def _is_worth_keeping(asking: Asking, flight: Flight) -> bool:
    """Whether the answer ended as it should, and is what the alias itself would say again.

    One of a fallback's targets would hide for a whole day that the alias has recovered.
    """
    if flight.forgotten or not flight.whole:
        return False
    live = asking.scope.live
    return live is not None and live.clean and live.target in asking.alias.targets


def _is_about_the_request(error: BaseException) -> bool:
    """Whether everybody who asks the same would fail the same."""
    if isinstance(error, AttemptFailed):
        return not error.elsewhere and not error.again
    return isinstance(error, InvalidRequest)


def _given_up() -> Unavailable:
    return Unavailable(
        "The request that made this answer for several callers was ended.",
        code="shutting_down",
        hint="Send the request again.",
        retry_after=1,
    )
