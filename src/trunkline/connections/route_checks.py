"""What is wrong with the policies of models, by themselves and among each other."""

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

import msgspec

from trunkline.connections.route_schemas import CacheSpec, RouteSpec, positions
from trunkline.connections.schemas import ModelSpec, TargetSpec
from trunkline.errors import InvalidRequest


class RouteProblem(NamedTuple):
    """One thing to mend in a published model.

    Attributes:
        model: its public name.
        field: where, from the model on, such as ``route.fallbacks.error[0]``.
        code: stable machine-readable word.
        hint: what there is instead, where that helps.
    """

    model: str
    field: str
    message: str
    code: str
    hint: str | None = None


class RoutesRefused(InvalidRequest):
    """Policies of models that cannot be meant.

    Attributes:
        problems: all of them; the error itself tells the first.
    """

    default_code = "route_refused"

    def __init__(self, problems: Sequence[RouteProblem], at: Mapping[str, str]) -> None:
        """``at`` has what precedes the fields of a model, such as ``models[3].``, by its name."""
        first = problems[0]
        super().__init__(
            first.message,
            code=first.code,
            hint=first.hint,
            param=at.get(first.model, "") + first.field,
        )
        self.problems = tuple(problems)


def model_problems(wanted: ModelSpec) -> Iterator[RouteProblem]:
    """What is wrong with a model whatever else there is."""
    yield from _target_problems(wanted.name, wanted.targets)
    if wanted.route is not None:
        targets = [(target.connection, target.model) for target in wanted.targets]
        yield from _rule_problems(wanted.name, wanted.route, targets)
        for field, name in fallback_fields(wanted.route):
            if name == wanted.name:
                yield RouteProblem(
                    name, field, f"The model {name!r} falls back to itself.", "fallback_cycle"
                )
    if wanted.cache is not None and wanted.cache.embedding == wanted.name:
        yield RouteProblem(
            wanted.name,
            "cache.embedding",
            f"The model {wanted.name!r} cannot embed its own prompts.",
            "unknown_model",
        )


def fallback_fields(route: RouteSpec) -> Iterator[tuple[str, str]]:
    """Every fallback, with the field in which it stands."""
    for kind, names in route.fallbacks.items():
        for place, name in enumerate(names):
            yield f"route.fallbacks.{kind}[{place}]", name


def _target_problems(model: str, targets: Sequence[TargetSpec]) -> Iterator[RouteProblem]:
    seen: set[str] = set()
    for place, target in enumerate(targets):
        if target.name in seen:
            message = f"The target {target.name!r} is written twice."
            yield RouteProblem(model, f"targets[{place}]", message, "target_repeated")
        seen.add(target.name)
    if all(target.state == "disabled" for target in targets):
        message = f"All targets of the model {model!r} are disabled, so nothing could serve it."
        yield RouteProblem(model, "targets", message, "targets_disabled")


def _rule_problems(
    model: str, route: RouteSpec, targets: Sequence[tuple[str, str]]
) -> Iterator[RouteProblem]:
    known = ", ".join("/".join(target) for target in targets)
    for number, rule in enumerate(route.rules):
        field = f"route.rules[{number}]"
        if rule.when.fits_all and number < len(route.rules) - 1:
            message = "A rule without a condition is the last one: those behind it never hold."
            yield RouteProblem(model, f"{field}.when", message, "rule_unconditional")
        for place, reference in enumerate(rule.targets):
            if not positions(reference, targets):
                message = f"The model {model!r} has no target {reference!r}."
                at = f"{field}.targets[{place}]"
                yield RouteProblem(model, at, message, "unknown_target", f"It has {known}.")


class Policies(msgspec.Struct, frozen=True):
    """A published model as far as it speaks of others."""

    name: str
    kind: str
    route: RouteSpec
    cache: CacheSpec | None
    guardrails: tuple[str, ...]


class Named(msgspec.Struct, frozen=True):
    """What models of one owner may name.

    Attributes:
        kinds: what each public name is for.
        teams: slugs; None for what is shared, whose organisations have different ones.
    """

    kinds: Mapping[str, str]
    guardrails: frozenset[str]
    teams: frozenset[str] | None


def problems_among(
    own: Sequence[Policies], shared: Sequence[Policies], named: Named
) -> Iterator[RouteProblem]:
    """What the models of one owner name and is not there, and fallbacks that go in a circle.

    ``shared`` are the models of the operator, which an organisation's own of the same name hide.
    """
    edges = {
        policies.name: tuple(name for _, name in fallback_fields(policies.route))
        for policies in (*shared, *own)
    }
    guards = {policies.name: policies.guardrails for policies in (*shared, *own)}
    for policies in own:
        yield from _unknown_names(policies, named)
        yield from _unknown_teams(policies, named.teams)
        for field, name in fallback_fields(policies.route):
            yield from _unguarded(policies, field, name, guards.get(name, ()))
            if circle := path_between(edges, name, policies.name):
                message = f"Fallbacks go in a circle: {', '.join((policies.name, *circle))}."
                yield RouteProblem(policies.name, field, message, "fallback_cycle")


def _unguarded(
    policies: Policies, field: str, other: str, guards: Sequence[str]
) -> Iterator[RouteProblem]:
    """A request is guarded once, before it is known where it ends."""
    if missing := [name for name in guards if name not in policies.guardrails]:
        name = missing[0]
        message = f"A request that falls back to {other!r} would go around its guardrail {name!r}."
        hint = f"Name it in guardrails of {policies.name!r} as well."
        yield RouteProblem(policies.name, field, message, "fallback_unguarded", hint)


def path_between(
    edges: Mapping[str, Sequence[str]], start: str, end: str
) -> tuple[str, ...] | None:
    """The names on a way along the edges, both ends included; None where there is no way."""
    came_from: dict[str, str | None] = {start: None}
    waiting = [start]
    while waiting:
        name = waiting.pop()
        if name == end:
            return _way_back(came_from, end)
        for following in edges.get(name, ()):
            if following not in came_from:
                came_from[following] = name
                waiting.append(following)
    return None


def _way_back(came_from: Mapping[str, str | None], end: str) -> tuple[str, ...]:
    way: list[str] = []
    step: str | None = end
    while step is not None:
        way.append(step)
        step = came_from[step]
    return tuple(reversed(way))


def _unknown_names(policies: Policies, named: Named) -> Iterator[RouteProblem]:
    for field, name in fallback_fields(policies.route):
        if name not in named.kinds:
            message = f"There is no model {name!r} to fall back to."
            yield RouteProblem(policies.name, field, message, "unknown_model")
    embedding = None if policies.cache is None else policies.cache.embedding
    if embedding is not None and named.kinds.get(embedding) != "embedding":
        message = f"There is no embedding model {embedding!r}."
        yield RouteProblem(policies.name, "cache.embedding", message, "unknown_model")
    for place, guardrail in enumerate(policies.guardrails):
        if guardrail not in named.guardrails:
            message = f"There is no guardrail {guardrail!r}."
            hint = f"There are {', '.join(sorted(named.guardrails)) or 'none yet'}."
            field = f"guardrails[{place}]"
            yield RouteProblem(policies.name, field, message, "unknown_guardrail", hint)


def _unknown_teams(policies: Policies, teams: frozenset[str] | None) -> Iterator[RouteProblem]:
    for number, rule in enumerate(policies.route.rules):
        field = f"route.rules[{number}].when.team"
        for slug in rule.when.team:
            if teams is None:
                message = "A model for all organisations has no rule for a team of one of them."
                yield RouteProblem(policies.name, field, message, "team_of_nobody")
            elif slug not in teams:
                message = f"There is no team {slug!r}."
                hint = f"There are {', '.join(sorted(teams)) or 'none yet'}."
                yield RouteProblem(policies.name, field, message, "unknown_team", hint)
