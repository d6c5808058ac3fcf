"""The translating half of this wire."""

from typing import Final

from typing_extensions import override

from trunkline.gateway.exchange.destination import Destination
from trunkline.gateway.exchange.losses import Losses
from trunkline.gateway.exchange.parts import Document
from trunkline.gateway.exchange.reply import Reply
from trunkline.gateway.exchange.request import Request
from trunkline.gateway.metering.usage import Usage
from trunkline.gateway.wire.contract import Answering, Codec, EventCodec, Place
from trunkline.gateway.wire.openai_chat.foreign import write_foreign
from trunkline.gateway.wire.openai_chat.request import WIRE, ChatRequest
from trunkline.gateway.wire.openai_chat.requests import read_request, write_own
from trunkline.gateway.wire.openai_family.event_reader import ChatEventReader
from trunkline.gateway.wire.openai_family.event_writer import ChatEventWriter
from trunkline.gateway.wire.openai_family.replies import read_reply, write_reply

_PREFIX: Final = "chatcmpl-"


class ChatCodec(Codec[Request, Reply], EventCodec):
    """Chat completions in both roles, whole and streamed."""

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
        return read_reply(document, seed, WIRE)

    @override
    def write_reply(self, reply: Reply, usage: Usage | None, answering: Answering) -> Document:
        return write_reply(
            reply, usage, answering, wire=WIRE, prefix=_PREFIX, legacy=_is_legacy(answering)
        )

    @override
    def event_reader(self, seed: str) -> ChatEventReader:
        return ChatEventReader(seed)

    @override
    def event_writer(self, answering: Answering) -> ChatEventWriter:
        asked = answering.request
        return ChatEventWriter(
            answering,
            prefix=_PREFIX,
            wants_usage=isinstance(asked, Request) and asked.wants_usage,
            legacy=_is_legacy(answering),
        )


def _is_legacy(answering: Answering) -> bool:
    return isinstance(answering.request, ChatRequest) and answering.request.legacy
