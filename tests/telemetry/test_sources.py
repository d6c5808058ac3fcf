"""The numbers of other parts as a scrape shows them."""

from pathlib import Path

from prometheus_client.parser import text_string_to_metric_families

from trunkline.gateway.snapshot import Origin
from trunkline.gateway.transport.models import OriginStats, PoolStats
from trunkline.health import CheckResult, HealthApp
from trunkline.ledger.journal import JournalStats
from trunkline.limits.standing import AdmissionStats, RuleStats
from trunkline.observability.metrics import Metrics
from trunkline.telemetry.sources import (
    watch_admission,
    watch_checks,
    watch_journal,
    watch_pool,
    watch_shed,
)


def shown(metrics: Metrics, prefix: str) -> dict[str, float]:
    return {
        f"{sample.name}{tuple(sample.labels.values())}": sample.value
        for family in text_string_to_metric_families(metrics.render().decode())
        for sample in family.samples
        if sample.name.startswith(prefix)
    }


def test_connections_are_added_up_by_origin() -> None:
    origin = Origin("https", "api.example.com", 443)
    stats = PoolStats(
        (
            OriginStats(origin, private=False, idle=1, busy=2, waiting=3, opened=4, reused=5),
            OriginStats(origin, private=True, idle=10, busy=20, waiting=30, opened=40, reused=50),
        )
    )
    metrics = Metrics()
    watch_pool(metrics, lambda: stats)
    assert shown(metrics, "trunkline_pool") == {
        "trunkline_pool_connections('https://api.example.com:443', 'idle')": 11,
        "trunkline_pool_connections('https://api.example.com:443', 'busy')": 22,
        "trunkline_pool_waiting('https://api.example.com:443',)": 33,
        "trunkline_pool_opened_total('https://api.example.com:443',)": 44,
        "trunkline_pool_reused_total('https://api.example.com:443',)": 55,
    }


def test_the_journal_shows_how_far_it_is_behind() -> None:
    stats = JournalStats(
        ready=True,
        appended_bytes=100,
        unsynced_bytes=40,
        lag_seconds=0.15,
        live=3,
        pending=2,
        adopted=1,
        last_error=None,
    )
    metrics = Metrics()
    watch_journal(metrics, lambda: stats)
    assert shown(metrics, "trunkline_journal") == {
        "trunkline_journal_ready()": 1,
        "trunkline_journal_lag_seconds()": 0.15,
        "trunkline_journal_appended_bytes_total()": 100,
        "trunkline_journal_unsynced_bytes()": 40,
        "trunkline_journal_live_attempts()": 3,
        "trunkline_journal_pending_closes()": 2,
    }


def test_admission_shows_counts_without_ids() -> None:
    stats = AdmissionStats(
        leases=7,
        plans=2,
        unpriced=0,
        expired=1,
        ledger_failures=4,
        rules=(RuleStats("o", "r1", 5, 6), RuleStats("o", "r2", 0, 2)),
    )
    metrics = Metrics()
    watch_admission(metrics, lambda: stats)
    assert {
        **shown(metrics, "trunkline_lea"),
        **shown(metrics, "trunkline_led"),
        **shown(metrics, "trunkline_shadow"),
    } == {
        "trunkline_leases()": 7,
        "trunkline_leases_expired_total()": 1,
        "trunkline_ledger_failures_total()": 4,
        "trunkline_shadow_refusals_total()": 8,
    }


async def test_what_was_shed_and_what_was_checked(tmp_path: Path) -> None:
    async def broken() -> CheckResult:
        return CheckResult("fail")

    health = HealthApp({"database": broken}, env="test", state=lambda: "serving")
    metrics = Metrics()
    watch_shed(metrics, log_lines=lambda: 3, spans=lambda: 4)
    watch_checks(metrics, health)
    assert shown(metrics, "trunkline_check") == {}

    async def receive() -> dict[str, str]:
        return {"type": "http.disconnect"}

    async def send(message: object) -> None:
        assert message

    await health({"method": "GET", "path": "/health/ready", "headers": []}, receive, send)
    assert shown(metrics, "trunkline_check") == {"trunkline_check_ok('database',)": 0}
    assert shown(metrics, "trunkline_shed") == {
        "trunkline_shed_total('log_lines',)": 3,
        "trunkline_shed_total('spans',)": 4,
    }
