"""``POST /api/llm/process``: one prompt in, one answer out, for programs that want no wire.

It is a chat of OpenAI's with shapes of its own at the caller's end: a request is read into the
members of a chat, so that everything on the way treats it as one, and the answer is told anew.
"""

from typing import Final

import msgspec
from typing_extensions import override

from trunkline.errors import InvalidRequest, TrunklineError
from trunkline.gateway.headers import JSON, error_headers
from trunkline.gateway.one_call_answer import answer_of
from trunkline.gateway.sink import Headers, Sink
from trunkline.gateway.upstream_errors import from_fault
from trunkline.gateway.wire.contract import NOWHERE, Inbound, Place
from trunkline.gateway.wire.members import encode_members, read_members, read_text, shortened
from trunkline.gateway.wire.openai_chat.passing import OpenAIChat
from trunkline.gateway.wire.openai_family.passing import positive

MEMBERS: Final = ("prompt", "model", "userId", "maxTokens", "system")
_CEILING: Final = "max_completion_tokens"
_CEILINGS: Final = ("max_tokens", _CEILING)

_encode = msgspec.json.Encoder().encode


class OneCall(OpenAIChat):
    """The caller's end of the one-call API. Towards providers it is a chat like any other.

    Args:
        default_model: for requests that name none; without it they are refused.
    """

    def __init__(self, default_model: str | None = None) -> None:
        self._default_model = default_model

    @override
    def read_request(self, body: bytes, operation: str, place: Place = NOWHERE) -> Inbound:
        members = read_members(body)
        _refuse_unknown(members)
        model = read_text(members, "model", "") or self._default_model
        if not model:
            raise InvalidRequest(
                "'model' is missing, and this installation has no default model.",
                code="missing_model",
                param="model",
                hint="Name a model, or have the administrator set TRUNKLINE_DEFAULT_MODEL; "
                "GET /v1/models lists the models that your key may use.",
            )
        ceiling = positive(members, "maxTokens")
        fields = {
            "model": msgspec.Raw(_encode(model)),
            "messages": msgspec.Raw(_encode(_messages(members))),
        }
        if ceiling is not None:
            fields[_CEILING] = msgspec.Raw(b"%d" % ceiling)
        return Inbound(
            fields=fields,
            model=model,
            size=sum(map(len, fields.values())),
            max_tokens=ceiling,
            # It is written into whichever of these the provider reads.
            ceilings=_CEILINGS if ceiling is not None else (),
            end_user=shortened(read_text(members, "userId", "") or None),
        )

    @override
    def write_request(self, request: Inbound, model: str) -> bytes:
        fields = {**request.fields, "model": msgspec.Raw(_encode(model))}
        for name in _CEILINGS:
            fields.pop(name, None)
        if request.max_tokens is not None:
            fields[request.output_limit_field] = msgspec.Raw(b"%d" % request.max_tokens)
        return encode_members(fields)

    @override
    def error_body(self, error: TrunklineError, request_id: str) -> bytes:
        return _encode({"error": _Error.of(error, request_id)})

    @override
    def error_frame(self, error: TrunklineError, request_id: str) -> bytes:
        raise AssertionError("an answer in one piece has no frames")


class OneCallSink(Sink):
    """Tells an answer to a chat, or a provider's error, in the shapes of the one-call API.

    Args:
        inner: where the answer goes.
        request_id: as the caller knows it.
    """

    __slots__ = ("_inner", "_request_id", "_wire")

    def __init__(self, inner: Sink, wire: OneCall, request_id: str) -> None:
        self._inner = inner
        self._wire = wire
        self._request_id = request_id

    @override
    def respond(self, status: int, headers: Headers, body: bytes) -> None:
        told = [pair for pair in headers if pair[0] != JSON[0]] + [JSON]
        if status < 400:
            body = _encode(answer_of(headers, body, self._request_id))
        elif not _is_ours(body):
            fault = self._wire.read_fault(status, body)
            error = from_fault(fault, "refused", None).error
            told += error_headers(error)
            body = self._wire.error_body(error, self._request_id)
        self._inner.respond(status, told, body)

    @override
    def start(self, status: int, headers: Headers) -> None:
        raise AssertionError("an answer in one piece is no stream")

    @override
    async def write(self, chunk: bytes) -> None:
        raise AssertionError("an answer in one piece is no stream")

    @override
    def push(self, chunk: bytes) -> bool:
        raise AssertionError("an answer in one piece is no stream")

    @override
    def write_soon(self, chunk: bytes) -> None:
        raise AssertionError("an answer in one piece is no stream")

    @override
    def finish(self) -> None:
        raise AssertionError("an answer in one piece is no stream")


class _Error(msgspec.Struct, forbid_unknown_fields=True):
    """The shape of the control API's errors, which no provider's error has."""

    code: str
    message: str
    hint: str | None
    param: str | None
    request_id: str

    @classmethod
    def of(cls, error: TrunklineError, request_id: str) -> "_Error":
        """An error of ours as it is told."""
        param = _SPELLED.get(error.param or "", error.param)
        return cls(error.code, error.message, error.hint, param, request_id)


class _Told(msgspec.Struct, forbid_unknown_fields=True):
    error: _Error


# What a check on the way calls a member, and what the caller calls it.
_SPELLED: Final = {"max_tokens": "maxTokens", _CEILING: "maxTokens", "messages": "prompt"}

_decode_told = msgspec.json.Decoder(_Told).decode


def _is_ours(body: bytes) -> bool:
    try:
        _decode_told(body)
    except (msgspec.DecodeError, RecursionError):
        return False
    return True


def _refuse_unknown(members: dict[str, msgspec.Raw]) -> None:
    for name in members:
        if name not in MEMBERS:
            # OpenAI's spelling is the commonest slip: max_tokens, user_id.
            meant = name[:100].replace("_", "").lower()
            near = next((member for member in MEMBERS if member.lower() == meant), None)
            advice = "" if near is None else f"Did you mean '{near}'? "
            raise InvalidRequest(
                f"'{name[:100]}' is not a member of this request.",
                code="unknown_field",
                param=name[:100],
                hint=f"{advice}The members are {', '.join(MEMBERS)}; POST /v1/chat/completions "
                "takes more.",
            )


def _messages(members: dict[str, msgspec.Raw]) -> list[dict[str, str]]:
    prompt = read_text(members, "prompt", "")
    if not prompt:
        raise InvalidRequest(
            "'prompt' is missing or empty.",
            code="missing_prompt",
            param="prompt",
            hint="Send the text for the model in 'prompt'.",
        )
    messages = [{"role": "user", "content": prompt}]
    system = read_text(members, "system", "")
    if system:
        messages.insert(0, {"role": "system", "content": system})
    return messages
