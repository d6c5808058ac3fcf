"""The composition root of the front: builds every long-lived object and plugs adapters into ports.

Each object is entered into one exit stack as it is built, so that everything is closed in the
opposite order, however the start or the run ends. Read ``open_front`` from top to bottom.
"""

import asyncio
import gc
from collections.abc import AsyncIterator, Coroutine
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import msgspec

from trunkline import __version__
from trunkline.cache.feed import CacheFeed
from trunkline.cache.opening import open_store
from trunkline.circuits.feed import CircuitFeed
from trunkline.connections.accounts import Credentials
from trunkline.connections.adapter import SnapshotRoutes
from trunkline.connections.environment import environment_accounts
from trunkline.connections.guards import GuardMaker
from trunkline.connections.secrets import Secrets
from trunkline.gateway.continuity import MemoryContinuity
from trunkline.gateway.endpoint import GatewayEndpoint, early_error
from trunkline.gateway.inward_call import InwardCalls
from trunkline.gateway.links import Limits
from trunkline.gateway.lookup import LookupPorts, LookupRunner
from trunkline.gateway.pipeline import Bearings, Pipeline, Ports
from trunkline.gateway.providers.google import GoogleTokens
from trunkline.gateway.recall.near_embedding import Embedder
from trunkline.gateway.recall.near_index import NearIndex
from trunkline.gateway.recall.near_matches import NearMatches
from trunkline.gateway.recall.recall import Recall
from trunkline.gateway.resilience.health import Health
from trunkline.gateway.server import GatewayServer, build_server
from trunkline.gateway.serving.edges import Edges
from trunkline.gateway.serving.lifecycle import Lifecycle
from trunkline.gateway.transport import AddressGuard, Proxies, Resolver, Timeouts, UpstreamPool
from trunkline.guardrails.presidio.process import AnalysisProcess
from trunkline.guardrails.presidio.talk import presidio
from trunkline.health import PATHS as HEALTH_PATHS
from trunkline.health import HealthApp
from trunkline.identity.adapter import KeyRing
from trunkline.identity.pepper import load_pepper
from trunkline.kit.clock import Clock, SystemClock
from trunkline.ledger.adapter import LedgerGenerations
from trunkline.ledger.journal import Journal
from trunkline.ledger.recount.backlog import backlog
from trunkline.ledger.recount.spool import RecountSpool
from trunkline.ledger.recount.texts import FOLDER as RECOUNT_FOLDER
from trunkline.ledger.service import Ledger
from trunkline.ledger.shipping import Shipper
from trunkline.limits.adapter import InProcessAdmission
from trunkline.limits.corrections import CorrectionsFeed
from trunkline.limits.feed import RulesFeed
from trunkline.observability.metrics import Metrics
from trunkline.readiness import check_database, check_journal, check_redis
from trunkline.repeats.adapter import StoredRepeats
from trunkline.responses.adapter import StoredResponses
from trunkline.settings import Settings, read_variable
from trunkline.storage.changes import ChangePoller
from trunkline.storage.engine import Database
from trunkline.storage.processes import DataDirectoryLock, ProcessRegistry
from trunkline.storage.together import Together
from trunkline.telemetry.health_sources import watch_health, watch_recall
from trunkline.telemetry.observed import Application, ObservedApp
from trunkline.telemetry.sources import (
    watch_admission,
    watch_analysis,
    watch_checks,
    watch_journal,
    watch_pool,
    watch_tasks,
)
from trunkline.telemetry.spans import SpanQueue
from trunkline.telling import Seen, open_logs, open_telemetry

# Objects that live as long as the process need not be looked at by the collector again and again.
YOUNG_OBJECTS_BEFORE_COLLECTION = 50_000

# Seconds by which a lease outlives the longest attempt.
LEASE_MARGIN = 60.0


class Kept(msgspec.Struct, frozen=True):
    """What survives the process."""

    database: Database
    registry: ProcessRegistry
    journal: Journal
    ledger: Ledger


class Known(msgspec.Struct, frozen=True):
    """What is held in memory and follows the database."""

    keys: KeyRing
    routes: SnapshotRoutes
    admission: InProcessAdmission
    targets: Health
    analysis: AnalysisProcess
    forgetting: CacheFeed
    poller: ChangePoller


class DataPath(msgspec.Struct, frozen=True):
    """What serves requests for models."""

    endpoint: GatewayEndpoint
    recall: Recall


class Front(msgspec.Struct, frozen=True):
    """A front that is ready to serve. ``open_front`` owns and closes what it holds."""

    server: GatewayServer
    kept: Kept
    known: Known
    upstream: UpstreamPool
    metrics: Metrics


@asynccontextmanager
async def open_front(
    settings: Settings, *, clock: Clock | None = None, log_fd: int | None = None
) -> AsyncIterator[Front]:
    """Build a front from settings, and close it.

    Raises:
        TrunklineError: it cannot start; the sentence says why and what to do.
    """
    clock = clock or SystemClock()
    async with AsyncExitStack() as stack:
        lines = open_logs(settings, stack, log_fd)
        kept = await _open_storage(settings, stack, clock)
        upstream = _open_upstream(settings, stack)
        known = await _open_knowledge(settings, stack, clock, kept, upstream)
        seen = open_telemetry(
            settings, stack, clock, lines, _open_spans(settings), kept.journal.under_way
        )
        lifecycle = Lifecycle()
        health = _open_health(settings, stack, clock, kept, known, seen, lifecycle)
        path = _open_data_path(settings, stack, clock, kept, known, seen, upstream)
        _watch(seen.metrics, kept, known, upstream, health, path, clock)
        control = _open_control(settings, kept, known, seen, clock, path)
        server = build_server(
            _dispatch(path.endpoint, ObservedApp(health, seen.observer, HEALTH_PATHS), control),
            host=settings.host,
            port=settings.port,
            edges=_edges(settings),
            lifecycle=lifecycle,
            render_error=early_error,
            shutdown_notice=settings.shutdown_notice,
            shutdown_deadline=settings.shutdown_deadline,
            tls_certificate=settings.tls_certificate,
            tls_key=settings.tls_key,
        )
        gc.freeze()
        gc.set_threshold(YOUNG_OBJECTS_BEFORE_COLLECTION, 20, 100)
        yield Front(server, kept, known, upstream, seen.metrics)


def _open_data_path(
    settings: Settings,
    stack: AsyncExitStack,
    clock: Clock,
    kept: Kept,
    known: Known,
    seen: Seen,
    upstream: UpstreamPool,
) -> DataPath:
    """The pipeline with everything that serves it, and its routes."""
    recounts = RecountSpool(settings.data_dir / RECOUNT_FOLDER, clock)
    stack.push_async_callback(recounts.drain)
    responses = StoredResponses(
        kept.database,
        owner=kept.registry.id,
        is_alive=kept.registry.is_alive,
        clock=clock,
        days=settings.kept_response_days,
        most_bytes=settings.max_kept_response_bytes,
    )
    inward = InwardCalls()
    recall = _open_recall(settings, stack, clock, kept, known, inward)
    repeats = StoredRepeats(
        kept.database, owner=kept.registry.id, is_alive=kept.registry.is_alive, clock=clock
    )
    ports = Ports(
        callers=known.keys,
        routes=known.routes,
        admission=known.admission,
        recorder=kept.journal,
        observer=seen.observer,
        repeats=repeats,
        recounts=recounts,
        responses=responses,
        background=responses.runs,
        continuity=MemoryContinuity(clock),
        upstream=upstream,
        health=known.targets,
        recall=recall,
        clock=clock,
        analysis=known.analysis,
    )
    bearings = Bearings(
        drain_timeout=settings.drain_timeout,
        max_answer_bytes=settings.max_answer_bytes,
        links=Limits(settings.max_link_bytes, settings.link_timeout),
        timeouts=_timeouts(settings),
        deadline=settings.total_timeout,
    )
    pipeline = Pipeline(ports, bearings)
    inward.serve(pipeline.run)
    generations = LedgerGenerations(kept.database, kept.journal)
    lookups = LookupPorts(known.keys, known.routes, generations, seen.observer, responses)
    endpoint = GatewayEndpoint(pipeline, LookupRunner(lookups), settings.default_model)
    return DataPath(endpoint, recall)


def _open_recall(
    settings: Settings,
    stack: AsyncExitStack,
    clock: Clock,
    kept: Kept,
    known: Known,
    inward: InwardCalls,
) -> Recall:
    """The answer cache; what other processes want forgotten is forgotten here, too."""
    embedder = Embedder(inward, clock)
    stack.push_async_callback(embedder.close)
    store = open_store(settings, clock)
    stack.push_async_callback(store.close)
    recall = Recall(
        store,
        admission=known.admission,
        recorder=kept.journal,
        clock=clock,
        default=settings.llm_cache_enabled,
        nearness=NearMatches(NearIndex(clock), embedder),
    )
    known.forgetting.serve(recall.forget_below)
    return recall


def _watch(
    metrics: Metrics,
    kept: Kept,
    known: Known,
    upstream: UpstreamPool,
    health: HealthApp,
    path: DataPath,
    clock: Clock,
) -> None:
    """Have what every part tells about itself read with the metrics."""
    watch_health(metrics, known.targets, clock)
    watch_recall(metrics, path.recall.stats)
    watch_pool(metrics, upstream.stats)
    watch_journal(metrics, kept.journal.stats)
    watch_admission(metrics, known.admission.stats)
    watch_checks(metrics, health)
    watch_tasks(metrics)
    watch_analysis(metrics, lambda: known.analysis)


async def _open_storage(settings: Settings, stack: AsyncExitStack, clock: Clock) -> Kept:
    """Database and journal; what a dead process left in the journal is in the ledger after this."""
    # Limits and budgets count in this process, so a second front would grant them again in full.
    lock = DataDirectoryLock(settings.data_dir, alone=True)
    stack.callback(lock.close)
    database = await Database.open(
        _secret(settings.database_url),
        data_dir=settings.data_dir,
        pool_size=settings.database_pool_size,
        application="trunkline front",
    )
    stack.push_async_callback(database.close)
    await database.migrate()
    registry = ProcessRegistry(database, role="front", clock=clock)
    await registry.start(alone=True)
    stack.push_async_callback(registry.stop)
    root = settings.data_dir / "journal"
    journal = Journal(root, clock)
    await journal.start()
    stack.push_async_callback(journal.close)
    await Shipper(database, root, clock).drain()
    return Kept(database, registry, journal, Ledger(database, clock))


async def _open_knowledge(
    settings: Settings, stack: AsyncExitStack, clock: Clock, kept: Kept, upstream: UpstreamPool
) -> Known:
    """Keys, routes and rules in memory, and the poller that keeps them true.

    The poller starts first, so that a change between a load and the first poll is not missed.
    """
    admission = InProcessAdmission(
        clock, kept.ledger, lease_seconds=settings.total_timeout + LEASE_MARGIN
    )
    stack.push_async_callback(admission.close)
    analysis = AnalysisProcess(presidio(settings.presidio_python))
    stack.push_async_callback(analysis.close)
    routes = SnapshotRoutes(
        kept.database,
        settings,
        Secrets(read_variable),
        clock=clock,
        credentials=Credentials(GoogleTokens(upstream, clock), clock),
        guards=GuardMaker(analysis.expect),
    )
    targets = Health(clock)
    environment = {account.row.name: account.row.id for account in environment_accounts(settings)}
    circuits = CircuitFeed(kept.database, targets.override, environment)
    rules = RulesFeed(kept.database, admission)
    keys = KeyRing(
        kept.database,
        load_pepper(_secret(settings.key_pepper), settings.data_dir),
        clock=clock,
        lag=lambda: poller.lag,
        stale_max=settings.auth_stale_max,
    )
    forgetting = CacheFeed()
    stack.push_async_callback(forgetting.close)
    corrections = CorrectionsFeed(kept.ledger, admission)
    readers = [
        keys.prepare,
        routes.prepare,
        rules.prepare,
        circuits.prepare,
        forgetting.prepare,
        corrections.prepare,
    ]
    together = Together(kept.database, readers)
    poller = ChangePoller(kept.database, on_changes=together.apply, clock=clock)
    await poller.start()
    stack.push_async_callback(poller.stop)
    await keys.load()
    await routes.start()
    stack.push_async_callback(routes.stop)
    await circuits.load()
    await rules.load()
    await corrections.inherit(await asyncio.to_thread(backlog, settings.data_dir / RECOUNT_FOLDER))
    await admission.rebuild()
    sweeping = asyncio.create_task(admission.keep_swept(), name="leases")
    stack.callback(sweeping.cancel)
    return Known(keys, routes, admission, targets, analysis, forgetting, poller)


def _open_health(
    settings: Settings,
    stack: AsyncExitStack,
    clock: Clock,
    kept: Kept,
    known: Known,
    seen: Seen,
    lifecycle: Lifecycle,
) -> HealthApp:
    health = HealthApp(
        {
            "database": lambda: check_database(
                kept.database, known.poller, settings.auth_stale_max
            ),
            "redis": lambda: check_redis(settings),
            "journal": lambda: check_journal(kept.journal),
            "providers": seen.observer.flush_before(seen.providers.check),
        },
        env=settings.env,
        state=lambda: lifecycle.state,
        render_metrics=seen.observer.flush_before(seen.metrics.render),
        metrics_token=_secret(settings.metrics_token),
        clock=clock,
    )
    stack.push_async_callback(health.close)
    return health


def _secret(value: Any) -> str | None:
    return None if value is None else value.get_secret_value()


def _timeouts(settings: Settings) -> Timeouts:
    return Timeouts(
        connect=settings.connect_timeout,
        pool=settings.pool_timeout,
        first_byte=settings.first_byte_timeout,
        idle=settings.idle_timeout,
        total=settings.total_timeout,
    )


def _open_upstream(settings: Settings, stack: AsyncExitStack) -> UpstreamPool:
    resolver = Resolver()
    stack.callback(resolver.close)
    pool = UpstreamPool(
        timeouts=_timeouts(settings),
        per_host=settings.connections_per_host,
        address_guard=AddressGuard(settings.allowed_networks),
        proxies=Proxies(
            http=settings.http_proxy, https=settings.https_proxy, no_proxy=settings.no_proxy
        ),
        ca_file=settings.ca_file,
        resolver=resolver,
    )
    stack.push_async_callback(pool.close)
    return pool


def _open_spans(settings: Settings) -> SpanQueue | None:
    """Spans only where a collector is named: OpenTelemetry costs 20 MB of memory."""
    if settings.otlp_endpoint is None:
        return None
    from trunkline.telemetry.otlp import OtlpSpans

    return SpanQueue(OtlpSpans(settings.otlp_endpoint, version=__version__, env=settings.env))


def _open_control(
    settings: Settings, kept: Kept, known: Known, seen: Seen, clock: Clock, path: DataPath
) -> Application | None:
    """The control API where its role is served: FastAPI costs 30 MB of memory."""
    if "control" not in settings.roles:
        return None
    from trunkline.administration import Administered, open_administration

    administered = Administered(
        kept.database,
        kept.ledger,
        known.keys,
        known.routes,
        known.admission,
        known.targets,
        seen.observer.flush_before(seen.targets.uses),
        path.recall,
        clock,
    )
    return ObservedApp(open_administration(administered, settings.allowed_origins), seen.observer)


def _edges(settings: Settings) -> Edges:
    return Edges(
        max_in_flight=settings.max_requests_in_flight,
        max_body_memory_bytes=settings.max_body_memory_bytes,
        max_body_bytes=settings.max_body_bytes,
    )


def _dispatch(
    endpoint: GatewayEndpoint, health: Application, control: Application | None
) -> Application:
    """The front's one ASGI application: by path, the longest-lived part first."""

    def app(scope: Any, receive: Any, send: Any) -> Coroutine[Any, Any, None]:
        if scope["type"] == "lifespan":
            return _lifespan(receive, send)
        path = scope["path"]
        if endpoint.serves(path):
            return endpoint.handle(scope)
        if path.startswith(("/health", "/metrics")):
            return health(scope, receive, send)
        if control is not None and path.startswith("/api/"):
            return control(scope, receive, send)
        return endpoint.handle(scope)

    return app


async def _lifespan(receive: Any, send: Any) -> None:
    """Nothing to do: everything is built before the server and closed after it."""
    while True:
        message = await receive()
        await send({"type": f"{message['type']}.complete"})
        if message["type"] == "lifespan.shutdown":
            return
