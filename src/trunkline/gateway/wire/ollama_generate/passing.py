"""Ollama's generate, as a caller sends it and as a provider speaks it."""

from typing_extensions import override

from trunkline.gateway.wire.contract import COMPLETION, NOWHERE, Inbound, Place
from trunkline.gateway.wire.members import read_flag, read_members, read_text, required_model
from trunkline.gateway.wire.ollama_family.events import GENERATE_FORM, keep_alive_line
from trunkline.gateway.wire.ollama_family.names import GENERATE_NAME
from trunkline.gateway.wire.ollama_family.wire import OllamaWire
from trunkline.gateway.wire.ollama_generate.codec import GenerateCodec


class OllamaGenerate(OllamaWire):
    """``/api/generate``. Without a prompt it loads or unloads the model."""

    name = GENERATE_NAME
    operations = frozenset({COMPLETION})
    keep_alive = keep_alive_line(GENERATE_FORM)
    codec = GenerateCodec()
    events = codec

    @override
    def read_request(self, body: bytes, operation: str, place: Place = NOWHERE) -> Inbound:
        fields = read_members(body)
        model = required_model(fields, "model is required")
        read_text(fields, "prompt", "")
        request = self.read_common(body, fields, model)
        # With a template of its own the prompt is nothing that another chat would understand.
        own_words = bool(read_text(fields, "suffix", "")) or bool(read_text(fields, "template", ""))
        request.fills = own_words or read_flag(fields, "raw")
        return request

    @override
    def path(self, operation: str, model: str, *, stream: bool) -> bytes:
        return b"/api/generate"
