"""Targets, facts and healths that tests of choosing are made of."""

import random
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import msgspec
from typing_extensions import override

from trunkline.gateway.metering.price import Price, Rates
from trunkline.gateway.policy import Route
from trunkline.gateway.routing.choose import CircuitState, Facts, HealthView, choose
from trunkline.gateway.routing.facts import StatedFacts
from trunkline.gateway.snapshot import Alias, Connection, Origin, Target


class Seen(HealthView):
    """A health that is written down, by model."""

    def __init__(
        self,
        *,
        states: Mapping[str, CircuitState] | None = None,
        averages: Mapping[str, float] | None = None,
        calls: Mapping[str, int] | None = None,
    ) -> None:
        self._states = states or {}
        self._averages = averages or {}
        self._calls = calls or {}

    @override
    def state(self, target: Target) -> CircuitState:
        return self._states.get(target.model, "closed")

    @override
    def first_content(self, target: Target) -> float | None:
        return self._averages.get(target.model)

    @override
    def in_flight(self, target: Target) -> int:
        return self._calls.get(target.model, 0)


WELL = Seen()
ANYBODY = StatedFacts(user="somebody")


def target(model: str, **changes: Any) -> Target:
    connection = Connection(
        id="c1",
        name="acme",
        provider="openai",
        wires={"openai_chat": "/v1"},
        origin=Origin("https", "acme.example", 443),
        headers=(),
    )
    return msgspec.structs.replace(Target(connection, model, None), **changes)


def targets(*models: str, **changes: Any) -> tuple[Target, ...]:
    return tuple(target(model, **changes) for model in models)


def priced(model: str, *, input: int | None, output: int | None, **changes: Any) -> Target:  # noqa: A002 - the bucket's name.
    """A target with dollars for a million tokens, in cents."""
    cents = 10_000_000
    rates = Rates(
        input=None if input is None else input * cents,
        output=None if output is None else output * cents,
    )
    return target(model, price=Price(ref=model, rates=rates), **changes)


def alias(among: Sequence[Target], **route: Any) -> Alias:
    return Alias(name="fast", targets=tuple(among), route=Route(**route))


def order(of: Alias, facts: Facts = ANYBODY, view: HealthView = WELL, seed: int = 1) -> list[str]:
    """The models in the order in which this request tries them."""
    return [found.model for found in choose(of, lambda: facts, view, random.Random(seed))]


def shares(
    of: Alias, draw: Callable[[int], Facts], view: HealthView = WELL, count: int = 10_000
) -> dict[str, float]:
    """The share of requests that try each model first."""
    rng = random.Random(20_261)
    firsts = dict.fromkeys((found.model for found in of.targets), 0)
    for number in range(count):
        firsts[choose(of, lambda: draw(number), view, rng)[0].model] += 1  # noqa: B023 - called at once.
    return {model: found / count for model, found in firsts.items()}
