"""What can be said of a configuration without a database, beyond its shape."""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from trunkline.configuration.collecting import Collector
from trunkline.configuration.loading import Loaded
from trunkline.configuration.owned import Owner
from trunkline.configuration.problems import ConfigurationRefused, Problem
from trunkline.configuration.schema import ConfigurationFile, OrganisationSection
from trunkline.connections.route_checks import (
    RouteProblem,
    fallback_fields,
    model_problems,
    path_between,
)
from trunkline.connections.schemas import ModelSpec
from trunkline.gateway.providers.registry import PROVIDERS
from trunkline.limits.rules import SEEDED_TIERS


class _Reference(NamedTuple):
    """A name that a field gives to something that stands elsewhere."""

    path: str
    noun: str
    name: str


class _Names(NamedTuple):
    """What the sections of one owner may name inside the file, by what it is."""

    models: frozenset[str]
    connections: frozenset[str]
    guardrails: frozenset[str]
    tiers: frozenset[str]
    teams: frozenset[str] | None
    users: frozenset[str]
    keys: frozenset[str]


def check_file(loaded: Loaded) -> None:
    """Refuse policies that contradict themselves or each other.

    Raises:
        ConfigurationRefused: with the places and paths of all that is wrong.
    """
    collector = Collector()
    shared = loaded.content.models
    for path, owner in _owners(loaded.content):
        at = {model.name: f"{path}models[{place}]." for place, model in enumerate(owner.models)}
        for model in owner.models:
            collector.add_routes(model_problems(model), at)
        collector.add_routes(_circles(owner.models, shared), at)
    if collector.problems:
        problems = loaded.places.located(collector.problems)
        raise ConfigurationRefused(loaded.places.source, problems)


def _circles(own: Iterable[ModelSpec], shared: Iterable[ModelSpec]) -> Iterator[RouteProblem]:
    """Fallbacks that lead back; an organisation's own models hide shared ones of their names."""
    edges = {model.name: _fallbacks(model) for model in (*shared, *own)}
    for model in own:
        for field, name in fallback_fields(model.route) if model.route is not None else ():
            circle = None if name == model.name else path_between(edges, name, model.name)
            if circle is not None:
                message = f"Fallbacks go in a circle: {', '.join((model.name, *circle))}."
                yield RouteProblem(model.name, field, message, "fallback_cycle")


def _fallbacks(model: ModelSpec) -> tuple[str, ...]:
    return () if model.route is None else tuple(name for _, name in fallback_fields(model.route))


def notes_on(loaded: Loaded) -> tuple[Problem, ...]:
    """What the file names and does not have itself. It may be in the installation already."""
    file = loaded.content
    notes = [
        Problem(reference.path, f"the {reference.noun} {reference.name!r} is not in this file")
        for path, owner in _owners(file)
        for reference in _unknown(path, owner, _names(file, owner))
    ]
    return tuple(loaded.places.located(notes))


def _owners(file: ConfigurationFile) -> Iterator[tuple[str, Owner]]:
    yield "", file
    for number, organisation in enumerate(file.organisations):
        yield f"organisations[{number}].", organisation


def _names(file: ConfigurationFile, owner: Owner) -> _Names:
    section = owner if isinstance(owner, OrganisationSection) else None
    tiers = {tier.name for tier in (*file.tiers, *(section.tiers if section else ()))}
    return _Names(
        models=frozenset(model.name for model in (*file.models, *owner.models)),
        # The environment makes connections of the names of their providers.
        connections=frozenset(
            (
                *(connection.name for connection in (*file.connections, *owner.connections)),
                *(provider.id for provider in PROVIDERS),
            )
        ),
        guardrails=frozenset(row.name for row in (*file.guardrails, *owner.guardrails)),
        tiers=frozenset(tiers | {tier.name for tier in SEEDED_TIERS}),
        teams=frozenset(team.slug for team in section.teams) if section else None,
        users=frozenset(user.address for user in section.users) if section else frozenset(),
        keys=frozenset(key.name for key in section.keys) if section else frozenset(),
    )


def _unknown(path: str, owner: Owner, names: _Names) -> Iterator[_Reference]:
    for place, price in enumerate(owner.prices):
        if price.connection is not None and price.connection not in names.connections:
            yield _Reference(f"{path}prices[{place}].connection", "connection", price.connection)
    for place, model in enumerate(owner.models):
        yield from _unknown_of_model(f"{path}models[{place}].", model, names)
    if isinstance(owner, OrganisationSection):
        yield from _unknown_of_people(path, owner, names)


def _unknown_of_model(at: str, model: ModelSpec, names: _Names) -> Iterator[_Reference]:
    for place, target in enumerate(model.targets):
        if target.connection not in names.connections:
            field = f"{at}targets[{place}].connection"
            yield _Reference(field, "connection", target.connection)
    for place, guardrail in enumerate(model.guardrails):
        if guardrail not in names.guardrails:
            yield _Reference(f"{at}guardrails[{place}]", "guardrail", guardrail)
    if model.cache is not None and model.cache.embedding not in {None, *names.models}:
        yield _Reference(f"{at}cache.embedding", "model", str(model.cache.embedding))
    if model.route is None:
        return
    for field, name in fallback_fields(model.route):
        if name not in names.models:
            yield _Reference(at + field, "model", name)
    for number, rule in enumerate(model.route.rules):
        for team in rule.when.team:
            if names.teams is not None and team not in names.teams:
                yield _Reference(f"{at}route.rules[{number}].when.team", "team", team)


def _unknown_of_people(
    path: str, section: OrganisationSection, names: _Names
) -> Iterator[_Reference]:
    if section.tier is not None and section.tier not in names.tiers:
        yield _Reference(f"{path}tier", "tier", section.tier)
    known = {"team": names.teams or frozenset(), "user": names.users, "key": names.keys}
    for place, key in enumerate(section.keys):
        at = f"{path}keys[{place}]."
        if key.team is not None and key.team not in known["team"]:
            yield _Reference(f"{at}team", "team", key.team)
        if key.user is not None and key.user.lower() not in known["user"]:
            yield _Reference(f"{at}user", "user", key.user)
        if key.tier is not None and key.tier not in names.tiers:
            yield _Reference(f"{at}tier", "tier", key.tier)
    for kind, rules in (("limits", section.limits), ("budgets", section.budgets)):
        for place, rule in enumerate(rules):
            given, names_of_kind = rule.scope_id, known.get(rule.scope)
            if given is not None and names_of_kind is not None and given not in names_of_kind:
                yield _Reference(f"{path}{kind}[{place}].scope_id", rule.scope, given)
