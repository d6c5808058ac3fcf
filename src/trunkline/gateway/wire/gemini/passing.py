"""Gemini's generateContent, as a caller sends it and as a provider speaks it.

The model and whether the answer is a stream stand in the path, so streams are a second instance of
the same wire. Source: the recorded transcripts of this wire and the types of google-genai.
"""

from typing import Any, Final

import msgspec
from typing_extensions import override

from trunkline.errors import InvalidRequest, TrunklineError
from trunkline.gateway.wire.contract import (
    CHAT,
    COUNT_TOKENS,
    NOWHERE,
    Inbound,
    Place,
    ProviderFault,
    Reply,
    Wire,
)
from trunkline.gateway.wire.gemini.codec import GeminiCodec
from trunkline.gateway.wire.gemini.meter import GeminiMeter, read_answer, read_counted
from trunkline.gateway.wire.gemini_family import errors as gemini_errors
from trunkline.gateway.wire.gemini_family.models import model_of, model_path, renamed
from trunkline.gateway.wire.gemini_family.spelling import snake, spelled
from trunkline.gateway.wire.members import (
    LONGEST_NAME,
    count_marks,
    encode_members,
    member,
    read_count,
    read_list,
    read_members,
    read_object,
    read_tags,
    read_text,
    unescaped,
)
from trunkline.gateway.wire.sse import EVENT_STREAM, FrameSplitter

Members = dict[str, msgspec.Raw]


def _names(*names: str) -> frozenset[str]:
    """Names in either spelling."""
    return frozenset(names) | {snake(name) for name in names}


_INLINE: Final = (b'"inlineData"', b'"inline_data"')
# What lies at an address may be a document or a video, and so may some of what is inline.
_LINKED: Final = (b'"fileData"', b'"file_data"')
_LONG: Final = (b'"application/', b'"video/', b'"text/')
# How all these names end; few texts have it, and then nothing else is searched for.
_ENDING: Final = b'ata"'
_SEARCHES: Final = _names("googleSearch", "googleSearchRetrieval", "enterpriseWebSearch")
# What runs at Google and brings text of its own into the context.
_SERVER_TOOLS: Final = _SEARCHES | _names(
    "urlContext", "codeExecution", "fileSearch", "googleMaps", "retrieval", "mcpServers"
)
# The one ceiling of this wire, by its own name and by the one that connections call it when they
# do not say another: every provider of this wire reads it.
_CEILINGS: Final = ("maxOutputTokens", "max_tokens")
_MOST_TAGS: Final = 16
_SAID: Final = ("contents", "systemInstruction")
# The whole request whose tokens are to be counted, instead of contents alone.
_COUNTED: Final = "generateContentRequest"

_read_tools = member(list[Members] | None, "an array of objects")


class Gemini(Wire):
    """``models/{model}:generateContent``, ``:streamGenerateContent`` and ``:countTokens``."""

    name = "gemini"
    operations = frozenset({CHAT, COUNT_TOKENS})
    versioned = False
    # An empty line: google-genai takes every other line that is no data for a broken answer.
    keep_alive = b"\r\n"
    stream_type = EVENT_STREAM

    def __init__(self, *, streams: bool = False) -> None:
        self._streams = streams
        self.codec = self.events = GeminiCodec(streams=streams)

    @override
    def read_request(self, body: bytes, operation: str, place: Place = NOWHERE) -> Inbound:
        fields = read_members(body)
        model = model_of(fields, place)
        inner = _counted(fields) if operation == COUNT_TOKENS else fields
        if not read_list(inner, "contents", list[msgspec.Raw]()):
            raise InvalidRequest(
                "contents is not specified.",
                code="missing_contents",
                param="contents",
                hint="Send at least one content.",
            )
        config = _object(inner, "generationConfig")
        ceiling = _positive(config, "maxOutputTokens")
        inline, files = _attached(b"".join(_plain(inner, name) for name in _SAID))
        tools = _tool_names(inner)
        return Inbound(
            fields=fields,
            model=model,
            size=len(body),
            stream=self._streams and operation == CHAT,
            max_tokens=ceiling,
            ceilings=_CEILINGS if ceiling is not None else (),
            answers=_positive(config, "candidateCount") or 1,
            attachments=inline,
            # What is cached at Google counts as well and may be as long as the context window.
            files=files + (spelled(inner, "cachedContent") in inner),
            has_tools=bool(tools),
            server_tools=not _SERVER_TOOLS.isdisjoint(tools),
            searches=not _SEARCHES.isdisjoint(tools),
            service_tier=_tier(inner),
            tags=_labels(inner),
            place=place,
        )

    @override
    def write_request(self, request: Inbound, model: str) -> bytes:
        fields = request.fields
        if model != request.model:
            fields = renamed(fields, model)
            name = spelled(fields, _COUNTED)
            if name in fields:
                inner = renamed(_object(fields, _COUNTED), model)
                fields = {**fields, name: msgspec.Raw(encode_members(inner))}
        return encode_members(fields)

    @override
    def limit_output(self, request: Inbound, ceiling: int, field: str) -> None:
        fields = request.fields
        config = dict(_object(fields, "generationConfig"))
        config[spelled(config, "maxOutputTokens")] = msgspec.Raw(b"%d" % ceiling)
        fields[spelled(fields, "generationConfig")] = msgspec.Raw(encode_members(config))
        request.max_tokens = ceiling
        request.ceilings = _CEILINGS

    @override
    def path(self, operation: str, model: str, *, stream: bool) -> bytes:
        where = model_path(model)
        if operation == COUNT_TOKENS:
            return where + b":countTokens"
        return where + (b":streamGenerateContent?alt=sse" if stream else b":generateContent")

    @override
    def read_reply(self, body: bytes, operation: str) -> Reply:
        return read_counted(body) if operation == COUNT_TOKENS else read_answer(body)

    @override
    def stream_reader(self, request: Inbound) -> GeminiMeter:
        return GeminiMeter()

    @override
    def splitter(self, limit: int) -> FrameSplitter:
        return FrameSplitter(limit)

    @override
    def read_fault(self, status: int, body: bytes) -> ProviderFault:
        return gemini_errors.read_fault(status, body)

    @override
    def error_body(self, error: TrunklineError, request_id: str) -> bytes:
        return gemini_errors.error_body(error, request_id)

    @override
    def error_frame(self, error: TrunklineError, request_id: str) -> bytes:
        return b"data: " + gemini_errors.error_body(error, request_id) + b"\r\n\r\n"


def _counted(fields: Members) -> Members:
    """The members of the request whose tokens are counted."""
    return _object(fields, _COUNTED) if spelled(fields, _COUNTED) in fields else fields


def _object(fields: Members, name: str) -> Members:
    nothing: Members = {}
    return read_object(fields, spelled(fields, name), nothing)


def _plain(fields: Members, name: str) -> bytes:
    """A member's bytes, to be searched."""
    name = spelled(fields, name)
    return unescaped(bytes(fields[name])) if name in fields else b""


def _tool_names(fields: Members) -> set[str]:
    """What kinds of tools there are, by their names in the request."""
    if "tools" not in fields:
        return set()
    nothing: list[Members] = []
    return {name for tool in _read_tools(fields, "tools", nothing) for name in tool}


def _attached(said: bytes) -> tuple[int, int]:
    """How much is attached in the body itself, and how much may be as long as a document."""
    if _ENDING not in said:
        return 0, 0
    inline, linked = count_marks(said, _INLINE), count_marks(said, _LINKED)
    return inline, linked + count_marks(said, _LONG) if inline else linked


def _positive(fields: Members, name: str) -> int | None:
    name = spelled(fields, name)
    if name not in fields:
        return None
    count: int | None = read_count(fields, name, None)
    if count is not None and count < 1:
        raise InvalidRequest(
            f"'{name}' must be at least 1.",
            code="invalid_value",
            param=name,
            hint="Leave it out for the model's own maximum.",
        )
    return count


def _tier(fields: Members) -> str | None:
    name = spelled(fields, "serviceTier")
    return read_text(fields, name, None) if name in fields else None


def _labels(fields: Members) -> tuple[tuple[str, str], ...]:
    """Attribution from the request's ``labels``: its members that are strings, sorted."""
    if "labels" not in fields:
        return ()
    labels: dict[str, Any] = read_tags(fields, "labels", {})
    texts = sorted((k, v) for k, v in labels.items() if isinstance(v, str))
    return tuple((k[:LONGEST_NAME], v[:LONGEST_NAME]) for k, v in texts[:_MOST_TAGS])
