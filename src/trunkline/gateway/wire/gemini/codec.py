"""Gemini's generateContent to the internal form and back."""

from typing_extensions import override

from trunkline.gateway.exchange.destination import Destination
from trunkline.gateway.exchange.losses import Losses
from trunkline.gateway.exchange.parts import Document
from trunkline.gateway.exchange.reply import Reply
from trunkline.gateway.exchange.request import Request
from trunkline.gateway.metering.usage import Usage
from trunkline.gateway.wire.contract import Answering, Codec, EventCodec, Place
from trunkline.gateway.wire.gemini.event_reader import GeminiEventReader
from trunkline.gateway.wire.gemini.event_writer import GeminiEventWriter
from trunkline.gateway.wire.gemini.foreign import write_foreign
from trunkline.gateway.wire.gemini.own import WIRE
from trunkline.gateway.wire.gemini.replies import read_reply, write_reply
from trunkline.gateway.wire.gemini.requests import read_request, request_back


class GeminiCodec(Codec[Request, Reply], EventCodec):
    """The codec; ``streams`` is whether its callers asked for a stream, which their path says."""

    def __init__(self, *, streams: bool) -> None:
        self._streams = streams

    @override
    def read_request(self, document: Document, place: Place) -> Request:
        return read_request(document, place, stream=self._streams)

    @override
    def write_request(self, request: Request, destination: Destination, losses: Losses) -> Document:
        if request.wire == WIRE:
            return request_back(request, destination.model)
        return write_foreign(request, destination, losses)

    @override
    def read_reply(self, document: Document, seed: str) -> Reply:
        return read_reply(document, seed)

    @override
    def write_reply(self, reply: Reply, usage: Usage | None, answering: Answering) -> Document:
        return write_reply(reply, usage, answering)

    @override
    def event_reader(self, seed: str) -> GeminiEventReader:
        return GeminiEventReader(seed)

    @override
    def event_writer(self, answering: Answering) -> GeminiEventWriter:
        return GeminiEventWriter(answering)
