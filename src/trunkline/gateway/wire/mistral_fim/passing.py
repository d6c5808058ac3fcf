"""Mistral's fill in the middle, as a caller sends it and as a provider speaks it.

Source: the types of Mistral's own SDK. Usage stands on a stream's last chunk without being asked
for, and there is no ``stream_options``.
"""

from typing_extensions import override

from trunkline.errors import InvalidRequest
from trunkline.gateway.wire.contract import COMPLETION, NOWHERE, Inbound, Place
from trunkline.gateway.wire.members import (
    read_flag,
    read_members,
    read_text,
    required_model,
)
from trunkline.gateway.wire.mistral_fim.codec import FimCodec
from trunkline.gateway.wire.openai_family.chat_meter import ChatMeter
from trunkline.gateway.wire.openai_family.passing import FamilyWire, positive, tags_of


class MistralFim(FamilyWire):
    """``/v1/fim/completions``."""

    name = "mistral_fim"
    operations = frozenset({COMPLETION})
    codec = FimCodec()
    events = codec

    @override
    def read_request(self, body: bytes, operation: str, place: Place = NOWHERE) -> Inbound:
        fields = read_members(body)
        model = required_model(fields, "'model' is missing.")
        prompt: str | None = read_text(fields, "prompt", None)
        if prompt is None:
            raise InvalidRequest(
                "'prompt' is missing.",
                code="missing_prompt",
                param="prompt",
                hint="Send the code before the gap in 'prompt'.",
            )
        ceiling = positive(fields, "max_tokens")
        return Inbound(
            fields=fields,
            model=model,
            size=len(body),
            stream=read_flag(fields, "stream"),
            max_tokens=ceiling,
            ceilings=() if ceiling is None else ("max_tokens",),
            fills=True,
            tags=tags_of(fields),
        )

    @override
    def limit_output(self, request: Inbound, ceiling: int, field: str) -> None:
        super().limit_output(request, ceiling, "max_tokens")

    @override
    def path(self, operation: str, model: str, *, stream: bool) -> bytes:
        return b"/fim/completions"

    @override
    def stream_reader(self, request: Inbound) -> ChatMeter:
        return ChatMeter()
