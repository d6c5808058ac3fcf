"""Images, speech, transcriptions and moderations in OpenAI's shapes, JSON or uploads.

Nothing of them is translated: who speaks this wire gets the bytes as they are.
"""

from typing import Final

import msgspec
from typing_extensions import override

from trunkline.errors import InvalidRequest, TrunklineError
from trunkline.gateway.wire.contract import (
    IMAGE,
    IMAGE_EDIT,
    MODERATION,
    NOWHERE,
    SPEECH,
    TRANSCRIPTION,
    TRANSLATION,
    Inbound,
    Malformed,
    Place,
    ProviderFault,
    Reply,
    Wire,
)
from trunkline.gateway.wire.forms import parts_of, text_of, with_text
from trunkline.gateway.wire.members import (
    encode_members,
    read_count,
    read_flag,
    read_members,
    read_text,
    shortened,
)
from trunkline.gateway.wire.openai_family import errors as openai_errors
from trunkline.gateway.wire.openai_media.stream import MediaReader
from trunkline.gateway.wire.openai_media.usage import Reported, usage_of
from trunkline.gateway.wire.sse import EVENT_STREAM, FrameSplitter

_encode = msgspec.json.Encoder().encode
FORM: Final = "multipart/form-data"


class _Reply(msgspec.Struct):
    usage: Reported | None = None
    model: str | None = None


_decode_reply = msgspec.json.Decoder(_Reply).decode


class OpenAIMedia(Wire):
    """One family of endpoints.

    ``json`` says whether its answers are JSON; speech answers with sound.
    """

    versioned = False
    keep_alive = b": keep-alive\n\n"
    stream_type = EVENT_STREAM
    codec = None
    events = None

    def __init__(
        self,
        name: str,
        operations: frozenset[str],
        *,
        json: bool = True,
        default_model: str | None = None,
    ) -> None:
        self.name = name
        self.operations = operations
        self._answers_json = json
        self._default_model = default_model

    @override
    def read_request(self, body: bytes, operation: str, place: Place = NOWHERE) -> Inbound:
        if place.content_type.lower().startswith(FORM.encode()):
            return self._read_form(body, place)
        fields = read_members(body)
        model = read_text(fields, "model", self._default_model or "")
        sse = "stream_format" in fields and read_text(fields, "stream_format", "") == "sse"
        return Inbound(
            fields=fields,
            model=self._named(model),
            size=len(body),
            stream=sse or read_flag(fields, "stream"),
            answers=max(1, read_count(fields, "n", 1)),
            end_user=shortened(read_text(fields, "user", None)) if "user" in fields else None,
            place=place,
        )

    def _read_form(self, body: bytes, place: Place) -> Inbound:
        parts = parts_of(body, place.content_type)
        model = text_of(body, parts, "model") or self._default_model or ""
        return Inbound(
            fields={},
            model=self._named(model),
            size=len(body),
            stream=text_of(body, parts, "stream") == "true",
            end_user=shortened(text_of(body, parts, "user")),
            form=body,
            place=place,
        )

    @staticmethod
    def _named(model: str) -> str:
        if model:
            return model
        raise InvalidRequest(
            "'model' is missing.",
            code="missing_model",
            param="model",
            hint="Name a model; GET /v1/models lists those that your key may use.",
        )

    @override
    def write_request(self, request: Inbound, model: str) -> bytes:
        if request.form is not None:
            parts = parts_of(request.form, request.place.content_type)
            return with_text(request.form, parts, "model", model)
        fields = {**request.fields, "model": msgspec.Raw(_encode(model))}
        return encode_members(fields)

    @override
    def limit_output(self, request: Inbound, ceiling: int, field: str) -> None:
        """Nothing: none of these endpoints knows a ceiling of output tokens."""

    @override
    def path(self, operation: str, model: str, *, stream: bool) -> bytes:
        return _PATHS[operation]

    @override
    def read_reply(self, body: bytes, operation: str) -> Reply:
        if not self._answers_json:
            return Reply(None)
        try:
            reply = _decode_reply(body)
        except (msgspec.DecodeError, RecursionError):
            if operation in {TRANSCRIPTION, TRANSLATION}:
                # Subtitles and plain text are asked for by `response_format`.
                return Reply(None)
            raise Malformed("the answer is not what the wire promises") from None
        return Reply(usage_of(reply.usage), reply.model)

    @override
    def stream_reader(self, request: Inbound) -> MediaReader:
        return MediaReader()

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


_PATHS: Final = {
    IMAGE: b"/images/generations",
    IMAGE_EDIT: b"/images/edits",
    SPEECH: b"/audio/speech",
    TRANSCRIPTION: b"/audio/transcriptions",
    TRANSLATION: b"/audio/translations",
    MODERATION: b"/moderations",
}

OPENAI_IMAGES: Final = OpenAIMedia("openai_images", frozenset({IMAGE, IMAGE_EDIT}))
OPENAI_SPEECH: Final = OpenAIMedia("openai_speech", frozenset({SPEECH}), json=False)
OPENAI_TRANSCRIPTION: Final = OpenAIMedia(
    "openai_transcription", frozenset({TRANSCRIPTION, TRANSLATION})
)
# OpenAI's own default, which its SDK leaves to the server.
OPENAI_MODERATION: Final = OpenAIMedia(
    "openai_moderation", frozenset({MODERATION}), default_model="omni-moderation-latest"
)
