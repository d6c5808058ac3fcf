"""The last look at a routing state: what models say about each other has to be there."""

from msgspec.structs import replace

from trunkline.connections.building import State, Step
from trunkline.connections.route_checks import path_between
from trunkline.gateway.policy import DEFAULT_ROUTE, NO_CACHE_POLICY, CachePolicy, Route
from trunkline.gateway.snapshot import Alias


def settle(state: State) -> Step:
    """Leave out fallbacks that cannot be, and comparing without an embedding.

    A fallback has to be there, must not lead back, and has no guard that the model itself lacks: a
    request is guarded once, before it is known where it ends.

    Writing refuses all of these. They come about where an organisation and the operator have
    models of the same name, and where a model itself had to be left out.
    """
    edges: dict[str, list[str]] = {}
    for name, alias in state.aliases.items():
        if alias.route is not DEFAULT_ROUTE or alias.cache is not NO_CACHE_POLICY:
            route = _settled_route(state, alias, edges)
            cache = _settled_cache(state, alias)
            if route is not alias.route or cache is not alias.cache:
                state.aliases[name] = replace(alias, route=route, cache=cache)
        yield


def _settled_route(state: State, alias: Alias, edges: dict[str, list[str]]) -> Route:
    kept = {
        kind: tuple(other for other in names if _may_follow(state, alias, other, edges))
        for kind, names in alias.route.fallbacks.items()
    }
    if kept == alias.route.fallbacks:
        return alias.route
    return replace(alias.route, fallbacks={kind: names for kind, names in kept.items() if names})


def _may_follow(state: State, alias: Alias, other: str, edges: dict[str, list[str]]) -> bool:
    following = state.aliases.get(other)
    if following is None:
        why = "which is not there"
    elif path_between(edges, other, alias.name) is not None:
        why = "which leads back to it"
    elif any(guard not in alias.guards for guard in following.guards):
        why = "which has a guardrail that it has not"
    else:
        edges.setdefault(alias.name, []).append(other)
        return True
    state.problems.append(f"the model {alias.name!r} does without its fallback {other!r}, {why}")
    return False


def _settled_cache(state: State, alias: Alias) -> CachePolicy:
    cache = alias.cache
    if cache.embedding is None or cache.embedding in state.aliases:
        return cache
    state.problems.append(
        f"the model {alias.name!r} compares no prompts: there is no model {cache.embedding!r}"
    )
    return replace(cache, mode="exact", embedding=None)
