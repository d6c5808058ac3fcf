"""The rows of the routing: every path that the fake providers answer.

A provider whose paths are another's too gets a prefix, which its base URL then carries.
"""

from collections.abc import Iterator

from trunkline.simulator.anthropic.messages_wire import AnthropicWire
from trunkline.simulator.bedrock.routes import bedrock_routes
from trunkline.simulator.cohere.routes import cohere_routes
from trunkline.simulator.gemini.routes import gemini_routes
from trunkline.simulator.mistral.routes import mistral_routes
from trunkline.simulator.ollama.routes import ollama_routes
from trunkline.simulator.openai.chat_wire import ChatCompletions
from trunkline.simulator.openai.routes import openai_routes
from trunkline.simulator.routes import Count, Generate, LookUp, Route
from trunkline.simulator.voyage_and_jina_routes import voyage_and_jina_routes
from trunkline.simulator.wire import Wire


def build_routes() -> tuple[Route, ...]:
    """All rows, with wires that remember nothing yet; the first row that fits is used."""
    return (
        *_anthropic_routes(),
        *gemini_routes(),
        *openai_routes(),
        *mistral_routes(),
        *ollama_routes(),
        *cohere_routes(),
        *voyage_and_jina_routes(),
        *bedrock_routes(),
    )


def stranger(headers: "dict[str, str]") -> Wire:
    """The wire in whose words a path that nobody knows is refused."""
    return AnthropicWire() if "anthropic-version" in headers else ChatCompletions()


def _anthropic_routes() -> Iterator[Route]:
    messages = AnthropicWire()
    yield Route("POST", "/v1/messages", Generate(messages))
    yield Route("POST", "/v1/messages/count_tokens", Count(messages))
    # OpenAI's lists have the same paths; Anthropic's clients send their version.
    version = "anthropic-version"
    yield Route("GET", "/v1/models", LookUp(messages, messages.models), version)
    yield Route("GET", "/v1/models/{model}", LookUp(messages, messages.model), version)
