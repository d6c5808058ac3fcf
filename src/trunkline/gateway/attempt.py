"""One try at one target, up to its commit point: the first content, or the whole body."""

import asyncio
from collections import deque

import msgspec

from trunkline.errors import TrunklineError, UpstreamFailed
from trunkline.gateway.bounds import Bounds
from trunkline.gateway.guarding.guard import GuardrailRefused
from trunkline.gateway.headers import upstream_headers
from trunkline.gateway.metering.event import Ending, Guarded
from trunkline.gateway.passage import Passage, Take
from trunkline.gateway.policy import AttemptReason
from trunkline.gateway.ports import Admission
from trunkline.gateway.resilience.health import Call
from trunkline.gateway.routing.speaking import Speech
from trunkline.gateway.scope import LiveAttempt, RequestScope
from trunkline.gateway.snapshot import Credential, Signer
from trunkline.gateway.transport import (
    FirstByteTimeout,
    Timeouts,
    TransportError,
    UpstreamPool,
    UpstreamRequest,
    UpstreamResponse,
)
from trunkline.gateway.transport.head import authority
from trunkline.gateway.upstream_errors import (
    AttemptFailed,
    ProviderAnswer,
    filtered,
    from_fault,
    from_transport,
    malformed,
)
from trunkline.gateway.wire.contract import (
    COUNT_TOKENS,
    Malformed,
    Sight,
    Splitter,
    StreamReader,
)
from trunkline.gateway.wire.sse import FrameTooLarge
from trunkline.observability.trace_context import outgoing_traceparent

MOST_ERROR_BYTES = 1_048_576
MOST_FRAME_BYTES = 16_777_216
# Start events of known providers are below 2 KB; more than this is content that we do not know.
MOST_HELD_BYTES = 262_144
_UPSTREAM_IDS = (b"x-request-id", b"request-id")


class WholeAnswer(msgspec.Struct, frozen=True):
    """An answer that is not streamed, read to its end, as the caller gets it."""

    status: int
    headers: list[tuple[bytes, bytes]]
    body: bytes


class OpenStream(msgspec.Struct):
    """A stream at its commit point.

    Attributes:
        take: what the caller gets for a frame.
        held: what the caller gets up to and including the first content, to be sent first.
        coming: whole frames that arrived with it and have not been read.
        closing: whether the newest frame is the last one if the transfer ends here.
    """

    response: UpstreamResponse
    reader: StreamReader
    splitter: Splitter
    passage: Passage
    take: Take
    held: list[bytes]
    coming: deque[bytes]
    ended: bool = False
    closing: bool = False


class Means(msgspec.Struct, frozen=True):
    """What every attempt is made with."""

    admission: Admission
    upstream: UpstreamPool
    max_answer_bytes: int


class Shot(msgspec.Struct, frozen=True):
    """What one attempt is.

    Attributes:
        covered: what it may use and cost.
        timeouts: None for those of the pool.
        first_token: seconds in which a stream's first content must come, or None.
        unfiltered: whether an answer that the provider's filter ended counts as a failure, because
            there is somewhere else to ask.
        noted: what guardrails do to its answer.
    """

    speech: Speech
    covered: Bounds
    passage: Passage
    credential: Credential
    call: Call
    reason: AttemptReason = "first"
    timeouts: Timeouts | None = None
    first_token: float | None = None
    unfiltered: bool = False
    noted: list[Guarded] = []


async def attempt(
    scope: RequestScope, shot: Shot, means: Means
) -> tuple[LiveAttempt, WholeAnswer | OpenStream]:
    """Make one attempt. Its records are closed here when it fails, by whoever goes on with it else.

    Raises:
        AttemptFailed: nothing of it has reached the caller.
        TrunklineError: a limit or budget refused the hold, or the journal could not be written.
    """
    request, lease = scope.request, scope.lease
    if request is None or lease is None:
        raise AssertionError("an attempt needs an admitted request")
    covered, speech = shot.covered, shot.speech
    record = scope.open_attempt(speech, covered, shot.reason, shot.credential.id)
    await means.admission.cover(lease, record.id, covered.hold_nano)
    live = scope.record_open(record, speech.target, shot.call, shot.noted)
    try:
        if shot.first_token is None:
            return live, await _answer_of(scope, live, shot, means)
        async with asyncio.timeout(shot.first_token):
            return live, await _answer_of(scope, live, shot, means)
    except TransportError as error:
        failure = from_transport(error)
    except TimeoutError:
        failure = from_transport(FirstByteTimeout("nothing was said in time", sent=True))
    except UpstreamFailed as error:
        failure = AttemptFailed(error, "not_sent")
    except GuardrailRefused as error:
        failure = refused_answer(error, live)
    except AttemptFailed as error:
        failure = error
    _note(live, failure.error)
    live.failure = failure
    scope.close_attempt(failure.ending, failure.error.code, live)
    raise failure


async def _answer_of(
    scope: RequestScope, live: LiveAttempt, shot: Shot, means: Means
) -> WholeAnswer | OpenStream:
    passage = shot.passage
    outbound = _outbound(scope, live, shot)
    if shot.credential.signer is not None:
        outbound = await _signed(outbound, shot.credential.signer)
    response = await means.upstream.open(outbound, timeouts=shot.timeouts)
    live.evidence.status = response.status
    live.evidence.first_byte_ms = live.elapsed_ms()
    _note_upstream_id(live, response)
    if response.status != 200:
        raise await _refusal(passage, response)
    if not live.attempt.stream:
        limit = means.max_answer_bytes
        # Where it breaks off the provider has made all of it nevertheless, and bills it.
        live.evidence.content_bytes = min(response.promised or 0, limit)
        return _whole(live, shot, response, await response.read(limit))
    stream = await _to_first_content(live, passage, response)
    if shot.unfiltered and stream.reader.filtered and not stream.reader.content_bytes:
        response.abort()
        raise filtered("failed")
    return stream


def _outbound(scope: RequestScope, live: LiveAttempt, shot: Shot) -> UpstreamRequest:
    """The request to the provider, without a signature."""
    speech, passage, credential = shot.speech, shot.passage, shot.credential
    target, arrival, stream = speech.target, scope.arrival, live.attempt.stream
    connection = target.connection
    path = passage.wire.path(speech.operation, target.model, stream=stream)
    where = connection.wires[passage.wire.name].encode() + path
    if connection.query:
        where += (b"&" if b"?" in path else b"?") + connection.query.encode()
    body = passage.body()
    headers = upstream_headers(
        # What a caller says to its own wire's provider means something else to another one.
        arrival.pairs if passage.passes else (),
        connection.headers + credential.headers,
        outgoing_traceparent(scope.traceparent, scope.id, live.attempt.id),
        live.attempt.id,
        arrival.headers.get(b"connection"),
        passage.content_type,
    )
    return UpstreamRequest(b"POST", connection.origin, where, headers, body, connection.private)


async def _signed(outbound: UpstreamRequest, signer: Signer) -> UpstreamRequest:
    """The request with the signature of what leaves.

    Raises:
        UpstreamFailed: its credential cannot be had.
    """
    host = authority(outbound.origin).decode()
    signature = await signer.headers(outbound.method, host, outbound.target, outbound.body)
    return msgspec.structs.replace(outbound, headers=outbound.headers + signature)


async def _refusal(passage: Passage, response: UpstreamResponse) -> AttemptFailed:
    if response.status < 400:
        response.abort()
        return malformed(f"its status is {response.status}")
    try:
        body = await response.read(MOST_ERROR_BYTES)
    except TransportError:
        # The status alone says that nothing was billed, whatever becomes of the words behind it.
        body = b""
    fault = passage.wire.read_fault(response.status, body)
    answer = None
    if passage.passes and body:
        answer = ProviderAnswer(response.status, response.headers, body)
    return from_fault(fault, "refused", answer, response.headers)


def _whole(live: LiveAttempt, shot: Shot, response: UpstreamResponse, body: bytes) -> WholeAnswer:
    passage, evidence = shot.passage, live.evidence
    evidence.content_bytes = len(body)
    try:
        reply = passage.wire.read_reply(body, shot.speech.operation)
        evidence.usage = reply.usage
        evidence.model = reply.model
        evidence.service_tier = reply.service_tier
        live.clean = reply.clean
        told = passage.answer(body, reply.usage)
    except Malformed as error:
        raise malformed(str(error)) from None
    evidence.first_token_ms = live.elapsed_ms()
    if shot.speech.operation != COUNT_TOKENS:
        live.call.first_content()
    if shot.unfiltered and reply.filtered:
        raise filtered("completed")
    return WholeAnswer(response.status, passage.head(response.headers), told)


async def _to_first_content(
    live: LiveAttempt, passage: Passage, response: UpstreamResponse
) -> OpenStream:
    """Hold start events back until content comes, so that a failure before it can go elsewhere."""
    if not _is_stream(response, passage.wire.stream_type):
        response.abort()
        raise malformed("it is not an event stream")
    reader = passage.meter()
    splitter = passage.wire.splitter(MOST_FRAME_BYTES)
    take = passage.frames(reader)
    stream = OpenStream(response, reader, splitter, passage, take, [], deque())
    held = 0
    try:
        while True:
            chunk = await response.chunk()
            if chunk:
                stream.coming.extend(splitter.feed(chunk))
            elif stream.closing and not splitter.rest().strip():
                # Guards held all of it back, and now nothing can follow.
                return _commit(stream, live, over=True)
            elif not _is_whole(stream, splitter.rest()):
                raise malformed("its stream ended without an end")
            while stream.coming:
                frame = stream.coming.popleft()
                sight = reader.read(frame)
                if sight is Sight.ERROR:
                    raise _fault_of(reader)
                if sight is Sight.HIDDEN:
                    continue
                stream.held.append(take(frame, sight))
                held += len(frame)
                stream.ended = sight is Sight.END
                stream.closing = sight is Sight.CLOSING
                waits = sight is Sight.START or (passage.holds and not stream.ended)
                if waits and chunk and held < MOST_HELD_BYTES:
                    continue
                return _commit(stream, live, over=not chunk)
    except (Malformed, FrameTooLarge) as error:
        response.abort()
        raise malformed(str(error) or "one of its events is too large") from None
    except BaseException:
        response.abort()
        raise
    finally:
        note_stream(live, reader)


def _commit(stream: OpenStream, live: LiveAttempt, *, over: bool) -> OpenStream:
    """The stream at its commit point; whole where the transfer is over and it may end here."""
    if stream.closing and over:
        stream.held.append(stream.passage.last_words(stream.reader))
        stream.ended = True
    live.evidence.first_token_ms = live.elapsed_ms()
    live.call.first_content()
    return stream


def refused_answer(error: GuardrailRefused, live: LiveAttempt) -> AttemptFailed:
    """What a guard does not let out: the provider did its part, and no other one is asked."""
    return AttemptFailed(error, "failed", elsewhere=False, blames=False, noted=tuple(live.noted))


def _is_whole(stream: OpenStream, last: bytes) -> bool:
    """Whether the only frame that came lacks nothing but its empty line, and then it has come."""
    if stream.held or not last.strip():
        return False
    # The bytes are read twice, by a meter that is thrown away, since a part of a frame is no frame.
    try:
        sight = stream.passage.meter().read(last)
    except Malformed:
        return False
    if sight is Sight.END or sight is Sight.CLOSING:
        stream.coming.append(last)
        return True
    return False


def note_stream(live: LiveAttempt, reader: StreamReader) -> None:
    """Carry what the reader has seen into the attempt's evidence."""
    evidence = live.evidence
    evidence.usage = reader.usage
    evidence.input_usage = reader.input_usage
    evidence.content_bytes = reader.content_bytes
    evidence.model = reader.model
    evidence.service_tier = reader.service_tier
    live.progress.output_bytes = reader.content_bytes
    live.clean = reader.clean


def fault_in_stream(reader: StreamReader) -> AttemptFailed:
    """The failure that the reader's error frame reported."""
    return _fault_of(reader)


def _fault_of(reader: StreamReader) -> AttemptFailed:
    if reader.error is None:
        raise AssertionError("an error frame leaves its fault on the reader")
    ending: Ending = "failed"
    return from_fault(reader.error, ending, None)


def _is_stream(response: UpstreamResponse, kind: bytes) -> bool:
    return any(
        name == b"content-type" and value.lower().startswith(kind)
        for name, value in response.headers
    )


def _note_upstream_id(live: LiveAttempt, response: UpstreamResponse) -> None:
    for name, value in response.headers:
        if name in _UPSTREAM_IDS and value:
            live.evidence.upstream_id = value.decode("latin-1")[:128]
            # OpenAI's name; where a gateway before Anthropic sends both, this one is its own.
            if name == _UPSTREAM_IDS[0]:
                return


def _note(live: LiveAttempt, error: TrunklineError) -> None:
    """What only our own log may say about a failure."""
    if error.reference is not None:
        error.reference = f"attempt {live.attempt.id}: {error.reference}"
