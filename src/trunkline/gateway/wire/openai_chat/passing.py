"""OpenAI Chat Completions, as a caller sends it and as a provider speaks it.

Source: the recorded transcripts of this wire and the types of OpenAI's own SDK.
"""

from typing import Final

import msgspec
from typing_extensions import override

from trunkline.gateway.wire.contract import CHAT, NOWHERE, Inbound, Place
from trunkline.gateway.wire.members import (
    count_marks,
    may_have_parts,
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

_NEWER: Final = "max_completion_tokens"
_OLDER: Final = "max_tokens"
_PARTICULARS: Final = frozenset(
    {"n", "tools", "functions", "web_search_options", "user", "service_tier", "metadata"}
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
        ceilings, max_tokens = _read_ceilings(fields)
        stream, wants_usage = read_stream(fields)
        attachments, files = _count_things(body) if may_have_parts(body) else (0, 0)
        request = Inbound(
            fields,
            model,
            len(body),
            stream=stream,
            wants_usage=wants_usage,
            max_tokens=max_tokens,
            ceilings=ceilings,
            attachments=attachments,
            files=files,
        )
        if not _PARTICULARS.isdisjoint(fields):
            _read_particulars(request)
        return request

    @override
    def path(self, operation: str, model: str, *, stream: bool) -> bytes:
        return b"/chat/completions"

    @override
    def stream_reader(self, request: Inbound) -> ChatMeter:
        return ChatMeter(hides_usage=not request.wants_usage)


def _read_ceilings(fields: dict[str, msgspec.Raw]) -> tuple[tuple[str, ...], int | None]:
    """The members in which the caller names a ceiling of output tokens, and the highest one."""
    newer = positive(fields, _NEWER) if _NEWER in fields else None
    older = positive(fields, _OLDER) if _OLDER in fields else None
    if newer is None:
        return ((_OLDER,), older) if older is not None else ((), None)
    return ((_NEWER,), newer) if older is None else ((_NEWER, _OLDER), max(newer, older))


def _count_things(body: bytes) -> tuple[int, int]:
    """How many pictures and sounds there are, and how many files."""
    plain = unescaped(body)
    if _ENDING in plain:
        return count_marks(plain, _ATTACHMENTS), count_marks(plain, _FILES)
    return count_marks(plain, _UNLINKED_ATTACHMENTS), count_marks(plain, _UNLINKED_FILES)


def _read_particulars(request: Inbound) -> None:
    """Read what few requests say.

    Raises:
        InvalidRequest: a member is of another type.
    """
    fields = request.fields
    request.answers = positive(fields, "n") or 1
    request.has_tools = "tools" in fields or "functions" in fields
    request.server_tools = "web_search_options" in fields
    request.end_user = shortened(text_member(fields, "user"))
    request.service_tier = text_member(fields, "service_tier")
    request.tags = tags_of(fields)
