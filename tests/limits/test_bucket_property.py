"""A token bucket keeps its promise about use, whatever was reserved and given back."""

from dataclasses import dataclass

from hypothesis import given, settings
from hypothesis import strategies as st

from trunkline.limits.counters.counter import Tally
from trunkline.limits.counters.token_bucket import TokenBucket
from trunkline.limits.rules import LimitRule

AMOUNT, PER_SECONDS, BURST = 60, 1, 100


@dataclass
class Use:
    at: int
    reserved: int
    used: int
    lost: int
    settled: bool = False


steps = st.lists(
    st.one_of(
        st.tuples(st.just("wait"), st.integers(1, 2000), st.just(0)),
        st.tuples(st.just("take"), st.integers(1, BURST), st.integers(0, BURST)),
        st.tuples(st.just("settle"), st.integers(0, 30), st.just(0)),
    ),
    max_size=40,
)


@given(steps)
@settings(max_examples=300, deadline=None)
def test_no_stretch_of_time_sees_more_use_than_the_burst_and_the_inflow(
    moves: list[tuple[str, int, int]],
) -> None:
    rule = LimitRule("r", "o", "key", "tokens", AMOUNT, per_seconds=PER_SECONDS, burst=BURST)
    now = 1_000
    bucket = TokenBucket(rule, "key", Tally(), now)
    uses: list[Use] = []
    for kind, first, second in moves:
        if kind == "wait":
            now += first
        elif kind == "take" and bucket.take(now, 0, first):
            uses.append(Use(now, first, min(first, second), bucket.lost))
        elif kind == "settle":
            open_uses = [use for use in uses if not use.settled]
            if open_uses:
                use = open_uses[first % len(open_uses)]
                use.settled = True
                bucket.settle(now, use.at, use.lost, use.reserved, use.used)
        assert bucket.used(now, 0) <= BURST
    # A reservation that was never settled may yet be used in full.
    counted = [(use.at, use.used if use.settled else use.reserved) for use in uses]
    for begin, _ in counted:
        for end, _ in counted:
            inside = sum(amount for at, amount in counted if begin <= at <= end)
            if end >= begin:
                assert inside * PER_SECONDS * 1000 <= (
                    BURST * PER_SECONDS * 1000 + (end - begin) * AMOUNT
                )


def test_everything_comes_back_when_nothing_was_used_and_no_time_has_passed() -> None:
    rule = LimitRule("r", "o", "key", "tokens", AMOUNT, per_seconds=PER_SECONDS, burst=BURST)
    bucket = TokenBucket(rule, "key", Tally(), 0)
    losses = []
    for _ in range(4):
        assert bucket.take(0, 0, 25)
        losses.append(bucket.lost)
    assert not bucket.take(0, 0, 1)
    for lost in losses:
        bucket.settle(0, 0, lost, 25, 0)
    assert bucket.take(0, 0, BURST)
