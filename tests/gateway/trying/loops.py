"""Random courses of the attempt loop: what each target does in turn, and the policies over them."""

from collections.abc import Sequence

import msgspec
from hypothesis import strategies as st
from tests.gateway.rig import connection, price_of

from trunkline.gateway.policy import CircuitTerms, Hedge, Retry, Route, Waits
from trunkline.gateway.snapshot import Alias, Credential, Target
from trunkline.simulator.prices import PRICES
from trunkline.simulator.rules import RuleRequest
from trunkline.simulator.server import Simulator

FINAL = "status_400"
LATE_BREAKS = ("cut_after_events;after=6", "error_in_stream;after=6", "missing_end")
SLOW = ("slow_first_token;seconds=0.06", "silence")
EARLY_BREAKS = ("reset", "error_first")
REFUSALS = (
    "status_500",
    "status_429;retry_after=0.01",
    "status_429;retry_after=30",
    "status_401",
)
FIRST_TOKEN = 0.12
"""Seconds after which a target counts as silent."""


class Plan(msgspec.Struct, frozen=True):
    """One target.

    Attributes:
        outcomes: of its first requests in turn; those after them are well.
        secrets: how many its connection has.
        bills_on: whether its provider bills what nobody reads.
    """

    outcomes: tuple[str, ...]
    secrets: int
    bills_on: bool


class Course(msgspec.Struct, frozen=True):
    """One request and all that it meets."""

    own: tuple[Plan, ...]
    fallback: tuple[Plan, ...]
    stream: bool
    buffered: bool
    hedged: bool
    attempts: int
    billed: bool
    leaves: float | None

    @property
    def plans(self) -> tuple[Plan, ...]:
        """Of all targets in the order in which they may be asked."""
        return self.own + self.fallback


# Each kind of harm is as likely as any other; only what ends everything is rare.
_harms = st.one_of(
    *(st.sampled_from(kind) for kind in (SLOW, LATE_BREAKS, EARLY_BREAKS, REFUSALS) * 3),
    st.just(FINAL),
)
_plans = st.builds(
    Plan,
    outcomes=st.lists(_harms, min_size=1, max_size=3).map(tuple) | st.just(()),
    secrets=st.integers(1, 2),
    bills_on=st.booleans(),
)
courses = st.builds(
    Course,
    own=st.lists(_plans, min_size=1, max_size=3).map(tuple),
    fallback=st.lists(_plans, max_size=2).map(tuple),
    stream=st.sampled_from((True, True, False)),
    buffered=st.booleans(),
    hedged=st.booleans(),
    attempts=st.integers(1, 3),
    billed=st.booleans(),
    leaves=st.sampled_from((None, None, None, None, 0.0, 0.02)),
)


def model_of(number: int, place: int) -> str:
    """The upstream name of a target: its own in each course, so that nothing is remembered."""
    return f"sim-{number}-{place}"


def published(simulator: Simulator, course: Course, number: int) -> list[Alias]:
    """The aliases of a course, the one to be asked first; the simulator gets their scripts."""
    targets = []
    for place, plan in enumerate(course.plans):
        model = model_of(number, place)
        for outcome in plan.outcomes:
            simulator.faults.add(RuleRequest(outcome, count=1, model=model))
        targets.append(_target(simulator, model, plan))
    own, fallback = targets[: len(course.own)], targets[len(course.own) :]
    spare = f"spare-{number}"
    aliases = [Alias(f"m-{number}", tuple(own), route=_route(course, [spare] if fallback else []))]
    if fallback:
        aliases.append(Alias(spare, tuple(fallback), route=_route(course, [])))
    return aliases


def _target(simulator: Simulator, model: str, plan: Plan) -> Target:
    credentials = tuple(
        Credential(str(turn), ((b"authorization", b"Bearer key-%d" % turn),))
        for turn in range(plan.secrets)
    )
    where = connection(
        simulator,
        "openai_chat",
        id=model,
        headers=(),
        credentials=credentials,
        cancels_on_close=not plan.bills_on,
    )
    return Target(where, model, price_of(model, PRICES["sim-fast"]))


def _route(course: Course, fallbacks: Sequence[str]) -> Route:
    return Route(
        fallbacks={"error": tuple(fallbacks)} if fallbacks else {},
        retry=Retry(course.attempts, base=0.001, cap=0.02, budget=1.0, billed=course.billed),
        circuit=CircuitTerms(enabled=False),
        waits=Waits(first_token=FIRST_TOKEN),
        hedge=Hedge(after=0.02, least=0.01) if course.hedged else None,
        buffered=course.buffered,
    )
