"""The steps of a request's life that concern kept responses; only the Responses API has them."""

from collections.abc import Callable

from trunkline.gateway.background import BackgroundRun, BackgroundRuns
from trunkline.gateway.caller import Caller
from trunkline.gateway.ports import KeptResponses
from trunkline.gateway.wire.contract import Inbound, Wire
from trunkline.gateway.wire.openai_responses.passing import OpenAIResponses


def goes_on(request: Inbound) -> bool:
    """Whether a request stands for more than it says."""
    return request.continues is not None or bool(request.references)


async def go_on(responses: KeptResponses, caller: Caller, wire: Wire, request: Inbound) -> None:
    """Put what a request goes on from into it: an earlier response, and items it refers to.

    Raises:
        NotFound: one of them is not kept for this caller.
        Conflict: the earlier response has no answer to go on from.
    """
    own = _own(wire)
    if request.references:
        own.insert(request, await responses.items(caller, request.references))
    if request.continues is not None:
        own.prepend(request, await responses.load(caller, request.continues))


async def keep(
    responses: KeptResponses,
    caller: Caller,
    wire: Wire,
    request: Inbound,
    last: bytes,
    run: BackgroundRun | None,
) -> None:
    """Keep the response that a caller is about to get, so that it can go on from it at once.

    Args:
        responses: where it is kept.
        caller: its owner.
        wire: the caller's.
        request: with its whole input.
        last: the whole answer, or the last frames of a stream.
        run: the run in the background that it is the answer of, if any.
    """
    response = _own(wire).final_object(last)
    if response is None:
        return
    if run is None:
        await responses.keep(caller, request, response)
    else:
        await run.keep(response)


async def begin(
    runs: BackgroundRuns,
    caller: Caller,
    wire: Wire,
    request: Inbound,
    request_id: str,
    created: int,
    cancel: Callable[[], None],
) -> BackgroundRun:
    """Write a response in the background down; the run has what the caller gets now.

    Args:
        runs: those of this process.
        caller: its owner.
        wire: the caller's.
        request: with its whole input.
        request_id: our own id of the request; the response's is made of it.
        created: Unix seconds.
        cancel: ends the run as a caller who leaves ends it.

    Raises:
        Unavailable: it could not be written.
    """
    response_id = f"resp_{request_id.replace('-', '')}"
    response = _own(wire).begun_object(request, response_id, created)
    return await runs.begin(caller, request, response_id, response, cancel)


def _own(wire: Wire) -> OpenAIResponses:
    if not isinstance(wire, OpenAIResponses):
        raise AssertionError("only one wire has requests that are kept")  # noqa: TRY004 - a defect of ours.
    return wire
