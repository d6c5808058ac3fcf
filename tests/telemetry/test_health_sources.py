"""Circuits, secrets, repeats and the answer cache as a scrape shows them."""

import random

from tests.telemetry.test_health_api import BROKEN, FAST, LLAMA, OPENAI, TERMS
from tests.telemetry.test_sources import shown

from trunkline.gateway.policy import Retry
from trunkline.gateway.recall.counts import Counts, RecallStats
from trunkline.gateway.recall.store import StoreStats
from trunkline.gateway.resilience.health import Health
from trunkline.gateway.snapshot import Target
from trunkline.kit.clock import FakeClock
from trunkline.observability.metrics import Metrics
from trunkline.telemetry.health_sources import watch_health, watch_recall


def call(health: Health, target: Target, *, failed: bool = False) -> None:
    begun = health.begin(target, TERMS)
    assert begun is not None
    begun.ended(BROKEN if failed else None)


def test_circuits_and_repeats_show_by_provider_and_model() -> None:
    clock, metrics = FakeClock(), Metrics()
    health = Health(clock, random.Random(1))
    metrics.guard.allow([FAST.model, LLAMA.model])
    watch_health(metrics, health, clock)
    assert shown(metrics, "trunkline_circuit") == {}
    call(health, FAST)
    for _ in range(8):
        call(health, LLAMA, failed=True)
    call(health, Target(OPENAI, "made-up", None))
    assert health.may_retry(FAST, Retry(budget=1.0))
    while health.may_retry(FAST, Retry(budget=0.0)):
        pass
    assert shown(metrics, "trunkline_circuit") == {}
    clock.advance(0.5)
    assert shown(metrics, "trunkline_circuit") == {
        "trunkline_circuit_state('openai', 'gpt-mini', 'closed')": 1,
        "trunkline_circuit_state('openai', 'gpt-mini', 'half_open')": 0,
        "trunkline_circuit_state('openai', 'gpt-mini', 'open')": 0,
        "trunkline_circuit_state('together', 'meta/llama', 'closed')": 0,
        "trunkline_circuit_state('together', 'meta/llama', 'half_open')": 0,
        "trunkline_circuit_state('together', 'meta/llama', 'open')": 1,
        "trunkline_circuit_state('openai', 'other', 'closed')": 1,
        "trunkline_circuit_state('openai', 'other', 'half_open')": 0,
        "trunkline_circuit_state('openai', 'other', 'open')": 0,
        "trunkline_circuit_transitions_total('openai', 'gpt-mini', 'open')": 0,
        "trunkline_circuit_transitions_total('openai', 'gpt-mini', 'closed')": 0,
        "trunkline_circuit_transitions_total('together', 'meta/llama', 'open')": 1,
        "trunkline_circuit_transitions_total('together', 'meta/llama', 'closed')": 0,
        "trunkline_circuit_transitions_total('openai', 'other', 'open')": 0,
        "trunkline_circuit_transitions_total('openai', 'other', 'closed')": 0,
    }
    report = next(one for one in health.report() if one.key == FAST.key)
    assert report.repeats_refused > 0
    repeats = shown(metrics, "trunkline_repeats")
    assert repeats["trunkline_repeats_total('openai', 'gpt-mini', 'allowed')"] == report.repeats
    assert (
        repeats["trunkline_repeats_total('openai', 'gpt-mini', 'refused')"]
        == report.repeats_refused
    )


def test_secrets_that_are_left_alone_show_by_provider_and_verdict() -> None:
    clock, metrics = FakeClock(), Metrics()
    health = Health(clock)
    watch_health(metrics, health, clock)
    call(health, FAST)
    health.credentials.rests(OPENAI, "1", "limited", 30.0)
    health.credentials.rests(OPENAI, "2", "limited", 30.0)
    health.credentials.rests(OPENAI, "3", "dead", None)
    health.credentials.rests(LLAMA.connection, "1", "limited", 30.0)
    assert shown(metrics, "trunkline_credential") == {
        "trunkline_credentials_resting('openai', 'limited')": 2,
        "trunkline_credentials_resting('openai', 'dead')": 1,
        "trunkline_credentials_resting('unknown', 'limited')": 1,
        "trunkline_credential_verdicts_total('limited',)": 3,
        "trunkline_credential_verdicts_total('dead',)": 1,
        "trunkline_credential_verdicts_total('barred',)": 0,
    }


def test_the_answer_cache_shows_what_it_holds_where_it_holds_it_itself() -> None:
    own = RecallStats(
        Counts(),
        dropped=4,
        flights=2,
        followers=7,
        store=StoreStats(entries=10, bytes=2048, evicted=3, failures=1),
    )
    metrics = Metrics()
    watch_recall(metrics, lambda: own)
    numbers = {
        "trunkline_cache_entries()": 10,
        "trunkline_cache_bytes()": 2048,
        "trunkline_cache_flights()": 2,
        "trunkline_cache_followers()": 7,
        "trunkline_cache_evicted_total()": 3,
        "trunkline_cache_store_failures_total()": 1,
        "trunkline_cache_followers_dropped_total()": 4,
    }
    assert shown(metrics, "trunkline_cache") == numbers
    elsewhere = Metrics()
    stats = RecallStats(Counts(), 0, 0, 0, StoreStats(entries=None, bytes=None))
    watch_recall(elsewhere, lambda: stats)
    held = {"trunkline_cache_entries()", "trunkline_cache_bytes()"}
    assert shown(elsewhere, "trunkline_cache").keys() == numbers.keys() - held
