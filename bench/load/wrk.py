"""Whole answers: wrk, since no Python client is faster than what it would measure."""

import subprocess
from pathlib import Path
from typing import Final

import msgspec

from bench.load.measured import Call, Measured
from bench.processes import Unable, find_program

_SCRIPT: Final = Path(__file__).with_name("post.lua")
_MARGIN: Final = 60.0


class _Report(msgspec.Struct):
    requests: int
    duration_us: int
    p50_us: int
    p99_us: int
    status: int
    socket: int


def run_calls(call: Call, body: Path, *, concurrency: int, seconds: int) -> Measured:
    """Call again and again over so many connections for so long.

    Raises:
        Unable: wrk is missing or failed.
    """
    headers = [f"{name}: {value}" for name, value in call.headers.items()]
    options = ("-t1", f"-c{concurrency}", f"-d{seconds}s", "--timeout", "60s")
    command = (find_program("wrk", "wrk"), *options, "-s", str(_SCRIPT), call.url)
    try:
        done = subprocess.run(
            (*command, "--", str(body), *headers),
            capture_output=True,
            text=True,
            check=False,
            timeout=seconds + _MARGIN,
        )
    except subprocess.TimeoutExpired:
        raise Unable("the load generator did not come to an end") from None
    return parse_report(done.stdout, done.stderr)


def parse_report(output: str, complaints: str = "") -> Measured:
    """What the script printed as its last line.

    Raises:
        Unable: it printed none.
    """
    last = output.strip().rpartition("\n")[2]
    try:
        report = msgspec.json.decode(last, type=_Report)
    except msgspec.DecodeError:
        raise Unable(f"wrk failed: {(complaints or output).strip()[-200:]}") from None
    answered = report.requests > 0
    return Measured(
        requests=report.requests - report.status,
        seconds=report.duration_us / 1e6,
        p50_ms=report.p50_us / 1e3 if answered else None,
        p99_ms=report.p99_us / 1e3 if answered else None,
        errors=report.status + report.socket,
    )
