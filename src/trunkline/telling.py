"""What is told about requests: logs, metrics and spans, built for the composition root.

Each object is entered into the root's exit stack, which closes it.
"""

import sys
from contextlib import AsyncExitStack

import msgspec

from trunkline.kit.clock import Clock
from trunkline.observability.access_line import AccessLog
from trunkline.observability.line_writer import LineWriter
from trunkline.observability.logs import configure_logs
from trunkline.observability.metrics import Metrics
from trunkline.settings import Settings
from trunkline.telemetry.batched import BatchedObserver
from trunkline.telemetry.observer import RequestObserver
from trunkline.telemetry.provider_traffic import ProviderTraffic
from trunkline.telemetry.sources import watch_shed
from trunkline.telemetry.spans import SpanQueue


class Seen(msgspec.Struct, frozen=True):
    """What is told about requests."""

    metrics: Metrics
    traffic: ProviderTraffic
    observer: BatchedObserver


def open_logs(settings: Settings, stack: AsyncExitStack, log_fd: int | None) -> LineWriter:
    """Log lines to standard output or this descriptor, from here on."""
    lines = LineWriter(sys.stdout.fileno() if log_fd is None else log_fd)
    stack.callback(lines.close)
    configure_logs(lines, settings.log_level)
    lines.start()
    return lines


def open_telemetry(
    settings: Settings,
    stack: AsyncExitStack,
    clock: Clock,
    lines: LineWriter,
    spans: SpanQueue | None,
) -> Seen:
    """Metrics, access log, spans where there are any, and who is told of finished requests."""
    metrics = Metrics()
    traffic = ProviderTraffic(clock)
    if spans is not None:
        spans.start()
        stack.push_async_callback(spans.close)
    watch_shed(metrics, lines=lambda: lines.shed, spans=lambda: spans.shed if spans else 0)
    observer = BatchedObserver(
        RequestObserver(
            metrics,
            access_log=AccessLog(lines) if settings.access_log else None,
            spans=spans,
            traffic=traffic,
        )
    )
    stack.callback(observer.flush)
    return Seen(metrics, traffic, observer)
