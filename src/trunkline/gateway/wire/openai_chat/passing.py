"""OpenAI Chat Completions, as a caller sends it and as a provider speaks it.

Source: the recorded transcripts of this wire and the types of OpenAI's own SDK.
"""

from typing import Final

import msgspec
from typing_extensions import override

from trunkline.gateway.wire.contract import CHAT, NOWHERE, Inbound, Place
from trunkline.gateway.wire.members import (
    count_marks,
    read_members,
    require_messages,
    required_model,
    shortened,
    unescaped,
)
from trunkline.gateway.wire.openai_chat.codec import ChatCodec
from trunkline.gateway.wire.openai_chat.straightening import straighten
from trunkline.gateway.wire.openai_family.chat_meter import ChatMeter
from trunkline.gateway.wire.openai_family.passing import (
    FamilyWire,
    positive,
    read_stream,
    tags_of,
    text_member,
)

_ATTACHMENTS: Final = (b'"image_url"', b'"input_audio"')
_FILES: Final = (b'"file"', b'"video_url"', b'"document_url"')
# How three of these names end; few texts have it, and then they are not searched for one by one.
_ENDING: Final = b'_url"'
_UNLINKED_ATTACHMENTS: Final = (b'"input_audio"',)
_UNLINKED_FILES: Final = (b'"file"',)


class OpenAIChat(FamilyWire):
    """``/v1/chat/completions``."""

    name = "openai_chat"
    operations = frozenset({CHAT})
    codec = ChatCodec()
    events = codec

    @override
    def read_request(self, body: bytes, operation: str, place: Place = NOWHERE) -> Inbound:
        fields = read_members(body)
        model = required_model(fields, "'model' is missing.")
        straighten(fields)
        require_messages(fields, "'messages' is missing or empty.")
        ceilings = ceilings_of(fields)
        stream, wants_usage = read_stream(fields)
        plain = unescaped(body)
        linked = _ENDING in plain
        return Inbound(
            fields=fields,
            model=model,
            size=len(body),
            stream=stream,
            wants_usage=wants_usage,
            max_tokens=max(ceilings.values(), default=None),
            ceilings=tuple(ceilings),
            answers=positive(fields, "n") or 1,
            attachments=count_marks(plain, _ATTACHMENTS if linked else _UNLINKED_ATTACHMENTS),
            files=count_marks(plain, _FILES if linked else _UNLINKED_FILES),
            has_tools="tools" in fields or "functions" in fields,
            server_tools="web_search_options" in fields,
            end_user=shortened(text_member(fields, "user")),
            service_tier=text_member(fields, "service_tier"),
            tags=tags_of(fields),
        )

    @override
    def path(self, operation: str, model: str, *, stream: bool) -> bytes:
        return b"/chat/completions"

    @override
    def stream_reader(self, request: Inbound) -> ChatMeter:
        return ChatMeter(hides_usage=not request.wants_usage)


def ceilings_of(fields: dict[str, msgspec.Raw]) -> dict[str, int]:
    """The members in which the caller names a ceiling of output tokens, and the ceilings."""
    return {
        name: count
        for name in ("max_completion_tokens", "max_tokens")
        if (count := positive(fields, name)) is not None
    }
