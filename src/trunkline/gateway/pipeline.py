"""The life of a request, on one page. Read this first.

Each step is one call with one of the names below, and streams take the same way:

    identify   credential -> caller, from memory
    read       body -> request of the caller's wire, decoded only as far as needed
    resolve    the name in it -> the alias behind it
    plan       the alias -> targets, in order, each with the wire to speak
    count      request and target -> bounds of tokens and money
    repeat     a request that carries an Idempotency-Key -> the answer given before, if any
    admit      the worst case over all limits and budgets -> lease
    attempt    one try at one target, up to its commit point; translated where the wires differ
    relay      after it: bytes or events to the caller, usage read on the way
    settle     usage -> cost; the lease, the record and the one finished event

What must happen on every way out hangs on the scope (``scope.py``).
"""

import asyncio
import hashlib

import msgspec

from trunkline.errors import (
    Conflict,
    Forbidden,
    InternalError,
    InvalidRequest,
    TrunklineError,
    Unavailable,
)
from trunkline.gateway import keeping
from trunkline.gateway.answer import Answer, Claim
from trunkline.gateway.arrival import Arrival
from trunkline.gateway.attempt import OpenStream, WholeAnswer, attempt
from trunkline.gateway.background import BackgroundRuns
from trunkline.gateway.bounds import NOTHING, Bounds, bounds_of, honoured_ceiling
from trunkline.gateway.caller import Caller
from trunkline.gateway.continuity import Continuity
from trunkline.gateway.counting import estimated_count
from trunkline.gateway.credentials import identify
from trunkline.gateway.headers import JSON
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
    StoredAnswer,
    Unmetered,
)
from trunkline.gateway.relay import StreamBroken, read_to_the_end, relay
from trunkline.gateway.routing.resolve import check_ceiling, plan, resolve
from trunkline.gateway.routing.speaking import Speech
from trunkline.gateway.scope import LiveAttempt, RequestScope
from trunkline.gateway.serving.body import ClientGone
from trunkline.gateway.sink import KeptSink, Sink
from trunkline.gateway.snapshot import Alias
from trunkline.gateway.translation import Owner, Tools, Translator
from trunkline.gateway.transport import UpstreamPool
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

MOST_KEPT_BYTES = 1_048_576

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
    clock: Clock


class Bearings(msgspec.Struct, frozen=True):
    """The operator's numbers for the path. Seconds and bytes; ``links`` bounds what is fetched."""

    drain_timeout: float = 30.0
    max_answer_bytes: int = 67_108_864
    links: Limits = Limits()


Plan = list[tuple[Speech, Bounds]]


class Pipeline:
    """Runs requests. It has no state of its own; each request's state is its scope."""

    def __init__(self, ports: Ports, bearings: Bearings) -> None:
        self._ports = ports
        self._bearings = bearings
        self._tools = Tools(ports.upstream, ports.continuity, bearings.links)

    async def run(self, arrival: Arrival, wire: Wire, operation: str, sink: Sink) -> None:
        """Answer one request, whatever happens. Never raises but for a foreign cancellation."""
        ports = self._ports
        scope = RequestScope(
            arrival,
            wire,
            operation,
            admission=ports.admission,
            recorder=ports.recorder,
            observer=ports.observer,
            clock=ports.clock,
            drain_timeout=self._bearings.drain_timeout,
        )
        answer = Answer(scope, sink)
        scope.enter()
        try:
            await self._life(scope, answer)
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
            if answer.claim is not None:
                await self._keep(scope, answer.claim)
            if answer.run is not None:
                await answer.run.end()

    async def _life(self, scope: RequestScope, answer: Answer) -> None:
        caller = self._identify(scope)
        request = await self._read(scope)
        if keeping.goes_on(request):
            await keeping.go_on(self._ports.responses, caller, scope.wire, request)
        alias = self._resolve(scope, caller, request)
        if scope.operation == COUNT_TOKENS and not _counts(alias, scope.wire):
            answer.estimate(estimated_count(scope.wire.name, request, alias.targets[0]))
            return
        planned = self._plan(scope, alias, request)
        key = scope.arrival.headers.get(b"idempotency-key")
        if key is None:
            await self._answer(scope, answer, alias, planned)
        else:
            await self._repeat(scope, answer, caller, key, alias, planned)

    def _identify(self, scope: RequestScope) -> Caller:
        arrival = scope.arrival
        caller = identify(self._ports.callers, arrival.headers, arrival.place.query)
        if "inference" not in caller.scopes:
            raise Forbidden(
                "This key may not call models.",
                code="scope_missing",
                hint="Use a key with the scope 'inference'.",
            )
        scope.caller = caller
        return caller

    async def _read(self, scope: RequestScope) -> Inbound:
        body = await scope.arrival.read_body()
        request = scope.wire.read_request(body, scope.operation, scope.arrival.place)
        scope.request = request
        return request

    def _resolve(self, scope: RequestScope, caller: Caller, request: Inbound) -> Alias:
        routes = self._ports.routes
        snapshot = routes.snapshot(caller.org_id)
        alias = resolve(snapshot, caller, request.model, routes.target_for)
        check_ceiling(alias, request)
        scope.name = alias.name
        return alias

    def _plan(self, scope: RequestScope, alias: Alias, request: Inbound) -> Plan:
        speeches = plan(alias, scope.wire, scope.operation, request)
        scope.translator = Translator(self._tools, self._owner(scope), request, alias)
        if scope.operation == COUNT_TOKENS:
            # Nothing is generated, and only who speaks the caller's wire counts in its shape.
            return [(speech, NOTHING) for speech in speeches if speech.passes]
        first = speeches[0].target.connection
        if alias.max_tokens is not None and honoured_ceiling(request, first) is None:
            scope.wire.limit_output(request, alias.max_tokens, first.output_limit_field)
        return [(speech, bounds_of(request, speech)) for speech in speeches]

    def _owner(self, scope: RequestScope) -> Owner:
        if scope.caller is None:
            raise AssertionError("plan comes after identify")
        return Owner(scope.wire, scope.caller.org_id, scope.id, int(self._ports.clock.now()))

    async def _repeat(
        self,
        scope: RequestScope,
        answer: Answer,
        caller: Caller,
        raw_key: bytes,
        alias: Alias,
        planned: Plan,
    ) -> None:
        """Run the first request with this key to its end; give its answer to every later one."""
        key = _idempotency_key(raw_key)
        # Before the claim: a caller who leaves while it is made would leave it behind for ever.
        scope.must_finish = True
        stored = await self._ports.repeats.begin(caller, key, _fingerprint(scope))
        if stored is not None:
            answer.replay(stored)
            return
        answer.claim = Claim(caller, key, KeptSink(answer.sink, MOST_KEPT_BYTES))
        answer.sink = answer.claim.kept
        await self._answer(scope, answer, alias, planned)

    async def _keep(self, scope: RequestScope, claim: Claim) -> None:
        """Keep an answer that may have cost money; a free refusal gives the key back."""
        billed = any(outcome.ending not in {"refused", "not_sent"} for _, outcome in scope.attempts)
        stored = None
        if billed:
            stored = claim.kept.answer or _never_seen(scope)
        await self._ports.repeats.finish(claim.caller, claim.key, stored)

    async def _answer(
        self, scope: RequestScope, answer: Answer, alias: Alias, planned: Plan
    ) -> None:
        await self._admit(scope, planned)
        if scope.request is not None and scope.request.background:
            await self._detach(scope, answer)
        else:
            answer.be_patient(alias.hold_headers)
        opened = await self._attempt(scope, alias, planned)
        if isinstance(opened, OpenStream):
            await self._relay(scope, answer, opened)
        else:
            await self._reply(scope, answer, opened)

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
        """Keep what the caller is about to get, where it wants to go on from it."""
        caller, request = scope.caller, scope.request
        if caller is not None and request is not None and request.keeps:
            await keeping.keep(self._ports.responses, caller, scope.wire, request, last, answer.run)

    async def _admit(self, scope: RequestScope, planned: Plan) -> None:
        caller, name = scope.caller, scope.name
        if caller is None or name is None:
            raise AssertionError("admit comes after identify and resolve")
        worst = planned[0][1] if len(planned) == 1 else _worst_of(planned)
        scope.lease = await self._ports.admission.admit(
            Ask(scope.id, caller, name, worst.hold_nano, worst.input_tokens, worst.output_tokens)
        )

    async def _attempt(
        self, scope: RequestScope, alias: Alias, planned: Plan
    ) -> WholeAnswer | OpenStream:
        """Try the targets in order; when all fail, the first failure is the answer.

        A target that the request cannot be written for is passed over, and is the answer only
        where no other one was tried.
        """
        ports, translator = self._ports, scope.translator
        if translator is None:
            raise AssertionError("attempt comes after plan")
        first: AttemptFailed | InvalidRequest | None = None
        for speech, bounds in planned:
            _limit_again(scope, alias, speech)
            try:
                passage = await translator.passage(speech)
            except InvalidRequest as unwritable:
                first = first or unwritable
                continue
            scope.dropped = translator.dropped
            covered = bounds
            if translator.restored and not speech.passes and scope.request is not None:
                # Admit did not know of it; a hold that differs is reserved again.
                covered = bounds_of(scope.request, speech, translator.restored)
            try:
                return await attempt(
                    scope,
                    speech,
                    covered,
                    passage,
                    admission=ports.admission,
                    upstream=ports.upstream,
                    max_answer_bytes=self._bearings.max_answer_bytes,
                )
            except AttemptFailed as failure:
                first = first if isinstance(first, AttemptFailed) else failure
                if not failure.elsewhere:
                    raise
        if first is None:
            raise AssertionError("a plan has at least one target")
        raise first

    async def _relay(self, scope: RequestScope, answer: Answer, stream: OpenStream) -> None:
        live = scope.live
        if live is None:
            raise AssertionError("relay comes after an attempt")
        try:
            answer.begin(stream.passage.head(stream.response.headers))
            last = await relay(stream, live, answer.sink)
            self._close(scope, live, b"")
            await self._keep_response(scope, answer, last)
            await answer.finish(last)
        except BaseException:
            stream.response.abort()
            raise
        # The caller has everything: its place in the limits is free before the connection is.
        scope.leave()
        await read_to_the_end(stream.response)

    async def _reply(self, scope: RequestScope, answer: Answer, whole: WholeAnswer) -> None:
        if scope.live is not None:
            self._close(scope, scope.live, whole.body)
        await self._keep_response(scope, answer, whole.body)
        answer.respond(whole)

    def _close(self, scope: RequestScope, live: LiveAttempt, body: bytes) -> None:
        """Settle an attempt that ended well, and have its tokens counted if nobody told them."""
        outcome = scope.close_attempt("completed")
        request = scope.request
        counts = live.evidence.usage is None and scope.operation in _OF_TEXTS
        # Pictures and files have tokens that no tokenizer of texts can see.
        if (
            counts
            and outcome is not None
            and request
            and not (request.attachments or request.files)
        ):
            prompt = scope.wire.write_request(request, request.model)
            size = live.evidence.content_bytes
            price = live.target.price
            self._ports.recounts.offer(Unmetered(live.attempt, price, prompt, body, size))


def _limit_again(scope: RequestScope, alias: Alias, speech: Speech) -> None:
    """Say the alias's ceiling in this provider's member too, where it reads another than the first.

    What admit holds for such a target is the model's maximum, which is never too little.
    """
    request, connection = scope.request, speech.target.connection
    if alias.max_tokens is None or request is None or not speech.passes:
        return
    if scope.operation != COUNT_TOKENS and honoured_ceiling(request, connection) is None:
        ceiling = min(alias.max_tokens, request.max_tokens or alias.max_tokens)
        scope.wire.limit_output(request, ceiling, connection.output_limit_field)


def _counts(alias: Alias, wire: Wire) -> bool:
    """Whether a target's provider counts tokens in the caller's own wire."""
    return any(wire.name in target.connection.wires for target in alias.targets)


def _worst_of(planned: Plan) -> Bounds:
    """What the request can use and cost at most, wherever it ends up."""
    holds = [bounds.hold_nano for _, bounds in planned if bounds.hold_nano is not None]
    return msgspec.structs.replace(
        planned[0][1],
        hold_nano=max(holds) if len(holds) == len(planned) else None,
        input_tokens=max(bounds.input_tokens for _, bounds in planned),
        output_tokens=max(bounds.output_tokens for _, bounds in planned),
    )


def _idempotency_key(raw: bytes) -> str:
    key = raw.decode("latin-1")
    if not 1 <= len(key) <= 255 or not key.isascii() or not key.isprintable():
        raise InvalidRequest(
            "The Idempotency-Key must be 1 to 255 printable ASCII characters.",
            code="invalid_idempotency_key",
            hint="Use a UUID.",
        )
    return key


def _fingerprint(scope: RequestScope) -> bytes:
    """What must be the same for a repeat to be one: the endpoint and every member of the body.

    At Google the path names the model and whether the answer is a stream.
    """
    request = scope.request
    if request is None:
        raise AssertionError("a fingerprint is taken of a request that was read")
    endpoint = (scope.wire.name, scope.operation, request.model, request.stream)
    digest = hashlib.blake2b(repr(endpoint).encode("utf-8", "backslashreplace"), digest_size=16)
    digest.update(scope.wire.write_request(request, request.model))
    return digest.digest()


def _never_seen(scope: RequestScope) -> StoredAnswer:
    """What a repeat gets when the first request was billed and its answer never came."""
    error = Conflict(
        "The first request with this Idempotency-Key was billed, and its answer was lost.",
        code="idempotency_outcome_unknown",
        hint="Send the request with a new key if you accept that it is billed again.",
    )
    body = scope.wire.error_body(error, scope.arrival.client_request_id)
    return StoredAnswer(error.status, (JSON,), body)


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
