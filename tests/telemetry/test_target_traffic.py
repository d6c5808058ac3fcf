"""Each organisation's attempts are counted by target, and nobody sees another's."""

from tests.telemetry.events import attempt

from trunkline.gateway.metering.event import Attempt
from trunkline.kit.clock import FakeClock
from trunkline.telemetry.target_traffic import MOST_TARGETS, WINDOW, TargetTraffic, TargetUse

KEY = "connection-1/gpt-5-mini"


def use(model: str = "gpt-5-mini", *, attempts: int = 0, in_flight: int = 0) -> TargetUse:
    return TargetUse("connection-1", model, attempts, in_flight)


def test_an_attempt_is_in_flight_while_it_is_under_way_and_counts_once_it_is_over() -> None:
    live = [attempt(), attempt(), attempt(model="other")]
    traffic = TargetTraffic(FakeClock(), lambda: live)
    assert traffic.uses("org-1") == {
        KEY: use(in_flight=2),
        "connection-1/other": use("other", in_flight=1),
    }
    traffic.count([live.pop(0)])
    assert traffic.uses("org-1") == {
        KEY: use(attempts=1, in_flight=1),
        "connection-1/other": use("other", in_flight=1),
    }
    live.clear()
    assert traffic.uses("org-1") == {KEY: use(attempts=1)}


def test_organisations_are_counted_apart() -> None:
    live = [attempt(org_id="org-2", model="c")]
    traffic = TargetTraffic(FakeClock(), lambda: live)
    traffic.count(
        attempt(org_id=org_id, model=model)
        for org_id, model in (("org-1", "a"), ("org-2", "a"), ("org-2", "b"), ("org-2", "b"))
    )
    assert traffic.uses("org-1") == {"connection-1/a": use("a", attempts=1)}
    assert traffic.uses("org-2") == {
        "connection-1/a": use("a", attempts=1),
        "connection-1/b": use("b", attempts=2),
        "connection-1/c": use("c", in_flight=1),
    }
    assert traffic.uses("org-3") == {}


def test_what_is_older_than_the_window_does_not_count() -> None:
    clock = FakeClock()
    traffic = TargetTraffic(clock, list[Attempt])
    traffic.count([attempt()])
    clock.advance(WINDOW / 2)
    traffic.count([attempt()])
    assert traffic.uses("org-1") == {KEY: use(attempts=2)}
    clock.advance(WINDOW / 2)
    assert traffic.uses("org-1") == {KEY: use(attempts=1)}
    clock.advance(WINDOW * 5)
    assert traffic.uses("org-1") == {KEY: use()}
    traffic.count([attempt()])
    assert traffic.uses("org-1") == {KEY: use(attempts=1)}


def test_targets_that_a_caller_makes_up_are_forgotten() -> None:
    traffic = TargetTraffic(FakeClock(), list[Attempt])
    traffic.count([attempt(), attempt(model="made-up-first")])
    traffic.count([attempt()])
    traffic.count(attempt(model=f"made-up-{number}") for number in range(MOST_TARGETS - 1))
    uses = traffic.uses("org-1")
    assert (len(uses), KEY in uses, "connection-1/made-up-first" in uses) == (
        MOST_TARGETS,
        True,
        False,
    )
    traffic.count([attempt(model="one-more")])
    assert KEY not in traffic.uses("org-1")
