"""When a circuit opens, lets a probe through and closes again."""

import random

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from trunkline.gateway.policy import CircuitTerms
from trunkline.gateway.resilience.circuit import Circuit
from trunkline.gateway.resilience.window import PARTS

TERMS = CircuitTerms(window=60.0, minimum=4, failures=0.5, open=30.0, longest=200.0)


def made() -> Circuit:
    return Circuit(random.Random(7))


def call(
    circuit: Circuit,
    now: float,
    *,
    failed: bool = False,
    slow: bool = False,
    terms: CircuitTerms = TERMS,
) -> bool:
    ticket = circuit.begin(now)
    assert ticket is not None
    return ended(circuit, ticket, now, terms, failed=failed, slow=slow)


def ended(
    circuit: Circuit, ticket: int, now: float, terms: CircuitTerms, *, failed: bool, slow: bool
) -> bool:
    if failed or slow:
        return circuit.ended_badly(ticket, now, terms, failed=failed, slow=slow)
    return circuit.ended_well(ticket, now, terms)


def opened(now: float = 0.0) -> Circuit:
    circuit = made()
    for _ in range(4):
        call(circuit, now, failed=True)
    assert circuit.state(now) == "open"
    return circuit


def test_too_few_calls_open_nothing_and_the_one_that_makes_them_enough_does() -> None:
    circuit = made()
    for _ in range(3):
        assert not call(circuit, 0.0, failed=True)
    assert circuit.state(0.0) == "closed"
    # Even a good one: three of four is more than half.
    assert call(circuit, 0.0)
    assert (circuit.state(0.0), circuit.reason) == ("open", "3 of 4 calls failed")
    assert (circuit.until_probe(0.0), circuit.until_probe(29.0)) == (30.0, 1.0)


def test_less_than_the_share_of_failures_leaves_it_closed_however_many_calls_there_are() -> None:
    circuit = made()
    for step in range(300):
        call(circuit, step * 0.01, failed=step % 3 == 2)
    assert circuit.state(3.0) == "closed"


def test_failures_that_lie_beyond_the_window_count_no_more() -> None:
    circuit = made()
    for _ in range(3):
        call(circuit, 0.0, failed=True)
    call(circuit, 61.0, failed=True)
    assert circuit.state(61.0) == "closed"


def test_slow_calls_open_it_by_their_own_share() -> None:
    terms = CircuitTerms(minimum=5, slow=2.0, slow_share=0.8)
    circuit = made()
    call(circuit, 0.0, terms=terms)
    for _ in range(3):
        call(circuit, 0.0, slow=True, terms=terms)
    assert circuit.state(0.0) == "closed"
    call(circuit, 0.0, slow=True, terms=terms)
    assert (circuit.state(0.0), circuit.reason) == ("open", "4 of 5 calls were slow")


def test_it_never_opens_by_terms_that_do_not_let_it() -> None:
    circuit, terms = made(), CircuitTerms(minimum=1, enabled=False)
    for _ in range(50):
        call(circuit, 0.0, failed=True, terms=terms)
    assert circuit.state(0.0) == "closed"


def test_while_it_is_open_no_call_begins_and_then_exactly_one_probe() -> None:
    circuit = opened()
    assert circuit.begin(29.9) is None
    assert circuit.state(30.0) == "half_open"
    probe = circuit.begin(30.0)
    assert probe is not None
    assert (circuit.begin(30.0), circuit.begin(500.0)) == (None, None)
    assert (circuit.state(500.0), circuit.until_probe(500.0)) == ("half_open", 0.0)
    assert circuit.ended_well(probe, 31.0, TERMS)
    assert (circuit.state(31.0), circuit.opened, circuit.closed) == ("closed", 1, 1)
    # The window is forgotten: it takes as many calls again.
    for _ in range(3):
        call(circuit, 31.0, failed=True)
    assert circuit.state(31.0) == "closed"


def test_a_probe_that_is_given_up_frees_its_place() -> None:
    circuit = opened()
    probe = circuit.begin(30.0)
    assert probe is not None
    circuit.released(probe)
    assert circuit.state(30.0) == "half_open"
    assert circuit.begin(30.0) is not None


@pytest.mark.parametrize(
    ("failed", "slow", "reason"),
    [(True, False, "the probe failed"), (False, True, "the probe was slow")],
)
def test_a_bad_probe_opens_it_for_twice_as_long_up_to_the_longest(
    failed: bool, slow: bool, reason: str
) -> None:
    circuit, now = opened(), 0.0
    for least, most in [(48.0, 60.0), (96.0, 120.0), (160.0, 200.0), (160.0, 200.0)]:
        now += circuit.until_probe(now)
        assert call(circuit, now, failed=failed, slow=slow)
        assert circuit.reason == reason
        assert least <= circuit.until_probe(now) <= most
    now += circuit.until_probe(now)
    call(circuit, now)
    for _ in range(4):
        call(circuit, now, failed=True)
    # A good probe forgot how often it had failed.
    assert circuit.until_probe(now) == 30.0
    assert (circuit.opened, circuit.closed) == (6, 1)


def test_a_call_that_began_before_the_circuit_moved_says_nothing() -> None:
    circuit = made()
    early = circuit.begin(0.0)
    assert early is not None
    for _ in range(4):
        call(circuit, 0.0, failed=True)
    assert not circuit.ended_well(early, 1.0, TERMS)
    assert not circuit.ended_badly(early, 1.0, TERMS, failed=True, slow=False)
    assert (circuit.state(1.0), circuit.until_probe(1.0)) == ("open", 29.0)
    probe = circuit.begin(30.0)
    circuit.released(early)
    assert circuit.begin(30.0) is None
    assert probe is not None


def test_whoever_takes_it_in_hand_leaves_it_closed_and_without_a_past() -> None:
    circuit = opened()
    circuit.forget()
    assert (circuit.state(0.0), circuit.reason) == ("closed", None)
    for _ in range(3):
        call(circuit, 0.0, failed=True)
    assert circuit.state(0.0) == "closed"


def test_a_good_call_opens_it_where_those_that_left_the_window_were_better() -> None:
    circuit = made()
    for _ in range(4):
        call(circuit, 0.0)
    call(circuit, 50.0, failed=True)
    call(circuit, 50.0, failed=True)
    call(circuit, 50.0)
    assert circuit.state(50.0) == "closed"
    # Two of four, where a moment ago it was two of seven.
    assert call(circuit, 61.0)
    assert circuit.reason == "2 of 4 calls failed"


def test_a_window_in_which_nothing_failed_any_more_is_not_judged_by_what_was_before() -> None:
    circuit = made()
    call(circuit, 0.0, failed=True)
    for now in (61.0, 62.0, 63.0, 64.0):
        assert not call(circuit, now)
    for _ in range(3):
        assert not call(circuit, 65.0, failed=True)
    assert call(circuit, 65.0, failed=True)
    assert circuit.reason == "4 of 8 calls failed"


def test_two_aliases_with_windows_of_their_own_still_open_it_together() -> None:
    circuit = made()
    short = CircuitTerms(window=10.0, minimum=4)
    for step in range(4):
        call(circuit, step * 0.1, failed=True, terms=short if step % 2 else TERMS)
    assert circuit.state(1.0) == "open"


def _is_bad(calls: list[tuple[float, bool, bool]]) -> bool:
    """Of at least four calls half failed, or three of four were slow."""
    failures, slow = sum(call[1] for call in calls), sum(call[2] for call in calls)
    return len(calls) >= 4 and (failures * 2 >= len(calls) or slow * 4 >= len(calls) * 3)


class AgainstAPlainModel(RuleBasedStateMachine):
    """Every call that began, and what follows from the list of those that ended."""

    def __init__(self) -> None:
        super().__init__()
        self.circuit = Circuit(random.Random(0))
        self.now = 0.0
        self.ended: list[tuple[float, bool, bool]] = []
        self.live: list[tuple[int, bool]] = []
        self.state = "closed"
        self.probing = False
        self.probe_after = 0.0
        self.era = 0
        self.eras: list[int] = []

    @rule(wait=st.sampled_from([0.0, 0.25, 3.0, 9.0, 31.0, 70.0, 250.0]))
    def time_passes(self, wait: float) -> None:
        self.now += wait

    @rule()
    def begin(self) -> None:
        ticket = self.circuit.begin(self.now)
        if self.state == "closed":
            assert ticket is not None
        elif self.probing or self.now < self.probe_after:
            assert ticket is None
        else:
            assert ticket is not None
            self.probing = True
        if ticket is not None:
            self.live.append((ticket, self.state != "closed"))
            self.eras.append(self.era)

    @precondition(lambda self: self.live)
    @rule(which=st.integers(0), failed=st.booleans(), slow=st.booleans())
    def end(self, which: int, failed: bool, slow: bool) -> None:
        place = which % len(self.live)
        (ticket, probe), era = self.live.pop(place), self.eras.pop(place)
        terms = CircuitTerms(
            window=60.0, minimum=4, failures=0.5, slow=1.0, slow_share=0.75, open=30.0, longest=120
        )
        moved = ended(self.circuit, ticket, self.now, terms, failed=failed, slow=slow)
        if era != self.era:
            assert not moved
        elif probe:
            assert moved
            self.probing = False
            if failed or slow:
                self._opens()
            else:
                self._moves("closed")
        else:
            self.ended.append((self.now, failed, slow))
            self._judges(moved=moved)

    @precondition(lambda self: self.live)
    @rule(which=st.integers(0))
    def give_up(self, which: int) -> None:
        place = which % len(self.live)
        (ticket, probe), era = self.live.pop(place), self.eras.pop(place)
        self.circuit.released(ticket)
        if probe and era == self.era:
            self.probing = False

    @rule()
    def take_in_hand(self) -> None:
        self.circuit.forget()
        self.probing = False
        self._moves("closed")

    def _judges(self, *, moved: bool) -> None:
        """Where the window ends within one of its parts is not said; all ends that may be count."""
        least = len(self._lately(60.0 - 60.0 / PARTS))
        most = len(self._lately(60.0))
        opens = [_is_bad(self.ended[-count:]) for count in range(least, most + 1)]
        assert not moved if not any(opens) else moved or not all(opens)
        if moved:
            self._opens()

    def _lately(self, window: float) -> list[tuple[float, bool, bool]]:
        return [call for call in self.ended if self.now - call[0] < window]

    def _opens(self) -> None:
        self._moves("open")
        # Within the bounds of the terms; the jitter decides where.
        wait = self.circuit.until_probe(self.now)
        assert 30.0 <= wait <= 120.0
        self.probe_after = self.now + wait

    def _moves(self, state: str) -> None:
        self.state = state
        self.era += 1
        self.ended.clear()

    @invariant()
    def agrees(self) -> None:
        expected = self.state
        if expected == "open" and (self.probing or self.now >= self.probe_after):
            expected = "half_open"
        assert self.circuit.state(self.now) == expected


TestAgainstAPlainModel = AgainstAPlainModel.TestCase
TestAgainstAPlainModel.settings = settings(max_examples=60, stateful_step_count=60, deadline=None)
