"""A server of its own process: our server, pipeline and transport, and null adapters.

Run as ``python -m bench.candidates.bare_server PORT CA_FILE UPSTREAMS KEY``.
"""

import gc
import sys
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import msgspec
import uvloop

from bench.cases import FULL_CASES, Case
from bench.place import Upstreams
from trunkline.cache.memory import MemoryStore
from trunkline.gateway.background import BackgroundRuns
from trunkline.gateway.bare import (
    NO_RESPONSES,
    FixedRoutes,
    NoGenerations,
    NoLimits,
    NoObserver,
    NoRecords,
    NoRecounts,
    NoRepeats,
    OneCaller,
)
from trunkline.gateway.caller import Caller
from trunkline.gateway.continuity import MemoryContinuity
from trunkline.gateway.endpoint import GatewayEndpoint, early_error
from trunkline.gateway.lookup import LookupPorts, LookupRunner
from trunkline.gateway.pipeline import Bearings, Pipeline, Ports
from trunkline.gateway.recall.recall import Recall
from trunkline.gateway.resilience.health import Health
from trunkline.gateway.server import build_server
from trunkline.gateway.serving.edges import Edges
from trunkline.gateway.serving.lifecycle import Lifecycle
from trunkline.gateway.snapshot import Alias, Connection, Origin, Snapshot, Target
from trunkline.gateway.transport import AddressGuard, Proxies, Resolver, Timeouts, UpstreamPool
from trunkline.kit.clock import SystemClock

# As in the product's composition root, which is not imported: it would bring the memory of all
# features along.
_YOUNG_OBJECTS = 50_000
_CALLER = Caller(org_id="bench", key_id="bench", scopes=frozenset({"inference"}))


async def serve(port: int, ca_file: Path, upstreams: Upstreams, key: str) -> None:
    """Serve until SIGTERM."""
    callers, observer = OneCaller(key, _CALLER), NoObserver()
    admission, recorder, clock = NoLimits(), NoRecords(), SystemClock()
    routes = FixedRoutes(_published(upstreams))
    resolver = Resolver()
    pool = UpstreamPool(
        timeouts=Timeouts(),
        per_host=1000,
        address_guard=AddressGuard(["127.0.0.0/8"]),
        proxies=Proxies(),
        ca_file=ca_file,
        resolver=resolver,
    )
    ports = Ports(
        callers=callers,
        routes=routes,
        admission=admission,
        recorder=recorder,
        observer=observer,
        repeats=NoRepeats(),
        recounts=NoRecounts(),
        responses=NO_RESPONSES,
        background=BackgroundRuns(NO_RESPONSES),
        continuity=MemoryContinuity(clock),
        upstream=pool,
        health=Health(clock),
        recall=Recall(
            MemoryStore(1 << 20, clock), admission=admission, recorder=recorder, clock=clock
        ),
        clock=clock,
    )
    lookups = LookupRunner(LookupPorts(callers, routes, NoGenerations(), observer))
    endpoint = GatewayEndpoint(Pipeline(ports, Bearings()), lookups)

    async def app(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            await _lifespan(receive, send)
        else:
            await endpoint.handle(scope)

    server = build_server(
        app,
        host="127.0.0.1",
        port=port,
        edges=Edges(),
        lifecycle=Lifecycle(),
        render_error=early_error,
        shutdown_notice=0.0,
        shutdown_deadline=1.0,
    )
    gc.freeze()
    gc.set_threshold(_YOUNG_OBJECTS, 20, 100)
    try:
        await server.serve()
    finally:
        await pool.close()
        resolver.close()


def _published(upstreams: Upstreams) -> Snapshot:
    cases = {case.model: case for case in FULL_CASES}
    aliases = {
        model: Alias(name=model, targets=(Target(_connection(case, upstreams), model, None),))
        for model, case in cases.items()
    }
    return Snapshot("bench", 1, aliases, {})


def _connection(case: Case, upstreams: Upstreams) -> Connection:
    parts = urlsplit(upstreams.origin(case))
    chat = case.operation.wire == "chat"
    credential = (b"authorization", b"Bearer bench") if chat else (b"x-api-key", b"bench")
    version = ((b"anthropic-version", b"2023-06-01"),)
    return Connection(
        id=case.model,
        name=case.model,
        provider="openai_compatible" if chat else "anthropic_compatible",
        wires={"openai_chat": "/v1"} if chat else {"anthropic_messages": ""},
        origin=Origin(parts.scheme, parts.hostname or "", parts.port or 0),
        # The wire of Anthropic brings /v1 along in its own paths.
        headers=(credential, *(() if chat else version)),
        private=True,
    )


async def _lifespan(receive: Any, send: Any) -> None:
    while True:
        message = await receive()
        await send({"type": f"{message['type']}.complete"})
        if message["type"] == "lifespan.shutdown":
            return


if __name__ == "__main__":
    uvloop.run(
        serve(
            int(sys.argv[1]),
            Path(sys.argv[2]),
            msgspec.json.decode(sys.argv[3], type=Upstreams),
            sys.argv[4],
        )
    )
