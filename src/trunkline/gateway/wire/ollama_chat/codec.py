"""Ollama's chat to the internal form and back."""

from typing_extensions import override

from trunkline.gateway.exchange.destination import Destination
from trunkline.gateway.exchange.losses import Losses
from trunkline.gateway.exchange.parts import Document
from trunkline.gateway.exchange.reply import Reply
from trunkline.gateway.exchange.request import Request
from trunkline.gateway.metering.usage import Usage
from trunkline.gateway.wire.contract import Answering, Codec, EventCodec, Malformed, Place
from trunkline.gateway.wire.ollama_chat.requests import read_request, write_request
from trunkline.gateway.wire.ollama_family.events import (
    CHAT_FORM,
    OllamaEventReader,
    OllamaEventWriter,
)
from trunkline.gateway.wire.ollama_family.names import CHAT_NAME
from trunkline.gateway.wire.ollama_family.replies import (
    answer_for,
    content_of,
    first_choice,
    reply_of,
    take_parts,
)


class ChatCodec(Codec[Request, Reply], EventCodec):
    """The codec of ``/api/chat``."""

    @override
    def read_request(self, document: Document, place: Place) -> Request:
        return read_request(document)

    @override
    def write_request(self, request: Request, destination: Destination, losses: Losses) -> Document:
        return write_request(request, destination, losses)

    @override
    def read_reply(self, document: Document, seed: str) -> Reply:
        rest = dict(document)
        message = rest.pop("message", None)
        if not isinstance(message, dict):
            raise Malformed("the answer has no message")
        left = dict(message)
        return reply_of(CHAT_NAME, rest, take_parts(left, "content", seed), left)

    @override
    def write_reply(self, reply: Reply, usage: Usage | None, answering: Answering) -> Document:
        choice = first_choice(reply)
        message: Document = {"role": "assistant", **content_of(choice, "content")}
        if reply.wire == CHAT_NAME:
            message |= choice.extra
        return answer_for(CHAT_NAME, reply, {"message": message}, usage, answering)

    @override
    def event_reader(self, seed: str) -> OllamaEventReader:
        return OllamaEventReader(seed)

    @override
    def event_writer(self, answering: Answering) -> OllamaEventWriter:
        return OllamaEventWriter(answering, CHAT_FORM)
