"""Translating LiteLLM's configuration, and what the report says of every field."""

from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest
from tests.configuration.world import applied, planned

from trunkline.configuration.litellm.importing import Imported, import_litellm
from trunkline.configuration.loading import parse, read_tree
from trunkline.configuration.writing import yaml_of
from trunkline.storage.engine import Database

COMPANY = Path(__file__).parent / "company.yaml"


def imported(text: str, organisation: str | None = None) -> Imported:
    return import_litellm(read_tree(dedent(text).encode(), "config.yaml"), organisation)


def company() -> Imported:
    tree = read_tree(COMPANY.read_bytes(), "config.yaml")
    return import_litellm(tree, "northwind")


def told(result: Imported, fate: str) -> list[tuple[int | None, str, str]]:
    return [(f.line, f.path, f.message) for f in result.findings if f.fate == fate]


def model(result: Imported, name: str) -> dict[str, Any]:
    (found,) = [model for model in result.document["models"] if model["name"] == name]
    return dict(found)


def one(params: str, rest: str = "") -> Imported:
    """A file of one deployment."""
    entry = f"model_list: [{{model_name: m, litellm_params: {{{params}}}}}]\n"
    return imported(entry + dedent(rest))


def connection(params: str) -> dict[str, Any]:
    (made,) = one(params).document["connections"]
    return dict(made)


async def test_a_company_s_thirty_models_become_a_plan(sqlite_database: Database) -> None:
    result = company()
    text = yaml_of(result.document)
    loaded = parse(text.encode())
    (organisation,) = loaded.content.organisations
    # Thirty names, and two more for groups.
    assert len(organisation.models) == 32
    assert len({connection.provider for connection in organisation.connections}) == 17
    plan = await planned(sqlite_database, text)
    assert (plan.count("add"), plan.count("change"), plan.count("remove")) == (59, 0, 0)
    await applied(sqlite_database, text)
    assert (await planned(sqlite_database, text, prune=True)).is_empty
    assert "sk-northwind" not in text
    assert "pplx-written" not in text


def test_a_company_s_routes_mean_what_they_meant() -> None:
    result = company()
    common = {
        "retry": {"attempts": 3},
        "timeouts": {"total": 120},
        "circuit": {"minimum": 4, "open": 30},
    }
    assert model(result, "gpt-4o") == {
        "name": "gpt-4o",
        "targets": [
            {"connection": "azure-northwind-eu", "model": "gpt-4o-eu", "weight": 3},
            {"connection": "azure-northwind-us", "model": "gpt-4o-us", "weight": 2},
            {"connection": "openai", "model": "gpt-4o", "weight": 1},
        ],
        "route": {
            "policy": "weighted",
            "fallbacks": {
                "error": ["claude-sonnet", "mistral-large"],
                "context_window": ["gpt-4.1"],
            },
            **common,
        },
        "cache": {"ttl": 3600},
    }
    assert model(result, "gpt-4") == model(result, "gpt-4o") | {"name": "gpt-4"}
    assert model(result, "claude-sonnet") == {
        "name": "claude-sonnet",
        "targets": [
            {"connection": "anthropic", "model": "claude-sonnet-4-20250514"},
            {"connection": "bedrock", "model": "eu.anthropic.claude-sonnet-4-20250514-v1:0"},
        ],
        "route": {"policy": "ordered", **common},
        "cache": {"ttl": 3600},
    }
    assert model(result, "gpt-4.1")["route"]["timeouts"] == {"total": 300}
    assert model(result, "o4-mini")["route"]["retry"] == {"attempts": 1}
    assert model(result, "meta-llama/Llama-3-70b-chat-hf")["route"] == {
        **common,
        "fallbacks": {"error": ["gpt-4o-mini"]},
        "timeouts": {"total": 120, "first_token": 10},
    }
    kinds = {m["name"]: m["kind"] for m in result.document["models"] if "kind" in m}
    assert kinds == {
        "rerank": "rerank", "embeddings": "embedding", "voyage": "embedding",
        "whisper": "transcription", "pictures": "image",
    }  # fmt: skip
    assert result.document["prices"] == [
        {"connection": "fireworks-ai", "input": "0.90", "output": "0.90",
         "model": "accounts/fireworks/models/llama-v3p3-70b-instruct"},
        {"connection": "vllm", "model": "Qwen/Qwen3-Coder-30B-A3B-Instruct", "free": True},
        {"connection": "llm.partner.example", "model": "partner-large", "input": "2.50",
         "cache_read": "1.25", "output": "10.00"},
    ]  # fmt: skip


def test_a_company_s_report_accounts_for_every_field() -> None:
    result = company()
    assert told(result, "left out") == [
        (3, "environment_variables.LITELLM_LOG",
         "set it in the environment yourself; nothing is read from a file"),
        (16, "model_list[0].model_info.base_model",
         "the catalogue says this of the model's own id"),
        (66, "model_list[12].litellm_params.temperature",
         "nothing is added to requests; clients send it"),
        (142, "model_list[32].model_info.id", "has no counterpart"),
        (173, "model_list[39].litellm_params.model",
         "'watson': the provider 'watsonx' has no counterpart"),
        (181, "router_settings.redis_host", "set TRUNKLINE_REDIS_URL in the environment"),
        (182, "router_settings.redis_password", "set TRUNKLINE_REDIS_URL in the environment"),
        (188, "router_settings.fallbacks[1]",
         "'claude-sonnet' does not fall back to 'gpt-4o': that would be a circle"),
        (201, "litellm_settings.cache_params.host", "set TRUNKLINE_REDIS_URL in the environment"),
        (202, "litellm_settings.success_callback", "has no counterpart"),
        (205, "general_settings.master_key",
         "is not taken over: make keys with trunkline keys create"),
        (206, "general_settings.database_url", "set TRUNKLINE_DATABASE_URL in the environment"),
    ]  # fmt: skip
    assert [(line, path) for line, path, _ in told(result, "approximated")] == [
        (15, "model_list[0].litellm_params.api_version"),
        (15, "model_list[0].litellm_params.rpm"),
        (22, "model_list[1].litellm_params.api_version"),
        (23, "model_list[1].litellm_params.rpm"),
        (25, "model_list[2].litellm_params.rpm"),
        (28, "model_list[3].litellm_params.api_version"),
        (55, "model_list[10].litellm_params.aws_access_key_id"),
        (149, "model_list[34].litellm_params.api_key"),
        (170, "model_list[38].model_name"),
        (177, "router_settings.num_retries"),
        (179, "router_settings.allowed_fails"),
        (180, "router_settings.cooldown_time"),
        (185, "router_settings.model_group_alias.sonnet"),
    ]


@pytest.mark.parametrize(
    ("params", "made"),
    [
        ("model: gpt-4o", {"name": "openai", "provider": "openai", "secret": "env:OPENAI_API_KEY"}),
        ("model: openai/gpt-4o, api_base: 'https://api.openai.com/v1/'",
         {"name": "openai", "provider": "openai", "secret": "env:OPENAI_API_KEY"}),
        ("model: claude-3, api_base: 'https://claude.example/v1/messages', api_key: os.environ/C",
         {"name": "claude.example", "provider": "anthropic_compatible",
          "base_url": "https://claude.example", "secret": "env:C"}),
        ("model: azure/d, api_base: 'https://gate.example/', api_key: os.environ/A",
         {"name": "azure", "provider": "azure", "base_url": "https://gate.example/openai/v1",
          "secret": "env:A"}),
        ("model: azure_ai/phi, api_base: 'https://x.services.ai.azure.com/models'",
         {"name": "azure", "provider": "azure",
          "base_url": "https://x.services.ai.azure.com/models", "secret": "env:AZURE_AI_API_KEY"}),
        ("model: bedrock/nova, aws_region_name: us-west-2, api_key: os.environ/B",
         {"name": "bedrock", "provider": "bedrock", "region": "us-west-2", "secret": "env:B"}),
        ("model: bedrock/invoke/nova, api_base: 'https://vpce.example/'",
         {"name": "bedrock", "provider": "bedrock", "base_url": "https://vpce.example",
          "secret": "env:AWS_BEARER_TOKEN_BEDROCK"}),
        (("model: gemini-pro, vertex_project: p, vertex_location: r,"
         " vertex_credentials: os.environ/V"),
         {"name": "vertex", "provider": "vertex", "region": "r", "project": "p",
          "secret": "env:V"}),
        ("model: vertex_ai/gemini-2.5-pro, vertex_project: p, vertex_location: r",
         {"name": "vertex", "provider": "vertex", "region": "r", "project": "p",
          "secret": "env:VERTEX_SERVICE_ACCOUNT"}),
        ("model: ollama/llama3",
         {"name": "ollama", "provider": "ollama", "base_url": "http://localhost:11434"}),
        ("model: my/own, custom_llm_provider: hosted_vllm, api_base: 'http://10.0.0.1/v1'",
         {"name": "vllm", "provider": "vllm", "base_url": "http://10.0.0.1/v1"}),
        ("model: gemini/x, api_base: 'https://g.example/v1beta'",
         {"name": "gemini", "provider": "gemini", "base_url": "https://g.example/v1beta",
          "secret": "env:GEMINI_API_KEY"}),
    ],
)  # fmt: skip
def test_accounts_become_connections(params: str, made: dict[str, Any]) -> None:
    assert connection(params) == made


@pytest.mark.parametrize(
    ("params", "said"),
    [
        ("model: unknown-model", "'m': the provider of 'unknown-model' cannot be told"),
        ("model: replicate/meta/llama", "'m': the provider 'replicate' has no counterpart"),
        ("model: azure/d", "'m': a deployment of Azure needs its api_base"),
        ("model: hosted_vllm/x", "'m': a deployment of hosted_vllm needs its api_base"),
        ("model: openai/x, api_base: os.environ/BASE",
         "'m': its address stands in the environment as BASE: write it down"),
        ("model: bedrock/nova", "'m': its region does not stand in the file: write it down"),
        ("model: vertex_ai/claude-3", "'m': of Vertex AI only Google's own models can be called"),
        ("model: vertex_ai/gemini-pro, vertex_location: r",
         "'m': its project does not stand in the file: write it down"),
    ],
)  # fmt: skip
def test_what_cannot_be_reached_is_left_out_with_the_reason(params: str, said: str) -> None:
    result = one(params)
    assert result.document == {"version": 1}
    assert said in [message for _, _, message in told(result, "left out")]


def test_several_accounts_of_a_provider_get_names_that_tell_them_apart() -> None:
    entries = [
        "azure/a, api_base: 'https://east.openai.azure.com'",
        "openai/a, api_key: os.environ/A",
        "openai/a, api_key: os.environ/B",
        "openai/a, api_key: os.environ/C",
        "openai/a, api_base: 'https://one.example/v1'",
        "openai/b, api_base: 'https://one.example/v2'",
        "bedrock/eu-west-1/a, api_key: os.environ/A",
        "bedrock/eu-west-3/a, api_key: os.environ/A",
        "bedrock/eu-west-3/a, api_key: os.environ/B",
    ]
    lines = [f"- {{model_name: m, litellm_params: {{model: {entry}}}}}" for entry in entries]
    result = imported("model_list:\n" + "\n".join(lines))
    assert [made["name"] for made in result.document["connections"]] == [
        "azure-east", "openai", "openai-2", "openai-3", "one.example", "one.example-2",
        "bedrock", "bedrock-eu-west-3", "bedrock-eu-west-3-2",
    ]  # fmt: skip
    parse(yaml_of(result.document).encode())


def test_headers_are_taken_over_as_far_as_they_are_no_secrets() -> None:
    result = one(
        "model: gpt-4o, organization: [a, b],"
        " extra_headers: {X-One: '1', Authorization-Extra: os.environ/X, Api-Key: sk-1}"
    )
    assert result.document["connections"][0]["headers"] == {"x-one": "1"}
    assert [path for _, path, _ in told(result, "left out")] == [
        "model_list[0].litellm_params.organization",
        "model_list[0].litellm_params.extra_headers.Authorization-Extra",
        "model_list[0].litellm_params.extra_headers.Api-Key",
    ]
    assert "sk-1" not in yaml_of(result.document) + str(result.findings)
    parse(yaml_of(result.document).encode())


def test_prices_are_exact_however_they_are_written() -> None:
    result = one(
        "model: gpt-4o, input_cost_per_token: 2.5e-6, output_cost_per_token: 1.0e-05,"
        " cache_creation_input_token_cost: yes, output_cost_per_reasoning_token: -1,"
        " input_cost_per_audio_token: nan, input_cost_per_query: 0.005",
    )
    assert result.document["prices"] == [
        {"connection": "openai", "model": "gpt-4o", "input": "2.50", "output": "10.00",
         "request": "0.005"}
    ]  # fmt: skip
    assert [path.rpartition(".")[2] for _, path, _ in told(result, "left out")] == [
        "cache_creation_input_token_cost", "output_cost_per_reasoning_token",
        "input_cost_per_audio_token",
    ]  # fmt: skip


def test_a_target_has_one_price() -> None:
    result = imported(
        """
        model_list:
        - model_name: a
          litellm_params: {model: gpt-4o, input_cost_per_token: 1.0e-6}
        - model_name: b
          litellm_params: {model: gpt-4o, input_cost_per_token: 2.0e-6}
        """
    )
    assert [price["input"] for price in result.document["prices"]] == ["1.00"]
    assert (5, "model_list[1]", "openai/gpt-4o has another price already: a target has one") in [
        *told(result, "left out")
    ]


def test_weights_keep_their_proportions_and_orders_win() -> None:
    def targets(*params: str) -> list[Any]:
        lines = [
            f"- {{model_name: m, litellm_params: {{model: openai/{number}, {param}}}}}"
            for number, param in enumerate(params)
        ]
        result = imported("model_list:\n" + "\n".join(lines))
        made = model(result, "m")
        policy = made["route"]["policy"]
        return [policy, *((target["model"], target.get("weight")) for target in made["targets"])]

    assert targets("tpm: 100000", "tpm: 150000") == ["weighted", ("0", 2), ("1", 3)]
    assert targets("weight: 0.7", "weight: 0.1") == ["weighted", ("0", 7), ("1", 1)]
    assert targets("rpm: 1", "rpm: 100000") == ["weighted", ("0", 1), ("1", 1000)]
    assert targets("weight: 4", "seed: 1", "weight: 2") == [
        "weighted", ("0", 2), ("1", 1), ("2", 1),
    ]  # fmt: skip
    assert targets("weight: 0", "seed: 1") == ["weighted", ("0", None), ("1", None)]
    assert targets("seed: 1", "order: 2", "order: 1", "order: 2") == [
        "ordered", ("2", None), ("1", None), ("3", None), ("0", None),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("strategy", "policy", "fate"),
    [
        ("simple-shuffle", "weighted", "translated"),
        ("latency-based-routing", "latency", "translated"),
        ("cost-based-routing", "price", "translated"),
        ("least-busy", "latency", "approximated"),
        ("usage-based-routing-v2", "weighted", "approximated"),
        ("provider-budget-routing", "weighted", "approximated"),
    ],
)
def test_each_strategy_has_a_policy(strategy: str, policy: str, fate: str) -> None:
    result = imported(
        f"""
        model_list:
        - {{model_name: m, litellm_params: {{model: openai/a}}}}
        - {{model_name: m, litellm_params: {{model: openai/b}}}}
        router_settings: {{routing_strategy: {strategy}}}
        """
    )
    assert model(result, "m")["route"] == {"policy": policy}
    (told_of,) = [f for f in result.findings if f.path == "router_settings.routing_strategy"]
    assert (told_of.fate, told_of.line) == (fate, 5)


def test_default_fallbacks_and_those_of_everyone_are_for_models_without_their_own() -> None:
    text = """
        model_list:
        - {model_name: a, litellm_params: {model: openai/a}}
        - {model_name: b, litellm_params: {model: openai/b}}
        - {model_name: c, litellm_params: {model: openai/c}}
        """
    wanted = {"a": ["c"], "b": ["c"], "c": None}
    for settings in (
        "router_settings: {default_fallbacks: [c]}",
        "litellm_settings: {default_fallbacks: [c]}",
        "router_settings: {fallbacks: [{'*': [c]}]}",
        "router_settings: {fallbacks: [{a: c}, {b: [{model: c, temperature: 0}]}]}",
    ):
        result = imported(dedent(text) + settings)
        found = {
            name: model(result, name).get("route", {}).get("fallbacks", {}).get("error")
            for name in "abc"
        }
        assert found == wanted


def test_fallbacks_that_lead_nowhere_are_told() -> None:
    result = one(
        "model: gpt-4o",
        """
        router_settings:
          fallbacks: [{m: [lost, m, 5]}, {other: [m]}, m]
          content_policy_fallbacks: 7
          model_group_alias: {m: m, x: lost, y: {model: [m]}}
        """,
    )
    assert "route" not in model(result, "m")
    assert told(result, "left out") == [
        (4, "router_settings.fallbacks[0]", "is no name of a model"),
        (4, "router_settings.fallbacks[0]", "the fallback 'lost' is not published"),
        (4, "router_settings.fallbacks[0]",
         "'m' does not fall back to 'm': that would be a circle"),
        (4, "router_settings.fallbacks[1]", "'other' is not published"),
        (4, "router_settings.fallbacks[2]", "is no mapping of a name to names"),
        (5, "router_settings.content_policy_fallbacks", "is no list"),
        (6, "router_settings.model_group_alias.m", "is a model of its own already"),
        (6, "router_settings.model_group_alias.x", "there is no model 'lost'"),
        (6, "router_settings.model_group_alias.y", "there is no model ['m']"),
    ]  # fmt: skip


def test_circuits_and_waits_stay_inside_their_bounds() -> None:
    result = one(
        "model: gpt-4o",
        """
        router_settings: {allowed_fails: 0, cooldown_time: 7200, retry_after: 90, num_retries: 50}
        litellm_settings: {request_timeout: 20, num_retries: 1, allowed_fails: 9}
        """,
    )
    assert model(result, "m")["route"] == {
        "retry": {"attempts": 10, "base": 60.0},
        "timeouts": {"total": 20},
        "circuit": {"minimum": 1, "open": 3600.0, "longest": 3600.0},
    }
    parse(yaml_of(result.document).encode())
    off = one("model: gpt-4o", "router_settings: {disable_cooldowns: true, cooldown_time: 5}")
    assert model(off, "m")["route"] == {"circuit": {"enabled": False}}


@pytest.mark.parametrize(
    ("settings", "cache"),
    [
        ("cache: false", None),
        ("cache: false, cache_params: {ttl: 5}", None),
        ("cache: true", {"enabled": True}),
        ("cache: true, cache_params: {type: local, ttl: 60, supported_call_types: [acompletion]}",
         {"enabled": True, "ttl": 60}),
        ("cache: true, cache_params: {type: redis, mode: default_off, namespace: x}", {}),
        ("cache: true, cache_params: {type: redis-semantic, similarity_threshold: 0.2}",
         {"enabled": True}),
        (("cache: true, cache_params: {type: qdrant-semantic, similarity_threshold: 0.9, "
         "qdrant_semantic_cache_embedding_model: e}"),
         {"enabled": True, "mode": "semantic", "embedding": "e", "threshold": 0.9}),
    ],
)  # fmt: skip
def test_the_cache_becomes_a_policy_of_each_model(
    settings: str, cache: dict[str, Any] | None
) -> None:
    result = imported(
        f"""
        model_list:
        - {{model_name: m, litellm_params: {{model: openai/a}}}}
        - {{model_name: e, litellm_params: {{model: openai/e}}, model_info: {{mode: embedding}}}}
        - {{model_name: i, litellm_params: {{model: openai/i}}, model_info: {{mode: ocr}}}}
        litellm_settings: {{{settings}}}
        """
    )
    assert model(result, "m").get("cache") == (cache or None)
    semantic = bool(cache) and "embedding" in (cache or {})
    assert model(result, "e").get("cache") == (None if semantic else cache or None)
    parse(yaml_of(result.document).encode())


def test_what_has_another_form_than_expected_is_told_and_never_raised() -> None:
    result = imported(
        """
        model_list:
        - 5
        - {model_name: [x], litellm_params: {model: openai/a}}
        - {model_name: y, litellm_params: 7}
        - {model_name: z, litellm_params: {model: os.environ/MODEL}}
        - {model_name: two words, litellm_params: {model: openai/a, rpm: many,
           timeout: os.environ/T, litellm_credential_name: nobody, drop_params: true}}
        - {model_name: two words, litellm_params: {model: openai/a, custom: 1}, extra: 1}
        litellm_settings: {cache: 5}
        router_settings: []
        other: {}
        """
    )
    assert [model["name"] for model in result.document["models"]] == ["two-words"]
    paths = [path for _, path, _ in told(result, "left out")]
    assert sorted(paths) == sorted([
        "model_list[0]", "model_list[0]", "model_list[1]", "model_list[1].model_name",
        "model_list[2]", "model_list[2].litellm_params", "model_list[3]",
        "model_list[4].litellm_params.drop_params",
        "model_list[4].litellm_params.litellm_credential_name",
        "model_list[4].litellm_params.rpm", "model_list[4].litellm_params.timeout",
        "model_list[5].extra", "model_list[5].litellm_params.custom",
        "litellm_settings.cache", "router_settings", "other",
    ])  # fmt: skip
    assert imported("").document == {"version": 1}
    assert imported("- 1").document == {"version": 1}


def test_too_many_targets_are_told() -> None:
    entries = [
        f"- {{model_name: m, litellm_params: {{model: openai/{number}}}}}" for number in range(22)
    ]
    result = imported("model_list:\n" + "\n".join(entries))
    assert len(model(result, "m")["targets"]) == 20
    assert [path for _, path, _ in told(result, "left out")] == ["model_list[20]", "model_list[21]"]
