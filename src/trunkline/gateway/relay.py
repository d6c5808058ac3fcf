"""After the commit point: frames to the caller as they come, and an honest end.

Only whole frames are passed on, so a cut upstream never leaves half an event with the caller. What
ends without the wire's own end gets an error event and no clean end.
"""

import asyncio

from trunkline.errors import TrunklineError, UpstreamFailed
from trunkline.gateway.attempt import OpenStream, fault_in_stream, note_stream, refused_answer
from trunkline.gateway.guarding.guard import GuardrailRefused
from trunkline.gateway.metering.event import Ending, Progress
from trunkline.gateway.scope import LiveAttempt
from trunkline.gateway.sink import Sink
from trunkline.gateway.transport import TotalTimeout, TransportError, UpstreamResponse
from trunkline.gateway.upstream_errors import AttemptFailed, from_transport, malformed
from trunkline.gateway.wire.contract import Malformed, Sight
from trunkline.gateway.wire.sse import FrameTooLarge

# The end of the body normally comes in the packet of the last frame.
SECONDS_FOR_THE_END = 1.0


class StreamBroken(Exception):
    """The stream failed after its commit point.

    Attributes:
        error: what the caller's error event says.
        frame: the provider's own error event, where it passes as it is.
        ending: how the attempt ended.
        failure: the same as a failure of the attempt, which says what may follow.
    """

    def __init__(
        self,
        failure: AttemptFailed,
        error: TrunklineError | None = None,
        frame: bytes | None = None,
    ) -> None:
        super().__init__(failure.error.message)
        self.failure = failure
        self.error = error or failure.error
        self.ending: Ending = failure.ending
        self.frame = frame


async def relay(stream: OpenStream, live: LiveAttempt, sink: Sink) -> bytes:
    """Pass frames on until the wire's own end, and give back the last ones unsent.

    Whoever has seen the end of an answer may look up its cost, so the attempt is settled before
    its last frames are written.

    Raises:
        StreamBroken: everything before the break has been written.
    """
    ready = stream.held
    try:
        while True:
            _take(stream, ready)
            if stream.ended:
                return b"".join(ready)
            going = _let_go(stream, ready)
            if going:
                await sink.write(going)
                live.progress.output_bytes = stream.reader.content_bytes
            if await _pass_on(stream, live, sink):
                await sink.write(b"")
            elif not stream.ended:
                await _take_the_rest(stream, ready)
    except TransportError as error:
        broken = StreamBroken(from_transport(error))
        # A target that speaks until its time is over is well; the answer is long, or read slowly.
        broken.failure.blames &= not isinstance(error, TotalTimeout)
    except (Malformed, FrameTooLarge) as error:
        reason = str(error) or "one of its events is too large"
        broken = StreamBroken(malformed(reason))
    except GuardrailRefused as error:
        broken = StreamBroken(refused_answer(error, live))
    except StreamBroken as error:
        broken = error
    finally:
        note_stream(live, stream.reader)
        if not stream.ended:
            stream.response.abort()
    live.failure = broken.failure
    if ready:
        await sink.write(b"".join(ready))
    raise broken


def _take(stream: OpenStream, ready: list[bytes]) -> None:
    """Read the frames that have come, up to the end if it is among them."""
    coming, read = stream.coming, stream.reader.read
    while coming and not stream.ended:
        frame = coming.popleft()
        sight = read(frame)
        if sight is Sight.HIDDEN:
            continue
        if sight is Sight.ERROR:
            raise _reported(stream, frame)
        told = stream.take(frame, sight)
        if told:
            ready.append(told)
        stream.ended = sight is Sight.END
        stream.closing = sight is Sight.CLOSING


def _let_go(stream: OpenStream, ready: list[bytes]) -> bytes:
    """What can be sent now: all but a frame that is the last one if nothing follows it."""
    kept = ready.pop() if stream.closing and ready and stream.passage.passes else None
    going = ready[0] if len(ready) == 1 else b"".join(ready)
    ready.clear()
    if kept is not None:
        ready.append(kept)
    return going


async def _pass_on(stream: OpenStream, live: LiveAttempt, sink: Sink) -> bool:
    """Pass frames on as they arrive, without waking the task for each.

    Returns:
        True when the caller has fallen behind and must be waited for; False when the wire's own
        end has come, whose frames are left in ``held``, or no more bytes will come.
    """
    stopped: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
    response, progress = stream.response, live.progress

    def arrived() -> None:
        if stopped.done():
            return
        try:
            behind = _forward(stream, progress, sink)
        except Exception as error:  # noqa: BLE001 - The task that waits is the one to raise it.
            stopped.set_exception(error)
        else:
            if behind is None:
                return
            stopped.set_result(behind)
        response.listen(None)

    response.listen(arrived)
    try:
        if response.has_news:
            arrived()
        return await stopped
    finally:
        response.listen(None)


def _forward(stream: OpenStream, progress: Progress, sink: Sink) -> bool | None:
    """Pass on what has come; None to go on listening, else as ``_pass_on``."""
    response, ready = stream.response, stream.held
    part = response.take()
    if not part:
        return False
    stream.coming.extend(stream.splitter.feed(part))
    _take(stream, ready)
    if stream.ended:
        return False
    going = _let_go(stream, ready) if ready else b""
    if going:
        behind = sink.push(going)
        progress.output_bytes = stream.reader.content_bytes
        if behind:
            return True
    # The last bytes may have come together with the end, and then nobody calls again.
    return False if response.has_news else None


async def _take_the_rest(stream: OpenStream, ready: list[bytes]) -> None:
    """No frame comes by itself any more: the transfer is over, or it has failed."""
    chunk = await stream.response.chunk()
    if chunk:
        stream.coming.extend(stream.splitter.feed(chunk))
    else:
        _take_last(stream, ready)


def _take_last(stream: OpenStream, ready: list[bytes]) -> None:
    """The transfer is over: after what may be the last frame that is an end, otherwise not.

    The last frame may lack the empty line behind it.
    """
    last = stream.splitter.rest()
    if last.strip():
        sight = stream.reader.read(last)
        stream.ended = sight is Sight.END
        stream.closing = sight is Sight.CLOSING
        if stream.ended or stream.closing:
            ready.append(stream.take(last, sight))
    if stream.ended:
        return
    if not stream.closing:
        raise StreamBroken(malformed("its stream ended without an end"))
    ready.append(stream.passage.last_words(stream.reader))
    stream.ended = True


async def read_to_the_end(response: UpstreamResponse) -> None:
    """Take what follows the wire's own end, so that the connection can be used again."""
    try:
        async with asyncio.timeout(SECONDS_FOR_THE_END):
            while not response.has_ended:
                await response.chunk()
    except (TransportError, TimeoutError):
        response.abort()
    except BaseException:
        response.abort()
        raise


def _reported(stream: OpenStream, frame: bytes) -> StreamBroken:
    failure: AttemptFailed = fault_in_stream(stream.reader)
    ours = stream.reader.error is not None and stream.reader.error.ours
    if ours or not stream.passage.passes:
        return StreamBroken(failure)
    error = UpstreamFailed(failure.error.message, code=failure.error.code)
    return StreamBroken(failure, error, frame)
