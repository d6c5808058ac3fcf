"""The door to circuits, latencies, budgets of repeats and secrets."""

import logging
import math
import random

import pytest
from tests.gateway.resilience.places import connection, target

from trunkline.errors import UpstreamFailed
from trunkline.gateway.policy import CircuitTerms, Retry
from trunkline.gateway.resilience.health import Call, Health
from trunkline.gateway.resilience.report import CredentialReport
from trunkline.gateway.routing.view import HealthView
from trunkline.gateway.snapshot import Target
from trunkline.gateway.upstream_errors import AttemptFailed, CredentialVerdict
from trunkline.kit.clock import FakeClock

TERMS = CircuitTerms(minimum=4, open=30.0)
PLACE = target()


class Watch:
    """Health and its clock."""

    def __init__(self, most: int = 100) -> None:
        self.clock = FakeClock()
        self.health = Health(self.clock, random.Random(3), most=most)

    def begun(self, place: Target = PLACE, terms: CircuitTerms = TERMS) -> Call:
        call = self.health.begin(place, terms)
        assert call is not None
        return call

    def calls(
        self, count: int, failure: AttemptFailed | None, place: Target = PLACE, took: float = 0.0
    ) -> None:
        for _ in range(count):
            call = self.begun(place)
            self.clock.advance(took)
            if failure is None:
                call.first_content()
            call.ended(failure)


def failed(*, blames: bool = True, credential: CredentialVerdict = "fine") -> AttemptFailed:
    return AttemptFailed(UpstreamFailed("no"), "failed", blames=blames, credential=credential)


@pytest.fixture
def watch() -> Watch:
    return Watch()


def test_failing_calls_open_a_circuit_and_a_probe_closes_it(
    watch: Watch, caplog: pytest.LogCaptureFixture
) -> None:
    health = watch.health
    assert (health.state(PLACE), health.until_probe(PLACE)) == ("closed", 0.0)
    with caplog.at_level(logging.WARNING):
        watch.calls(4, failed())
        assert (health.state(PLACE), health.until_probe(PLACE)) == ("open", 30.0)
        assert health.begin(PLACE, TERMS) is None
        watch.clock.advance(30.0)
        probe = watch.begun()
        assert (health.begin(PLACE, TERMS), health.state(PLACE)) == (None, "half_open")
        probe.ended(None)
    assert health.state(PLACE) == "closed"
    assert [record.getMessage() for record in caplog.records] == [
        "The circuit of m at connection openai is open: 4 of 4 calls failed",
        "The circuit of m at connection openai is closed again",
    ]


def test_calls_that_say_nothing_about_the_target_are_not_counted(watch: Watch) -> None:
    watch.calls(50, failed(blames=False))
    for _ in range(50):
        watch.begun().cancelled()
    watch.calls(3, failed())
    assert watch.health.state(PLACE) == "closed"
    watch.calls(1, failed())
    assert watch.health.state(PLACE) == "open"


@pytest.mark.parametrize("neutral", ["refused", "cancelled"])
def test_a_probe_that_says_nothing_frees_its_place(watch: Watch, neutral: str) -> None:
    watch.calls(4, failed())
    watch.clock.advance(30.0)
    probe = watch.begun()
    if neutral == "refused":
        probe.ended(failed(blames=False))
    else:
        probe.cancelled()
    assert watch.health.state(PLACE) == "half_open"
    watch.begun().ended(None)
    assert watch.health.state(PLACE) == "closed"


def test_only_the_first_end_of_a_call_counts(watch: Watch) -> None:
    call = watch.begun()
    call.cancelled()
    call.ended(failed())
    call.ended(None, 5)
    call.first_content()
    call.cancelled()
    (report,) = watch.health.report()
    assert (report.in_flight, report.total_calls, report.first_content) == (0, 0, None)


def test_a_slow_first_content_counts_by_the_terms_of_its_call(watch: Watch) -> None:
    terms = CircuitTerms(minimum=4, slow=2.0, slow_share=1.0)
    for _ in range(4):
        call = watch.begun(terms=terms)
        watch.clock.advance(2.5)
        call.first_content()
        call.ended(None, 10)
    assert watch.health.state(PLACE) == "open"
    (report,) = watch.health.report()
    assert (report.calls, report.failures, report.slow, report.terms) == (4, 0, 4, terms)


def test_a_refused_secret_is_the_targets_fault_only_where_no_other_is_left(watch: Watch) -> None:
    place = target("m", "a", "b")
    refusal = failed(blames=False, credential="dead")
    watch.health.credentials.rests(place.connection, "1", "dead", None)
    watch.calls(6, refusal, place)
    assert (watch.health.state(place), watch.health.credentials.works(place.connection)) == (
        "closed",
        True,
    )
    watch.health.credentials.rests(place.connection, "2", "dead", None)
    watch.calls(4, refusal, place)
    assert (watch.health.state(place), watch.health.credentials.works(place.connection)) == (
        "open",
        False,
    )


def test_an_alias_that_wants_no_circuit_asks_an_open_target_and_tells_it_nothing(
    watch: Watch,
) -> None:
    watch.calls(4, failed())
    careless = CircuitTerms(enabled=False)
    watch.begun(terms=careless).ended(None)
    assert watch.health.state(PLACE) == "open"
    watch.clock.advance(30.0)
    probe = watch.begun()
    watch.begun(terms=careless).ended(None)
    assert watch.health.state(PLACE) == "half_open"
    probe.ended(None)
    assert watch.health.state(PLACE) == "closed"


def test_an_override_beats_what_calls_say_until_it_is_taken_back(watch: Watch) -> None:
    health = watch.health
    unseen = target("unseen")
    health.override({PLACE.key: "open", unseen.key: "open"})
    assert (health.state(unseen), health.begin(unseen, TERMS)) == ("open", None)
    assert (health.begin(PLACE, TERMS), health.until_probe(PLACE)) == (None, None)
    assert health.begin(PLACE, CircuitTerms(enabled=False)) is None
    health.override({PLACE.key: "closed"})
    watch.calls(50, failed())
    assert health.state(PLACE) == "closed"
    assert health.state(unseen) == "closed"
    (first, second) = sorted(health.report(), key=lambda one: one.model)
    assert (first.forced, first.state, first.failures) == ("closed", "closed", 50)
    assert (second.forced, second.state) == (None, "closed")
    health.override({})
    watch.calls(3, failed())
    assert health.state(PLACE) == "closed"
    watch.calls(1, failed())
    assert health.state(PLACE) == "open"


def test_an_open_circuit_that_was_held_begins_anew(watch: Watch) -> None:
    watch.calls(4, failed())
    watch.health.override({PLACE.key: "closed"})
    assert watch.health.state(PLACE) == "closed"
    watch.health.override({})
    assert watch.health.state(PLACE) == "closed"
    assert watch.health.until_probe(PLACE) == 0.0


def test_latencies_and_calls_under_way_are_known_by_target(watch: Watch) -> None:
    health, other = watch.health, target("other")
    assert (health.first_content(PLACE), health.in_flight(PLACE), health.percentile(PLACE, 95)) == (
        None,
        0,
        None,
    )
    watch.calls(20, None, took=0.5)
    assert health.first_content(PLACE) == 0.5
    assert (health.percentile(PLACE, 95), health.percentile(other, 95)) == (0.5, None)
    running = [watch.begun(), watch.begun()]
    assert (health.in_flight(PLACE), health.in_flight(other)) == (2, 0)
    for call in running:
        call.cancelled()
    assert health.in_flight(PLACE) == 0


def test_a_call_without_content_makes_a_target_no_faster(watch: Watch) -> None:
    watch.calls(1, None, took=1.0)
    lost, given_up, quick = watch.begun(), watch.begun(), watch.begun()
    quick.cancelled()
    assert watch.health.first_content(PLACE) == 1.0
    watch.clock.advance(9.0)
    lost.ended(failed())
    assert watch.health.first_content(PLACE) == pytest.approx(5.0)
    watch.clock.advance(10.0)
    given_up.cancelled()
    assert watch.health.first_content(PLACE) == pytest.approx(12.0)


def test_content_that_came_before_the_failure_counts_as_it_came(watch: Watch) -> None:
    call = watch.begun()
    watch.clock.advance(1.0)
    call.first_content()
    watch.clock.advance(5.0)
    call.first_content()
    call.ended(failed())
    call = watch.begun()
    call.first_content()
    watch.clock.advance(1.0)
    call.cancelled()
    (report,) = watch.health.report()
    # Five seconds later, a call that spoke at once.
    expected = 1.0 * math.exp(-0.5)
    assert report.first_content == pytest.approx(expected)
    assert report.total_failures == 1


def test_repeats_come_out_of_the_budget_of_their_target(watch: Watch) -> None:
    retry = Retry(budget=0.5)
    assert watch.health.may_retry(PLACE, retry)
    watch.calls(10, None)
    assert [watch.health.may_retry(PLACE, retry) for _ in range(4)] == [True, True, True, False]
    assert watch.health.may_retry(target("other"), retry)


def test_the_report_tells_all_of_it(watch: Watch) -> None:
    for _ in range(20):
        call = watch.begun()
        watch.clock.advance(0.5)
        call.first_content()
        watch.clock.advance(0.5)
        call.ended(None, 50)
    watch.calls(1, failed())
    watch.begun()
    watch.health.may_retry(PLACE, Retry())
    (report,) = watch.health.report()
    assert (report.key, report.connection_id, report.connection, report.provider, report.model) == (
        "id-of-openai/m",
        "id-of-openai",
        "openai",
        "openai",
        "m",
    )
    assert (report.state, report.forced, report.reason, report.until_probe) == (
        "closed",
        None,
        None,
        0.0,
    )
    assert (report.calls, report.failures, report.slow, report.in_flight) == (21, 1, 0, 1)
    assert (report.first_content, report.p50, report.p95, report.p99) == (0.5, 0.5, 0.5, 0.5)
    assert report.tokens_per_second == pytest.approx(100.0)
    assert (report.total_calls, report.total_failures, report.opened, report.closed) == (
        21,
        1,
        0,
        0,
    )
    assert (report.repeats, report.repeats_refused) == (1, 0)
    watch.clock.advance(60.0)
    (later,) = watch.health.report()
    assert (later.calls, later.failures, later.total_calls) == (0, 0, 21)


def test_the_targets_called_longest_ago_are_forgotten_first() -> None:
    watch = Watch(most=3)
    for model in ("a", "b", "c", "a", "d"):
        watch.calls(1, None, target(model), took=0.1)
    assert [report.model for report in watch.health.report()] == ["c", "a", "d"]


def test_several_targets_are_forgotten_at_once_where_many_are_remembered() -> None:
    watch = Watch(most=32)
    for number in range(33):
        watch.calls(1, None, target(str(number)), took=0.1)
    assert [report.model for report in watch.health.report()] == [
        str(number) for number in range(2, 33)
    ]


def test_resting_secrets_are_told_without_their_text(watch: Watch) -> None:
    where = connection("sk-one", "sk-two")
    watch.health.credentials.rests(where, "1", "limited", 5.0, "m")
    assert watch.health.resting() == [CredentialReport("id-of-openai", "1", "m", "limited", 5.0)]
    assert watch.health.verdicts() == {"limited": 1, "dead": 0, "barred": 0}
    picked = watch.health.credentials.pick(where, "m", ())
    assert picked is not None
    assert picked.id == "2"


def test_a_wait_is_the_average_for_each_call_that_is_under_way_and_one_more(watch: Watch) -> None:
    health = watch.health
    assert health.wait(PLACE) is None
    watch.begun()
    assert health.wait(PLACE) is None
    watch.calls(1, None, took=0.25)
    watch.begun()
    assert (health.first_content(PLACE), health.in_flight(PLACE)) == (0.25, 2)
    assert health.wait(PLACE) == HealthView.wait(health, PLACE) == 0.75
