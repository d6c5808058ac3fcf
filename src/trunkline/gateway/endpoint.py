"""The ASGI entry of the data path: one handler for all public routes, from a table.

A row is (method, path, wire, operation). What is not in the table gets a 404 or 405 in the wire
that the caller most likely speaks.
"""

from collections.abc import MutableMapping
from typing import Any, Final

import msgspec

from trunkline.errors import MethodNotAllowed, NotFound, TrunklineError, UnsupportedMediaType
from trunkline.gateway.arrival import Arrival
from trunkline.gateway.generations import find_generation
from trunkline.gateway.headers import JSON, Pairs, error_headers, request_id_headers
from trunkline.gateway.lookup import Lookup, LookupRunner
from trunkline.gateway.models import describe_model, list_models
from trunkline.gateway.pipeline import Pipeline
from trunkline.gateway.wire.contract import CHAT, COUNT_TOKENS, Place, Wire
from trunkline.gateway.wire.registry import WIRES
from trunkline.observability.redaction import scrub_url
from trunkline.observability.request_id import request_id_from

Scope = MutableMapping[str, Any]

OPENAI_CHAT: Final = WIRES["openai_chat"]
ANTHROPIC_MESSAGES: Final = WIRES["anthropic_messages"]
PREFIXES: Final = ("/v1/", "/anthropic/")


class Route(msgspec.Struct, frozen=True):
    """One public route. Exactly one of ``operation`` and ``lookup`` is set.

    Attributes:
        path: template; a trailing ``{id}`` takes the rest of the path.
        operation: what the pipeline runs.
        lookup: answers from memory or the ledger, for routes that call no provider.
        scopes: a key needs one of these for a look-up.
    """

    method: str
    path: str
    wire: Wire
    operation: str | None = None
    lookup: Lookup | None = None
    scopes: frozenset[str] = frozenset({"inference", "models:read"})


ROUTES: Final = (
    Route("POST", "/v1/chat/completions", OPENAI_CHAT, CHAT),
    Route("POST", "/v1/messages", ANTHROPIC_MESSAGES, CHAT),
    Route("POST", "/v1/messages/count_tokens", ANTHROPIC_MESSAGES, COUNT_TOKENS),
    Route("POST", "/anthropic/v1/messages", ANTHROPIC_MESSAGES, CHAT),
    Route("POST", "/anthropic/v1/messages/count_tokens", ANTHROPIC_MESSAGES, COUNT_TOKENS),
    Route("GET", "/v1/models", OPENAI_CHAT, lookup=list_models),
    Route("GET", "/v1/models/{id}", OPENAI_CHAT, lookup=describe_model),
    Route("GET", "/anthropic/v1/models", ANTHROPIC_MESSAGES, lookup=list_models),
    Route("GET", "/anthropic/v1/models/{id}", ANTHROPIC_MESSAGES, lookup=describe_model),
    Route(
        "GET",
        "/v1/generations/{id}",
        OPENAI_CHAT,
        lookup=find_generation,
        scopes=frozenset({"inference", "usage:read"}),
    ),
)


class GatewayEndpoint:
    """Serves the public routes. Its state is the table, which does not change."""

    def __init__(self, pipeline: Pipeline, lookups: LookupRunner) -> None:
        self._pipeline = pipeline
        self._lookups = lookups
        self._exact = {
            (route.method, route.path): route for route in ROUTES if "{" not in route.path
        }
        self._below = [
            (route.method, route.path.partition("{")[0], route)
            for route in ROUTES
            if "{" in route.path
        ]

    def serves(self, path: str) -> bool:
        """Whether the path lies in the data path's part of the address space."""
        return path.startswith(PREFIXES)

    async def handle(self, scope: Scope) -> None:
        """Answer one HTTP request of our own server (``scope["trunkline.client"]``)."""
        method, path = scope["method"], scope["path"]
        route = self._exact.get((method, path)) or self._find_below(method, path)
        client = scope["trunkline.client"]
        pairs: Pairs = scope["headers"]
        headers = dict(pairs)
        arrival = Arrival(
            method=method,
            path=path,
            url=scrub_url(path, scope["query_string"]),
            route=route.path if route is not None else "unknown",
            headers=headers,
            pairs=pairs,
            read_body=client.read,
            client=client,
            client_request_id=request_id_from(headers.get(b"x-request-id")),
            place=Place(
                item=self._item(route, path) if route is not None else None,
                query=scope["query_string"],
                content_type=headers.get(b"content-type", b"application/json"),
            ),
        )
        if route is None:
            await self._lookups.refuse(
                arrival, wire_of(path, headers), self._missing(method, path), client
            )
        elif route.lookup is not None:
            wire = wire_of(path, headers)
            await self._lookups.run(
                arrival,
                wire,
                route.lookup,
                client,
                item=self._item(route, path),
                scopes=route.scopes,
            )
        elif route.operation is not None:
            if not _reads_json(headers):
                await self._lookups.refuse(arrival, route.wire, _not_json(headers), client)
                return
            await self._pipeline.run(arrival, route.wire, route.operation, client)

    def _find_below(self, method: str, path: str) -> Route | None:
        for known, prefix, route in self._below:
            if method == known and path.startswith(prefix) and len(path) > len(prefix):
                return route
        return None

    @staticmethod
    def _item(route: Route, path: str) -> str | None:
        prefix, brace, _ = route.path.partition("{")
        return path[len(prefix) :] if brace else None

    def _missing(self, method: str, path: str) -> TrunklineError:
        allowed = sorted({known for known, exact in self._exact if exact == path})
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
    if b"anthropic-version" in headers or path.startswith(("/anthropic/", "/v1/messages")):
        return ANTHROPIC_MESSAGES
    return OPENAI_CHAT


def early_error(path: bytes, pairs: Pairs, error: TrunklineError) -> tuple[int, Pairs, bytes]:
    """An error before any route is known, such as headers without end; for the server's edges."""
    headers = {name.lower(): value for name, value in pairs}
    request_id = request_id_from(headers.get(b"x-request-id"))
    wire = wire_of(path.decode("latin-1"), headers)
    answer: Pairs = [JSON, *error_headers(error), *request_id_headers(request_id, None)]
    return error.status, answer, wire.error_body(error, request_id)


def _reads_json(headers: dict[bytes, bytes]) -> bool:
    kind = headers.get(b"content-type")
    # A missing type is taken as JSON: curl users leave it out and mean it.
    if kind is None:
        return True
    kind = kind.lower()
    return kind.startswith(b"application/json") or b"+json" in kind


def _not_json(headers: dict[bytes, bytes]) -> UnsupportedMediaType:
    kind = headers.get(b"content-type", b"").decode("latin-1")[:80]
    return UnsupportedMediaType(
        f"This endpoint reads application/json and not '{kind}'.",
        hint="Send 'content-type: application/json'.",
    )
