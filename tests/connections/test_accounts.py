"""Connections as the data path calls them: addresses, prefixes, headers and signers."""

import json
from typing import Any

import pytest
from tests.gateway.providers.test_google import PRIVATE, pem
from tests.gateway.transport.hostile import opened_pool

from trunkline.connections.accounts import Account, Credentials, connected
from trunkline.connections.rows import ConnectionRow
from trunkline.gateway.providers.aws import AwsSigner
from trunkline.gateway.providers.google import GoogleTokens
from trunkline.gateway.providers.registry import PROVIDERS
from trunkline.gateway.snapshot import Connection
from trunkline.gateway.wire.registry import WIRES
from trunkline.kit.clock import FakeClock

KEY = json.dumps({"access_key_id": "A", "secret_access_key": "s"})
BEDROCK = "https://bedrock-runtime.eu-central-1.amazonaws.com"


def account(provider: str, secret: str | None = None, **more: Any) -> Account:
    values: dict[str, Any] = {
        "id": "1", "org_id": None, "name": "main", "provider": provider, "base_url": None,
        "secret": None, "headers": {}, "cancels_on_close": None, "private": False, **more,
    }  # fmt: skip
    return Account(ConnectionRow(**values), () if secret is None else (secret,))


def connection(provider: str, secret: str | None = None, **more: Any) -> Connection:
    return connected(account(provider, secret, **more))


@pytest.mark.parametrize(
    ("provider", "header"),
    [
        ("openai", (b"authorization", b"Bearer k")), ("anthropic", (b"x-api-key", b"k")),
        ("azure", (b"api-key", b"k")), ("gemini", (b"x-goog-api-key", b"k")),
        ("bedrock", (b"authorization", b"Bearer k")), ("cohere", (b"authorization", b"Bearer k")),
    ],
)  # fmt: skip
def test_the_secret_stands_in_the_header_of_its_provider(
    provider: str, header: tuple[bytes, bytes]
) -> None:
    made = connection(provider, "k", base_url="https://a.example")
    assert made.credentials[0].headers == (header,)
    assert made.credentials[0].signer is None


def test_an_access_key_signs_for_the_region_of_its_address_or_of_its_secret() -> None:
    made = connection("bedrock", KEY, base_url=BEDROCK)
    proof = made.credentials[0]
    assert (proof.headers, repr(proof.signer)) == ((), "AwsSigner('bedrock', 'eu-central-1')")
    own = json.dumps({**json.loads(KEY), "region": "us-east-1"})
    for base in (BEDROCK, "http://127.0.0.1:9"):
        signer = connection("bedrock", own, base_url=base).credentials[0].signer
        assert isinstance(signer, AwsSigner)
        assert repr(signer) == "AwsSigner('bedrock', 'us-east-1')"


@pytest.mark.parametrize(
    ("provider", "secret", "said"),
    [
        ("bedrock", KEY, "names no region: put it into the secret"),
        ("bedrock", '{"access_key_id": "A"}', "secret_access_key"),
        ("bedrock", "a\nb", "cannot carry"), ("openai", "{\n}", "cannot carry"),
        ("openai", "", "is empty"), ("vertex", "AIza", "an API key is not one"),
        ("nobody", None, "no provider 'nobody'"),
    ],
)  # fmt: skip
def test_a_secret_of_another_kind_is_refused_without_telling_it(
    provider: str, secret: str | None, said: str
) -> None:
    with pytest.raises(ValueError, match=said):
        connection(provider, secret, base_url="https://a.example")


async def test_a_service_account_signs_where_its_tokens_can_be_fetched() -> None:
    secret = json.dumps({"client_email": "a@b", "private_key": pem(PRIVATE)})
    vertex = account("vertex", secret, base_url="https://aiplatform.googleapis.com/v1")
    assert connected(vertex).credentials[0].signer is None
    async with opened_pool() as pool:
        tokens = GoogleTokens(pool, FakeClock())
        made = connected(vertex, Credentials(tokens, FakeClock()))
        proof = made.credentials[0]
        assert (repr(proof.signer), proof.headers) == ("<token of a@b>", ())
        broken = account("vertex", json.dumps({"client_email": "a", "private_key": "x"}),
                         base_url="https://aiplatform.googleapis.com/v1")  # fmt: skip
        with pytest.raises(ValueError, match="no PEM key"):
            connected(broken, Credentials(tokens))


def prefixes(provider: str, base_url: str | None) -> dict[str, str]:
    return connection(provider, base_url=base_url).wires


@pytest.mark.parametrize("base", [None, "http://gpu.example", "http://gpu.example/v1"])
def test_ollamas_own_paths_and_openais_stand_beside_each_other(base: str | None) -> None:
    found = prefixes("ollama", base)
    assert found == {wire: "/v1" if wire.startswith("openai") else "" for wire in found}
    assert {"ollama_chat", "openai_chat"} <= found.keys()


@pytest.mark.parametrize("base", ["http://proxy.example", "http://proxy.example/v1"])
def test_a_litellm_proxy_is_reached_with_and_without_the_version(base: str) -> None:
    found = prefixes("litellm", base)
    assert (found["openai_chat"], found["anthropic_messages"]) == ("/v1", "")


def test_a_provider_may_serve_its_wires_below_different_paths() -> None:
    found = prefixes("deepseek", None)
    assert found["openai_chat"] == "/v1"
    assert found["anthropic_messages"] == "/anthropic"
    assert found["openai_completions"] == "/beta"
    assert prefixes("openrouter", None)["anthropic_messages"] == "/api"


def test_azures_older_addresses_keep_their_version() -> None:
    made = connection(
        "azure",
        "k",
        base_url="https://a.openai.azure.com/openai/deployments/gpt-4o?api-version=2024-10-21",
    )
    assert made.wires["openai_chat"] == "/openai/deployments/gpt-4o"
    assert made.query == "api-version=2024-10-21"


def test_a_connection_speaks_all_wires_of_its_provider_in_their_order() -> None:
    for provider in PROVIDERS:
        assert tuple(prefixes(provider.id, "https://a.example/v1")) == provider.wires


# As the providers' own documentation writes them.
DOCUMENTED = """
openai openai_responses chat https://api.openai.com/v1/responses
openai openai_embeddings embedding https://api.openai.com/v1/embeddings
openai openai_transcription transcription https://api.openai.com/v1/audio/transcriptions
anthropic anthropic_messages count_tokens https://api.anthropic.com/v1/messages/count_tokens
together jina_rerank rerank https://api.together.xyz/v1/rerank
mistral mistral_fim completion https://api.mistral.ai/v1/fim/completions
gemini gemini chat https://generativelanguage.googleapis.com/v1beta/models/m:generateContent
groq openai_chat chat https://api.groq.com/openai/v1/chat/completions
cerebras openai_chat chat https://api.cerebras.ai/v1/chat/completions
deepseek openai_completions completion https://api.deepseek.com/beta/completions
deepseek anthropic_messages chat https://api.deepseek.com/anthropic/v1/messages
xai openai_responses chat https://api.x.ai/v1/responses
cohere cohere_chat chat https://api.cohere.com/v2/chat
cohere cohere_rerank rerank https://api.cohere.com/v2/rerank
voyage voyage_rerank rerank https://api.voyageai.com/v1/rerank
voyage voyage_embeddings embedding https://api.voyageai.com/v1/embeddings
jina jina_rerank rerank https://api.jina.ai/v1/rerank
openrouter openai_chat chat https://openrouter.ai/api/v1/chat/completions
openrouter anthropic_messages chat https://openrouter.ai/api/v1/messages
ollama ollama_chat chat http://127.0.0.1:11434/api/chat
ollama ollama_embed embedding http://127.0.0.1:11434/api/embed
ollama openai_chat chat http://127.0.0.1:11434/v1/chat/completions
"""


@pytest.mark.parametrize("line", DOCUMENTED.split("\n")[1:-1])
def test_each_operation_goes_where_the_provider_documents_it(line: str) -> None:
    provider, wire, operation, url = line.split()
    made = connection(provider)
    path = WIRES[wire].path(operation, "m", stream=False).decode()
    host = f"{made.origin.scheme}://{made.origin.host}"
    port = "" if made.origin.port == 443 else f":{made.origin.port}"
    assert f"{host}{port}{made.wires[wire]}{path}" == url
