"""Requests of ``/api/generate``: one prompt, which is a conversation of one message to others."""

from typing import Final

from trunkline.errors import InvalidRequest
from trunkline.gateway.exchange.destination import Destination
from trunkline.gateway.exchange.losses import Losses
from trunkline.gateway.exchange.parts import Audio, Document, Image, Part, Refusal, Text
from trunkline.gateway.exchange.request import Message, Request
from trunkline.gateway.wire.documents import (
    members_of,
    missing,
    note_extras,
    require_model,
    take_flag,
    take_list,
    take_text,
)
from trunkline.gateway.wire.ollama_family.images import image_for, read_images
from trunkline.gateway.wire.ollama_family.names import GENERATE_NAME
from trunkline.gateway.wire.ollama_family.settings import (
    read_settings,
    spelled_out,
    write_settings,
)
from trunkline.gateway.wire.spelling import SpelledRequest

_ONE_PROMPT: Final = "a completion has one prompt and no conversation"
_NO_TOOLS: Final = "a completion calls no tools"
_NO_MARKS: Final = "the provider's API has no cache marks"


def read_request(document: Document) -> SpelledRequest:
    """A caller's request.

    Raises:
        InvalidRequest: with the field in ``param``.
    """
    rest = members_of(document)
    model = require_model(rest)
    prompt = take_text(rest, "prompt")
    if not prompt:
        raise missing(
            "prompt",
            "There is no prompt to complete; only Ollama itself can load a model.",
            "Send a prompt.",
        )
    system, suffix = take_text(rest, "system"), take_text(rest, "suffix")
    raw, images = take_flag(rest, "raw"), take_list(rest, "images")
    settings = read_settings(rest)
    plain = settings["plain"]
    # Empty strings and "raw": false are what clients send for nothing.
    plain |= {"suffix": suffix} if suffix == "" else {}
    plain |= {"raw": raw} if raw is False else {}
    plain |= {"images": images} if images == [] else {}
    messages = [] if system is None else [Message("system", (Text(system),), bare=True)]
    parts = (Text(prompt), *read_images(images or [], "images"))
    return SpelledRequest(
        wire=GENERATE_NAME,
        model=model,
        messages=(*messages, Message("user", parts, bare=True)),
        suffix=suffix or None,
        raw_prompt=raw is True,
        extra=rest,
        **settings,
    )


def write_request(request: Request, destination: Destination, losses: Losses) -> Document:
    """The document for a provider that speaks this wire.

    Raises:
        InvalidRequest: there is no prompt in it.
    """
    prompt = _Prompt(request, losses)
    document: Document = {"model": destination.model, "prompt": prompt.text}
    if prompt.system is not None:
        document["system"] = prompt.system
    if prompt.images:
        document["images"] = prompt.images
    if request.suffix is not None:
        document["suffix"] = request.suffix
    # A raw prompt bypasses the model's template, which is what puts a suffix into its place.
    if request.raw_prompt and (request.suffix is None or request.wire == GENERATE_NAME):
        document["raw"] = True
    if request.tools:
        losses.lose("tools", _NO_TOOLS)
    document |= write_settings(request, destination, losses)
    return spelled_out(request, GENERATE_NAME, document, losses)


class _Prompt:
    """The one prompt of a request, with what belongs to it."""

    def __init__(self, request: Request, losses: Losses) -> None:
        self._losses = losses
        self._system: list[str] = []
        self._texts: list[str] = []
        self.images: list[str] = []
        asked = [part for part in request.messages if part.role not in {"system", "developer"}]
        if len(asked) > 1:
            losses.lose("messages", _ONE_PROMPT)
        for message in request.messages:
            note_extras(message.extra, losses)
            for part in message.parts:
                self._take(part, self._texts if message in asked else self._system)
        if not asked:
            raise InvalidRequest(
                "There is no prompt to complete.",
                code="missing_prompt",
                param="prompt",
                hint="Send a prompt.",
            )

    def _take(self, part: Part, texts: list[str]) -> None:
        if isinstance(part, (Text, Refusal)):
            texts.append(part.text)
            if isinstance(part, Text) and part.cache is not None:
                self._losses.lose("cache_control", _NO_MARKS)
        elif isinstance(part, (Image, Audio)):
            image = image_for(part, self._losses)
            if image is not None:
                self.images.append(image)
        else:
            self._losses.lose(type(part).__name__.lower(), _ONE_PROMPT)

    @property
    def text(self) -> str:
        """What is to be completed."""
        return "\n".join(self._texts)

    @property
    def system(self) -> str | None:
        """The system prompt, or None."""
        return "\n".join(self._system) if self._system else None
