"""A completion's request, read into the internal form and written from it."""

from typing import Any, Final

import msgspec

from trunkline.errors import InvalidRequest
from trunkline.gateway.exchange.destination import Destination
from trunkline.gateway.exchange.losses import Losses
from trunkline.gateway.exchange.parts import Document
from trunkline.gateway.exchange.request import Request
from trunkline.gateway.wire.documents import members_of, missing, require_model, take_text
from trunkline.gateway.wire.openai_family.prompts import message_of, prompt_of, write_prompt
from trunkline.gateway.wire.openai_family.settings import (
    take_settings,
    take_stream,
    write_settings,
)
from trunkline.gateway.wire.openai_family.spelling import SpelledRequest, respelled, spelling

WIRE: Final = "openai_completions"

_KNOWN: Final = frozenset(
    {
        "n",
        "max_completion_tokens",
        "temperature",
        "top_p",
        "presence_penalty",
        "frequency_penalty",
        "seed",
        "logprobs",
        "top_logprobs",
        "logit_bias",
        "stop",
        "user",
    }
)


def read_request(document: Document) -> SpelledRequest:
    """A caller's request.

    Raises:
        InvalidRequest: it makes no sense as it is, or has several prompts or tokens, which only a
            provider of this wire understands; ``param`` names the place.
    """
    rest = members_of(document)
    model = require_model(rest)
    told = dict(rest)
    prompt = _take_prompt(rest)
    suffix = take_text(rest, "suffix")
    stream, wants_usage = take_stream(rest)
    request = SpelledRequest(
        wire=WIRE,
        model=model,
        messages=message_of(prompt),
        suffix=suffix or None,
        raw_prompt=True,
        stream=stream,
        wants_usage=wants_usage,
        **take_settings(rest),
        extra=rest,
    )
    other = spelling(told, _members(request))
    return msgspec.structs.replace(request, spelled=other) if other else request


def _take_prompt(rest: Document) -> str:
    prompt: Any = rest.pop("prompt", None)
    if prompt is None:
        raise missing("prompt", "'prompt' is missing.", "Send the text to continue in 'prompt'.")
    if isinstance(prompt, list) and len(prompt) == 1:
        prompt = prompt[0]
    if isinstance(prompt, str):
        return prompt
    raise InvalidRequest(
        "Several prompts in one request, and prompts in tokens, can only be passed to a provider "
        "that speaks this API itself.",
        code="unsupported_parameter",
        param="prompt",
        hint="Send one prompt as a string.",
    )


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
    _set_stream(document, request, wants_usage=request.wants_usage)
    return {**document, **request.extra}


def write_foreign(request: Request, destination: Destination, losses: Losses) -> Document:
    """The document for a provider of this wire.

    Raises:
        InvalidRequest: there is no prompt in it.
    """
    quirks = destination.quirks
    document = {
        "model": destination.model,
        **_renamed(write_prompt(request, _KNOWN, quirks, losses)),
    }
    _set_stream(document, request, wants_usage=quirks.stream_options)
    return document


def _renamed(document: Document) -> Document:
    """The settings by the names of this wire, in which ``logprobs`` is a number."""
    if "max_completion_tokens" in document:
        document["max_tokens"] = document.pop("max_completion_tokens")
    wanted, count = document.pop("logprobs", None), document.pop("top_logprobs", None)
    if wanted:
        document["logprobs"] = count or 0
    return document


def _set_stream(document: Document, request: Request, *, wants_usage: bool) -> None:
    if request.stream:
        document["stream"] = True
        if wants_usage:
            document["stream_options"] = {"include_usage": True}
