"""All logs of a process are JSON lines without secrets."""

import json
import logging
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import structlog

from trunkline.observability.access_line import AccessLine, AccessLog
from trunkline.observability.line_writer import LineWriter
from trunkline.observability.logs import configure_logs
from trunkline.observability.timestamps import Timestamps


class Log:
    """What a process has logged to a file, and the writer in front of it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.fd = os.open(path, os.O_CREAT | os.O_WRONLY | os.O_APPEND)
        self.writer = LineWriter(self.fd)

    def lines(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.path.read_text().splitlines()]


@pytest.fixture
def log(tmp_path: Path) -> Iterator[Log]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    log = Log(tmp_path / "log")
    yield log
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.reset_defaults()
    structlog.contextvars.clear_contextvars()
    os.close(log.fd)


def test_structlog_and_the_standard_library_write_the_same_lines(log: Log) -> None:
    configure_logs(log.writer)
    structlog.get_logger("trunkline.app").info("started", port=3000)
    logging.getLogger("library").warning("odd %s", "thing")
    ours, theirs = log.lines()
    assert list(ours) == ["time", "level", "event", "port", "logger"]
    assert (ours["level"], ours["event"], ours["port"], ours["logger"]) == (
        "info",
        "started",
        3000,
        "trunkline.app",
    )
    assert (theirs["level"], theirs["event"], theirs["logger"]) == (
        "warning",
        "odd thing",
        "library",
    )


def test_nothing_reaches_the_log_unredacted(log: Log) -> None:
    configure_logs(log.writer)
    logger = structlog.get_logger("trunkline.app")
    logger.info("from bob@example.com", api_key="k", headers={"cookie": "c"}, n=["a@b.de"])
    logging.getLogger("library").error("Bearer %s", "abcdefghijklmnop")
    try:
        raise ValueError("sk-abcdefghijklmnopqrst")
    except ValueError:
        logger.exception("failed")
    text = log.path.read_text()
    assert [line["event"] for line in log.lines()] == [
        "from [email]",
        "Bearer [secret]",
        "failed",
    ]
    assert log.lines()[0]["headers"] == {"cookie": "[secret]"}
    assert log.lines()[0]["n"] == ["[email]"]
    assert log.lines()[2]["exception"].endswith("ValueError: [secret]")
    assert "abcdefghijklmnop" not in text


def test_the_context_of_a_task_is_on_each_of_its_lines(log: Log) -> None:
    configure_logs(log.writer)
    with structlog.contextvars.bound_contextvars(requestId="r-1"):
        structlog.get_logger("trunkline.app").info("inside")
        logging.getLogger("library").warning("inside, too")
    assert [line["requestId"] for line in log.lines()] == ["r-1", "r-1"]


def test_lines_below_the_level_are_not_written(log: Log) -> None:
    configure_logs(log.writer, "warning")
    structlog.get_logger("trunkline.app").info("no")
    structlog.get_logger("trunkline.app").warning("yes")
    logging.getLogger("httpx").info("no")
    assert [line["event"] for line in log.lines()] == ["yes"]


def test_text_that_is_no_text_is_still_logged(log: Log) -> None:
    configure_logs(log.writer)
    structlog.get_logger("trunkline.app").info("half a pair \ud800", value=object)
    assert log.lines()[0]["value"] == "<class 'object'>"
    assert log.lines()[0]["event"] == "half a pair \\ud800"


def test_a_record_that_cannot_be_formatted_does_not_end_its_caller(
    log: Log, capsys: pytest.CaptureFixture[str]
) -> None:
    configure_logs(log.writer)
    logging.getLogger("library").warning("%d", "no number")
    assert log.lines() == []
    assert "Logging error" in capsys.readouterr().err
    assert sys.stderr is not None


def test_an_access_line_has_its_fields_in_order_and_leaves_out_what_is_unknown(log: Log) -> None:
    access = AccessLog(log.writer)
    time = "2025-11-21T01:02:03.456Z"
    access.write(
        [
            AccessLine(time, "info", "request", "r", "POST", "/v1/x", "/v1/x", 200, 12.5),
            AccessLine(
                time=time,
                level="error",
                event="request",
                request_id="r",
                method="POST",
                url="/v1/x?key=[secret]",
                route="/v1/x",
                status=502,
                duration=1.0,
                user_agent="mine",
                org="o",
                key_id="k",
                alias="fast",
                model="gpt-5-mini",
                provider="openai",
                attempts=2,
                cost=None,
                cost_state="unpriced",
                ttft=0.5,
                overhead=0.1,
                error_code="upstream_error",
            ),
        ]
    )
    bare, full = log.path.read_text().splitlines()
    assert bare == (
        '{"time":"2025-11-21T01:02:03.456Z","level":"info","event":"request","requestId":"r",'
        '"method":"POST","url":"/v1/x","route":"/v1/x","status":200,"duration":12.5}'
    )
    assert full == (
        '{"time":"2025-11-21T01:02:03.456Z","level":"error","event":"request","requestId":"r",'
        '"method":"POST","url":"/v1/x?key=[secret]","route":"/v1/x","status":502,"duration":1.0,'
        '"userAgent":"mine","org":"o","keyId":"k","alias":"fast","model":"gpt-5-mini",'
        '"provider":"openai","attempts":2,"cost":null,"costState":"unpriced","ttft":0.5,'
        '"overhead":0.1,"errorCode":"upstream_error"}'
    )


def test_times_are_rfc_3339_in_utc_with_milliseconds() -> None:
    timestamps = Timestamps()
    assert timestamps.format_ns(0) == "1970-01-01T00:00:00.000Z"
    assert timestamps.format_ns(999_999_999) == "1970-01-01T00:00:00.999Z"
    assert timestamps.format_ns(1_763_686_923_004_000_000) == "2025-11-21T01:02:03.004Z"
    assert timestamps.format_ns(1_763_686_923_999_999_999) == "2025-11-21T01:02:03.999Z"
    assert timestamps.format_ns(1_763_686_924_000_000_000) == "2025-11-21T01:02:04.000Z"
    assert timestamps.format_ns(1_763_686_923_004_000_000) == "2025-11-21T01:02:03.004Z"
