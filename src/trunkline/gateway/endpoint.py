"""The ASGI entry of the data path: one handler for all public routes, from a table.

A row is (method, path, wire, operation). What is not in the table gets a 404 or 405 in the wire
that the caller most likely speaks.
"""

from collections.abc import Coroutine, MutableMapping
from typing import Any

from trunkline.errors import MethodNotAllowed, NotFound, TrunklineError, UnsupportedMediaType
from trunkline.gateway.array_sink import ArraySink
from trunkline.gateway.arrival import Arrival
from trunkline.gateway.headers import JSON, Pairs, error_headers, request_id_headers
from trunkline.gateway.lookup import LookupRunner
from trunkline.gateway.one_call import OneCall, OneCallSink
from trunkline.gateway.one_call_answer import PATH as ONE_CALL_PATH
from trunkline.gateway.pipeline import Pipeline
from trunkline.gateway.routes import ROUTES, Route, RouteTable
from trunkline.gateway.sink import Sink
from trunkline.gateway.wire.contract import CHAT, NOWHERE, Place, Wire
from trunkline.gateway.wire.registry import WIRES
from trunkline.observability.redaction import scrub_url
from trunkline.observability.request_id import request_id_from

Scope = MutableMapping[str, Any]

_CHAT = WIRES["openai_chat"]
_ONE_CALL = OneCall()


class GatewayEndpoint:
    """Serves the public routes. Its state is the table, which does not change.

    Attributes:
        serves: whether a path lies in the data path's part of the address space.

    Args:
        pipeline: runs requests for models.
        lookups: answers the others.
        default_model: of one-call requests that name none.
    """

    def __init__(
        self, pipeline: Pipeline, lookups: LookupRunner, default_model: str | None = None
    ) -> None:
        self._pipeline = pipeline
        self._lookups = lookups
        one_call = Route("POST", ONE_CALL_PATH, OneCall(default_model), CHAT)
        self._table = RouteTable((*ROUTES, one_call))
        self.serves = self._table.serves

    def handle(self, scope: Scope) -> Coroutine[Any, Any, None]:
        """Answer one HTTP request of our own server (``scope["trunkline.client"]``)."""
        method, path = scope["method"], scope["path"]
        route, item = self._table.find(method, path)
        client = scope["trunkline.client"]
        headers: dict[bytes, bytes] = scope["trunkline.headers"]
        query: bytes = scope["query_string"]
        kind = headers.get(b"content-type", JSON[1])
        plain = item is None and not query and kind == JSON[1]
        arrival = Arrival(
            method=method,
            path=path,
            url=scrub_url(path, query),
            route=route.path if route is not None else "unknown",
            headers=headers,
            pairs=scope["headers"],
            read_body=client.read,
            client=client,
            client_request_id=request_id_from(headers.get(b"x-request-id")),
            place=NOWHERE if plain else Place(item, query, kind),
            waits=not client.body.complete,
        )
        if route is None:
            return self._lookups.refuse(
                arrival, wire_of(path, headers), self._missing(method, path), client
            )
        if route.lookup is not None:
            wire = wire_of(path, headers) if route.wire is _CHAT else route.wire
            return self._lookups.run(
                arrival, wire, route.lookup, client, item=item, scopes=route.scopes
            )
        if kind not in route.reads and not _reads(route, kind := kind.lower()):
            return self._lookups.refuse(arrival, route.wire, _unread(route, kind), client)
        sink = _sink_of(route, arrival, client)
        return self._pipeline.run(arrival, route.wire, route.operation, sink)

    def _missing(self, method: str, path: str) -> TrunklineError:
        allowed = self._table.methods(path)
        if allowed:
            return MethodNotAllowed(
                f"{method} is not a method of this endpoint.",
                hint=f"Use {' or '.join(allowed)}.",
            )
        return NotFound(
            f"There is no endpoint {method} {path[:100]}.",
            code="unknown_endpoint",
            hint="Chat is at POST /v1/chat/completions, Messages at POST /v1/messages.",
        )


def wire_of(path: str, headers: dict[bytes, bytes]) -> Wire:
    """The wire whose shapes the caller most likely reads, before any route is known."""
    if path == ONE_CALL_PATH:
        return _ONE_CALL
    for beginning, name in _BEGINNINGS:
        if path.startswith(beginning):
            return WIRES[name]
    for header, name in _HEADERS:
        if header in headers:
            return WIRES[name]
    return _CHAT


_BEGINNINGS = (
    ("/anthropic/", "anthropic_messages"),
    ("/v1/messages", "anthropic_messages"),
    ("/v1beta/", "gemini"),
    ("/v2/chat", "cohere_chat"),
    ("/v2/embed", "cohere_embed"),
    ("/v2/", "cohere_rerank"),
    ("/api/", "ollama_chat"),
)
_HEADERS = ((b"anthropic-version", "anthropic_messages"), (b"x-goog-api-key", "gemini"))


def early_error(path: bytes, pairs: Pairs, error: TrunklineError) -> tuple[int, Pairs, bytes]:
    """An error before any route is known, such as headers without end; for the server's edges."""
    headers = {name.lower(): value for name, value in pairs}
    request_id = request_id_from(headers.get(b"x-request-id"))
    wire = wire_of(path.decode("latin-1"), headers)
    answer: Pairs = [JSON, *error_headers(error), *request_id_headers(request_id)]
    return error.status, answer, wire.error_body(error, request_id)


def _sink_of(route: Route, arrival: Arrival, client: Sink) -> Sink:
    """The caller's socket, or what stands before it where an answer changes its shape."""
    if route.array and b"alt=sse" not in arrival.place.query:
        return ArraySink(client)
    # Its very type is compared: asking a protocol for its instances takes longer than all of this.
    if type(route.wire) is OneCall:
        return OneCallSink(client, route.wire, arrival.client_request_id)
    return client


def _reads(route: Route, kind: bytes) -> bool:
    # A missing type is taken as JSON: curl users leave it out and mean it.
    return kind.startswith(route.reads) or b"+json" in kind


def _unread(route: Route, kind: bytes) -> UnsupportedMediaType:
    wanted = b" or ".join(route.reads).decode()
    return UnsupportedMediaType(
        f"This endpoint reads {wanted} and not '{kind.decode('latin-1')[:80]}'.",
        hint=f"Send 'content-type: {route.reads[0].decode()}'.",
    )
