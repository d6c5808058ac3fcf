"""Rows and runs for the tests of what is made of them."""

from typing import Any

from bench.results import Remark, Row, Run


def row(candidate: str, *, mode: str = "default", **figures: Any) -> Row:
    named: dict[str, Any] = {"operation": "chat", "stream": False, "concurrency": 32}
    return Row(candidate, mode, **(named | figures))


def full(**figures: Any) -> Row:
    return row("trunkline", mode="full", **figures)


def run(**changes: Any) -> Run:
    facts: dict[str, Any] = {
        "began": "2026-11-21 02:00 UTC",
        "machine": "a machine",
        "rounds": 5,
        "quick": False,
        "commit": "abc1234",
        "versions": {"nginx": "1.22.1"},
        "notes": {"nginx": "One worker."},
        "proofs": ["Key check: seen."],
        "remarks": [Remark("portkey", "all", "node is not installed")],
        "worker_mb": 70.0,
    }
    return Run(**(facts | changes))
