"""Aliases over the simulator whose targets fail as a test wants, and what was recorded of them."""

from typing import Any

from tests.gateway.rig import Rig, connection, price_of

from trunkline.gateway.policy import Retry, Route
from trunkline.gateway.snapshot import Alias, Target
from trunkline.simulator.prices import PRICES
from trunkline.simulator.server import Simulator

QUICK = Retry(base=0.001, cap=0.01, billed=True)


def target(simulator: Simulator, model: str, wire: str = "openai_chat", **changes: Any) -> Target:
    """A target of the simulator; the model may carry a fault, such as ``sim-fast+fault=reset``."""
    plain = model.partition("+")[0]
    price = price_of(plain, PRICES[plain])
    return Target(connection(simulator, wire, **changes), model, price)


def alias(*targets: Target, name: str = "m", **policies: Any) -> Alias:
    """An alias that repeats quickly."""
    return Alias(name, targets, route=Route(**{"retry": QUICK, **policies}))


def told(rig: Rig) -> list[tuple[str, str, str]]:
    """Of each attempt in the order of their begin: model, reason and ending."""
    begun = list(rig.recorded.attempts)
    closed = sorted(rig.recorded.outcomes, key=lambda pair: begun.index(pair[0].id))
    return [(one.model.partition("+")[0], one.reason, end.ending) for one, end in closed]


def balanced(rig: Rig) -> bool:
    """Whether every attempt that was covered was settled and recorded exactly once."""
    closed = [attempt.id for attempt, _ in rig.recorded.outcomes]
    opened = rig.recorded.attempts.keys()
    covered, settled = rig.admitted.covered.keys(), rig.admitted.settled.keys()
    return len(closed) == len(set(closed)) and {*closed} == {*opened} == {*covered} == {*settled}
