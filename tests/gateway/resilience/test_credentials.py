"""Which secret is used, and which ones rest."""

import logging

import pytest
from tests.gateway.resilience.places import connection
from typing_extensions import override

from trunkline.gateway.resilience.credentials import RestingCredentials
from trunkline.gateway.snapshot import Connection, Signer
from trunkline.kit.clock import FakeClock


class OwnSigner(Signer):
    """A signer that is never asked."""

    @override
    async def headers(
        self, method: bytes, host: str, target: bytes, body: bytes
    ) -> tuple[tuple[bytes, bytes], ...]:
        raise AssertionError


class Ring:
    """Resting secrets and their clock."""

    def __init__(self) -> None:
        self.clock = FakeClock()
        self.resting = RestingCredentials(self.clock.monotonic, b"salt")

    def picks(self, where: Connection, count: int, model: str = "m") -> list[str | None]:
        found = [self.resting.pick(where, model) for _ in range(count)]
        return [one.id if one else None for one in found]

    def seconds(self, where: Connection, secret: str, wait: float | None = None) -> float:
        """How long it rests after being limited now."""
        self.resting.rests(where, secret, "limited", wait)
        return max(
            (left for _, name, _, _, left in self.resting.resting() if name == secret), default=0.0
        )


@pytest.fixture
def ring() -> Ring:
    return Ring()


def test_secrets_are_used_in_turn(ring: Ring) -> None:
    assert ring.picks(connection("a", "b", "c"), 5) == ["1", "2", "3", "1", "2"]
    assert ring.picks(connection("a"), 2) == ["1", "1"]
    assert ring.picks(connection(), 2) == ["none", "none"]


def test_a_limited_secret_rests_until_the_hint_while_the_others_work(ring: Ring) -> None:
    where = connection("a", "b", "c")
    ring.resting.rests(where, "2", "limited", 7.0)
    assert ring.picks(where, 4) == ["1", "3", "1", "3"]
    ring.clock.advance(6.9)
    assert "2" not in ring.picks(where, 3)
    ring.clock.advance(0.1)
    assert "2" in ring.picks(where, 3)


def test_without_a_hint_it_rests_longer_each_time_and_begins_anew_after_a_good_while(
    ring: Ring,
) -> None:
    where = connection("a", "b")
    seconds = []
    for _ in range(8):
        seconds.append(ring.seconds(where, "1"))
        ring.clock.advance(seconds[-1])
    assert seconds == [1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 60.0, 60.0]
    ring.clock.advance(60.0)
    assert ring.seconds(where, "1") == 1.0


def test_calls_that_were_limited_together_make_one_rest(ring: Ring) -> None:
    where = connection("a", "b")
    assert [ring.seconds(where, "1") for _ in range(5)] == [1.0] * 5


def test_a_shorter_hint_does_not_end_a_rest(ring: Ring) -> None:
    where = connection("a", "b")
    ring.resting.rests(where, "1", "limited", 30.0)
    assert ring.seconds(where, "1", 2.0) == 30.0
    assert ring.seconds(where, "1", 40.0) == 40.0


def test_the_only_secret_rests_for_the_hint_and_never_without_one(ring: Ring) -> None:
    where = connection("a")
    assert ring.seconds(where, "1") == 0.0
    assert ring.picks(where, 1) == ["1"]
    assert ring.seconds(where, "1", 3.0) == 3.0
    assert ring.picks(where, 1) == [None]
    ring.clock.advance(3.0)
    assert ring.picks(where, 1) == ["1"]


def test_a_limit_or_a_bar_is_of_one_model_and_a_refusal_of_all(ring: Ring) -> None:
    where = connection("a", "b")
    ring.resting.rests(where, "1", "limited", 500.0, "big")
    ring.resting.rests(where, "2", "barred", None, "big")
    assert ring.picks(where, 2, "big") == [None, None]
    assert ring.picks(where, 2, "small") == ["1", "2"]
    ring.clock.advance(60.0)
    assert ring.picks(where, 2, "big") == ["2", "2"]
    ring.resting.rests(where, "2", "dead", None, "big")
    assert ring.picks(where, 2, "small") == ["1", "1"]
    assert ring.resting.verdicts == {"limited": 1, "barred": 1, "dead": 1}


def test_a_dead_secret_rests_ten_minutes_and_is_told_once(
    ring: Ring, caplog: pytest.LogCaptureFixture
) -> None:
    where = connection("a", "b")
    assert ring.resting.works(where)
    with caplog.at_level(logging.WARNING):
        for _ in range(3):
            ring.resting.rests(where, "1", "dead", None)
    assert [record.getMessage() for record in caplog.records] == [
        "The provider refuses secret 1 of connection openai"
    ]
    assert ring.resting.works(where)
    ring.resting.rests(where, "2", "dead", None)
    assert not ring.resting.works(where)
    ring.clock.advance(599.9)
    assert ring.picks(where, 1) == [None]
    ring.clock.advance(0.1)
    assert ring.picks(where, 2) == ["1", "2"]
    assert ring.resting.works(where)


def test_a_new_secret_in_an_old_place_begins_without_a_verdict(ring: Ring) -> None:
    ring.resting.rests(connection("a"), "1", "dead", None)
    assert ring.picks(connection("a"), 1) == [None]
    assert ring.picks(connection("new"), 1) == ["1"]
    assert ring.resting.works(connection("new"))


def test_a_new_signer_in_an_old_place_begins_without_a_verdict(ring: Ring) -> None:
    signer = OwnSigner()
    ring.resting.rests(connection("", signer=signer), "1", "dead", None)
    assert ring.picks(connection("", signer=signer), 1) == [None]
    assert ring.picks(connection("", signer=OwnSigner()), 1) == ["1"]


def test_what_a_request_has_tried_is_left_out(ring: Ring) -> None:
    where = connection("a", "b")
    assert ring.resting.pick(where, "m", {"1", "2"}) is None
    assert ring.resting.pick(connection("a"), "m", {"1"}) is None
    again = ring.resting.pick(where, "m", {"1"})
    assert again is not None
    assert again.id == "2"


def test_a_secret_that_is_gone_or_fine_gets_no_verdict(ring: Ring) -> None:
    where = connection("a")
    ring.resting.rests(where, "9", "dead", None)
    ring.resting.rests(where, "1", "fine", None)
    assert ring.resting.resting() == []


def test_what_is_kept_is_bounded_and_forgotten_in_time(ring: Ring) -> None:
    for place in range(10_050):
        ring.resting.rests(connection("a", name=f"c{place}"), "1", "dead", None)
    assert len(ring.resting.resting()) == 10_000
    for place in range(10_050):
        ring.picks(connection("a", "b", name=f"c{place}"), 1)
    ring.clock.advance(660.0)
    ring.resting.rests(connection("a"), "1", "dead", None)
    assert [name for name, *_ in ring.resting.resting()] == ["id-of-openai"]


def test_nothing_of_a_secret_is_shown(ring: Ring) -> None:
    ring.resting.rests(connection("sk-secret"), "1", "dead", None, "m")
    assert ring.resting.resting() == [("id-of-openai", "1", "", "dead", 600.0)]
