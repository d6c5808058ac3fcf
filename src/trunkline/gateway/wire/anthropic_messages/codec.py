"""The codec of this wire: its readers and writers under one roof."""

from typing_extensions import override

from trunkline.gateway.exchange.destination import Destination
from trunkline.gateway.exchange.losses import Losses
from trunkline.gateway.exchange.parts import Document
from trunkline.gateway.exchange.reply import Reply
from trunkline.gateway.exchange.request import Request
from trunkline.gateway.metering.usage import Usage
from trunkline.gateway.wire.anthropic_messages import own_requests, replies, requests
from trunkline.gateway.wire.anthropic_messages.blocks import WIRE
from trunkline.gateway.wire.anthropic_messages.event_reader import MessagesEventReader
from trunkline.gateway.wire.anthropic_messages.event_writer import MessagesEventWriter
from trunkline.gateway.wire.anthropic_messages.foreign import write_foreign
from trunkline.gateway.wire.contract import Answering, Codec, EventCodec, Place


class AnthropicMessagesCodec(Codec[Request, Reply], EventCodec):
    """Anthropic Messages to the internal form and back. It has no state."""

    @override
    def read_request(self, document: Document, place: Place) -> Request:
        return requests.read_request(document)

    @override
    def write_request(self, request: Request, destination: Destination, losses: Losses) -> Document:
        if request.wire == WIRE:
            return own_requests.write_back(request, destination.model)
        return write_foreign(request, destination, losses)

    @override
    def read_reply(self, document: Document, seed: str) -> Reply:
        return replies.read_reply(document)

    @override
    def write_reply(self, reply: Reply, usage: Usage | None, answering: Answering) -> Document:
        return replies.write_reply(reply, usage, answering)

    @override
    def event_reader(self, seed: str) -> MessagesEventReader:
        return MessagesEventReader()

    @override
    def event_writer(self, answering: Answering) -> MessagesEventWriter:
        return MessagesEventWriter(answering)
