"""The life of a request, on one page. Read this first.

Each step is one call with one of the names below, and streams take the same way:

    identify   credential -> caller, from memory
    read       body -> request of the caller's wire, decoded only as far as needed
    resolve    the name in it -> the alias behind it
    guard in   the alias's guardrails look at the request's texts
    plan       the alias -> targets in the order of its policy, each with the wire to speak
    count      request and target -> bounds of tokens and money
    repeat     a request that carries an Idempotency-Key -> the answer given before, if any
    admit      the worst case over all limits and budgets -> lease
    recall     an answer that was given before, or is being given now, where policy says so
    attempt    tries at the targets, up to the commit point; translated where the wires differ
    relay      after it: bytes or events to the caller, usage read on the way
    settle     usage -> cost; the lease, the record and the one finished event

What must happen on every way out hangs on the scope (``scope.py``).
"""

import asyncio
import random
from collections.abc import Awaitable, Sequence
from contextlib import suppress
from functools import partial

import msgspec

from trunkline.errors import (
    BudgetExhausted,
    Forbidden,
    InternalError,
    LimitExceeded,
    TrunklineError,
    Unavailable,
)
from trunkline.gateway import keeping
from trunkline.gateway.answer import Answer
from trunkline.gateway.arrival import Arrival
from trunkline.gateway.attempt import Means, OpenStream
from trunkline.gateway.background import BackgroundRuns
from trunkline.gateway.bounds import Bounds
from trunkline.gateway.buffering import wants_it_whole
from trunkline.gateway.caller import Caller
from trunkline.gateway.continuity import Continuity
from trunkline.gateway.counting import estimated_count
from trunkline.gateway.credentials import identify
from trunkline.gateway.guarding.analysis import NO_ANALYSIS, Analysis
from trunkline.gateway.guarding.inward import guard_request
from trunkline.gateway.links import Limits
from trunkline.gateway.ports import (
    Admission,
    Ask,
    Callers,
    KeptResponses,
    Observer,
    Recorder,
    Recounts,
    Repeats,
    Routes,
    Unmetered,
)
from trunkline.gateway.recall.recall import Recall
from trunkline.gateway.relay import StreamBroken, read_to_the_end, relay
from trunkline.gateway.repeating import claimed, keep_claimed, repeatable
from trunkline.gateway.resilience.health import Health
from trunkline.gateway.routing.resolve import (
    check_ceiling,
    out_of_service,
    resolve,
    unable,
)
from trunkline.gateway.scope import Books, LiveAttempt, RequestScope
from trunkline.gateway.serving.body import ClientGone
from trunkline.gateway.sink import Sink
from trunkline.gateway.snapshot import Alias, Snapshot
from trunkline.gateway.translation import Tools, Translator
from trunkline.gateway.transport import Timeouts, UpstreamPool
from trunkline.gateway.trying.answering import Answering
from trunkline.gateway.trying.course import Course, Leg
from trunkline.gateway.trying.deadlines import Deadlines
from trunkline.gateway.trying.held import HeldStream
from trunkline.gateway.trying.planning import Planner
from trunkline.gateway.trying.target import Trier
from trunkline.gateway.upstream_errors import AttemptFailed
from trunkline.gateway.wire.contract import (
    CHAT,
    COMPLETION,
    COUNT_TOKENS,
    EMBEDDING,
    RERANK,
    Inbound,
    Wire,
)
from trunkline.kit.clock import Clock

# Refusals that a cheaper alias may escape; a limit of requests or tokens holds for it as well.
_OF_MONEY = frozenset({"budget_exhausted", "budget_held", "model_without_price"})

# What a tokenizer can count. Sound and pictures have no texts whose tokens would be the bill: for
# them the first estimate, by bytes, stays.
_OF_TEXTS = frozenset({CHAT, COMPLETION, EMBEDDING, RERANK})


class Ports(msgspec.Struct, frozen=True):
    """What the path needs from outside, plugged together by the composition root."""

    callers: Callers
    routes: Routes
    admission: Admission
    recorder: Recorder
    observer: Observer
    repeats: Repeats
    recounts: Recounts
    responses: KeptResponses
    background: BackgroundRuns
    continuity: Continuity
    upstream: UpstreamPool
    health: Health
    recall: Recall
    clock: Clock
    analysis: Analysis = NO_ANALYSIS


class Bearings(msgspec.Struct, frozen=True):
    """The operator's numbers for the path. Seconds and bytes.

    Attributes:
        links: bounds what is fetched.
        timeouts: of an attempt, where its alias has none of its own.
        deadline: no attempt begins later than this after the request was read.
    """

    drain_timeout: float = 30.0
    max_answer_bytes: int = 67_108_864
    links: Limits = Limits()
    timeouts: Timeouts = Timeouts()
    deadline: float = 900.0


class Pipeline:
    """Runs requests. It has no state of its own; each request's state is its scope."""

    def __init__(self, ports: Ports, bearings: Bearings) -> None:
        self._ports = ports
        self._bearings = bearings
        self._tools = Tools(ports.upstream, ports.continuity, bearings.links, ports.clock)
        self._means = Means(ports.admission, ports.upstream, bearings.max_answer_bytes)
        self._books = Books(
            ports.admission, ports.recorder, ports.observer, ports.clock, bearings.drain_timeout
        )
        # Spreads load; nothing secret hangs on it.
        self._rng = random.Random()  # noqa: S311

    async def run(self, arrival: Arrival, wire: Wire, operation: str, sink: Sink) -> None:
        """Answer one request, whatever happens. Never raises but for a foreign cancellation."""
        scope = RequestScope(arrival, wire, operation, self._books)
        answer = Answer(scope, sink)
        scope.enter()
        try:
            await self._life(scope, answer)
            if scope.trailing:
                # The caller has its answer; what follows is for our books.
                scope.let_go()
                await self._keep_claimed(scope, answer)
                await scope.learn_the_rest()
        except TrunklineError as error:
            await answer.fail(error)
        except AttemptFailed as failure:
            await answer.fail_as_provider(failure)
        except StreamBroken as broken:
            await answer.break_off(broken)
        except ClientGone:
            answer.abandon()
        except asyncio.CancelledError:
            if scope.interrupted is None:
                raise
            _forget_cancellation()
            if scope.interrupted == "shut_down":
                await answer.fail(_shutting_down())
            else:
                answer.abandon()
        except Exception as error:  # noqa: BLE001 - A defect of ours must reach the caller as one.
            await answer.fail(_defect(error))
        finally:
            answer.close()
            scope.leave()
            if answer.claim is not None or answer.run is not None:
                await self._end_kept(scope, answer)

    async def _end_kept(self, scope: RequestScope, answer: Answer) -> None:
        """Keep the answer for repeats of the request, and for who asks what became of its run."""
        await self._keep_claimed(scope, answer)
        if answer.run is not None:
            await answer.run.end()

    async def _keep_claimed(self, scope: RequestScope, answer: Answer) -> None:
        """Keep the answer for repeats of the request, once."""
        if answer.claim is not None:
            await keep_claimed(self._ports.repeats, scope, answer.claim)
            answer.claim = None

    async def _life(self, scope: RequestScope, answer: Answer) -> None:
        caller = self._identify(scope)
        arrival = scope.arrival
        body = await arrival.read_body()
        request = scope.wire.read_request(body, scope.operation, arrival.place)
        scope.request = request
        waited = arrival.waits
        if keeping.goes_on(request):
            await keeping.go_on(self._ports.responses, caller, scope.wire, request)
            waited = True
        if waited:
            # Limits are those of now, so the key and the routes must be, too.
            caller = self._identify(scope)
        snapshot = self._ports.routes.snapshot(caller.org_id)
        alias = self._resolve(scope, snapshot, caller, request)
        asked = repeatable(scope)
        if alias.guards:
            await guard_request(alias, request, scope.noted, self._ports.analysis)
        course = self._plan(scope, snapshot, caller, alias, request)
        if not course.legs:
            answer.estimate(estimated_count(scope.wire.name, request, alias.targets[0]))
            return
        if asked is not None and not await claimed(
            self._ports.repeats, scope, answer, caller, asked
        ):
            return
        course = await self._admit(scope, caller, course)
        if request.background:
            await self._detach(scope, answer)
        else:
            answer.be_patient(course.alias.hold_headers)
        await self._answer(scope, answer, caller, course)

    def _identify(self, scope: RequestScope) -> Caller:
        arrival = scope.arrival
        caller = arrival.caller
        if caller is None:
            caller = identify(self._ports.callers, arrival.headers, arrival.place.query)
        if "inference" not in caller.scopes:
            raise Forbidden(
                "This key may not call models.",
                code="scope_missing",
                hint="Use a key with the scope 'inference'.",
            )
        scope.caller = caller
        return caller

    def _resolve(
        self, scope: RequestScope, snapshot: Snapshot, caller: Caller, request: Inbound
    ) -> Alias:
        alias = resolve(snapshot, caller, request.model, self._ports.routes.target_for)
        check_ceiling(alias, request)
        scope.name = alias.name
        return alias

    def _plan(
        self,
        scope: RequestScope,
        snapshot: Snapshot,
        caller: Caller,
        alias: Alias,
        request: Inbound,
    ) -> Course:
        planner = Planner(scope, snapshot, caller, request, self._ports.health, self._rng)
        legs = planner.legs(alias)
        if not planner.in_service:
            raise out_of_service(alias)
        if not legs and scope.operation != COUNT_TOKENS:
            raise unable(alias, scope.operation)
        return Course(alias, legs, planner.elsewhere)

    def _answer(
        self, scope: RequestScope, answer: Answer, caller: Caller, course: Course
    ) -> Awaitable[None]:
        """The answer that was given before, or that is made now."""
        alias, request, recall = course.alias, scope.request, self._ports.recall
        if request is None:
            raise AssertionError("an answer comes after the request was read")
        terms = recall.wanted(caller, alias, request, scope.arrival.headers, scope.operation)
        if terms is None:
            return self._make(scope, answer, caller, course)
        make = partial(self._make, scope, answer, caller, course)
        return recall.answer(scope, answer, caller, alias, request, terms, make)

    async def _make(
        self, scope: RequestScope, answer: Answer, caller: Caller, course: Course
    ) -> None:
        """The answer by attempts of its own."""
        # Targets are tried in order; when all fail, the first failure is the answer.
        success = await self._answering(scope, caller, course).run()
        answered = success.answered
        if isinstance(answered, OpenStream):
            await self._relay(scope, answer, answered)
        elif isinstance(answered, HeldStream):
            await self._deliver(scope, answer, answered)
        else:
            self._close(scope, answered.body)
            if _keeps(scope):
                await self._keep_response(scope, answer, answered.body)
            answer.respond(answered)

    async def _detach(self, scope: RequestScope, answer: Answer) -> None:
        """Tell the caller the id of its response, and go on without it."""
        caller, request = scope.caller, scope.request
        if caller is None or request is None:
            raise AssertionError("a run begins after the request was read")
        now = int(self._ports.clock.now())
        runs = self._ports.background
        run = await keeping.begin(runs, caller, scope.wire, request, scope.id, now, scope.cancel)
        answer.detach(run)
        scope.detach()

    async def _keep_response(self, scope: RequestScope, answer: Answer, last: bytes) -> None:
        """Keep what the caller is about to get, since it wants to go on from it."""
        caller, request = scope.caller, scope.request
        if caller is not None and request is not None:
            await keeping.keep(self._ports.responses, caller, scope.wire, request, last, answer.run)

    async def _admit(self, scope: RequestScope, caller: Caller, course: Course) -> Course:
        """Take the lease; where a budget is too small for the alias, its fallback may fit."""
        admission = self._ports.admission
        try:
            scope.lease = await admission.admit(_asked(scope, caller, course))
        except (BudgetExhausted, LimitExceeded) as refusal:
            if refusal.code not in _OF_MONEY:
                raise
            for name in course.alias.route.fallbacks.get("budget", ()):
                legs = course.elsewhere(name)
                if not legs:
                    continue
                # What the named model guards and must not lose holds, also for what was answered
                # before.
                named = course.alias
                spare = msgspec.structs.replace(
                    legs[0].alias, guards=named.guards, on_unsupported=named.on_unsupported
                )
                cheaper = Course(spare, legs, course.elsewhere)
                with suppress(BudgetExhausted, LimitExceeded):
                    scope.lease = await admission.admit(_asked(scope, caller, cheaper))
                    scope.name = spare.name
                    return cheaper
            raise
        return course

    def _answering(self, scope: RequestScope, caller: Caller, course: Course) -> Answering:
        """The tries of one request at the targets of its course."""
        alias, request = course.alias, scope.request
        if request is None:
            raise AssertionError("attempts come after the request was read")
        ports, bearings = self._ports, self._bearings
        translator = Translator(self._tools, scope.wire, caller.org_id, scope.id, request, alias)
        monotonic = ports.clock.monotonic
        end = monotonic() + (alias.route.waits.deadline or bearings.deadline)
        deadlines = Deadlines(bearings.timeouts, end, monotonic)
        trier = Trier(
            scope,
            request,
            translator,
            self._means,
            ports.health,
            deadlines,
            self._rng,
            buffered=request.stream and wants_it_whole(caller, alias, scope.arrival.headers),
        )
        return Answering(scope, course, trier, ports.health, deadlines)

    async def _relay(self, scope: RequestScope, answer: Answer, stream: OpenStream) -> None:
        live = scope.live
        if live is None:
            raise AssertionError("relay comes after an attempt")
        try:
            answer.begin(stream.passage.head(stream.response.headers))
            last = await relay(stream, live, answer.sink)
            self._close(scope)
            if _keeps(scope):
                await self._keep_response(scope, answer, last)
            await answer.finish(last)
        except BaseException:
            stream.response.abort()
            raise
        # Its place in the limits is free before the connection is.
        scope.let_go()
        await read_to_the_end(stream.response)

    async def _deliver(self, scope: RequestScope, answer: Answer, held: HeldStream) -> None:
        """A stream that is whole, in one go."""
        self._close(scope)
        *before, last = held.pieces or [b""]
        answer.begin(held.head)
        for piece in before:
            await answer.sink.write(piece)
        if _keeps(scope):
            await self._keep_response(scope, answer, last)
        await answer.finish(last)

    def _close(self, scope: RequestScope, body: bytes = b"") -> None:
        """Settle an attempt that ended well, and have its tokens counted if nobody told them."""
        live = scope.live
        if live is None:
            raise AssertionError("an answer comes from an attempt")
        counted = live.evidence.usage is None and self._offer(scope, live, body)
        scope.close_attempt("completed", provisional=counted)

    def _offer(self, scope: RequestScope, live: LiveAttempt, body: bytes) -> bool:
        """Whether the attempt's tokens will be counted, and its cost corrected after that."""
        request = scope.request
        if request is None or scope.operation not in _OF_TEXTS or live not in scope.underway:
            return False
        if request.attachments or request.files:
            # Pictures and files have tokens that no tokenizer of texts can see.
            return False
        prompt = scope.wire.write_request(request, request.model)
        size = live.evidence.content_bytes
        unmetered = Unmetered(live.attempt, live.target.price, prompt, body, size)
        return self._ports.recounts.offer(unmetered)


def _asked(scope: RequestScope, caller: Caller, course: Course) -> Ask:
    """The worst case of a course, which its lease must cover."""
    legs = course.legs
    worst = legs[0].bounds if len(legs) == 1 else _worst_of(legs)
    return Ask(
        scope.id,
        caller,
        course.alias.name,
        worst.hold_nano,
        worst.input_tokens,
        worst.output_tokens,
    )


def _keeps(scope: RequestScope) -> bool:
    """Whether the caller wants to go on from the answer that it gets."""
    return scope.request is not None and scope.request.keeps


def _worst_of(legs: Sequence[Leg]) -> Bounds:
    """What the request can use and cost at most, wherever it ends up."""
    first = legs[0].bounds
    for leg in legs:
        if leg.bounds is not first:
            break
    else:
        return first
    holds = [leg.bounds.hold_nano for leg in legs if leg.bounds.hold_nano is not None]
    return msgspec.structs.replace(
        first,
        hold_nano=max(holds) if len(holds) == len(legs) else None,
        input_tokens=max(leg.bounds.input_tokens for leg in legs),
        output_tokens=max(leg.bounds.output_tokens for leg in legs),
    )


def _forget_cancellation() -> None:
    """The cancellation was our own signal; the task goes on to write its last words."""
    task = asyncio.current_task()
    if task is not None:
        task.uncancel()


def _shutting_down() -> Unavailable:
    return Unavailable(
        "This server is shutting down and could not finish the answer.",
        code="shutting_down",
        hint="Send the request again.",
        retry_after=1,
    )


def _defect(error: Exception) -> InternalError:
    failure = InternalError(
        "Something went wrong on our side.",
        hint="Send the request id to the administrator.",
        reference=repr(error),
    )
    failure.__cause__ = error
    return failure
