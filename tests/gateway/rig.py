"""The data path on real sockets: our server in front, the simulator behind, records in lists.

What is recorded is what the ports were told, so a test can compare it with what the simulator saw.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterable, Mapping
from typing import Any
from urllib.parse import urlsplit

import msgspec
from typing_extensions import override

from trunkline.cache.memory import MemoryStore
from trunkline.errors import TrunklineError, Unauthenticated
from trunkline.gateway.background import BackgroundRuns
from trunkline.gateway.bare import (
    FREE_LEASE,
    NO_RESPONSES,
    FixedRoutes,
    NoGenerations,
    NoLimits,
    NoRecords,
    NoRecounts,
    NoRepeats,
)
from trunkline.gateway.caller import Caller
from trunkline.gateway.continuity import MemoryContinuity
from trunkline.gateway.endpoint import GatewayEndpoint, early_error
from trunkline.gateway.exchange.parts import Family
from trunkline.gateway.guarding.analysis import NO_ANALYSIS, Analysis
from trunkline.gateway.inward_call import InwardCalls
from trunkline.gateway.lookup import LookupPorts, LookupRunner
from trunkline.gateway.metering.event import Attempt, Finished, Outcome, Progress
from trunkline.gateway.metering.price import Price, Rates
from trunkline.gateway.pipeline import Bearings, Pipeline, Ports
from trunkline.gateway.policy import DEFAULT_ROUTE, CircuitTerms, Retry, Route
from trunkline.gateway.ports import Ask, Callers, Lease, Observer, Recounts, Repeats
from trunkline.gateway.recall.near_embedding import WITHIN, Embedder
from trunkline.gateway.recall.near_index import NearIndex
from trunkline.gateway.recall.near_matches import NearMatches
from trunkline.gateway.recall.recall import Recall
from trunkline.gateway.recall.store import AnswerStore
from trunkline.gateway.resilience.health import Health
from trunkline.gateway.server import GatewayServer, build_server
from trunkline.gateway.serving.edges import Edges
from trunkline.gateway.serving.lifecycle import Lifecycle
from trunkline.gateway.snapshot import Alias, Connection, Origin, Snapshot, Target
from trunkline.gateway.transport import AddressGuard, Proxies, Resolver, Timeouts, UpstreamPool
from trunkline.gateway.wire.registry import WIRES as WIRES_OF
from trunkline.kit.clock import Clock, SystemClock
from trunkline.simulator.models import MODELS
from trunkline.simulator.prices import PRICES, ListPrice
from trunkline.simulator.server import Simulator

KEY = "tl_test"
# No circuit either: a test of faults makes more of them than any target has in earnest.
ONCE = Route(retry=Retry(attempts=1), circuit=CircuitTerms(enabled=False))
WIRES = {"openai_chat": "sim-openai", "anthropic_messages": "sim-anthropic"}


class KnownCallers(Callers):
    """Knows some credentials."""

    def __init__(self, callers: Mapping[str, Caller]) -> None:
        self._callers = callers

    @override
    def identify(self, credential: str) -> Caller:
        caller = self._callers.get(credential)
        if caller is None:
            raise Unauthenticated("The key is not known.", hint="Check the key.")
        return caller


class Recorded(NoRecords):
    """Keeps every record; ``broken`` makes the journal refuse."""

    def __init__(self) -> None:
        self.attempts: dict[str, Attempt] = {}
        self.outcomes: list[tuple[Attempt, Outcome]] = []
        self.broken: TrunklineError | None = None
        self.begun = asyncio.Event()
        self.progress: list[Progress] = []

    @override
    def opened(self, attempt: Attempt) -> Progress:
        if self.broken is not None:
            raise self.broken
        self.attempts[attempt.id] = attempt
        self.begun.set()
        self.progress.append(Progress(attempt.id))
        return self.progress[-1]

    @override
    def closed(self, attempt: Attempt, outcome: Outcome) -> None:
        self.outcomes.append((attempt, outcome))


class Admitted(NoLimits):
    """Keeps the books of leases: what was asked, covered, settled and released.

    ``refused_covers`` makes a hold fail, by its number from 1; ``refused_aliases`` an admission.
    """

    def __init__(self) -> None:
        self.asks: list[Ask] = []
        self.covered: dict[str, int | None] = {}
        self.settled: dict[str, Outcome] = {}
        self.provisional: set[str] = set()
        self.released = 0
        self.refusal: TrunklineError | None = None
        self.refused_covers: dict[int, TrunklineError] = {}
        self.refused_aliases: dict[str, TrunklineError] = {}
        self._covers = 0

    @override
    async def admit(self, ask: Ask) -> Lease:
        self.asks.append(ask)
        if self.refusal is not None:
            raise self.refusal
        if ask.alias in self.refused_aliases:
            raise self.refused_aliases[ask.alias]
        return FREE_LEASE

    @override
    async def cover(self, lease: Lease, attempt_id: str, hold_nano: int | None) -> None:
        self._covers += 1
        if self._covers in self.refused_covers:
            raise self.refused_covers[self._covers]
        self.covered[attempt_id] = hold_nano

    @override
    def settle(
        self, lease: Lease, attempt_id: str, outcome: Outcome, *, provisional: bool = False
    ) -> None:
        assert attempt_id not in self.settled
        self.settled[attempt_id] = outcome
        if provisional:
            self.provisional.add(attempt_id)

    @override
    def release(self, lease: Lease) -> None:
        self.released += 1


class Observed(Observer):
    """Keeps finished events and lets a test wait for them."""

    def __init__(self) -> None:
        self.running = 0
        self.events: list[Finished] = []
        self._changed = asyncio.Event()

    @override
    def began(self) -> None:
        self.running += 1

    @override
    def finished(self, event: Finished) -> None:
        self.running -= 1
        self.events.append(event)
        self._changed.set()

    async def wait_for(self, count: int) -> Finished:
        """The event number ``count``, counted from 1."""
        async with asyncio.timeout(20):
            while len(self.events) < count:
                self._changed.clear()
                await self._changed.wait()
        return self.events[count - 1]


class Published(FixedRoutes):
    """Routes that a test may change while requests are under way."""

    def publish(self, alias: Alias) -> None:
        """Publish an alias, or another one in its place."""
        old = self._snapshot
        aliases = {**old.aliases, alias.name: alias}
        self._snapshot = msgspec.structs.replace(old, version=old.version + 1, aliases=aliases)


class Rig:
    """One running data path. Owned by ``running`` below, which closes everything."""

    def __init__(self, simulator: Simulator, server: GatewayServer, parts: dict[str, Any]) -> None:
        self.simulator = simulator
        self.server = server
        self.recorded: Recorded = parts["recorder"]
        self.admitted: Admitted = parts["admission"]
        self.observed: Observed = parts["observer"]
        self.routes: Published = parts["routes"]
        self.pool: UpstreamPool = parts["upstream"]
        self.health: Health = parts["health"]
        self.lifecycle: Lifecycle = parts["lifecycle"]
        self.recall: Recall = parts["recall"]
        self.inward: InwardCalls = parts["inward"]

    @property
    def port(self) -> int:
        return self.server.port

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self.server.port}"


def price_of(model: str, listed: ListPrice) -> Price:
    """The simulator's list price as a price row of the gateway; none of searches that are free."""
    return Price(
        ref=f"simulator:{model}",
        rates=Rates(
            input=listed.input,
            cache_read=listed.cache_read,
            cache_write=listed.input,
            cache_write_5m=listed.cache_write_5m,
            cache_write_1h=listed.cache_write_1h,
            audio_input=listed.input,
            output=listed.output,
            reasoning=listed.output,
            audio_output=listed.output,
            searches=listed.search * 1_000_000 or None,
        ),
    )


# Whose signatures the simulator's models read, by the wire.
FAMILIES: dict[str, Family] = {
    "anthropic_messages": "anthropic",
    "bedrock_converse": "anthropic",
    "gemini": "google",
    "openai_responses": "openai",
}

# Where the simulator expects each wire that is not below its root or ``/v1``.
PREFIXES = {
    "gemini": "/v1beta",
    "gemini_embeddings": "/v1beta",
    "voyage_rerank": "/voyage/v1",
    "voyage_embeddings": "/voyage/v1",
}


def connection(
    simulator: Simulator, wire: str, *, credential: bytes = b"sim-key", **changes: Any
) -> Connection:
    """A connection to the simulator that speaks this wire."""
    parts = urlsplit(simulator.base_url)
    assert parts.hostname is not None
    assert parts.port is not None
    prefix = PREFIXES.get(wire, "" if WIRES_OF[wire].versioned else "/v1")
    plain = Connection(
        id=f"connection-{wire}",
        name=WIRES.get(wire, f"sim-{wire}"),
        provider="simulator",
        wires={wire: prefix},
        origin=Origin("http", parts.hostname, parts.port),
        headers=_credentials(wire, credential),
        private=True,
    )
    return msgspec.structs.replace(plain, **changes)


def _credentials(wire: str, credential: bytes) -> tuple[tuple[bytes, bytes], ...]:
    if wire == "anthropic_messages":
        return (b"x-api-key", credential), (b"anthropic-version", b"2023-06-01")
    if wire.startswith("gemini"):
        return ((b"x-goog-api-key", credential),)
    return ((b"authorization", b"Bearer " + credential),)


def published(simulator: Simulator, extra: Iterable[Alias] = ()) -> Snapshot:
    """Every priced model of the simulator as an alias, on the wire that its name belongs to."""
    aliases: dict[str, Alias] = {}
    for model, listed in PRICES.items():
        for wire, prefix in (("openai_chat", ""), ("anthropic_messages", "claude:")):
            name = prefix + model
            family = FAMILIES.get(wire, "")
            price = price_of(model, listed)
            target = Target(connection(simulator, wire), model, price, family=family)
            aliases[name] = Alias(name=name, targets=(target,), created=1_700_000_000)
    for row in MODELS:
        for wire in set(row.wires) & WIRES_OF.keys() - WIRES.keys():
            name = f"{wire}:{row.name}"
            price = price_of(row.name, PRICES[row.name])
            target = Target(
                connection(simulator, wire), row.name, price, family=FAMILIES.get(wire, "")
            )
            aliases[name] = Alias(name=name, targets=(target,), created=1_700_000_000)
    for alias in extra:
        aliases[alias.name] = alias
    # Tests of one attempt see one; those of repeats name a route.
    for name, alias in aliases.items():
        if alias.route is DEFAULT_ROUTE:
            aliases[name] = msgspec.structs.replace(alias, route=ONCE)
    return Snapshot("org-1", 1, aliases, {})


@contextlib.asynccontextmanager
async def running(
    simulator: Simulator,
    *,
    extra: Iterable[Alias] = (),
    aliases: frozenset[str] = frozenset(),
    scopes: frozenset[str] = frozenset({"inference"}),
    timeouts: Timeouts | None = None,
    bearings: Bearings | None = None,
    repeats: Repeats | None = None,
    recounts: Recounts | None = None,
    edges: Edges | None = None,
    shutdown_deadline: float = 5.0,
    store: AnswerStore | None = None,
    cached: bool = False,
    others: Mapping[str, Caller] | None = None,
    clock: Clock | None = None,
    default_model: str | None = None,
    embedding_within: float = WITHIN,
    analysis: Analysis = NO_ANALYSIS,
    **caller_options: Any,
) -> AsyncIterator[Rig]:
    """A data path in front of this simulator, ended with all its connections.

    ``cached`` answers from the cache unless somebody says otherwise; ``others`` are callers beside
    the usual one, by their keys.
    """
    caller = Caller(
        org_id="org-1", key_id="key-1", scopes=scopes, aliases=aliases, **caller_options
    )
    clock = clock or SystemClock()
    limits = timeouts or Timeouts()
    resolver = Resolver()
    parts: dict[str, Any] = {
        "recorder": Recorded(),
        "admission": Admitted(),
        "observer": Observed(),
        "health": Health(clock),
        "lifecycle": Lifecycle(),
        "upstream": UpstreamPool(
            timeouts=limits,
            per_host=500,
            address_guard=AddressGuard(["127.0.0.0/8"]),
            proxies=Proxies(),
            ca_file=None,
            resolver=resolver,
        ),
    }
    parts["inward"] = inward = InwardCalls()
    embedder = Embedder(inward, clock, within=embedding_within)
    parts["recall"] = Recall(
        store or MemoryStore(1 << 26, clock),
        admission=parts["admission"],
        recorder=parts["recorder"],
        clock=clock,
        default=cached,
        nearness=NearMatches(NearIndex(clock), embedder),
    )
    callers = KnownCallers({KEY: caller, **(others or {})})
    routes = parts["routes"] = Published(published(simulator, extra))
    pipeline = Pipeline(
        Ports(
            callers=callers,
            routes=routes,
            admission=parts["admission"],
            recorder=parts["recorder"],
            observer=parts["observer"],
            repeats=repeats or NoRepeats(),
            recounts=recounts or NoRecounts(),
            responses=NO_RESPONSES,
            background=BackgroundRuns(NO_RESPONSES),
            continuity=MemoryContinuity(SystemClock()),
            upstream=parts["upstream"],
            health=parts["health"],
            recall=parts["recall"],
            clock=clock,
            analysis=analysis,
        ),
        bearings or Bearings(timeouts=limits),
    )
    inward.serve(pipeline.run)
    endpoint = GatewayEndpoint(
        pipeline,
        LookupRunner(LookupPorts(callers, routes, NoGenerations(), parts["observer"])),
        default_model,
    )

    async def app(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            await _lifespan(receive, send)
        else:
            await endpoint.handle(scope)

    server = build_server(
        app,
        host="127.0.0.1",
        port=0,
        edges=edges or Edges(),
        lifecycle=parts["lifecycle"],
        render_error=early_error,
        shutdown_notice=0.0,
        shutdown_deadline=shutdown_deadline,
    )
    serving = asyncio.create_task(server.serve())
    await server.listening()
    try:
        yield Rig(simulator, server, parts)
    finally:
        server.stop()
        await serving
        await embedder.close()
        await parts["upstream"].close()
        resolver.close()


async def _lifespan(receive: Any, send: Any) -> None:
    while True:
        message = await receive()
        await send({"type": f"{message['type']}.complete"})
        if message["type"] == "lifespan.shutdown":
            return
