"""Log probabilities: Ollama's list is what OpenAI's chat completions call ``content``."""

from typing import Any


def read_logprobs(listed: Any) -> Any:
    """Ollama's list in the shape of chat completions."""
    return {"content": listed} if isinstance(listed, list) and listed else None


def write_logprobs(logprobs: Any) -> list[Any] | None:
    """The list of Ollama's clients from the shape of chat completions."""
    content = logprobs.get("content") if isinstance(logprobs, dict) else None
    return content if isinstance(content, list) and content else None
