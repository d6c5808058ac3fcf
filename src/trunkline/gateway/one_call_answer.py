"""What the one-call API tells of an answer: its text, and what our own headers say of it."""

from collections.abc import Iterable
from typing import Any, Final

import msgspec

PATH: Final = "/api/llm/process"
_CACHED: Final = frozenset({b"hit", b"near", b"follow"})


class OneCallUsage(msgspec.Struct, frozen=True, rename="camel"):
    """Tokens as the provider told them; cached ones are among the input."""

    input_tokens: int
    output_tokens: int
    total_tokens: int
    cached_input_tokens: int = 0
    reasoning_tokens: int = 0


class OneCallAnswer(msgspec.Struct, frozen=True, rename="camel"):
    """The answer of ``POST /api/llm/process``.

    Attributes:
        content: the model's text; empty where it said nothing.
        model: the provider's own name of the model that answered.
        provider: who answered.
        cost: dollars as a decimal string; None where nobody knows the price.
        cost_state: ``exact``, ``estimated`` or ``unpriced``.
        cached: whether it was given before, so that no model was asked for it.
        usage: None where the provider told none.
        request_id: of this request, as in the header ``x-request-id``.
        finish_reason: ``stop``, or ``length`` where the text was cut at the ceiling, and the like.
    """

    content: str
    model: str
    provider: str | None
    cost: str | None
    cost_state: str
    cached: bool
    usage: OneCallUsage | None
    request_id: str
    finish_reason: str | None


class _CachedTokens(msgspec.Struct):
    cached_tokens: int | None = None


class _ReasoningTokens(msgspec.Struct):
    reasoning_tokens: int | None = None


class _Usage(msgspec.Struct):
    prompt_tokens: int = 0
    completion_tokens: int = 0
    total_tokens: int | None = None
    prompt_tokens_details: _CachedTokens | None = None
    completion_tokens_details: _ReasoningTokens | None = None


class _Message(msgspec.Struct):
    content: Any = None
    refusal: str | None = None


class _Choice(msgspec.Struct):
    message: _Message
    finish_reason: str | None = None


class _Chat(msgspec.Struct):
    choices: list[_Choice] = []
    model: str = ""


class _Metered(msgspec.Struct):
    usage: _Usage | None = None


_decode = msgspec.json.Decoder(_Chat).decode
_decode_usage = msgspec.json.Decoder(_Metered).decode


def answer_of(
    headers: Iterable[tuple[bytes, bytes]], body: bytes, request_id: str
) -> OneCallAnswer:
    """The answer to a chat, told for a program that wants no wire.

    Args:
        headers: of that answer, with our own among them.
        body: a whole ``chat.completion``.
        request_id: as the caller knows it.
    """
    said = dict(headers)
    content, model, finish_reason = _content_of(body)
    provider, _, served = said.get(b"x-trunkline-model", b"").decode().partition("/")
    cost, cost_state = _cost_of(said.get(b"x-trunkline-cost", b"unpriced").decode())
    return OneCallAnswer(
        content=content,
        model=served or model,
        provider=provider or None,
        cost=cost,
        cost_state=cost_state,
        cached=said.get(b"x-trunkline-cache") in _CACHED,
        usage=_usage_of(body),
        request_id=request_id,
        finish_reason=finish_reason,
    )


def _content_of(body: bytes) -> tuple[str, str, str | None]:
    """Text, model and the reason of the end; a provider may leave out any of them."""
    try:
        chat = _decode(body)
    except (msgspec.DecodeError, RecursionError):
        return "", "", None
    if not chat.choices:
        return "", chat.model, None
    first = chat.choices[0]
    text = _text_of(first.message.content) or first.message.refusal or ""
    return text, chat.model, first.finish_reason


def _text_of(content: object) -> str:
    """A string, or the texts of a list of parts."""
    if isinstance(content, str):
        return content
    if not isinstance(content, list):
        return ""
    texts = [part.get("text") for part in content if isinstance(part, dict)]
    return "".join(text for text in texts if isinstance(text, str))


def _usage_of(body: bytes) -> OneCallUsage | None:
    try:
        usage = _decode_usage(body).usage
    except (msgspec.DecodeError, RecursionError):
        return None
    if usage is None:
        return None
    read, thought = usage.prompt_tokens_details, usage.completion_tokens_details
    total = usage.prompt_tokens + usage.completion_tokens
    return OneCallUsage(
        input_tokens=usage.prompt_tokens,
        output_tokens=usage.completion_tokens,
        total_tokens=total if usage.total_tokens is None else usage.total_tokens,
        cached_input_tokens=(read.cached_tokens if read is not None else None) or 0,
        reasoning_tokens=(thought.reasoning_tokens if thought is not None else None) or 0,
    )


def _cost_of(told: str) -> tuple[str | None, str]:
    """The header's ``0.0012``, ``0.0012 estimated`` or ``unpriced``."""
    if told == "unpriced":
        return None, told
    amount, _, state = told.partition(" ")
    return amount, state or "exact"
