"""How providers are judged by what happened to real requests."""

from typing import Any

import pytest
from tests.telemetry.events import attempt, outcome

from trunkline.health import CheckResult
from trunkline.kit.clock import FakeClock
from trunkline.telemetry.provider_traffic import ProviderState, ProviderTraffic

GOOD: dict[str, Any] = {}
BAD: dict[str, Any] = {"ending": "refused", "status": 503}


@pytest.mark.parametrize(
    ("endings", "state"),
    [
        ([GOOD] * 5, ProviderState("ok", 150, 5, 0)),
        ([GOOD] * 9 + [BAD], ProviderState("ok", 150, 10, 1)),
        ([GOOD] * 8 + [BAD] * 2, ProviderState("degraded", 150, 10, 2)),
        ([GOOD] * 9 + [BAD] * 5, ProviderState("down", 150, 14, 5)),
        ([BAD] * 4, ProviderState("degraded", None, 4, 4)),
        ([{"ending": "timed_out", "status": None}] * 5, ProviderState("down", None, 5, 5)),
        ([{"ending": "refused", "status": 429}] * 5, ProviderState("down", None, 5, 5)),
        ([{"ending": "refused", "status": 400}] * 5, ProviderState("ok", 150, 5, 0)),
        ([{"ending": "client_gone", "status": 200}] * 5, ProviderState("ok", 150, 5, 0)),
    ],
)
def test_the_recent_attempts_decide(endings: list[dict[str, Any]], state: ProviderState) -> None:
    traffic = ProviderTraffic(FakeClock())
    traffic.record((attempt(), outcome(**ending)) for ending in endings)
    assert traffic.states() == {"openai": state}


def test_a_caller_who_left_before_any_answer_says_nothing_of_the_provider() -> None:
    traffic = ProviderTraffic(FakeClock())
    traffic.record([(attempt(), outcome(ending="client_gone", status=None))])
    assert traffic.states() == {}


def test_what_is_older_than_five_minutes_is_forgotten() -> None:
    clock = FakeClock()
    traffic = ProviderTraffic(clock)
    traffic.record([(attempt(), outcome(**BAD))])
    clock.advance(301)
    assert traffic.states() == {"openai": ProviderState("idle", None, 0, 0)}


async def test_a_provider_in_trouble_warns_and_leaves_the_process_ready() -> None:
    traffic = ProviderTraffic(FakeClock())
    assert await traffic.check() == CheckResult("ok", data={"providers": {}})
    traffic.record([(attempt(provider="anthropic"), outcome())])
    for _ in range(5):
        traffic.record([(attempt(), outcome(**BAD))])
    assert await traffic.check() == CheckResult(
        "warn",
        "in trouble: openai",
        {
            "providers": {
                "anthropic": {"state": "ok", "latencyMs": 150, "attempts": 1, "failures": 0},
                "openai": {"state": "down", "latencyMs": None, "attempts": 5, "failures": 5},
            }
        },
    )
