"""The wire's codec: its readers and writers under the names of the contract."""

from typing import Any

from typing_extensions import override

from trunkline.gateway.exchange.destination import Destination
from trunkline.gateway.exchange.losses import Losses
from trunkline.gateway.exchange.parts import Document
from trunkline.gateway.exchange.reply import Reply
from trunkline.gateway.exchange.request import Request
from trunkline.gateway.metering.usage import Usage
from trunkline.gateway.wire.contract import (
    Answering,
    Codec,
    EventCodec,
    EventReader,
    EventWriter,
    Place,
)
from trunkline.gateway.wire.openai_responses import foreign, replies, requests
from trunkline.gateway.wire.openai_responses.event_reader import ResponsesEventReader
from trunkline.gateway.wire.openai_responses.event_writer import ResponsesEventWriter
from trunkline.gateway.wire.openai_responses.names import WIRE


class ResponsesCodec(Codec[Request, Any], EventCodec):
    """Reads and writes Responses. It has no state."""

    @override
    def read_request(self, document: Document, place: Place) -> Request:
        return requests.read_request(document)

    @override
    def write_request(self, request: Request, destination: Destination, losses: Losses) -> Document:
        if request.wire == WIRE:
            return requests.write_back(request, destination.model)
        return foreign.write_request(request, destination, losses)

    @override
    def read_reply(self, document: Document, seed: str) -> Reply:
        return replies.read_reply(document, seed)

    @override
    def write_reply(self, reply: Reply, usage: Usage | None, answering: Answering) -> Document:
        return replies.write_reply(reply, usage, answering)

    @override
    def event_reader(self, seed: str) -> EventReader:
        return ResponsesEventReader(seed)

    @override
    def event_writer(self, answering: Answering) -> EventWriter:
        return ResponsesEventWriter(answering)
