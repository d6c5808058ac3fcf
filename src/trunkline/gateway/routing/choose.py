"""Which targets of an alias serve a request, and in which order they are tried.

The order is only a wish: whether a target may be tried is decided by its circuit at the moment of
the attempt. That is why a target whose circuit is open stays in the order, at its end.
"""

import random
from collections.abc import Callable, Sequence

import msgspec

from trunkline.gateway.policy import Strategy
from trunkline.gateway.routing.facts import Facts, facts_of
from trunkline.gateway.routing.ordering import by_latency, by_place, by_price, by_weight
from trunkline.gateway.routing.rules import misfit
from trunkline.gateway.routing.view import CircuitState, HealthView
from trunkline.gateway.snapshot import Alias, Target

__all__ = [
    "AskFacts",
    "CircuitState",
    "Facts",
    "HealthView",
    "Selection",
    "arrange",
    "choose",
    "facts_of",
    "select",
]

AskFacts = Callable[[], Facts]


def choose(alias: Alias, facts: AskFacts, view: HealthView, rng: random.Random) -> Sequence[Target]:
    """The targets to try for one request, in order; empty when none is in service.

    Hot: what has no policy, as most aliases, is given back as it is written, and ``facts`` is only
    called where a rule or a strategy looks at the request.
    """
    if alias.as_written:
        return alias.targets
    asked = facts()
    return arrange(alias, select(alias, asked), asked, view, rng)


class Selection(msgspec.Struct, frozen=True, gc=False):
    """What the rules leave.

    Attributes:
        rule: position of the rule that held, or None.
        targets: those that may serve the request, whatever their state.
    """

    rule: int | None
    strategy: Strategy
    targets: Sequence[Target]


def select(alias: Alias, facts: Facts) -> Selection:
    """Look for the first rule that fits."""
    route = alias.route
    for rule in route.rules:
        if misfit(rule.when, facts) is None:
            among = [alias.targets[position] for position in rule.targets]
            # An equal rule would have fitted before it, so it is the first of its equals.
            return Selection(route.rules.index(rule), rule.strategy or route.strategy, among)
    return Selection(None, route.strategy, alias.targets)


def arrange(
    alias: Alias, selection: Selection, facts: Facts, view: HealthView, rng: random.Random
) -> list[Target]:
    """Put the targets that are in service in order, those with an open circuit last."""
    closed, opened = _in_service(selection.targets, view)
    if selection.strategy == "sticky":
        key = sticky_key(alias, facts)
        order = by_place(closed, key) + by_place(opened, key)
        place = _draining_place(selection.targets, key, facts, order)
        return order if place is None else _put_first(place, order, view)
    order = _ordered(selection.strategy, closed, facts, view, rng)
    if opened:
        order += _ordered(selection.strategy, opened, facts, view, rng)
    return order


def _ordered(
    strategy: Strategy,
    targets: Sequence[Target],
    facts: Facts,
    view: HealthView,
    rng: random.Random,
) -> list[Target]:
    if strategy == "latency":
        return by_latency(targets, view, rng)
    if strategy == "weighted":
        return by_weight(targets, rng)
    if strategy == "price":
        return by_price(targets, facts)
    return list(targets)


def sticky_key(alias: Alias, facts: Facts) -> bytes:
    """What stays at one target: the conversation where one can be told, else the user."""
    if alias.route.sticky_by == "conversation":
        conversation = facts.conversation
        if conversation is not None:
            return b"c:" + conversation
    return b"u:" + facts.user.encode("utf-8", "surrogatepass")


def _in_service(
    targets: Sequence[Target], view: HealthView
) -> tuple[Sequence[Target], Sequence[Target]]:
    """Those that take requests, apart by whether their circuit is open.

    Draining ones join when no active one is left, that is, when none has a circuit that lets calls
    through.
    """
    for target in targets:
        if target.state != "active" or view.state(target) == "open":
            break
    else:
        return targets, ()
    closed: list[Target] = []
    opened: list[Target] = []
    for target in targets:
        if target.state == "active":
            (opened if view.state(target) == "open" else closed).append(target)
    if not closed:
        for target in targets:
            if target.state == "draining":
                (opened if view.state(target) == "open" else closed).append(target)
    return closed, opened


def _draining_place(
    targets: Sequence[Target], key: bytes, facts: Facts, order: list[Target]
) -> Target | None:
    """The draining target at which a conversation that goes on has its place, if it is one."""
    among = [target for target in targets if target.state != "disabled"]
    if len(among) == len(order) or not facts.goes_on:
        return None
    place = by_place(among, key)[0]
    return place if place.state == "draining" else None


def _put_first(place: Target, order: list[Target], view: HealthView) -> list[Target]:
    rest = [target for target in order if target is not place]
    return [*rest, place] if view.state(place) == "open" else [place, *rest]
