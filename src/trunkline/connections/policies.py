"""Written policies as the data path reads them."""

from collections.abc import Mapping, Sequence

from trunkline.connections.route_schemas import CacheSpec, RouteSpec, RuleSpec, WhenSpec, positions
from trunkline.gateway.policy import (
    DEFAULT_ROUTE,
    NO_CACHE_POLICY,
    CachePolicy,
    CircuitTerms,
    Condition,
    Hedge,
    Retry,
    Route,
    Rule,
    Waits,
)


def route_of(
    spec: RouteSpec, targets: Sequence[tuple[str, str]], teams: Mapping[str, str]
) -> Route:
    """The route of a model.

    Args:
        spec: as it is written.
        targets: (connection, upstream id) of those that are left of the written ones. A rule none
            of whose targets is left keeps its place, so that its requests go nowhere else.
        teams: ids by slug.

    Raises:
        ValueError: a rule is for a team that is not there.
    """
    if not spec.model_fields_set:
        return DEFAULT_ROUTE
    return Route(
        strategy=spec.policy,
        sticky_by=spec.sticky_by or DEFAULT_ROUTE.sticky_by,
        rules=tuple(_rule(rule, targets, teams) for rule in spec.rules),
        fallbacks=dict(spec.fallbacks),
        retry=Retry(**spec.retry.model_dump()),
        circuit=CircuitTerms(**spec.circuit.model_dump()),
        waits=Waits(**spec.timeouts.model_dump()),
        hedge=None if spec.hedge is None else Hedge(**spec.hedge.model_dump()),
        buffered=spec.buffered,
    )


def _rule(spec: RuleSpec, targets: Sequence[tuple[str, str]], teams: Mapping[str, str]) -> Rule:
    chosen = [place for reference in spec.targets for place in positions(reference, targets)]
    return Rule(_condition(spec.when, teams), tuple(dict.fromkeys(chosen)), spec.policy)


def _condition(spec: WhenSpec, teams: Mapping[str, str]) -> Condition:
    """The condition with the ids of its teams: none left would mean any, so one is missed."""
    if missing := [slug for slug in spec.team if slug not in teams]:
        raise ValueError(f"there is no team {missing[0]!r}")
    return Condition(
        teams=frozenset(teams[slug] for slug in spec.team),
        tags=tuple(spec.tags.items()),
        input_tokens_from=spec.input_tokens_from,
        input_tokens_below=spec.input_tokens_below,
        needs=frozenset(spec.needs),
    )


def cache_policy_of(spec: CacheSpec | None) -> CachePolicy:
    """What is done about answers that were given before."""
    return NO_CACHE_POLICY if spec is None else CachePolicy(**spec.model_dump())
