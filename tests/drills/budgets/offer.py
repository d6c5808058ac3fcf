"""Models that fail over, hedge and restart at dearer targets, and the faults that make them."""

import random
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from tests.drills.load import Call
from tests.product.offer import Copy, rates_of
from tests.product.running import CHAT, MESSAGES

from trunkline.simulator.rules import RuleRequest

QUICK = ("sim-fast", "sim-chat", "sim-long")
"""Each dearer than the one before."""
PACED = ("sim-slow", "sim-chat", "sim-long")
"""The same, with a first one that takes its time."""

_CONNECTIONS = {CHAT: "sim-openai", MESSAGES: "sim-anthropic"}
_BILLS_ON = {CHAT: "openai-bills-on", MESSAGES: "anthropic-bills-on"}
_WIRES = {CHAT: "chat", MESSAGES: "messages"}
_OFTEN = {"circuit": {"enabled": False}, "retry": {"base": 0.01, "budget": 1.0, "billed": True}}
_HEDGE = {"after": 0.05, "least": 0.02}

ROUTES: Mapping[str, Mapping[str, Any]] = {
    "fails-over": {},
    "hedged": {"hedge": _HEDGE},
    "held": {"buffered": True},
    "all": {"hedge": _HEDGE, "buffered": True},
}
"""What each model does when its first target harms it; all have the others, and a fallback."""

# Of the requests to a target, in the order in which they are drawn; most are left in peace.
_FAULTS: Sequence[Sequence[tuple[str, float]]] = (
    (
        ("slow_first_token;seconds=0.2", 0.15),
        ("cut_after_events;after=6", 0.15),
        ("error_in_stream;after=6", 0.1),
        ("missing_end", 0.1),
        ("status_500", 0.15),
        ("status_429;retry_after=0.02", 0.1),
        ("reset", 0.1),
        ("no_usage", 0.1),
    ),
    (
        ("status_503;retry_after=0.02", 0.2),
        ("cut_after_events;after=6", 0.2),
        ("reset", 0.1),
        ("no_usage", 0.1),
    ),
    (("slow_first_token;seconds=0.1", 0.2), ("cut_after_events;after=6", 0.1), ("no_usage", 0.1)),
)


def copies() -> list[Copy]:
    """Connections to providers that go on with an answer, and its bill, when nobody reads it."""
    return [Copy(_BILLS_ON[path], of, cancels_on_close=False) for path, of in _CONNECTIONS.items()]


def prices(targets: Sequence[str]) -> list[Mapping[str, Any]]:
    """What the targets cost at these connections: the same as elsewhere."""
    return [
        {"connection": name, "model": model, **rates_of(model)}
        for name in _BILLS_ON.values()
        for model in targets
    ]


def models(targets: Sequence[str]) -> Iterator[Mapping[str, Any]]:
    """Each route on both wires, at providers that stop their bill and at those that do not."""
    first, second, third = targets
    yield _model("cheap", [("sim-gemini", "sim-gemini")], {})
    dear = {"fallbacks": {"budget": ["cheap"]}}
    yield _model("thrifty", [("sim-openai", "sim-think")], dear)
    for path, wire in _WIRES.items():
        other = next(name for at, name in _CONNECTIONS.items() if at != path)
        yield _model(f"last/{wire}", [(_CONNECTIONS[path], third)], _OFTEN)
        for stops, connections in ((True, _CONNECTIONS), (False, _BILLS_ON)):
            for name, route in ROUTES.items():
                # The second target speaks the other wire, so that translated answers are paid, too.
                places = [(connections[path], first), (other, second)]
                fallbacks = {"error": [f"last/{wire}"]}
                yield _model(
                    _name(name, wire, stops=stops),
                    places,
                    {**_OFTEN, **route, "fallbacks": fallbacks},
                )


def faults(targets: Sequence[str]) -> Iterator[RuleRequest]:
    """The rules for a simulator."""
    for model, shares in zip(targets, _FAULTS, strict=True):
        left = 1.0
        for fault, share in shares:
            # Each rule gets what those before it have left.
            yield RuleRequest(fault, model=model, share=min(share / left, 1.0))
            left -= share


def calls(rng: random.Random, count: int, most_tokens: int) -> list[Call]:
    """Calls of all kinds; every one says how many tokens it wants at most."""
    return [
        Call(
            path := rng.choice((CHAT, MESSAGES)),
            _name(rng.choice(list(ROUTES)), _WIRES[path], stops=rng.random() < 0.5),
            stream=rng.random() < 0.7,
            max_tokens=rng.randint(1, most_tokens),
        )
        for _ in range(count)
    ]


def _name(route: str, wire: str, *, stops: bool) -> str:
    return f"{route}/{wire}/{'stops' if stops else 'bills-on'}"


def _model(
    name: str, places: Sequence[tuple[str, str]], route: Mapping[str, Any]
) -> Mapping[str, Any]:
    targets = [{"connection": connection, "model": model} for connection, model in places]
    return {"name": name, "targets": targets, "route": route}
