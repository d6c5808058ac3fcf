"""The conformance matrix: what tests are parametrised over and docs/conformance.md shows."""

from types import MappingProxyType

from tests.conformance.matrix.client import Client
from tests.conformance.matrix.rows import cohere, mistral, ollama, openai

CLIENTS: tuple[Client, ...] = (
    *openai.CLIENTS,
    *mistral.CLIENTS,
    *cohere.CLIENTS,
    *ollama.CLIENTS,
)

BY_NAME = MappingProxyType({client.name: client for client in CLIENTS})
