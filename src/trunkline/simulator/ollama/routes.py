"""The paths of Ollama's own API."""

from collections.abc import Iterator

from trunkline.simulator.ollama.embed import EmbedApi
from trunkline.simulator.ollama.wire import ChatApi, GenerateApi
from trunkline.simulator.routes import Generate, LookUp, Perform, Route


def ollama_routes() -> Iterator[Route]:
    """All rows of Ollama."""
    chat = ChatApi()
    yield Route("POST", "/api/chat", Generate(chat))
    yield Route("POST", "/api/generate", Generate(GenerateApi()))
    yield Route("POST", "/api/embed", Perform(EmbedApi()))
    yield Route("GET", "/api/tags", LookUp(chat, chat.tags))
    yield Route("POST", "/api/show", LookUp(chat, chat.show))
    yield Route("GET", "/api/version", LookUp(chat, chat.version))
