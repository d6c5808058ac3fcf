"""All tries at one target: again after a failure that may pass, with another secret, or not."""

import asyncio
import random
from collections.abc import Sequence

import msgspec

from trunkline.errors import BudgetExhausted, LimitExceeded
from trunkline.gateway.attempt import Means, OpenStream, Shot, WholeAnswer, attempt
from trunkline.gateway.bounds import bounds_of
from trunkline.gateway.metering.event import Guarded
from trunkline.gateway.passage import Passage
from trunkline.gateway.policy import AttemptReason, Retry
from trunkline.gateway.resilience.health import Call, Health
from trunkline.gateway.resilience.pausing import pause
from trunkline.gateway.scope import LiveAttempt, RequestScope
from trunkline.gateway.snapshot import Credential, Target
from trunkline.gateway.translation import Translator
from trunkline.gateway.trying.course import Leg
from trunkline.gateway.trying.deadlines import Deadlines
from trunkline.gateway.trying.held import HeldStream, hold
from trunkline.gateway.trying.planning import limit
from trunkline.gateway.upstream_errors import AttemptFailed, credentials_exhausted, filtered
from trunkline.gateway.wire.contract import COUNT_TOKENS, Inbound

# How a try ends that has certainly cost nothing.
FREE = frozenset({"refused", "not_sent"})

Answered = WholeAnswer | OpenStream | HeldStream


class Success(msgspec.Struct, frozen=True):
    """An attempt that holds so far, or altogether.

    Attributes:
        dropped: what its passage left out.
    """

    live: LiveAttempt
    answered: Answered
    dropped: tuple[str, ...]


class Resting(Exception):
    """The target is not asked at all for now.

    Attributes:
        circuit: whether its circuit is open; otherwise all its secrets rest.
        wait: seconds until it may be asked; None where an administrator holds its circuit open.
    """

    def __init__(self, wait: float | None, *, circuit: bool) -> None:
        super().__init__()
        self.circuit = circuit
        self.wait = wait


class Trier(msgspec.Struct, eq=False):
    """Tries single targets for one request.

    Attributes:
        buffered: whether a stream is read to its end before it counts as a success.
        broke: whether a held stream broke off, so that what follows is a restart of the answer.
    """

    _scope: RequestScope
    _request: Inbound
    _translator: Translator
    _means: Means
    _health: Health
    _deadlines: Deadlines
    _rng: random.Random
    buffered: bool
    broke: bool = False

    async def target(
        self,
        leg: Leg,
        reason: AttemptReason,
        *,
        force: bool = False,
        spoken: asyncio.Event | None = None,
    ) -> Success:
        """Try a target until it answers or there is no sense in asking it again.

        Args:
            leg: the target and its policies.
            reason: of the first try.
            force: also with a secret that rests, because there is nothing else to try.
            spoken: set when the first content has come, where a stream is held until its end.

        Raises:
            AttemptFailed: of the last try.
            Resting: it was not asked.
            InvalidRequest: the request cannot be written for it.
        """
        retry, model = leg.alias.route.retry, self._limited_as(leg.speech.target)
        tries = 0
        tired: tuple[str, ...] = ()
        spare: Credential | None = None
        last: AttemptFailed | None = None
        while True:
            try:
                credential, call = self._allowed(leg, model, spare, force=force or tries > 0)
            except Resting:
                # Its own failures may have opened the circuit meanwhile.
                if last is not None:
                    raise last from None
                raise
            tries += 1
            try:
                return await self._once(leg, model, reason, credential, call, spoken)
            except (LimitExceeded, BudgetExhausted):
                # What is left of the money may cover the first try and not its repeat.
                if last is not None:
                    raise last from None
                raise
            except AttemptFailed as failure:
                reason, last = "restart" if self.broke else "retry", failure
                spare = None
                if failure.credential != "fine":
                    tired += (credential.id,)
                    spare = self._spare(leg, model, tired, failure)
                if self._scope.deserted or self._scope.live is not None:
                    # Nobody waits for another try: the caller has left, or has an answer.
                    raise
                if spare is not None and self._deadlines.allow(0.0):
                    continue
                wait = self._pause(leg, retry, tries, failure)
                if wait is None:
                    raise
            await asyncio.sleep(wait)

    def _pause(self, leg: Leg, retry: Retry, tries: int, failure: AttemptFailed) -> float | None:
        """Seconds until the same target is asked again, or None where it is not."""
        if not failure.again or tries >= retry.attempts:
            return None
        if failure.ending not in FREE and not retry.billed:
            return None
        wait = pause(retry, tries, failure.wait, self._rng)
        if wait is None or not self._deadlines.allow(wait):
            return None
        return wait if self._health.may_retry(leg.speech.target, retry) else None

    def _spare(
        self, leg: Leg, model: str, tired: Sequence[str], failure: AttemptFailed
    ) -> Credential | None:
        """Another secret than those that failed, the last one of which rests from now on."""
        connection, secrets = leg.speech.target.connection, self._health.credentials
        secrets.rests(connection, tired[-1], failure.credential, failure.wait, model)
        spare = secrets.pick(connection, model, tired)
        if (
            spare is None
            and failure.credential == "dead"
            and len(connection.credentials) > 1
            and not secrets.works(connection)
        ):
            failure.error = credentials_exhausted(failure.error)
        return spare

    def _limited_as(self, target: Target) -> str:
        """What the provider's limits of a secret count the request under.

        Source: Anthropic, whose limits of counting tokens are independent of those of messages.
        Everybody who may call could otherwise rest a secret for all others, for nothing.
        """
        counts = self._scope.operation == COUNT_TOKENS
        return f"{target.model} ({COUNT_TOKENS})" if counts else target.model

    def _allowed(
        self, leg: Leg, model: str, spare: Credential | None, *, force: bool
    ) -> tuple[Credential, Call]:
        """Leave to ask: a secret that does not rest, and the circuit's consent."""
        target = leg.speech.target
        connection = target.connection
        credential = spare or self._health.credentials.pick(connection, model)
        if credential is None:
            if not force:
                raise Resting(0.0, circuit=False)
            credential = self._health.credentials.last_resort(connection, model)
        call = self._health.begin(target, leg.alias.route.circuit)
        if call is None:
            raise Resting(self._health.until_probe(target), circuit=True)
        return credential, call

    async def _once(
        self,
        leg: Leg,
        model: str,
        reason: AttemptReason,
        credential: Credential,
        call: Call,
        spoken: asyncio.Event | None,
    ) -> Success:
        scope, translator = self._scope, self._translator
        noted: list[Guarded] = []
        try:
            if scope.operation != COUNT_TOKENS:
                limit(scope.wire, self._request, leg.alias, leg.speech)
            passage = translator.untouched(leg.speech)
            if passage is None:
                passage = await translator.passage(leg.speech, noted)
            dropped = translator.dropped
            shot = self._aimed(leg, passage, reason, credential, call, noted)
            live, answered = await attempt(scope, shot, self._means)
            self._health.credentials.served(leg.speech.target.connection.id, credential.id, model)
            if spoken is not None:
                spoken.set()
            if self.buffered and isinstance(answered, OpenStream):
                return Success(live, await self._held(leg, live, answered), dropped)
        except BaseException:
            # Where the attempt was recorded its end was told already, and this says nothing.
            call.cancelled()
            raise
        return Success(live, answered, dropped)

    def _aimed(
        self,
        leg: Leg,
        passage: Passage,
        reason: AttemptReason,
        credential: Credential,
        call: Call,
        noted: list[Guarded],
    ) -> Shot:
        speech, covered, request = leg.speech, leg.bounds, self._request
        restored = self._translator.restored
        if restored and not speech.passes:
            # Admit did not know of it; a hold that differs is reserved again.
            covered = bounds_of(request, speech, restored)
        route = leg.alias.route
        limits, first = self._deadlines.of(route.waits, stream=request.stream)
        unfiltered = "content_filter" in route.fallbacks
        return Shot(
            speech, covered, passage, credential, call, reason, limits, first, unfiltered, noted
        )

    async def _held(self, leg: Leg, live: LiveAttempt, stream: OpenStream) -> HeldStream:
        try:
            held = await hold(stream, live, self._means.max_answer_bytes)
            if stream.reader.filtered and "content_filter" in leg.alias.route.fallbacks:
                raise filtered("completed")
            return held
        except AttemptFailed as failure:
            self.broke = failure.ending != "completed"
            live.failure = failure
            self._scope.close_attempt(failure.ending, failure.error.code, live)
            raise
