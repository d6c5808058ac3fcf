"""Cohere's chat to the internal form and back."""

from typing_extensions import override

from trunkline.gateway.exchange.destination import Destination
from trunkline.gateway.exchange.losses import Losses
from trunkline.gateway.exchange.parts import Document
from trunkline.gateway.exchange.reply import Reply
from trunkline.gateway.exchange.request import Request
from trunkline.gateway.metering.usage import Usage
from trunkline.gateway.wire.cohere_chat.events import CohereEventReader
from trunkline.gateway.wire.cohere_chat.frames import CohereEventWriter
from trunkline.gateway.wire.cohere_chat.replies import read_reply, write_reply
from trunkline.gateway.wire.cohere_chat.requests import read_request
from trunkline.gateway.wire.cohere_chat.writing import write_request
from trunkline.gateway.wire.contract import Answering, Codec, EventCodec, Place


class CohereChatCodec(Codec[Request, Reply], EventCodec):
    """The codec of ``/v2/chat``."""

    @override
    def read_request(self, document: Document, place: Place) -> Request:
        return read_request(document)

    @override
    def write_request(self, request: Request, destination: Destination, losses: Losses) -> Document:
        return write_request(request, destination, losses)

    @override
    def read_reply(self, document: Document, seed: str) -> Reply:
        return read_reply(document, seed)

    @override
    def write_reply(self, reply: Reply, usage: Usage | None, answering: Answering) -> Document:
        return write_reply(reply, usage, answering)

    @override
    def event_reader(self, seed: str) -> CohereEventReader:
        return CohereEventReader(seed)

    @override
    def event_writer(self, answering: Answering) -> CohereEventWriter:
        return CohereEventWriter(answering)
