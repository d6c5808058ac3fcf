"""Each organisation's attempts are counted by target, and nobody sees another's."""

from tests.telemetry.events import attempt, outcome
from typing_extensions import override

from trunkline.gateway.metering.event import Attempt, Outcome, Progress
from trunkline.gateway.ports import Recorder
from trunkline.kit.clock import FakeClock
from trunkline.telemetry.target_traffic import MOST_TARGETS, WINDOW, TargetTraffic

KEY = "connection-1/gpt-5-mini"


class Kept(Recorder):
    """Keeps what passes."""

    def __init__(self) -> None:
        self.passed: list[Attempt | tuple[Attempt, Outcome]] = []

    @override
    def opened(self, attempt: Attempt) -> Progress:
        self.passed.append(attempt)
        return Progress(attempt.id)

    @override
    def closed(self, attempt: Attempt, outcome: Outcome) -> None:
        self.passed.append((attempt, outcome))


def test_what_is_counted_passes_on() -> None:
    kept = Kept()
    traffic = TargetTraffic(kept, FakeClock())
    assert traffic.opened(attempt()) == Progress(attempt().id)
    traffic.closed(attempt(), outcome())
    assert kept.passed == [attempt(), (attempt(), outcome())]


def test_an_attempt_is_in_flight_until_it_is_closed_and_counts_afterwards() -> None:
    traffic = TargetTraffic(Kept(), FakeClock())
    traffic.opened(attempt())
    traffic.opened(attempt())
    assert traffic.uses("org-1")[KEY].in_flight == 2
    assert traffic.attempts("org-1") == {}
    traffic.closed(attempt(), outcome())
    assert traffic.uses("org-1")[KEY].in_flight == 1
    assert traffic.attempts("org-1") == {KEY: 1}


def test_an_answer_from_the_cache_that_is_charged_is_no_traffic() -> None:
    kept = Kept()
    traffic = TargetTraffic(kept, FakeClock())
    charged = attempt(provider="cache")
    traffic.opened(charged)
    assert traffic.uses("org-1") == {}
    traffic.closed(charged, outcome())
    assert traffic.attempts("org-1") == {}
    assert kept.passed == [charged, (charged, outcome())]


def test_organisations_are_counted_apart() -> None:
    traffic = TargetTraffic(Kept(), FakeClock())
    for org_id, model in (("org-1", "a"), ("org-2", "a"), ("org-2", "b"), ("org-2", "b")):
        traffic.closed(attempt(org_id=org_id, model=model), outcome())
    assert traffic.attempts("org-1") == {"connection-1/a": 1}
    assert traffic.attempts("org-2") == {"connection-1/a": 1, "connection-1/b": 2}
    assert (traffic.attempts("org-3"), traffic.uses("org-3")) == ({}, {})


def test_what_is_older_than_the_window_does_not_count() -> None:
    clock = FakeClock()
    traffic = TargetTraffic(Kept(), clock)
    traffic.closed(attempt(), outcome())
    clock.advance(WINDOW / 2)
    traffic.closed(attempt(), outcome())
    assert traffic.attempts("org-1") == {KEY: 2}
    clock.advance(WINDOW / 2)
    assert traffic.attempts("org-1") == {KEY: 1}
    clock.advance(WINDOW * 5)
    assert traffic.attempts("org-1") == {}
    traffic.closed(attempt(), outcome())
    assert traffic.attempts("org-1") == {KEY: 1}


def test_targets_that_a_caller_makes_up_are_forgotten_and_nothing_goes_below_zero() -> None:
    traffic = TargetTraffic(Kept(), FakeClock())
    traffic.opened(attempt())
    for number in range(MOST_TARGETS):
        traffic.opened(attempt(model=f"made-up-{number}"))
    assert len(traffic.uses("org-1")) == MOST_TARGETS
    assert KEY not in traffic.uses("org-1")
    traffic.closed(attempt(), outcome())
    assert traffic.uses("org-1")[KEY].in_flight == 0
    assert "connection-1/made-up-0" not in traffic.uses("org-1")
