"""Probabilities of tokens in Google's shape, read into OpenAI's and written from it."""

from typing import Any

from trunkline.gateway.exchange.parts import Document


def read_logprobs(result: Any) -> Document | None:
    """OpenAI's shape of chat completions, or None for what is none."""
    if not isinstance(result, dict) or not isinstance(result.get("chosenCandidates"), list):
        return None
    tops = result.get("topCandidates")
    tops = tops if isinstance(tops, list) else []
    content = []
    for index, chosen in enumerate(result["chosenCandidates"]):
        token = _token(chosen)
        if token is None:
            return None
        top = tops[index] if index < len(tops) else None
        others = top.get("candidates") if isinstance(top, dict) else None
        listed = others if isinstance(others, list) else []
        token["top_logprobs"] = [one for other in listed if (one := _token(other)) is not None]
        content.append(token)
    return {"content": content, "refusal": None}


def _token(value: Any) -> Document | None:
    match value:
        case {"token": str(token), "logProbability": int() | float() as probability}:
            return {"token": token, "logprob": probability, "bytes": list(token.encode())}
    return None


def write_logprobs(logprobs: Any) -> Document | None:
    """Google's shape, or None for what is none."""
    content = logprobs.get("content") if isinstance(logprobs, dict) else None
    if not isinstance(content, list):
        return None
    chosen: list[Document] = []
    tops: list[Document] = []
    for token in content:
        told = _told(token)
        if told is not None:
            others = token.get("top_logprobs") or ()
            chosen.append(told)
            tops.append({"candidates": [one for other in others if (one := _told(other))]})
    return {"chosenCandidates": chosen, "topCandidates": tops} if chosen else None


def _told(value: Any) -> Document | None:
    match value:
        case {"token": str(token), "logprob": int() | float() as probability}:
            return {"token": token, "logProbability": probability}
    return None
