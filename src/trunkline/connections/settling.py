"""The last look at a routing state: what models say about each other has to be there."""

from msgspec.structs import replace

from trunkline.connections.building import State, Step
from trunkline.connections.route_checks import path_between
from trunkline.gateway.policy import DEFAULT_ROUTE, NO_CACHE_POLICY, CachePolicy, Route
from trunkline.gateway.snapshot import Alias


def settle(state: State) -> Step:
    """Leave out fallbacks that are not there or lead back, and comparing without an embedding.

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
        kind: tuple(other for other in names if _may_follow(state, alias.name, other, edges))
        for kind, names in alias.route.fallbacks.items()
    }
    if kept == alias.route.fallbacks:
        return alias.route
    return replace(alias.route, fallbacks={kind: names for kind, names in kept.items() if names})


def _may_follow(state: State, name: str, other: str, edges: dict[str, list[str]]) -> bool:
    if other not in state.aliases:
        why = "which is not there"
    elif path_between(edges, other, name) is not None:
        why = "which leads back to it"
    else:
        edges.setdefault(name, []).append(other)
        return True
    state.problems.append(f"the model {name!r} does without its fallback {other!r}, {why}")
    return False


def _settled_cache(state: State, alias: Alias) -> CachePolicy:
    cache = alias.cache
    if cache.embedding is None or cache.embedding in state.aliases:
        return cache
    state.problems.append(
        f"the model {alias.name!r} compares no prompts: there is no model {cache.embedding!r}"
    )
    return replace(cache, mode="exact", embedding=None)
