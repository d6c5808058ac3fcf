"""Routes that call no provider: they pass the same door and leave the same traces."""

from collections.abc import Awaitable, Callable

import msgspec

from trunkline.errors import Forbidden, InternalError, TrunklineError
from trunkline.gateway.arrival import Arrival
from trunkline.gateway.bare import NO_RESPONSES
from trunkline.gateway.caller import Caller
from trunkline.gateway.credentials import identify
from trunkline.gateway.headers import JSON, Pairs, error_headers, request_id_headers
from trunkline.gateway.metering.event import Finished
from trunkline.gateway.ports import Callers, Generations, KeptResponses, Observer, Routes
from trunkline.gateway.sink import Sink
from trunkline.gateway.wire.contract import Wire
from trunkline.kit.ids import new_id


class LookupPorts(msgspec.Struct, frozen=True):
    """What look-ups read from."""

    callers: Callers
    routes: Routes
    generations: Generations
    observer: Observer
    responses: KeptResponses = NO_RESPONSES


class Question(msgspec.Struct, frozen=True):
    """One look-up: who asks, in which wire, for which item.

    Attributes:
        query: the query string as it came.
        body: of a POST; empty otherwise.
    """

    caller: Caller
    wire: Wire
    item: str | None
    ports: LookupPorts
    query: bytes = b""
    body: bytes = b""


Lookup = Callable[[Question], Awaitable[object]]

_encode = msgspec.json.Encoder().encode


class LookupRunner:
    """Runs look-ups and refuses what no route takes."""

    def __init__(self, ports: LookupPorts) -> None:
        self._ports = ports

    async def run(
        self,
        arrival: Arrival,
        wire: Wire,
        lookup: Lookup,
        sink: Sink,
        *,
        item: str | None,
        scopes: frozenset[str],
    ) -> None:
        """Answer with what the look-up finds, as JSON, if the key has one of the scopes."""
        self._ports.observer.began()
        caller: Caller | None = None
        try:
            caller = identify(self._ports.callers, arrival.headers, arrival.place.query)
            if not caller.scopes & scopes:
                raise Forbidden(
                    "This key may not read this.",
                    code="scope_missing",
                    hint=f"Use a key with one of the scopes: {', '.join(sorted(scopes))}.",
                )
            body = await arrival.read_body() if arrival.method == "POST" else b""
            query = arrival.place.query
            found = await lookup(Question(caller, wire, item, self._ports, query, body))
            self._end(arrival, wire, sink, 200, [JSON], _encode(found), caller)
        except TrunklineError as error:
            self._refuse(arrival, wire, sink, error, caller)
        except Exception as error:
            self._refuse(arrival, wire, sink, InternalError("Something went wrong."), caller)
            raise error from None

    async def refuse(self, arrival: Arrival, wire: Wire, error: TrunklineError, sink: Sink) -> None:
        """Answer with an error."""
        self._ports.observer.began()
        self._refuse(arrival, wire, sink, error, None)

    def _refuse(
        self,
        arrival: Arrival,
        wire: Wire,
        sink: Sink,
        error: TrunklineError,
        caller: Caller | None,
    ) -> None:
        body = wire.error_body(error, arrival.client_request_id)
        headers: Pairs = [JSON, *error_headers(error)]
        self._end(arrival, wire, sink, error.status, headers, body, caller, error.code)

    def _end(
        self,
        arrival: Arrival,
        wire: Wire,
        sink: Sink,
        status: int,
        headers: Pairs,
        body: bytes,
        caller: Caller | None,
        error_code: str | None = None,
    ) -> None:
        request_id = arrival.client_request_id
        sink.respond(status, headers + request_id_headers(request_id), body)
        user_agent = arrival.headers.get(b"user-agent")
        self._ports.observer.finished(
            Finished(
                started_ns=arrival.client.accepted_ns,
                request_id=new_id(),
                client_request_id=request_id,
                method=arrival.method,
                url=arrival.url,
                route=arrival.route,
                status=status,
                duration_ms=arrival.elapsed_ms(),
                user_agent=user_agent.decode("latin-1") if user_agent is not None else None,
                org_id=caller.org_id if caller is not None else None,
                key_id=caller.key_id if caller is not None else None,
                wire=wire.name,
                error_code=error_code,
            )
        )
