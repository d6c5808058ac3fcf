"""Requests of ``/api/chat``."""

from trunkline.gateway.exchange.destination import Destination
from trunkline.gateway.exchange.losses import Losses
from trunkline.gateway.exchange.parts import Document
from trunkline.gateway.exchange.request import Request
from trunkline.gateway.wire.documents import members_of, missing, require_model, take_list
from trunkline.gateway.wire.functions import read_tools
from trunkline.gateway.wire.ollama_chat.messages import read_messages
from trunkline.gateway.wire.ollama_chat.tools import write_tools
from trunkline.gateway.wire.ollama_chat.turns import write_messages
from trunkline.gateway.wire.ollama_family.names import CHAT_NAME
from trunkline.gateway.wire.ollama_family.settings import (
    read_settings,
    spelled_out,
    write_settings,
)
from trunkline.gateway.wire.spelling import SpelledRequest

_NO_GAPS = "a chat continues a conversation and no text"


def read_request(document: Document) -> SpelledRequest:
    """A caller's request.

    Raises:
        InvalidRequest: with the field in ``param``.
    """
    rest = members_of(document)
    model = require_model(rest)
    messages = take_list(rest, "messages")
    if not messages:
        raise missing(
            "messages",
            "There is no message to answer; only Ollama itself can load a model.",
            "Send at least one message.",
        )
    tools = take_list(rest, "tools")
    settings = read_settings(rest)
    if tools == []:
        settings["plain"]["tools"] = tools
    return SpelledRequest(
        wire=CHAT_NAME,
        model=model,
        messages=read_messages(messages),
        tools=read_tools(tools, CHAT_NAME),
        extra=rest,
        **settings,
    )


def write_request(request: Request, destination: Destination, losses: Losses) -> Document:
    """The document for a provider that speaks this wire."""
    document: Document = {"model": destination.model, "messages": write_messages(request, losses)}
    tools = write_tools(request, losses)
    if tools:
        document["tools"] = tools
    if request.suffix is not None:
        losses.lose("suffix", _NO_GAPS)
    if request.raw_prompt:
        losses.lose("raw", _NO_GAPS)
    document |= write_settings(request, destination, losses)
    return spelled_out(request, CHAT_NAME, document, losses)
