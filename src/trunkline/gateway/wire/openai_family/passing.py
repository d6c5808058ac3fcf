"""What the byte-passing halves of OpenAI's formats have in common."""

from typing import Any, Final

import msgspec
from typing_extensions import override

from trunkline.errors import InvalidRequest, TrunklineError
from trunkline.gateway.wire.contract import Inbound, Malformed, ProviderFault, Reply, Wire
from trunkline.gateway.wire.endings import BAD_ENDS, may_end_badly
from trunkline.gateway.wire.members import (
    LONGEST_NAME,
    encode_members,
    read_count,
    read_flag,
    read_object,
    read_tags,
    read_text,
)
from trunkline.gateway.wire.openai_family import errors as openai_errors
from trunkline.gateway.wire.openai_family.metering import FILTERED, refuses
from trunkline.gateway.wire.openai_family.usage import Reported, usage_of
from trunkline.gateway.wire.sse import EVENT_STREAM, FrameSplitter
from trunkline.gateway.wire.whole import body_for

# As many as OpenAI takes.
MOST_TAGS: Final = 16
_INCLUDE_USAGE: Final = msgspec.Raw(b'{"include_usage":true}')
_TRUE: Final = msgspec.Raw(b"true")


class _Told(msgspec.Struct):
    usage: Reported | None = None
    model: str | None = None
    service_tier: str | None = None


class _Message(msgspec.Struct):
    content: str | list[msgspec.Raw] | None = None
    refusal: str | None = None


class _Choice(msgspec.Struct):
    message: _Message | None = None
    finish_reason: str | None = None
    native_finish_reason: str | None = None


class _Reply(_Told):
    choices: list[_Choice] | None = None


class _StrangeReply(_Told):
    choices: list[msgspec.Raw] | None = None


_decode_reply = msgspec.json.Decoder(_Reply).decode
_decode_strange_reply = msgspec.json.Decoder(_StrangeReply).decode
_decode_choice = msgspec.json.Decoder(_Choice).decode
_decode_any = msgspec.json.Decoder(msgspec.Raw).decode


class FamilyWire(Wire):
    """A wire whose answers have ``choices`` and ``usage`` and whose streams end with ``[DONE]``."""

    versioned = False
    keep_alive = b": keep-alive\n\n"
    stream_type = EVENT_STREAM

    @override
    def write_request(self, request: Inbound, model: str) -> bytes:
        return body_for(request, model)

    @override
    def limit_output(self, request: Inbound, ceiling: int, field: str) -> None:
        # OpenAI refuses a request that names it in both of its members.
        for name in request.ceilings:
            request.fields.pop(name, None)
        request.fields[field] = msgspec.Raw(b"%d" % ceiling)
        request.max_tokens = ceiling
        request.ceilings = (field,)

    @override
    def read_reply(self, body: bytes, operation: str) -> Reply:
        reply: _Reply | None
        clean = True
        try:
            reply = _decode_reply(body)
        except msgspec.ValidationError:
            reply, clean = _decode_strange(body), not may_end_badly(body)
        except (msgspec.DecodeError, RecursionError):
            raise Malformed("the answer is not JSON") from None
        if reply is None:
            return Reply(None, clean=clean)
        if reply.choices is None:
            raise Malformed("the answer has no choices")
        usage = usage_of(reply.usage) if reply.usage is not None else None
        filtered = False
        for choice in reply.choices:
            message = choice.message
            if choice.finish_reason in BAD_ENDS:
                clean = False
                filtered = filtered or choice.finish_reason == FILTERED
            elif choice.native_finish_reason is not None:
                clean = clean and choice.native_finish_reason not in BAD_ENDS
            if message is not None and (message.refusal or message.content.__class__ is list):
                clean = clean and not refuses(message.refusal, message.content)
        return Reply(usage, reply.model, reply.service_tier, filtered, clean)

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


def positive(fields: dict[str, msgspec.Raw], name: str) -> int | None:
    """A count of at least one, or None where the member is absent.

    Raises:
        InvalidRequest: it is something else.
    """
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


def text_member(fields: dict[str, msgspec.Raw], name: str) -> str | None:
    """A string, or None where the member is absent."""
    return read_text(fields, name, None) if name in fields else None


def tags_of(fields: dict[str, msgspec.Raw]) -> tuple[tuple[str, str], ...]:
    """Attribution from the request's ``metadata``: its members that are strings, sorted."""
    if "metadata" not in fields:
        return ()
    metadata: dict[str, Any] = read_tags(fields, "metadata", {})
    texts = sorted((k, v) for k, v in metadata.items() if isinstance(v, str))
    return tuple((k[:LONGEST_NAME], v[:LONGEST_NAME]) for k, v in texts[:MOST_TAGS])


def read_stream(fields: dict[str, msgspec.Raw]) -> tuple[bool, bool]:
    """Whether a stream is asked for, and whether the caller wants its usage.

    Usage is asked for in any case, since it is what costs are made of.
    """
    if "stream" not in fields or not read_flag(fields, "stream"):
        return False, True
    if fields.get("stream_options") == _INCLUDE_USAGE:
        return True, True
    options = read_object(fields, "stream_options", dict[str, msgspec.Raw]())
    wanted = options.get("include_usage") == _TRUE
    if not wanted:
        fields["stream_options"] = _with_usage(options)
    elif options:
        # Written anew, so that a member that was repeated is sent on as it was read.
        fields["stream_options"] = msgspec.Raw(encode_members(options))
    return True, wanted


def _with_usage(options: dict[str, msgspec.Raw]) -> msgspec.Raw:
    if not options:
        return _INCLUDE_USAGE
    return msgspec.Raw(encode_members({**options, "include_usage": _TRUE}))


def _decode_strange(body: bytes) -> _Reply | None:
    """An answer with choices of a shape that we do not know; None where more of it is strange.

    Raises:
        Malformed: it is no object.
    """
    try:
        strange = _decode_strange_reply(body)
    except (msgspec.DecodeError, RecursionError):
        _require_object(body)
        return None
    choices = strange.choices
    told = None if choices is None else [_choice_of(choice) for choice in choices]
    return _Reply(strange.usage, strange.model, strange.service_tier, told)


def _choice_of(choice: msgspec.Raw) -> _Choice:
    try:
        return _decode_choice(choice)
    except msgspec.ValidationError:
        return _Choice()


def _require_object(body: bytes) -> None:
    try:
        raw = bytes(_decode_any(body)).lstrip()
    except (msgspec.DecodeError, RecursionError):
        raise Malformed("the answer is not JSON") from None
    if not raw.startswith(b"{"):
        raise Malformed("the answer is not an object")
