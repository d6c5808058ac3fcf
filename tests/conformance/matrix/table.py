"""The conformance matrix: what tests are parametrised over and docs/conformance.md shows."""

from types import MappingProxyType

from tests.conformance.matrix.client import Client
from tests.conformance.matrix.rows import (
    anthropic,
    cohere,
    google,
    mistral,
    ollama,
    openai,
    together,
)

CLIENTS: tuple[Client, ...] = (
    *openai.CLIENTS,
    *anthropic.CLIENTS,
    *google.CLIENTS,
    *together.CLIENTS,
    *mistral.CLIENTS,
    *cohere.CLIENTS,
    *ollama.CLIENTS,
)

BY_NAME = MappingProxyType({client.name: client for client in CLIENTS})
