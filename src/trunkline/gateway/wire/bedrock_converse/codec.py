"""Converse of Bedrock into the internal form and back."""

from typing_extensions import override

from trunkline.gateway.exchange.destination import Destination
from trunkline.gateway.exchange.losses import Losses
from trunkline.gateway.exchange.parts import Document
from trunkline.gateway.exchange.reply import Reply
from trunkline.gateway.exchange.request import Request
from trunkline.gateway.metering.usage import Usage
from trunkline.gateway.wire.bedrock_converse import replies, requests
from trunkline.gateway.wire.bedrock_converse.blocks import WIRE
from trunkline.gateway.wire.bedrock_converse.events import ConverseEvents, ConverseFrames
from trunkline.gateway.wire.bedrock_converse.foreign import write_foreign
from trunkline.gateway.wire.contract import Answering, Codec, EventCodec, Place


class BedrockConverseCodec(Codec[Request, Reply], EventCodec):
    """Pure; one instance serves all requests."""

    @override
    def read_request(self, document: Document, place: Place) -> Request:
        return requests.read_request(document, place)

    @override
    def write_request(self, request: Request, destination: Destination, losses: Losses) -> Document:
        if request.wire == WIRE:
            return requests.write_request(request)
        return write_foreign(request, destination, losses)

    @override
    def read_reply(self, document: Document, seed: str) -> Reply:
        return replies.read_reply(document)

    @override
    def write_reply(self, reply: Reply, usage: Usage | None, answering: Answering) -> Document:
        return replies.write_reply(reply, usage)

    @override
    def event_reader(self, seed: str) -> ConverseEvents:
        return ConverseEvents()

    @override
    def event_writer(self, answering: Answering) -> ConverseFrames:
        return ConverseFrames()
