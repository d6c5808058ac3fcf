"""Models with policies: how a call is routed, tried, kept and guarded beyond what all have."""

from typing import Any, Final

from bench.cases import CHAT, Case, Feature

PERSONAL_DATA: Final[dict[str, Any]] = {
    "name": "personal-data",
    "kind": "pii",
    "way": "both",
    "action": "redact",
}
# What the second target of a model is called at the provider, after the first one's name.
SECOND: Final = "-second"
_CACHE: Final[dict[str, Any]] = {"enabled": True, "scope": "org"}
_HELD: Final[dict[str, Any]] = {"buffered": True}
# So late that it is looked for with every call, and never comes.
_NEVER_HEDGED: Final[dict[str, Any]] = {"hedge": {"after": 60, "least": 60}}


def published(case: Case) -> dict[str, Any]:
    """The model of a case: one target without policies, or what its feature asks for."""
    feature = case.operation.feature
    model: dict[str, Any] = {"name": case.model, "targets": [_target(case.model, case.model)]}
    if feature in {"everything", "routed", "looked_up", "hedged"}:
        model["targets"].append(_target(case.model, case.model + SECOND))
    if feature in {"everything", "looked_up", "cached"}:
        model["cache"] = _CACHE
    if feature == "guarded":
        model["guardrails"] = [PERSONAL_DATA["name"]]
    route = _route(feature, case)
    return model if route is None else model | {"route": route}


def _target(connection: str, model: str) -> dict[str, Any]:
    return {"connection": connection, "model": model}


def _route(feature: Feature | None, case: Case) -> dict[str, Any] | None:
    if feature in {"everything", "routed", "looked_up"}:
        return _every_policy(case)
    if feature == "hedged":
        return _NEVER_HEDGED
    return _HELD if feature == "buffered" else None


def _every_policy(case: Case) -> dict[str, Any]:
    """A route as somebody would write it who leaves nothing out; its rules fit no call of ours."""
    plain = Case(CHAT, case.stream, case.concurrency).model
    first = f"{case.model}/{case.model}"
    return {
        "policy": "latency",
        "rules": [
            {"when": {"tags": {"tier": "gold"}}, "targets": [first]},
            {"when": {"needs": ["vision"]}, "targets": [first]},
            {"when": {"input_tokens_from": 100_000}, "targets": [first]},
        ],
        "fallbacks": {"error": [plain], "context_window": [plain], "budget": [plain]},
        "retry": {"attempts": 3},
        "circuit": {"slow": 20},
        "timeouts": {"connect": 5, "first_token": 30, "idle": 30, "total": 300, "deadline": 120},
    }
