"""Connections that the environment makes: one for each provider set, and none by accident."""

import json
from pathlib import Path
from typing import Any

import pytest
from tests.connections.world import settings

from trunkline.connections.environment import environment_accounts, environment_names
from trunkline.settings import SettingsError

AWS = {"aws_access_key_id": "A", "aws_secret_access_key": "s"}


def found(**options: Any) -> dict[str, tuple[str | None, str | None, str | None]]:
    """Base address, reference and secret of each connection."""
    accounts = environment_accounts(settings(**options))
    return {
        a.row.name: (a.row.base_url, a.row.secret, next(iter(a.secrets), None)) for a in accounts
    }


def test_a_key_makes_a_connection_of_its_providers_name() -> None:
    keys = {
        "openai": "openai_api_key", "anthropic": "anthropic_api_key", "groq": "groq_api_key",
        "together": "together_api_key", "mistral": "mistral_api_key", "gemini": "gemini_api_key",
        "deepseek": "deepseek_api_key", "xai": "xai_api_key", "cohere": "cohere_api_key",
        "voyage": "voyage_api_key", "jina": "jina_api_key", "openrouter": "openrouter_api_key",
    }  # fmt: skip
    made = found(**{setting: f" {name} " for name, setting in keys.items()})
    assert made == {name: (None, None, name) for name in keys}
    assert found(openai_api_key="  ") == {}


def test_names_that_others_set_too_connect_nothing_by_themselves(tmp_path: Path) -> None:
    stray = {
        **AWS, "aws_session_token": "t", "bedrock_api_key": "k",
        "google_credentials": tmp_path / "account.json", "vertex_region": "europe-west1",
        "azure_openai_endpoint": "https://a.openai.azure.com",
    }  # fmt: skip
    assert found(**stray) == {}
    assert found(azure_openai_api_key="k") == {}
    assert environment_names(settings()) == frozenset()


def test_azure_is_connected_by_its_endpoint_and_its_key() -> None:
    made = found(azure_openai_endpoint="https://a.openai.azure.com/", azure_openai_api_key="k")
    assert made == {"azure": ("https://a.openai.azure.com/openai/v1", None, "k")}


def test_bedrock_is_connected_by_its_region_with_either_credential() -> None:
    base = "https://bedrock-runtime.eu-central-1.amazonaws.com"
    (whole,) = found(bedrock_region="eu-central-1", aws_session_token="t", **AWS).values()
    assert whole[:2] == (base, None)
    assert json.loads(whole[2] or "") == {
        "access_key_id": "A", "secret_access_key": "s", "session_token": "t",
    }  # fmt: skip
    both = found(bedrock_region="eu-central-1", bedrock_api_key="k", **AWS)
    assert both == {"bedrock": (base, None, "k")}


def test_vertex_is_connected_by_its_project_with_a_service_account(tmp_path: Path) -> None:
    file = tmp_path / "account.json"
    made = found(vertex_project="p", google_credentials=file)
    base = "https://aiplatform.googleapis.com/v1/projects/p/locations/global/publishers/google"
    assert made == {"vertex": (base, f"file:{file}", None)}


def test_ollama_is_connected_by_its_host() -> None:
    assert found(ollama_host="gpu") == {"ollama": ("http://gpu:11434", None, None)}


@pytest.mark.parametrize(
    ("options", "name", "said"),
    [
        (
            {"bedrock_region": "eu-central-1"},
            "TRUNKLINE_BEDROCK_REGION",
            "AWS_BEARER_TOKEN_BEDROCK",
        ),
        (
            {"bedrock_region": "eu-central-1", "aws_access_key_id": "A"},
            "TRUNKLINE_BEDROCK_REGION",
            "AWS_SECRET_ACCESS_KEY",
        ),
        ({"vertex_project": "p"}, "TRUNKLINE_VERTEX_PROJECT", "GOOGLE_APPLICATION_CREDENTIALS"),
        ({"azure_openai_endpoint": "a.azure.com"}, "TRUNKLINE_AZURE_OPENAI_ENDPOINT", "https://"),
    ],
)
def test_a_switch_without_its_credential_is_refused_by_what_is_missing(
    options: dict[str, Any], name: str, said: str
) -> None:
    with pytest.raises(SettingsError) as refused:
        settings(**options)
    (problem,) = refused.value.problems
    assert (problem.name, said in problem.sentence) == (name, True)
