"""Puts the routing state of the installation and of each organisation together.

The builders are generators that yield nothing but turns: the adapter lets the event loop run
between their steps, because a large catalogue takes longer than the loop may wait.
"""

from collections.abc import Generator, Iterable, Mapping
from typing import NamedTuple

import msgspec

from trunkline.catalog.capabilities import Capabilities
from trunkline.catalog.reader import Catalog
from trunkline.catalog.rows import Model
from trunkline.connections.guards import Written
from trunkline.connections.policies import cache_policy_of, route_of
from trunkline.connections.price_book import PriceBook
from trunkline.connections.published import policies_of
from trunkline.connections.rows import AliasRow
from trunkline.gateway.guarding.guard import Guard
from trunkline.gateway.policy import DEFAULT_ROUTE, Route
from trunkline.gateway.providers.registry import PROVIDERS
from trunkline.gateway.snapshot import Alias, Connection, Target

Step = Generator[None, None, None]


class State(NamedTuple):
    """What can be called, by name, with the prices of one moment.

    Attributes:
        problems: sentences about what was left out, for the operator.
        guardrails: as they are written, by name: those that models may name.
        guards: those that models do name, or a sentence that says why there is none.
        teams: ids by slug, of the teams that rules speak of.
    """

    connections: dict[str, Connection]
    aliases: dict[str, Alias]
    book: PriceBook
    problems: list[str]
    guardrails: Mapping[str, Written]
    guards: Mapping[str, Guard | str]
    teams: Mapping[str, str]


def publish_catalog(
    state: State, catalog: Catalog, capabilities: Capabilities, hold_headers: float
) -> Step:
    """Add the catalogue's models of each provider that has a connection of its own name.

    Chat models come first. A name that is already taken is published as ``provider/model``.
    """
    found: list[tuple[str, str, str]] = []
    for provider in PROVIDERS:
        if provider.id in state.connections and provider.price_provider and provider.publishes:
            for model in catalog.models(provider.price_provider):
                dated = capabilities.dated_names(provider.price_provider, model.id)
                found += [(provider.id, name, model.kind) for name in _names(model, dated)]
            yield
    for provider_id, name, kind in sorted(found, key=lambda item: item[2] != "chat"):
        public = name if name not in state.aliases else f"{provider_id}/{name}"
        target = state.book.target(state.connections[provider_id], name)
        state.aliases[public] = Alias(public, (target,), kind, hold_headers=hold_headers)
        yield


def _names(model: Model, dated: Iterable[str]) -> Iterable[str]:
    return dict.fromkeys((*model.names, *dated))


def publish_rows(state: State, rows: Iterable[AliasRow], hold_headers: float) -> Step:
    """Add published models; one of the same name that is already there is replaced.

    A target at a connection that is no more is left out. So is a model without targets, and one
    whose policies or guardrails cannot be kept: nobody is served around them.
    """
    for row in rows:
        try:
            state.aliases[row.name] = _alias(state, row, hold_headers)
        except ValueError as error:
            state.aliases.pop(row.name, None)
            state.problems.append(f"the model {row.name!r} {error}")
        yield


def _alias(state: State, row: AliasRow, hold_headers: float) -> Alias:
    targets = tuple(_targets(state, row))
    if not targets:
        raise ValueError("has no target that can be reached")
    try:
        policies = policies_of(row)
        left = [(target.connection.name, target.model) for target in targets]
        route = route_of(policies.route, left, state.teams)
        guards = tuple(_guards(state, row))
    except ValueError as error:
        raise ValueError(f"is left out: {error}") from error
    if row.org_id is not None and _judges(route):
        targets = tuple(_apart(target, row.org_id) for target in targets)
    for number, rule in enumerate(route.rules):
        if not rule.targets:
            state.problems.append(f"no target of rule {number} of {row.name!r} can be reached")
    return Alias(
        name=row.name,
        targets=targets,
        kind=row.kind,
        created=row.created_ms // 1000,
        max_tokens=row.max_tokens,
        hold_headers=hold_headers if row.hold_headers is None else row.hold_headers,
        on_unsupported=row.on_unsupported,
        route=route,
        cache=cache_policy_of(policies.cache),
        guards=guards,
    )


def _judges(route: Route) -> bool:
    """Whether a route says by itself what counts as a failure, or how many are too many."""
    usual = DEFAULT_ROUTE
    return (route.circuit, route.waits, route.retry) != (usual.circuit, usual.waits, usual.retry)


def _apart(target: Target, org_id: str) -> Target:
    """The target with circuits of the organisation's own.

    Its connection may be shared, and what one organisation thinks of as a failure must not close
    it to the others.
    """
    return msgspec.structs.replace(target, key=f"{target.place}@{org_id}")


def _guards(state: State, row: AliasRow) -> Iterable[Guard]:
    for name in row.guardrails:
        guard = state.guards.get(name, f"there is no guardrail {name!r}")
        if isinstance(guard, str):
            raise ValueError(guard)  # noqa: TRY004 - it is a sentence and no wrong type.
        yield guard


def _targets(state: State, row: AliasRow) -> Iterable[Target]:
    for name, model, weight, target_state in row.targets:
        connection = state.connections.get(name)
        if connection is None:
            state.problems.append(f"the model {row.name!r} wants the unknown connection {name!r}")
        else:
            yield state.book.target(connection, model, weight=weight, state=target_state)


def inherit(state: State, shared: dict[str, Alias]) -> Step:
    """Add the shared models, bound to the organisation's own connections and prices.

    Names resolve in the organisation first: its own connection ``openai`` serves it the shared
    models of ``openai`` too, if it is one to the same provider. Models that nothing of its own
    touches are the same objects for all organisations.
    """
    special = {
        name: connection
        for name, connection in state.connections.items()
        if state.book.is_special_for(connection)
    }
    for name, alias in shared.items():
        targets = tuple(_inherited(state, special, target) for target in alias.targets)
        same = all(own is target for own, target in zip(targets, alias.targets, strict=True))
        state.aliases[name] = alias if same else msgspec.structs.replace(alias, targets=targets)
        yield


def _inherited(state: State, special: dict[str, Connection], target: Target) -> Target:
    own = state.connections.get(target.connection.name)
    if own is None or own.provider != target.connection.provider:
        own = target.connection
    if own is target.connection and own.name not in special:
        return target
    return state.book.target(own, target.model, weight=target.weight, state=target.state)
