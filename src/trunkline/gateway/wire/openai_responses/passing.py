"""OpenAI Responses, as a caller sends it and as a provider speaks it.

Source: the recorded transcripts of this wire and the types of OpenAI's own SDK. Providers are told
to keep nothing: what one response goes on from is kept here, for its organisation alone.
"""

from collections.abc import Mapping
from typing import Final

import msgspec
from typing_extensions import override

from trunkline.errors import InvalidRequest, TrunklineError
from trunkline.gateway.metering.usage import Usage
from trunkline.gateway.wire.contract import (
    CHAT,
    COUNT_TOKENS,
    NOWHERE,
    Inbound,
    Malformed,
    Place,
    ProviderFault,
    Reply,
    Wire,
)
from trunkline.gateway.wire.members import (
    count_marks,
    read_flag,
    read_members,
    required_model,
    shortened,
    unescaped,
)
from trunkline.gateway.wire.openai_family import errors as openai_errors
from trunkline.gateway.wire.openai_family.passing import positive, tags_of, text_member
from trunkline.gateway.wire.openai_responses import state
from trunkline.gateway.wire.openai_responses.codec import ResponsesCodec
from trunkline.gateway.wire.openai_responses.errors import error_frames, fault_of
from trunkline.gateway.wire.openai_responses.meter import (
    Incomplete,
    ResponsesMeter,
    is_filtered,
    is_well,
    is_whole,
)
from trunkline.gateway.wire.openai_responses.names import WIRE
from trunkline.gateway.wire.openai_responses.usage import Reported, ToolUsage, usage_of
from trunkline.gateway.wire.sse import EVENT_STREAM, FrameSplitter
from trunkline.gateway.wire.whole import body_for

# Sound comes with its bytes, which are counted as such.
_ATTACHMENTS: Final = (b'"input_image"', b'"computer_screenshot"')
_FILES: Final = (b'"input_file"',)
# What runs at the provider and brings text of its own into the context. A name of the caller's own
# function may look like one of these, and then the bound is only higher than it need be.
_SERVER_TOOLS: Final = (
    b'"web_search', b'"file_search"', b'"code_interpreter"', b'"image_generation"', b'"mcp"',
    b'"computer', b'"tool_search"', b'"shell"',
)  # fmt: skip
# Every provider of this wire reads its one member, whatever it calls it in its other wires.
_CEILINGS: Final = ("max_output_tokens", "max_tokens")
_MORE_TOOLS: Final = b'"additional_tools"'
_REFERRING: Final = (b'"item_reference"', b'"reasoning"')
_FALSE: Final = msgspec.Raw(b"false")
_TRUE: Final = msgspec.Raw(b"true")
_ABSENT: Final = msgspec.Raw()
_OVER: Final = frozenset({"failed", "cancelled"})


class _Item(msgspec.Struct):
    type: str | None = None
    status: msgspec.Raw = _ABSENT
    content: msgspec.Raw = _ABSENT


class _Response(msgspec.Struct):
    status: str | None = None
    output: list[_Item] | None = None
    usage: Reported | None = None
    tool_usage: ToolUsage | None = None
    model: str | None = None
    service_tier: str | None = None
    error: msgspec.Raw = _ABSENT
    input_tokens: int | None = None
    incomplete_details: Incomplete | None = None


_decode_reply = msgspec.json.Decoder(_Response).decode


class OpenAIResponses(Wire):
    """``/v1/responses`` and ``/v1/responses/input_tokens``."""

    name = WIRE
    operations = frozenset({CHAT, COUNT_TOKENS})
    versioned = False
    keep_alive = b": keep-alive\n\n"
    stream_type = EVENT_STREAM
    codec = events = ResponsesCodec()

    @override
    def read_request(self, body: bytes, operation: str, place: Place = NOWHERE) -> Inbound:
        fields = read_members(body)
        model = required_model(fields, "'model' is missing.")
        continues = text_member(fields, "previous_response_id") or None
        _require_input(fields, continues)
        ceiling = positive(fields, "max_output_tokens")
        plain = unescaped(body)
        told = plain if _MORE_TOOLS in plain else unescaped(bytes(fields.get("tools", b"")))
        request = Inbound(
            fields=fields,
            model=model,
            size=len(body),
            max_tokens=ceiling,
            ceilings=_CEILINGS if ceiling is not None else (),
            attachments=count_marks(plain, _ATTACHMENTS),
            files=count_marks(plain, _FILES),
            has_tools="tools" in fields or told is plain,
            # A prompt that the provider keeps may be of any length.
            server_tools="prompt" in fields or count_marks(told, _SERVER_TOOLS) > 0,
            searches=b'"web_search' in told,
            end_user=shortened(
                text_member(fields, "safety_identifier") or text_member(fields, "user")
            ),
            service_tier=text_member(fields, "service_tier"),
            tags=tags_of(fields),
            continues=continues,
        )
        if operation == CHAT:
            _read_manner(request)
        # Who has responses kept may refer to their items instead of sending them.
        if request.keeps and count_marks(plain, _REFERRING):
            request.references = state.references(fields.get("input", msgspec.Raw(b"null")))
        return request

    @override
    def write_request(self, request: Inbound, model: str) -> bytes:
        fields = state.without_seals(request.fields)
        if request.keeps and (request.thinks or "reasoning" in fields):
            fields = state.include_encrypted(fields)
        if fields is not request.fields:
            request = msgspec.structs.replace(request, fields=fields)
        return body_for(request, model)

    def insert(self, request: Inbound, found: Mapping[str, msgspec.Raw]) -> None:
        """Put kept items where the request refers to them.

        Raises:
            NotFound: one of them is not kept.
        """
        state.insert(request, found)
        _count_again(request)

    def prepend(self, request: Inbound, items: list[msgspec.Raw]) -> None:
        """Put the items of what a request goes on from before its own."""
        state.prepend(request, items)
        _count_again(request)

    def begun_object(self, request: Inbound, response_id: str, created: int) -> bytes:
        """The response object of a request whose answer is still to come; Unix seconds."""
        return state.begun_object(request, response_id, created)

    def final_object(self, last: bytes) -> bytes | None:
        """The response object in a whole answer or in the last frames of a stream, if any."""
        return state.final_object(last)

    @override
    def limit_output(self, request: Inbound, ceiling: int, field: str) -> None:
        request.fields["max_output_tokens"] = msgspec.Raw(b"%d" % ceiling)
        request.max_tokens = ceiling
        request.ceilings = _CEILINGS

    @override
    def path(self, operation: str, model: str, *, stream: bool) -> bytes:
        return b"/responses/input_tokens" if operation == COUNT_TOKENS else b"/responses"

    @override
    def read_reply(self, body: bytes, operation: str) -> Reply:
        try:
            reply = _decode_reply(body)
        except (msgspec.DecodeError, RecursionError):
            raise Malformed("the answer is not what the wire promises") from None
        if operation == COUNT_TOKENS:
            if reply.input_tokens is None:
                raise Malformed("the answer has no input_tokens")
            return Reply(Usage())
        if reply.status in _OVER:
            raise Malformed(_failure(reply))
        if reply.output is None:
            raise Malformed("the answer has no output")
        searched = sum(item.type == "web_search_call" for item in reply.output)
        usage = usage_of(reply.usage, reply.tool_usage, searched)
        filtered = is_filtered(reply.incomplete_details)
        clean = is_whole(reply.incomplete_details) and _are_well(reply.output)
        return Reply(usage, reply.model, reply.service_tier, filtered, clean)

    @override
    def stream_reader(self, request: Inbound) -> ResponsesMeter:
        return ResponsesMeter()

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
        return error_frames(error, request_id)


def _count_again(request: Inbound) -> None:
    plain = unescaped(bytes(request.fields["input"]))
    request.attachments = count_marks(plain, _ATTACHMENTS)
    request.files = count_marks(plain, _FILES)


def _require_input(fields: dict[str, msgspec.Raw], continues: str | None) -> None:
    """Check that there is something to answer.

    Raises:
        InvalidRequest: there is nothing, or it is kept where we keep nothing.
    """
    if bytes(fields.get("conversation", b"null")).strip() != b"null":
        raise InvalidRequest(
            "Conversations are not kept here.",
            code="unsupported_parameter",
            param="conversation",
            hint="Name the response to go on from in 'previous_response_id'.",
        )
    given = bytes(fields.get("input", b"null")).strip()
    if given[:1] not in {b'"', b"[", b"n"}:
        raise InvalidRequest(
            "'input' must be a string or an array.",
            code="invalid_type",
            param="input",
            hint="Send a string or an array of items in 'input'.",
        )
    if given in {b"null", b"[]"} and continues is None and "prompt" not in fields:
        raise InvalidRequest(
            "'input' is missing.",
            code="missing_input",
            param="input",
            hint="Send a string or at least one item.",
        )


def _read_manner(request: Inbound) -> None:
    """How the answer is given and whether it is kept; the provider is told to keep nothing.

    Raises:
        InvalidRequest: these wishes exclude each other.
    """
    fields = request.fields
    request.stream = read_flag(fields, "stream")
    store = bytes(fields.get("store", b"null")).strip()
    request.keeps = store == b"null" or read_flag(fields, "store")
    fields["store"] = _FALSE
    if not read_flag(fields, "background"):
        return
    del fields["background"]
    if request.stream:
        raise InvalidRequest(
            "A response in the background cannot be streamed here.",
            code="unsupported_parameter",
            param="stream",
            hint="Leave one of 'background' and 'stream' out; GET the response to see its state.",
        )
    if not request.keeps:
        raise InvalidRequest(
            "A response in the background must be kept.",
            code="invalid_value",
            param="store",
            hint="Leave 'store' out, or set it to true.",
        )
    # A stream shows that the provider is at work and what it has cost so far.
    request.stream, request.background = True, True
    fields["stream"] = _TRUE


def _are_well(output: list[_Item]) -> bool:
    return all(is_well(bytes(item.status)) and is_well(bytes(item.content)) for item in output)


def _failure(reply: _Response) -> str:
    """Why a response failed, unless that is about our account."""
    fault = fault_of(bytes(reply.error) or b"null")
    if fault.ours or not fault.message:
        return f"the response is '{reply.status}'"
    return f"it reports: {fault.message.rstrip('.')}"
