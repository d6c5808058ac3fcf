"""OpenAI Chat Completions, as a caller sends it and as a provider speaks it.

Source: the recorded transcripts of this wire and the types of OpenAI's own SDK.
"""

from typing import Any, Final

import msgspec
from typing_extensions import override

from trunkline.errors import InvalidRequest, TrunklineError
from trunkline.gateway.metering.usage import Usage
from trunkline.gateway.wire.contract import (
    CHAT,
    NOWHERE,
    Place,
    Inbound,
    Malformed,
    ProviderFault,
    Reply,
    Sight,
    StreamReader,
    Wire,
)
from trunkline.gateway.wire.members import (
    LONGEST_NAME,
    count_marks,
    encode_members,
    read_count,
    read_flag,
    read_members,
    read_object,
    read_tags,
    read_text,
    require_messages,
    required_model,
    shortened,
    unescaped,
)
from trunkline.gateway.wire.openai_family import errors as openai_errors
from trunkline.gateway.wire.sse import EVENT_STREAM, FrameSplitter, data_of, size_of

_encode = msgspec.json.Encoder().encode
_DONE: Final = b"[DONE]"
_ATTACHMENTS: Final = (b'"image_url"', b'"input_audio"')
_FILES: Final = (b'"file"', b'"video_url"')
_INCLUDE_USAGE: Final = msgspec.Raw(b'{"include_usage":true}')
# As many as OpenAI takes.
MOST_TAGS: Final = 16
_TRUE: Final = msgspec.Raw(b"true")
_ABSENT: Final = msgspec.Raw()


class _InputDetails(msgspec.Struct):
    cached_tokens: int | None = None
    cache_write_tokens: int | None = None
    audio_tokens: int | None = None


class _OutputDetails(msgspec.Struct):
    reasoning_tokens: int | None = None
    audio_tokens: int | None = None


class _Usage(msgspec.Struct):
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    prompt_tokens_details: _InputDetails | None = None
    completion_tokens_details: _OutputDetails | None = None
    prompt_cache_hit_tokens: int | None = None


class _Reply(msgspec.Struct):
    choices: list[msgspec.Raw] | None = None
    usage: _Usage | None = None
    model: str | None = None
    service_tier: str | None = None


class _Delta(msgspec.Struct):
    content: str | None = None
    reasoning_content: str | None = None
    reasoning: str | None = None
    refusal: str | None = None
    tool_calls: msgspec.Raw = _ABSENT
    function_call: msgspec.Raw = _ABSENT
    audio: msgspec.Raw = _ABSENT


class _Choice(msgspec.Struct):
    delta: _Delta | None = None
    finish_reason: str | None = None


class _Chunk(msgspec.Struct):
    choices: list[_Choice] | None = None
    usage: _Usage | None = None
    error: msgspec.Raw = _ABSENT
    model: str | None = None
    service_tier: str | None = None


class _StrangeChunk(msgspec.Struct):
    error: msgspec.Raw = _ABSENT
    object: msgspec.Raw = _ABSENT
    choices: msgspec.Raw = _ABSENT


_decode_reply = msgspec.json.Decoder(_Reply).decode
_decode_chunk = msgspec.json.Decoder(_Chunk).decode
_decode_strange = msgspec.json.Decoder(_StrangeChunk).decode
_decode_any = msgspec.json.Decoder(msgspec.Raw).decode


def read_usage(reported: _Usage) -> Usage | None:
    """Disjoint buckets of a report whose totals include cached, written and reasoning tokens.

    None where a total is missing or below zero: what is unknown must not be counted as nothing.
    """
    prompt, completion = reported.prompt_tokens, reported.completion_tokens
    if prompt is None or completion is None or prompt < 0 or completion < 0:
        return None
    inputs = reported.prompt_tokens_details or _InputDetails()
    outputs = reported.completion_tokens_details or _OutputDetails()
    cached = inputs.cached_tokens or reported.prompt_cache_hit_tokens or 0
    written = inputs.cache_write_tokens or 0
    audio_in = inputs.audio_tokens or 0
    reasoning = outputs.reasoning_tokens or 0
    audio_out = outputs.audio_tokens or 0
    return Usage(
        input=max(0, prompt - cached - written - audio_in),
        cache_read=cached,
        cache_write=written,
        audio_input=audio_in,
        output=max(0, completion - reasoning - audio_out),
        reasoning=reasoning,
        audio_output=audio_out,
    )


class OpenAIChatReader(StreamReader):
    """Reads ``chat.completion.chunk`` frames up to ``[DONE]``."""

    __slots__ = (
        "_finishing",
        "_hides_usage",
        "_running",
        "content_bytes",
        "error",
        "input_usage",
        "model",
        "service_tier",
        "usage",
    )

    def __init__(self, *, hides_usage: bool) -> None:
        self._hides_usage = hides_usage
        self._finishing = False
        self._running: Usage | None = None
        self.usage: Usage | None = None
        self.input_usage: Usage | None = None
        self.model: str | None = None
        self.service_tier: str | None = None
        self.content_bytes = 0
        self.error: ProviderFault | None = None

    @override
    def read(self, frame: bytes) -> Sight:
        data = data_of(frame)
        if not data:
            return Sight.START
        if data == _DONE:
            # Some servers put the bill beside an empty delta and never name a reason to finish.
            self.usage = self.usage or self._running
            return Sight.END
        if frame.startswith(b"event: error"):
            # Groq names a failure in the frame's event, whatever its data looks like.
            self.error = openai_errors.read_fault(0, data)
            return Sight.ERROR
        try:
            chunk = _decode_chunk(data)
        except msgspec.ValidationError:
            return self._read_strange(data)
        except (msgspec.DecodeError, RecursionError):
            raise Malformed("a data line is not JSON") from None
        if chunk.error is not _ABSENT and _says_something(chunk.error):
            self.error = openai_errors.read_fault(0, data)
            return Sight.ERROR
        return self._read_chunk(chunk, data)

    def _read_chunk(self, chunk: _Chunk, data: bytes) -> Sight:
        if self.model is None:
            self.model = chunk.model
        if chunk.service_tier is not None:
            self.service_tier = chunk.service_tier
        choices, usage = chunk.choices, chunk.usage
        if not choices:
            if usage is None:
                return self._read_strange(data) if choices is None else Sight.START
            self._note_usage(usage, final=True)
            return Sight.HIDDEN if self._hides_usage else Sight.START
        if usage is None and len(choices) == 1 and self._is_text(choices[0]):
            return Sight.CONTENT
        sight = self._sight_of(choices)
        if usage is not None:
            self._note_usage(usage, final=self._finishing)
        return sight

    def _read_strange(self, data: bytes) -> Sight:
        """Valid JSON of a shape that we do not know passes as it is, unless it tells of a failure.

        Some servers give the content as a list; its bytes count as content, for estimates. Others
        send a failure without a member of that name.
        """
        try:
            chunk = _decode_strange(data)
        except msgspec.ValidationError:
            return Sight.CONTENT
        failed = chunk.error is not _ABSENT and _says_something(chunk.error)
        if failed or bytes(chunk.object).strip() == b'"error"':
            self.error = openai_errors.read_fault(0, data)
            return Sight.ERROR
        if chunk.choices is _ABSENT:
            return Sight.START
        self.content_bytes += len(bytes(chunk.choices))
        return Sight.CONTENT

    def _note_usage(self, reported: _Usage, *, final: bool) -> None:
        """Take a report on; a running one, as some servers send with each chunk, is no bill."""
        usage = read_usage(reported)
        if usage is None:
            return
        if final:
            self.usage = usage
        else:
            self.input_usage = self._running = usage

    def _is_text(self, choice: _Choice) -> bool:
        """Whether this is a piece of text, as nearly every frame of a stream is."""
        delta = choice.delta
        if delta is None or not delta.content:
            return False
        self.content_bytes += size_of(delta.content)
        self._running = None
        self._finishing = self._finishing or choice.finish_reason is not None
        return True

    def _sight_of(self, choices: list[_Choice]) -> Sight:
        sight = Sight.START
        for choice in choices:
            delta = choice.delta
            if delta is not None:
                size = _content_size(delta)
                if size:
                    self.content_bytes += size
                    self._running = None
                    sight = Sight.CONTENT
            if choice.finish_reason is not None:
                self._finishing = True
                sight = Sight.CONTENT
        return sight


def _content_size(delta: _Delta) -> int:
    if delta.content:
        return size_of(delta.content)
    size = 0
    for text in (delta.reasoning_content, delta.reasoning, delta.refusal):
        if text:
            size += size_of(text)
    for raw in (delta.tool_calls, delta.function_call, delta.audio):
        if raw is not _ABSENT and _says_something(raw):
            size += len(bytes(raw))
    return size


def _says_something(raw: msgspec.Raw) -> bool:
    # Servers send empty lists and null where there is nothing (vLLM sends both).
    return bytes(raw).strip() not in {b"", b"null", b"[]", b"[ ]"}


class OpenAIChat(Wire):
    """``/v1/chat/completions``."""

    name = "openai_chat"
    operations = frozenset({CHAT})
    versioned = False
    keep_alive = b": keep-alive\n\n"
    stream_type = EVENT_STREAM
    codec = None
    events = None

    @override
    def read_request(self, body: bytes, operation: str, place: Place = NOWHERE) -> Inbound:
        fields = read_members(body)
        model = required_model(fields, "'model' is missing.")
        require_messages(fields, "'messages' is missing or empty.")
        ceilings = {
            name: count
            for name in ("max_completion_tokens", "max_tokens")
            if (count := _positive(fields, name)) is not None
        }
        stream = read_flag(fields, "stream")
        plain = unescaped(body)
        request = Inbound(
            fields=fields,
            model=model,
            size=len(body),
            stream=stream,
            max_tokens=max(ceilings.values(), default=None),
            ceilings=tuple(ceilings),
            answers=_positive(fields, "n") or 1,
            attachments=count_marks(plain, _ATTACHMENTS),
            files=count_marks(plain, _FILES),
            has_tools="tools" in fields or "functions" in fields,
            server_tools="web_search_options" in fields,
            end_user=shortened(read_text(fields, "user", None)) if "user" in fields else None,
            service_tier=_service_tier(fields),
            tags=tags_of(fields),
        )
        if stream:
            options = read_object(fields, "stream_options", dict[str, msgspec.Raw]())
            request.wants_usage = options.get("include_usage") == _TRUE
            if not request.wants_usage:
                fields["stream_options"] = _with_usage(options)
            elif options:
                # Written anew, so that a member that was repeated is sent on as it was read.
                fields["stream_options"] = msgspec.Raw(encode_members(options))
        return request

    @override
    def write_request(self, request: Inbound, model: str) -> bytes:
        fields = request.fields
        if model != request.model:
            fields = {**fields, "model": msgspec.Raw(_encode(model))}
        return encode_members(fields)

    @override
    def limit_output(self, request: Inbound, ceiling: int, field: str) -> None:
        request.fields[field] = msgspec.Raw(b"%d" % ceiling)
        request.max_tokens = ceiling
        request.ceilings = (field,)

    @override
    def path(self, operation: str, model: str, *, stream: bool) -> bytes:
        return b"/chat/completions"

    @override
    def read_reply(self, body: bytes, operation: str) -> Reply:
        try:
            reply = _decode_reply(body)
        except msgspec.ValidationError:
            _require_object(body)
            return Reply(None)
        except (msgspec.DecodeError, RecursionError):
            raise Malformed("the answer is not JSON") from None
        if reply.choices is None:
            raise Malformed("the answer has no choices")
        usage = read_usage(reply.usage) if reply.usage is not None else None
        return Reply(usage, reply.model, reply.service_tier)

    @override
    def stream_reader(self, request: Inbound) -> OpenAIChatReader:
        return OpenAIChatReader(hides_usage=not request.wants_usage)

    @override
    def splitter(self, limit: int) -> FrameSplitter:
        return FrameSplitter(limit)

    @override
    def read_fault(self, status: int, body: bytes) -> ProviderFault:
        return openai_errors.read_fault(status, body)

    @override
    def error_body(self, error: TrunklineError, request_id: str) -> bytes:
        return openai_errors.error_body(error, request_id)

    @override
    def error_frame(self, error: TrunklineError, request_id: str) -> bytes:
        return b"data: " + openai_errors.error_body(error, request_id) + b"\n\n"


def _positive(fields: dict[str, msgspec.Raw], name: str) -> int | None:
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


def _service_tier(fields: dict[str, msgspec.Raw]) -> str | None:
    return read_text(fields, "service_tier", None) if "service_tier" in fields else None


def tags_of(fields: dict[str, msgspec.Raw]) -> tuple[tuple[str, str], ...]:
    """Attribution from the request's ``metadata``: its members that are strings, sorted."""
    if "metadata" not in fields:
        return ()
    metadata: dict[str, Any] = read_tags(fields, "metadata", {})
    texts = sorted((k, v) for k, v in metadata.items() if isinstance(v, str))
    return tuple((k[:LONGEST_NAME], v[:LONGEST_NAME]) for k, v in texts[:MOST_TAGS])


def _with_usage(options: dict[str, msgspec.Raw]) -> msgspec.Raw:
    if not options:
        return _INCLUDE_USAGE
    return msgspec.Raw(encode_members({**options, "include_usage": _TRUE}))


def _require_object(body: bytes) -> None:
    try:
        raw = bytes(_decode_any(body)).lstrip()
    except (msgspec.DecodeError, RecursionError):
        raise Malformed("the answer is not JSON") from None
    if not raw.startswith(b"{"):
        raise Malformed("the answer is not an object")
