"""Ollama's chat, as a caller sends it and as a provider speaks it."""

import msgspec
from typing_extensions import override

from trunkline.gateway.wire.contract import CHAT, NOWHERE, Inbound, Place
from trunkline.gateway.wire.members import read_list, read_members, required_model
from trunkline.gateway.wire.ollama_chat.codec import ChatCodec
from trunkline.gateway.wire.ollama_family.events import CHAT_FORM, keep_alive_line
from trunkline.gateway.wire.ollama_family.names import CHAT_NAME
from trunkline.gateway.wire.ollama_family.wire import OllamaWire


class OllamaChat(OllamaWire):
    """``/api/chat``. Without messages it loads or unloads the model, which only Ollama can do."""

    name = CHAT_NAME
    operations = frozenset({CHAT})
    keep_alive = keep_alive_line(CHAT_FORM)
    codec = ChatCodec()
    events = codec

    @override
    def read_request(self, body: bytes, operation: str, place: Place = NOWHERE) -> Inbound:
        fields = read_members(body)
        model = required_model(fields, "model is required")
        read_list(fields, "messages", list[msgspec.Raw]())
        request = self.read_common(body, fields, model)
        request.has_tools = bool(read_list(fields, "tools", list[msgspec.Raw]()))
        return request

    @override
    def path(self, operation: str, model: str, *, stream: bool) -> bytes:
        return b"/api/chat"
