"""Log probabilities: parallel lists here, a list of tokens in chats, which is the internal form."""

from typing import Any

from trunkline.gateway.exchange.parts import Document


def read_logprobs(told: Any) -> Any:
    """The shape of chats, or None where nothing is told that could be understood."""
    if not isinstance(told, dict):
        return None
    tokens, values = told.get("tokens"), told.get("token_logprobs")
    if not isinstance(tokens, list) or not isinstance(values, list):
        return None
    if len(tokens) != len(values) or not all(isinstance(token, str) for token in tokens):
        return None
    tops = told.get("top_logprobs")
    listed = tops if isinstance(tops, list) and len(tops) == len(tokens) else [None] * len(tokens)
    content = [
        {**_token(token, value), "top_logprobs": _read_top(top)}
        for token, value, top in zip(tokens, values, listed, strict=True)
    ]
    return {"content": content}


def _token(token: str, value: Any) -> Document:
    return {"token": token, "logprob": value, "bytes": list(token.encode("utf-8", "replace"))}


def _read_top(top: Any) -> list[Document]:
    if not isinstance(top, dict):
        return []
    return [_token(token, value) for token, value in top.items()]


def write_logprobs(logprobs: Any, offset: int) -> Document | None:
    """The lists of this wire; ``offset`` is where the text begins that they are about."""
    content = logprobs.get("content") if isinstance(logprobs, dict) else None
    if not isinstance(content, list):
        return None
    told: Document = {"text_offset": [], "token_logprobs": [], "tokens": [], "top_logprobs": []}
    for item in content:
        if not isinstance(item, dict) or not isinstance(item.get("token"), str):
            return None
        told["text_offset"].append(offset)
        told["token_logprobs"].append(item.get("logprob"))
        told["tokens"].append(item["token"])
        told["top_logprobs"].append(_write_top(item.get("top_logprobs")))
        offset += len(item["token"])
    return told


def _write_top(top: Any) -> Document:
    if not isinstance(top, list):
        return {}
    return {
        item["token"]: item.get("logprob")
        for item in top
        if isinstance(item, dict) and isinstance(item.get("token"), str)
    }
