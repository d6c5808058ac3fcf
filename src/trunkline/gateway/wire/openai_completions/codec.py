"""The translating half of this wire."""

from typing_extensions import override

from trunkline.gateway.exchange.destination import Destination
from trunkline.gateway.exchange.losses import Losses
from trunkline.gateway.exchange.parts import Document
from trunkline.gateway.exchange.reply import Reply
from trunkline.gateway.exchange.request import Request
from trunkline.gateway.metering.usage import Usage
from trunkline.gateway.wire.contract import Answering, Codec, EventCodec, Place
from trunkline.gateway.wire.openai_completions.events import TextEventReader, TextEventWriter
from trunkline.gateway.wire.openai_completions.replies import read_reply, write_reply
from trunkline.gateway.wire.openai_completions.requests import (
    WIRE,
    read_request,
    write_foreign,
    write_own,
)


class CompletionsCodec(Codec[Request, Reply], EventCodec):
    """Text completions in both roles, whole and streamed."""

    @override
    def read_request(self, document: Document, place: Place) -> Request:
        return read_request(document)

    @override
    def write_request(self, request: Request, destination: Destination, losses: Losses) -> Document:
        if request.wire == WIRE:
            return write_own(request, destination.model)
        return write_foreign(request, destination, losses)

    @override
    def read_reply(self, document: Document, seed: str) -> Reply:
        return read_reply(document)

    @override
    def write_reply(self, reply: Reply, usage: Usage | None, answering: Answering) -> Document:
        return write_reply(reply, usage, answering)

    @override
    def event_reader(self, seed: str) -> TextEventReader:
        return TextEventReader()

    @override
    def event_writer(self, answering: Answering) -> TextEventWriter:
        asked = answering.request
        wants_usage = isinstance(asked, Request) and asked.wants_usage
        return TextEventWriter(answering, wants_usage=wants_usage)
