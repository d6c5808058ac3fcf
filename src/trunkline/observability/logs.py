"""Ordinary logs as JSON lines: structlog and the standard library end in the same handler.

Whatever is logged passes the redaction last, so no sink ever sees what it takes out.
"""

import logging
from collections.abc import MutableMapping
from typing import Any

import msgspec
import structlog
from structlog.typing import EventDict, Processor, WrappedLogger
from typing_extensions import override

from trunkline.observability.line_writer import LineWriter
from trunkline.observability.redaction import redact_fields
from trunkline.observability.timestamps import Timestamps

# Loggers that repeat what the access line says, or what happens on every connection.
_QUIET = ("uvicorn.access", "httpx", "httpcore", "aiosqlite", "asyncio", "opentelemetry")


class _LineHandler(logging.Handler):
    """Gives formatted records to a line writer, which never blocks."""

    def __init__(self, writer: LineWriter) -> None:
        super().__init__()
        self._writer = writer

    @override
    def emit(self, record: logging.LogRecord) -> None:
        try:
            self._writer.write(self.format(record).encode() + b"\n")
        except Exception:  # noqa: BLE001 - as logging demands: a bad record must not end its caller
            self.handleError(record)


def configure_logs(writer: LineWriter, level: str = "info") -> None:
    """Send all logs of this process to the writer; a later call replaces an earlier one.

    Logging is the one thing that is global by its nature: libraries log, too. Call it once, where
    the process starts. ``level`` is the least that is logged: debug, info, warning or error.
    """
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
    ]
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *shared,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )
    handler = _LineHandler(writer)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.processors.format_exc_info,
                _Order(),
                _render,
            ],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    for name in _QUIET:
        logging.getLogger(name).setLevel(max(logging.WARNING, root.level))


class _Order:
    """Redacts a record and puts time, level and event first, as in an access line."""

    def __init__(self) -> None:
        self._timestamps = Timestamps()

    def __call__(
        self, _logger: WrappedLogger, _method: str, event_dict: EventDict
    ) -> MutableMapping[str, Any]:
        created = event_dict.pop("_record").created
        event_dict.pop("_from_structlog")
        fields = redact_fields(event_dict)
        return {
            "time": self._timestamps.format_ns(round(created * 1e9)),
            "level": fields.pop("level"),
            "event": fields.pop("event"),
            **fields,
        }


def _render(_logger: WrappedLogger, _method: str, event_dict: EventDict) -> str:
    return msgspec.json.encode(event_dict).decode()
