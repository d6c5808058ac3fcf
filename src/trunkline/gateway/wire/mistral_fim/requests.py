"""A request to fill in the middle, read into the internal form and written from it."""

from typing import Final

import msgspec

from trunkline.gateway.exchange.destination import Destination
from trunkline.gateway.exchange.losses import Losses
from trunkline.gateway.exchange.parts import Document
from trunkline.gateway.exchange.request import Request
from trunkline.gateway.wire.documents import (
    members_of,
    missing,
    require_model,
    take_flag,
    take_text,
)
from trunkline.gateway.wire.openai_family.prompts import message_of, prompt_of, write_prompt
from trunkline.gateway.wire.openai_family.settings import take_settings, write_settings
from trunkline.gateway.wire.openai_family.spelling import SpelledRequest, respelled, spelling

WIRE: Final = "mistral_fim"

_KNOWN: Final = frozenset(
    {
        "max_completion_tokens",
        "temperature",
        "top_p",
        "seed",
        "stop",
        "metadata",
        "prompt_cache_key",
    }
)


def read_request(document: Document) -> SpelledRequest:
    """A caller's request.

    Raises:
        InvalidRequest: it makes no sense as it is; ``param`` names the place.
    """
    rest = members_of(document)
    model = require_model(rest)
    told = dict(rest)
    prompt = take_text(rest, "prompt")
    if prompt is None:
        raise missing("prompt", "'prompt' is missing.", "Send the code before the gap in 'prompt'.")
    suffix = take_text(rest, "suffix")
    request = SpelledRequest(
        wire=WIRE,
        model=model,
        messages=message_of(prompt),
        suffix=suffix or None,
        raw_prompt=True,
        stream=take_flag(rest, "stream") is True,
        **take_settings(rest),
        extra=rest,
    )
    other = spelling(told, _members(request))
    return msgspec.structs.replace(request, spelled=other) if other else request


def write_own(request: Request, model: str) -> Document:
    """A request of this wire as it came, under the provider's own name of the model."""
    members = _members(request)
    if isinstance(request, SpelledRequest):
        members = respelled(members, request.spelled)
    return {"model": model, **members}


def _members(request: Request) -> Document:
    document = {"prompt": prompt_of(request), **_renamed(write_settings(request))}
    if request.suffix is not None:
        document["suffix"] = request.suffix
    if request.stream:
        document["stream"] = True
    return {**document, **request.extra}


def write_foreign(request: Request, destination: Destination, losses: Losses) -> Document:
    """The document for a provider of this wire.

    Raises:
        InvalidRequest: there is no prompt in it.
    """
    told = write_prompt(request, _KNOWN, destination.quirks, losses)
    document = {"model": destination.model, **_renamed(told)}
    if request.stream:
        document["stream"] = True
    return document


def _renamed(document: Document) -> Document:
    """The settings by the names of this wire."""
    for name, own in (("max_completion_tokens", "max_tokens"), ("seed", "random_seed")):
        if name in document:
            document[own] = document.pop(name)
    return document
