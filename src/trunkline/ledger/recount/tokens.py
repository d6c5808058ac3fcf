"""How many tokens a text has, for models whose tokenizer is not public.

Importing this loads 140 MB, so only the counting process does.

Source of the factors: reported against counted tokens over recorded answers of each family (the
medians of at least twenty, but seven of Together's), counted with o200k.
"""

import math
import re
from typing import Any

import bpe_openai  # type: ignore[import-untyped] # it has annotations and does not say so
import msgspec

from trunkline.gateway.metering.usage import Usage
from trunkline.ledger.recount.texts import Texts

# The first pattern that is found in the model's name decides.
_FACTORS = (
    (re.compile(r"claude-(opus-4-[789]|[a-z]+-5|fable|mythos)"), 1.45),
    (re.compile(r"claude"), 1.13),
    (re.compile(r"gemini|llama"), 1.04),
    (re.compile(r"mistral|mixtral|codestral|magistral|ministral|devstral"), 1.08),
)
# OpenAI's guide to counting: three tokens around each message and three before the answer.
TOKENS_PER_MESSAGE = 4
TOKENS_BEFORE_ANSWER = 3


def factor_of(model: str) -> float:
    """By what the tokens of o200k are multiplied."""
    name = model.lower()
    return next((factor for pattern, factor in _FACTORS if pattern.search(name)), 1.0)


def tokens_in(document: bytes) -> tuple[int, int]:
    """Tokens of all texts in a JSON body, and the bytes of these texts."""
    texts, messages = texts_in(document)
    count = (
        len(bpe_openai.get_encoding("o200k_base").encode_ordinary("\n".join(texts))) if texts else 0
    )
    size = sum(len(text.encode()) for text in texts)
    return count + (messages * TOKENS_PER_MESSAGE + TOKENS_BEFORE_ANSWER if messages else 0), size


# Members whose strings are no text of the prompt.
_NOT_TEXT = frozenset(
    {"model", "role", "type", "id", "tool_call_id", "tool_use_id", "data", "url", "mimeType"}
)


def texts_in(document: bytes) -> tuple[list[str], int]:
    """The strings that a model reads or has written, and how many messages there are."""
    try:
        decoded = msgspec.json.decode(document)
    except (msgspec.DecodeError, RecursionError):
        return [], 0
    found: list[str] = []
    messages = 0
    waiting: list[Any] = [decoded]
    while waiting:
        value = waiting.pop()
        if isinstance(value, str):
            found.append(value)
        elif isinstance(value, list):
            waiting += reversed(value)
        elif isinstance(value, dict):
            messages += "role" in value
            waiting += [inner for name, inner in value.items() if name not in _NOT_TEXT]
    return found, messages


def recounted(texts: Texts) -> Usage:
    """The likely usage. A stream's output is taken to be as dense as its prompt."""
    factor = factor_of(texts.model)
    asked, asked_bytes = tokens_in(texts.prompt)
    told = 0
    if texts.generates and texts.answer:
        told, _ = tokens_in(texts.answer)
    elif texts.generates and asked_bytes:
        told = math.ceil(texts.answer_bytes * asked / asked_bytes)
    return Usage(input=math.ceil(asked * factor), output=math.ceil(told * factor))
