"""OpenTelemetry spans out of finished events, sent to a collector by OTLP over HTTP.

Import this module only where a collector is configured. The spans get the ids that
``observability.trace_context`` derives, so they fit the ``traceparent`` that the provider was sent.
They never hold content.
"""

import socket
import threading
from collections.abc import Mapping

from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import SpanContext, SpanKind, Status, StatusCode, TraceFlags
from typing_extensions import override

from trunkline.gateway.metering.event import Attempt, Finished, Outcome
from trunkline.observability import semconv
from trunkline.observability.redaction import scrub_user_agent
from trunkline.observability.trace_context import (
    TraceContext,
    parse_traceparent,
    span_id_of,
    trace_id_of,
)
from trunkline.telemetry.spans import SpanSink

_TRACES_PATH = "/v1/traces"
# Encoding holds the interpreter for some 30 us a span, and no thread of the front may for long.
_BATCH = 64
_QUEUE = 8192
_DELAY_MS = 1000.0
_NS_PER_MS = 1_000_000
_SAMPLED = TraceFlags(TraceFlags.SAMPLED)
_CLIENT_ERROR, _SERVER_ERROR = 400, 500


class OtlpSpans(SpanSink):
    """Owns the processor, its thread and its connection to the collector.

    Args:
        endpoint: base address of the collector, such as ``http://127.0.0.1:4318``.
        version: of Trunkline.
        env: name of the deployment.
        instance: tells this process from others; the host name and the slot of the process.
    """

    def __init__(
        self, endpoint: str, *, version: str, env: str, instance: str | None = None
    ) -> None:
        base = endpoint.rstrip("/")
        self._resource = resource_of(version, env, instance or socket.gethostname())
        self._exporter = OTLPSpanExporter(
            base if base.endswith(_TRACES_PATH) else base + _TRACES_PATH
        )
        self._processor = BatchSpanProcessor(
            self._exporter,
            max_queue_size=_QUEUE,
            schedule_delay_millis=_DELAY_MS,
            max_export_batch_size=_BATCH,
        )

    @override
    def export(self, event: Finished) -> None:
        for span in spans_of(event, self._resource):
            self._processor.on_end(span)

    @override
    def close(self, within: float) -> None:
        # The processor's own shutdown may wait half a minute for a collector that is away.
        ending = threading.Thread(target=self._processor.shutdown, daemon=True)
        ending.start()
        ending.join(within)
        if ending.is_alive():
            # Ends its waiting between two tries.
            self._exporter.shutdown()  # type: ignore[no-untyped-call] # the library left it so
            ending.join(within)


def resource_of(version: str, env: str, instance: str) -> Resource:
    """What all spans of this process have in common."""
    return Resource(
        {
            semconv.SERVICE_NAME: "trunkline",
            semconv.SERVICE_VERSION: version,
            semconv.SERVICE_INSTANCE: instance,
            semconv.ENVIRONMENT: env,
        },
        semconv.SCHEMA_URL,
    )


def spans_of(event: Finished, resource: Resource) -> list[ReadableSpan]:
    """The span of the request and those of its attempts; none if the caller's trace is not kept."""
    caller = parse_traceparent(event.traceparent)
    if caller is not None and not caller.sampled:
        return []
    trace_id = caller.trace_id if caller is not None else trace_id_of(event.request_id)
    request = _context(trace_id, span_id_of(event.request_id))
    scope = InstrumentationScope("trunkline", schema_url=semconv.SCHEMA_URL)
    spans = [
        ReadableSpan(
            f"{event.method} {event.route}",
            context=request,
            parent=_parent(caller),
            resource=resource,
            attributes=_request_attributes(event),
            kind=SpanKind.SERVER,
            status=_request_status(event),
            start_time=event.started_ns,
            end_time=event.started_ns + round(event.duration_ms * _NS_PER_MS),
            instrumentation_scope=scope,
        )
    ]
    spans += [
        ReadableSpan(
            f"{semconv.operation_name(attempt.operation)} {attempt.model}",
            context=_context(trace_id, span_id_of(attempt.id)),
            parent=request,
            resource=resource,
            attributes=_attempt_attributes(attempt, outcome),
            kind=SpanKind.CLIENT,
            status=_attempt_status(outcome),
            start_time=max(attempt.opened_ms * _NS_PER_MS, event.started_ns),
            end_time=max(outcome.closed_ms * _NS_PER_MS, event.started_ns),
            instrumentation_scope=scope,
        )
        for attempt, outcome in event.attempts
    ]
    return spans


def _context(trace_id: str, span_id: str, *, remote: bool = False) -> SpanContext:
    return SpanContext(int(trace_id, 16), int(span_id, 16), is_remote=remote, trace_flags=_SAMPLED)


def _parent(caller: TraceContext | None) -> SpanContext | None:
    return None if caller is None else _context(caller.trace_id, caller.span_id, remote=True)


def _known(attributes: Mapping[str, str | int | float | None]) -> dict[str, str | int | float]:
    return {name: value for name, value in attributes.items() if value is not None}


def _request_attributes(event: Finished) -> dict[str, str | int | float]:
    path, _, query = event.url.partition("?")
    return _known(
        {
            semconv.HTTP_METHOD: event.method,
            semconv.HTTP_ROUTE: event.route,
            semconv.HTTP_STATUS: event.status,
            semconv.URL_PATH: path,
            semconv.URL_QUERY: query or None,
            semconv.USER_AGENT: scrub_user_agent(event.user_agent) if event.user_agent else None,
            semconv.REQUEST_ID: event.request_id,
            semconv.CLIENT_REQUEST_ID: event.client_request_id,
            semconv.ORG: event.org_id,
            semconv.KEY: event.key_id,
            semconv.WIRE: event.wire,
            semconv.ALIAS: event.alias,
            semconv.STREAM: event.stream if event.wire is not None else None,
            semconv.ATTEMPTS: len(event.attempts),
            semconv.CACHE: event.cache,
            semconv.SAVED: event.saved_nano or None,
            semconv.OVERHEAD: event.overhead_ms,
            semconv.TIME_TO_FIRST_CHUNK: None if event.ttft_ms is None else event.ttft_ms / 1000,
            semconv.ERROR_TYPE: _error_type(event),
        }
    )


def _error_type(event: Finished) -> str | None:
    if event.error_code is not None or event.status < _CLIENT_ERROR:
        return event.error_code
    return str(event.status)


def _request_status(event: Finished) -> Status:
    """An error when it is ours: a caller's mistake is none (semantic conventions for HTTP)."""
    broke_off = event.status < _CLIENT_ERROR and event.error_code is not None
    if event.status >= _SERVER_ERROR or broke_off:
        return Status(StatusCode.ERROR, event.error_code)
    return Status(StatusCode.UNSET)


def _attempt_attributes(attempt: Attempt, outcome: Outcome) -> dict[str, str | int | float]:
    usage = outcome.usage
    cache_writes = usage.cache_write + usage.cache_write_5m + usage.cache_write_1h
    first_token = outcome.first_token_ms
    return _known(
        {
            semconv.OPERATION: semconv.operation_name(attempt.operation),
            semconv.PROVIDER: semconv.provider_name(attempt.provider),
            semconv.REQUEST_MODEL: attempt.model,
            semconv.RESPONSE_MODEL: outcome.served_model,
            semconv.HTTP_STATUS: outcome.status,
            semconv.INPUT_TOKENS: usage.input_total or None,
            semconv.OUTPUT_TOKENS: usage.output_total or None,
            semconv.CACHE_READ_TOKENS: usage.cache_read or None,
            semconv.CACHE_CREATION_TOKENS: cache_writes or None,
            semconv.REASONING_TOKENS: usage.reasoning or None,
            semconv.TIME_TO_FIRST_CHUNK: None if first_token is None else first_token / 1000,
            semconv.ATTEMPT_ID: attempt.id,
            semconv.ATTEMPT_NUMBER: attempt.number,
            semconv.ATTEMPT_REASON: attempt.reason,
            semconv.CREDENTIAL: attempt.credential,
            semconv.WIRE: attempt.wire,
            semconv.ENDING: outcome.ending,
            semconv.UPSTREAM_ID: outcome.upstream_id,
            semconv.SERVICE_TIER: outcome.service_tier,
            semconv.COST: outcome.cost_nano,
            semconv.COST_STATE: outcome.cost_state,
            semconv.ERROR_TYPE: outcome.error_code,
        }
    )


def _attempt_status(outcome: Outcome) -> Status:
    if outcome.ending == "completed":
        return Status(StatusCode.UNSET)
    return Status(StatusCode.ERROR, outcome.error_code or outcome.ending)
