"""What a choice of targets is told as.

Plain records of the standard library: the control API takes its description from them.
"""

from dataclasses import dataclass

from trunkline.gateway.policy import FallbackKind, Need, Strategy, TargetState
from trunkline.gateway.routing.view import CircuitState


@dataclass(frozen=True, slots=True)
class ToldRule:
    """A rule of the route, counted from 1, and why it decided or not."""

    rule: int
    held: bool
    why: str


@dataclass(frozen=True, slots=True)
class ToldTarget:
    """A target of the alias.

    Attributes:
        target: ``connection/model``.
        place: from 1 in the order in which they are tried; None for one that is not.
        why: why it has this place, or none.
        wire: the format that it is spoken to in; None where it cannot be asked.
        circuit: None where nobody knows.
        first_content: moving average in seconds; None where nobody knows.
        in_flight: calls that are under way; None where nobody knows.
        likely_cost: dollars of this request as a decimal string; None without a known price.
    """

    target: str
    place: int | None
    why: str
    state: TargetState
    weight: int
    wire: str | None
    circuit: CircuitState | None
    first_content: float | None
    in_flight: int | None
    likely_cost: str | None


@dataclass(frozen=True, slots=True)
class ToldFallback:
    """A model that follows after a failure of this kind, with its targets in their order.

    Attributes:
        targets: none where nobody publishes the model, or no target of it can be asked.
    """

    after: FallbackKind
    model: str
    targets: list[str]


@dataclass(frozen=True, slots=True)
class ToldFacts:
    """What the decision could look at; the attributes are those of ``Facts``.

    Attributes:
        conversation: as text, or in hexadecimal digits where it is none.
    """

    team_id: str | None
    tags: tuple[tuple[str, str], ...]
    user: str
    conversation: str | None
    goes_on: bool
    input_tokens: int
    output_tokens: int
    needs: list[Need]


@dataclass(frozen=True, slots=True)
class Explanation:
    """What would happen to a request.

    Attributes:
        model: the public name.
        policy: the one that counted, after the rules.
        by_chance: whether the next request may find another order.
        targets: those that are tried, in their order, and then the others.
    """

    model: str
    policy: Strategy
    by_chance: bool
    rules: list[ToldRule]
    targets: list[ToldTarget]
    fallbacks: list[ToldFallback]
    facts: ToldFacts
