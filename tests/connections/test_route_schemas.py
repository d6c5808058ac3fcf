"""What may be written of routes and cache policies, and what becomes of it on the data path."""

from typing import Any

import msgspec
import pytest
from pydantic import BaseModel, ValidationError

from trunkline.connections.policies import cache_policy_of, route_of
from trunkline.connections.route_schemas import CacheSpec, RouteSpec, positions
from trunkline.connections.schemas import ConnectionSpec, ModelSpec, TargetSpec
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

TARGETS = (("openai", "gpt-4o"), ("openai", "gpt-4o-mini"), ("together", "meta-llama/Llama-3"))


def routed(**written: Any) -> Route:
    return route_of(RouteSpec.model_validate(written), TARGETS, {"research": "t1", "sales": "t2"})


def test_what_is_left_out_is_the_default_of_the_data_path() -> None:
    assert routed() is DEFAULT_ROUTE
    assert routed(policy="ordered") == DEFAULT_ROUTE
    assert routed(hedge={}) == Route(hedge=Hedge())
    assert cache_policy_of(None) is NO_CACHE_POLICY
    assert cache_policy_of(CacheSpec()) == NO_CACHE_POLICY


def test_everything_that_is_written_reaches_the_data_path() -> None:
    assert routed(
        policy="weighted",
        sticky_by="user",
        rules=[
            {
                "when": {
                    "team": ["research", "sales"],
                    "tags": {"tier": "gold"},
                    "input_tokens_from": 10,
                    "input_tokens_below": 100,
                    "needs": ["vision", "tools"],
                },
                "targets": ["together/meta-llama/Llama-3"],
                "policy": "sticky",
            },
            {"when": {"team": "sales"}, "targets": ["openai/gpt-4o-mini", "openai"]},
            {"targets": ["openai"]},
        ],
        fallbacks={"context_window": ["long", "longer"], "budget": ["cheap"]},
        retry={"attempts": 3, "base": 0.5, "cap": 8, "budget": 0.1, "billed": True},
        circuit={
            "enabled": False, "window": 30, "minimum": 5, "failures": 0.25, "slow": 4,
            "slow_share": 0.9, "open": 10, "longest": 100,
        },
        timeouts={"connect": 1, "first_token": 2, "idle": 3, "total": 4, "deadline": 5},
        hedge={"percentile": 90, "after": 1.5, "least": 0.1},
        buffered=True,
    ) == Route(
        strategy="weighted",
        sticky_by="user",
        rules=(
            Rule(
                Condition(
                    teams=frozenset({"t1", "t2"}),
                    tags=(("tier", "gold"),),
                    input_tokens_from=10,
                    input_tokens_below=100,
                    needs=frozenset({"vision", "tools"}),
                ),
                (2,),
                "sticky",
            ),
            Rule(Condition(teams=frozenset({"t2"})), (1, 0)),
            Rule(Condition(), (0, 1)),
        ),
        fallbacks={"context_window": ("long", "longer"), "budget": ("cheap",)},
        retry=Retry(3, 0.5, 8, 0.1, billed=True),
        circuit=CircuitTerms(30, 5, 0.25, 4, 0.9, 10, 100, enabled=False),
        waits=Waits(1, 2, 3, 4, 5),
        hedge=Hedge(90, 1.5, 0.1),
        buffered=True,
    )  # fmt: skip
    written = {
        "enabled": True, "mode": "semantic", "ttl": 60, "scope": "team", "charge": "full",
        "embedding": "small", "threshold": 0.9,
    }  # fmt: skip
    policy = cache_policy_of(CacheSpec.model_validate(written))
    assert msgspec.structs.asdict(policy) == written
    assert isinstance(policy, CachePolicy)


def test_a_rule_without_targets_that_are_left_keeps_its_place() -> None:
    spec = RouteSpec.model_validate({"rules": [{"targets": ["azure"]}, {"targets": ["openai"]}]})
    assert route_of(spec, TARGETS, {}).rules == (
        Rule(Condition(), ()), Rule(Condition(), (0, 1)),
    )  # fmt: skip


def test_a_rule_for_a_team_that_is_gone_is_no_rule_for_everyone() -> None:
    with pytest.raises(ValueError, match="no team 'legal'"):
        routed(rules=[{"when": {"team": ["sales", "legal"]}, "targets": ["openai"]}])


@pytest.mark.parametrize(
    ("reference", "places"),
    [
        ("openai", (0, 1)), ("openai/gpt-4o", (0,)), ("together", (2,)),
        ("together/meta-llama/Llama-3", (2,)), ("together/meta-llama", ()), ("azure", ()),
        ("openai/", ()), ("", ()),
    ],
)  # fmt: skip
def test_a_target_is_named_whole_or_by_its_connection(
    reference: str, places: tuple[int, ...]
) -> None:
    assert positions(reference, TARGETS) == places


RULE = {"targets": ["openai"]}
GOOD: dict[type[BaseModel], dict[str, Any]] = {
    RouteSpec: {},
    CacheSpec: {},
    TargetSpec: {"connection": "openai", "model": "gpt-4o"},
    ModelSpec: {"name": "fast", "targets": [{"connection": "openai", "model": "gpt-4o"}]},
    ConnectionSpec: {"name": "openai", "provider": "openai"},
}


@pytest.mark.parametrize(
    ("schema", "change", "path", "said"),
    [
        (RouteSpec, {"colour": "red"}, "colour", "Extra inputs"),
        (RouteSpec, {"policy": "random"}, "policy", "'sticky'"),
        (RouteSpec, {"sticky_by": "user"}, "", "sticky_by says what the policy sticky goes by"),
        (RouteSpec, {"rules": [{"targets": []}]}, "rules.0.targets", "at least 1 item"),
        (RouteSpec, {"rules": [{**RULE, "when": {"team": "A B"}}]}, "rules.0.when.team.0", "small"),
        (RouteSpec, {"rules": [{**RULE, "when": {"needs": ["x"]}}]}, "rules.0.when.needs.0", "too"),
        (
            RouteSpec,
            {"rules": [{**RULE, "when": {"input_tokens_from": 9, "input_tokens_below": 9}}]},
            "rules.0.when",
            "no input has at least 9 and fewer than 9 tokens",
        ),
        (RouteSpec, {"rules": [RULE] * 51}, "rules", "at most 50 items"),
        (RouteSpec, {"fallbacks": {"error": []}}, "fallbacks.error", "at least 1 item"),
        (RouteSpec, {"fallbacks": {"error": ["a", "a"]}}, "fallbacks.error", "written once"),
        (RouteSpec, {"fallbacks": {"rain": ["a"]}}, "fallbacks.rain.[key]", "'budget'"),
        (RouteSpec, {"retry": {"attempts": 0}}, "retry.attempts", "greater than or equal to 1"),
        (RouteSpec, {"circuit": {"failures": 0}}, "circuit.failures", "greater than 0"),
        (
            RouteSpec,
            {"circuit": {"open": 20, "longest": 10}},
            "circuit",
            "longest (10 s) is shorter than open (20 s)",
        ),
        (RouteSpec, {"timeouts": {"total": 0}}, "timeouts.total", "greater than 0"),
        (RouteSpec, {"hedge": {"percentile": 100}}, "hedge.percentile", "less than 100"),
        (CacheSpec, {"mode": "semantic"}, "", "needs the name of an embedding model"),
        (CacheSpec, {"ttl": 0}, "ttl", "greater than 0"),
        (CacheSpec, {"threshold": 0.1}, "threshold", "greater than or equal to 0.5"),
        (CacheSpec, {"scope": "world"}, "scope", "'team'"),
        (TargetSpec, {"weight": 0}, "weight", "from 1 to 1000; nothing goes to a target with"),
        (TargetSpec, {"weight": 1001}, "weight", "from 1 to 1000"),
        (TargetSpec, {"state": "resting"}, "state", "'draining'"),
        (ModelSpec, {"guardrails": ["pii", "pii"]}, "guardrails", "written once"),
        (ConnectionSpec, {"secret": "env:A", "secrets": ["env:B"]}, "", "either secret or secrets"),
        (ConnectionSpec, {"secrets": ["env:A", "env:A"]}, "", "one of them twice"),
        (ConnectionSpec, {"secrets": ["sk-a"]}, "secrets.0", "never as the secret itself"),
    ],
)
def test_a_value_that_cannot_be_meant_is_refused_with_its_path(
    schema: type[BaseModel], change: dict[str, Any], path: str, said: str
) -> None:
    schema.model_validate(GOOD[schema])
    with pytest.raises(ValidationError) as caught:
        schema.model_validate({**GOOD[schema], **change})
    (error,) = caught.value.errors()
    assert ".".join(map(str, error["loc"])) == path
    assert said in error["msg"]


def test_an_editor_is_told_that_a_team_may_stand_alone() -> None:
    schema = RouteSpec.model_json_schema()["$defs"]["WhenSpec"]["properties"]["team"]
    assert [choice["type"] for choice in schema["anyOf"]] == ["string", "array"]
