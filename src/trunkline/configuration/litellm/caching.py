"""LiteLLM's cache of answers as the cache policy of the published models."""

from collections.abc import Mapping, Sequence
from typing import Any

from trunkline.configuration.litellm.deployments import Deployment
from trunkline.configuration.litellm.fields import Fields
from trunkline.configuration.litellm.report import Report

_SEMANTIC = ("redis-semantic", "qdrant-semantic", "valkey-semantic")
_DEFAULT_EMBEDDING = "text-embedding-ada-002"
_LEAST_THRESHOLD = 0.5


def read_cache(
    general: Fields, published: Mapping[str, Sequence[Deployment]], report: Report
) -> dict[str, Any]:
    """The policy of models that take part; empty where answers are not kept."""
    on = general.flag("cache")
    params = general.fields("cache_params")
    if not on:
        if general.has("cache_params"):
            report.left_out(general.at("cache_params"), "says nothing while cache is off")
        for name in params.names():
            params.take(name)
        return {}
    report.translated(general.at("cache"), "each model has a cache policy")
    policy: dict[str, Any] = {"enabled": True}
    if params.text("mode") == "default_off":
        del policy["enabled"]
        report.translated(params.at("mode"), "answers are kept where a key or a request says so")
    if ttl := params.number("ttl"):
        policy["ttl"] = ttl
        report.translated(params.at("ttl"), "seconds for which an answer is given again")
    policy |= _semantic(params, published, report)
    if params.has("supported_call_types"):
        params.take("supported_call_types")
        message = "each model has its own policy: take it from those that shall have none"
        report.approximated(params.at("supported_call_types"), message)
    for name in params.names():
        is_address = name.startswith(("host", "port", "password", "url", "redis_"))
        if is_address and params.take(name) is not None:
            report.left_out(params.at(name), "set TRUNKLINE_REDIS_URL in the environment")
    params.rest("has no counterpart: answers are kept in memory or in Redis")
    return policy


def _semantic(
    params: Fields, published: Mapping[str, Sequence[Deployment]], report: Report
) -> dict[str, Any]:
    kind = params.text("type") or "local"
    threshold = params.number("similarity_threshold")
    named = params.text(f"{kind.replace('-semantic', '')}_semantic_cache_embedding_model")
    if kind not in _SEMANTIC:
        report.translated(
            params.at("type"), "answers are kept in memory, or in Redis if there is one"
        )
        return {}
    embedding = named or _DEFAULT_EMBEDDING
    if embedding not in published or published[embedding][0].kind != "embedding":
        message = f"there is no embedding model {embedding!r}: only equal requests are recognised"
        report.approximated(params.at("type"), message)
        return {}
    report.translated(params.at("type"), f"near requests are recognised by {embedding!r}")
    policy: dict[str, Any] = {"mode": "semantic", "embedding": embedding}
    if threshold is not None:
        policy["threshold"] = min(max(threshold, _LEAST_THRESHOLD), 1.0)
    return policy
