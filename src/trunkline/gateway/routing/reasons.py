"""Why a target has its place among those that are tried, or has none, in words."""

from collections.abc import Sequence

from trunkline.gateway.policy import Route
from trunkline.gateway.routing.choose import Selection
from trunkline.gateway.routing.facts import Facts
from trunkline.gateway.routing.ordering import likely_cost
from trunkline.gateway.routing.view import HealthView
from trunkline.gateway.snapshot import Target
from trunkline.kit.money import format_usd


def why_not(target: Target, selection: Selection, wire: str | None) -> str:
    """Why a target is not tried; ``wire`` is the format that it could be asked in."""
    if selection.rule is not None and not among(target, selection.targets):
        return f"rule {selection.rule + 1} leaves it out"
    if target.state == "disabled":
        return "it is disabled"
    if wire is None:
        return "it cannot be asked for this in any format that it speaks"
    return "it is draining, and others are in service"


def why_here(
    target: Target,
    order: Sequence[Target],
    selection: Selection,
    route: Route,
    facts: Facts,
    view: HealthView,
) -> str:
    """Why a target has its place in the order."""
    reasons = [_by_strategy(target, order, selection, route, facts, view)]
    if target.state == "draining":
        reasons.append(f"it is draining, and {_why_still(order, view)}")
    state = view.state(target)
    if state == "open":
        reasons.append("its circuit is open, so it comes last and waits for a probe")
    elif state == "half_open":
        reasons.append("its circuit lets one probe through")
    return "; ".join(reasons)


def _why_still(order: Sequence[Target], view: HealthView) -> str:
    active = [other for other in order if other.state == "active"]
    if not active:
        return "no active one is left"
    if all(view.state(other) == "open" for other in active):
        return "no active one lets calls through"
    return "the conversation goes on"


def _by_strategy(
    target: Target,
    order: Sequence[Target],
    selection: Selection,
    route: Route,
    facts: Facts,
    view: HealthView,
) -> str:
    first = target is order[0]
    match selection.strategy:
        case "weighted":
            whole = sum(other.weight for other in order)
            return f"drawn by its weight of {target.weight} in {whole}"
        case "price":
            cost = likely_cost(target, facts)
            if cost is None:
                return "nobody knows its price, so it comes after those with one"
            return f"this request would cost about ${format_usd(cost)} there"
        case "latency":
            return _by_latency(target, view, first=first and len(order) > 1)
        case "sticky":
            kept = "conversation" if route.sticky_by == "conversation" else "user"
            if kept == "conversation" and facts.conversation is None:
                kept = "user"
            return f"the {kept} has its place here" if first else f"next for the {kept}"
        case _:
            return "in the order in which it is written"


def _by_latency(target: Target, view: HealthView, *, first: bool) -> str:
    known = view.first_content(target)
    speed = (
        "how fast it is is not known yet"
        if known is None
        else f"{known * 1000:.0f} ms until first content on average"
    )
    return f"{speed}; it was the better of two at random" if first else speed


def among(target: Target, targets: Sequence[Target]) -> bool:
    """Whether it is one of these very objects: equal ones may stand there twice."""
    return any(target is other for other in targets)
