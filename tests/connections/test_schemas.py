"""What may be written of connections, models and prices."""

import pytest
from pydantic import BaseModel, ValidationError

from trunkline.connections.schemas import ConnectionSpec, ModelSpec, PriceSpec


def test_a_connection_keeps_its_fields() -> None:
    spec = ConnectionSpec.model_validate({
        "name": "main", "provider": "openai", "secret": "env:KEY",
        "headers": {"OpenAI-Organization": "org-1"},
    })  # fmt: skip
    assert spec.headers == {"openai-organization": "org-1"}
    assert spec.kind.title == "OpenAI"


@pytest.mark.parametrize(
    ("more", "address"),
    [
        ({"provider": "openai"}, None),
        ({"provider": "openai", "base_url": "https://a.example/v1"}, "https://a.example/v1"),
        (
            {"provider": "bedrock", "region": "eu-central-1"},
            "https://bedrock-runtime.eu-central-1.amazonaws.com",
        ),
        ({"provider": "bedrock", "base_url": "https://a.example"}, "https://a.example"),
        (
            {"provider": "vertex", "region": "global", "project": "p-1"},
            "https://aiplatform.googleapis.com/v1/projects/p-1/locations/global/publishers/google",
        ),
        (
            {"provider": "azure", "resource": "acme"},
            "https://acme.openai.azure.com/openai/v1",
        ),
    ],
)
def test_places_become_the_address_of_a_connection(
    more: dict[str, object], address: str | None
) -> None:
    assert ConnectionSpec.model_validate({"name": "main", **more}).address == address


GOOD: dict[type[BaseModel], dict[str, object]] = {
    ConnectionSpec: {"name": "main", "provider": "openai"},
    ModelSpec: {"name": "fast", "targets": [{"connection": "main", "model": "gpt-4o"}]},
    PriceSpec: {"provider": "openai", "input": "1"},
}


@pytest.mark.parametrize(
    ("schema", "change", "said"),
    [
        (ConnectionSpec, {"colour": "red"}, "Extra inputs"),
        (ConnectionSpec, {"name": "Main/1"}, "small letters"),
        (ConnectionSpec, {"provider": "nobody"}, "unknown provider 'nobody'; there are openai"),
        (ConnectionSpec, {"provider": "vllm"}, "needs a base_url"),
        (ConnectionSpec, {"base_url": "https://a@b/"}, "credentials"),
        (ConnectionSpec, {"secret": "sk-abc"}, "never as the secret itself"),
        (ConnectionSpec, {"headers": {"a b": "c"}}, "no name of a header"),
        (ConnectionSpec, {"headers": {"Authorization": "c"}}, "set by the gateway itself"),
        (ConnectionSpec, {"headers": {"x": "a\r\nb"}}, "cannot carry"),
        (ConnectionSpec, {"headers": {"X-Amz-Date": "c"}}, "set by the gateway itself"),
        (ConnectionSpec, {"headers": {"Api-Key": "c"}}, "set by the gateway itself"),
        (ConnectionSpec, {"headers": {"X-Goog-Api-Key": "c"}}, "set by the gateway itself"),
        (ConnectionSpec, {"region": "eu"}, "the address of openai has no place for a region"),
        (ConnectionSpec, {"provider": "bedrock"}, "needs a region, or a base_url"),
        (ConnectionSpec, {"provider": "vertex"}, "needs a region and a project, or a base_url"),
        (ConnectionSpec, {"provider": "bedrock", "region": "eu/x"}, "'eu/x' is no region"),
        (
            ConnectionSpec,
            {"provider": "bedrock", "region": "eu-west-1", "base_url": "https://a.example"},
            "says everything, so there is no place for a region",
        ),
        (ModelSpec, {"targets": []}, "at least 1 item"),
        (ModelSpec, {"name": "a b"}, "no spaces"),
        (ModelSpec, {"max_tokens": 0}, "greater than or equal to 1"),
        (ModelSpec, {"hold_headers": 0}, "greater than 0"),
        (ModelSpec, {"on_unsupported": "ignore"}, "'drop' or 'refuse'"),
        (PriceSpec, {"input": "-1"}, "not negative"),
        (PriceSpec, {"input": 2.5}, "in quotes"),
        (PriceSpec, {"input": True}, "in quotes"),
        (PriceSpec, {"input": "a"}, "is not an amount"),
        (PriceSpec, {"input": "0.0000000001"}, "finer than one nano-dollar"),
        (PriceSpec, {"input": "1e30"}, "at most a billion"),
        (PriceSpec, {"provider": "nobody"}, "unknown provider"),
        (PriceSpec, {"connection": "main"}, "either a provider or a connection"),
        (PriceSpec, {"provider": None}, "either a provider or a connection"),
        (PriceSpec, {"free": True}, "no other price"),
        (PriceSpec, {"input": None}, "at least one price"),
        (PriceSpec, {"since": "someday"}, "valid date"),
    ],
)
def test_a_value_that_cannot_be_meant_is_refused(
    schema: type[BaseModel], change: dict[str, object], said: str
) -> None:
    schema.model_validate(GOOD[schema])
    with pytest.raises(ValidationError) as caught:
        schema.model_validate({**GOOD[schema], **change})
    assert said in str(caught.value)


def test_prices_are_nano_dollars_for_a_million_and_searches_are_listed_by_the_thousand() -> None:
    spec = PriceSpec.model_validate({
        "provider": "openai", "input": "2.50", "output": 10, "searches": "10", "request": "0.001",
    })  # fmt: skip
    assert spec.rates == {
        "input": 2_500_000_000, "output": 10_000_000_000, "searches": 10_000_000_000_000,
    }  # fmt: skip
    assert spec.request == 1_000_000
