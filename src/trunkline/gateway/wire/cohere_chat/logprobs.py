"""Log probabilities: Cohere tells them for stretches of text, OpenAI's chat for tokens."""

from typing import Any

from trunkline.gateway.exchange.parts import Document


def read_logprobs(listed: Any) -> Any:
    """Cohere's list in the shape of chat completions; a stretch stands for one token."""
    if not isinstance(listed, list):
        return None
    content = [read for item in listed if (read := read_logprob(item)) is not None]
    return {"content": content} if content else None


def read_logprob(item: Any) -> Document | None:
    """One stretch, as likely as all its tokens together."""
    match item:
        case {"text": str(text), "logprobs": [*parts]} if parts and _are_numbers(parts):
            return {"token": text, "logprob": sum(parts), "bytes": None, "top_logprobs": []}
    return None


def _are_numbers(values: list[Any]) -> bool:
    return all(isinstance(value, (int, float)) for value in values)


def write_logprobs(logprobs: Any) -> list[Document] | None:
    """Cohere's list from the shape of chat completions; nobody knows the tokens' numbers there."""
    content = logprobs.get("content") if isinstance(logprobs, dict) else None
    if not isinstance(content, list) or not content:
        return None
    return [
        {"text": item.get("token"), "token_ids": [], "logprobs": [item.get("logprob")]}
        for item in content
        if isinstance(item, dict)
    ]
