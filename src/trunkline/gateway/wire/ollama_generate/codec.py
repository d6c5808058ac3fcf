"""Ollama's generate to the internal form and back."""

from typing_extensions import override

from trunkline.gateway.exchange.destination import Destination
from trunkline.gateway.exchange.losses import Losses
from trunkline.gateway.exchange.parts import Document
from trunkline.gateway.exchange.reply import Reply
from trunkline.gateway.exchange.request import Request
from trunkline.gateway.metering.usage import Usage
from trunkline.gateway.wire.contract import Answering, Codec, EventCodec, Malformed, Place
from trunkline.gateway.wire.ollama_family.events import (
    GENERATE_FORM,
    OllamaEventReader,
    OllamaEventWriter,
)
from trunkline.gateway.wire.ollama_family.names import GENERATE_NAME
from trunkline.gateway.wire.ollama_family.replies import (
    answer_for,
    content_of,
    first_choice,
    reply_of,
    take_parts,
)
from trunkline.gateway.wire.ollama_generate.requests import read_request, write_request


class GenerateCodec(Codec[Request, Reply], EventCodec):
    """The codec of ``/api/generate``."""

    @override
    def read_request(self, document: Document, place: Place) -> Request:
        return read_request(document)

    @override
    def write_request(self, request: Request, destination: Destination, losses: Losses) -> Document:
        return write_request(request, destination, losses)

    @override
    def read_reply(self, document: Document, seed: str) -> Reply:
        rest = dict(document)
        if not isinstance(rest.get("response"), str):
            raise Malformed("the answer has no response")
        return reply_of(GENERATE_NAME, rest, take_parts(rest, "response", seed), {})

    @override
    def write_reply(self, reply: Reply, usage: Usage | None, answering: Answering) -> Document:
        content = content_of(first_choice(reply), "response")
        return answer_for(GENERATE_NAME, reply, content, usage, answering)

    @override
    def event_reader(self, seed: str) -> OllamaEventReader:
        return OllamaEventReader(seed)

    @override
    def event_writer(self, answering: Answering) -> OllamaEventWriter:
        return OllamaEventWriter(answering, GENERATE_FORM)
