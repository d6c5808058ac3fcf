"""Where the texts stand in the JSON of any wire: what the model reads or writes.

Every string is one unless its member's name says that it is structure: an id, a name, a kind, an
address, bytes. So a member that nobody knows yet is looked at rather than passed over. Names are
those of the wires together; where one means different things, what stands beside it decides.
"""

from collections.abc import Callable
from typing import Any, Final

import msgspec

Edit = Callable[[str], str]
"""Gives a text as it goes on, the same object where nothing is changed."""

_decode = msgspec.json.Decoder().decode
_encode = msgspec.json.Encoder().encode

STRUCTURE: Final = frozenset({
    # Kinds, names and ids.
    "type", "role", "id", "name", "model", "object", "status", "phase", "index", "detail",
    "tool_name", "toolName", "server_label", "server_name", "server_url", "authorization",
    "headers", "call_id", "tool_call_id", "toolCallId", "tool_use_id", "toolUseId", "item_id",
    "approval_request_id", "container_id", "container", "file_id", "fileId", "response_id",
    "previous_response_id", "responseId", "conversation", "connector_id", "tool_plan_id",
    "filename", "format_type", "language_code", "caller", "created_at", "modelVersion",
    "model_version", "system_fingerprint", "service_tier", "serviceTier", "finish_reason",
    "finishReason", "stop_reason", "done_reason", "stop_sequence", "incomplete_details",
    # Addresses and bytes.
    "url", "uri", "image_url", "video_url", "audio_url", "document_url", "file_uri", "fileUri",
    "fileData", "file_data", "inlineData", "inline_data", "input_audio", "images", "image",
    "video", "bytes", "b64_json", "partial_image_b64", "mime_type", "mimeType", "media_type",
    "mediaType", "audio_data",
    # Seals, settings and numbers.
    "signature", "thoughtSignature", "thought_signature", "encrypted_content", "encrypted_index",
    "cache_control", "cachePoint", "logprobs", "logprobs_result", "logprobsResult", "top_logprobs",
    "usage", "usageMetadata", "safetyRatings", "metadata", "tool_choice",
})  # fmt: skip

_SETTINGS: Final = frozenset({
    "user", "stop", "stop_sequences", "stream_options", "reasoning", "reasoning_effort",
    "verbosity", "include", "modalities", "voice", "encoding_format", "input_type", "task",
    "truncate", "embedding_types", "output_dtype", "keep_alive", "options", "cachedContent",
    "safety_identifier", "safetySettings", "prompt_cache_key", "prompt_cache_retention", "size",
    "quality", "style", "background", "moderation", "output_format", "response_modalities",
    "safety_mode", "priority", "betas", "thinking", "output_config", "audio", "prediction_type",
    "store", "truncation", "service", "speed", "inference_geo", "context_management",
})  # fmt: skip
"""Members at the top of a request that no model reads."""

_ECHOES: Final = frozenset({
    "instructions", "tools", "prompt", "reasoning", "truncation", "tool_choice", "context",
    "safety_identifier", "prompt_cache_key", "user",
})  # fmt: skip
"""Members at the top of an answer that repeat the request."""

_SCHEMAS: Final = frozenset({
    "parameters", "input_schema", "inputSchema", "parametersJsonSchema", "schema", "json_schema",
    "response_format", "responseSchema", "response_schema", "responseJsonSchema", "format",
    "parameter_definitions", "_responseJsonSchema", "output_schema",
})  # fmt: skip
_SCHEMA_TEXTS: Final = frozenset({"description", "title", "$comment"})
_SCHEMA_VALUES: Final = frozenset({"default", "examples", "example"})
_FREE: Final = frozenset({
    "arguments", "args", "input", "response", "variables", "output",
    "parsed", "partial_args", "result",
})  # fmt: skip
_MEDIA: Final = frozenset({"mime_type", "mimeType", "media_type", "format"})
_SEALED: Final = frozenset({"redacted_thinking", "base64", "image_generation_call", "compaction"})
# Shorter numbers are counts and amounts; a telephone number or a card may stand without quotes.
_LEAST_NUMBER: Final = 10_000_000


class TextWalk:
    """Shows each text of a document to a function and puts back what it gives.

    Attributes:
        changed: whether anything was put back that differs.
    """

    __slots__ = ("_edit", "changed")

    def __init__(self, edit: Edit) -> None:
        self._edit = edit
        self.changed = False

    def request_member(self, name: str, value: Any) -> Any:
        """The value of a member at the top of a request."""
        return value if name in _SETTINGS else self._member(name, value, {})

    def answer(self, document: dict[str, Any]) -> None:
        """A whole answer."""
        for name, value in document.items():
            if name not in _ECHOES and not (name == "text" and isinstance(value, dict)):
                document[name] = self._member(name, value, document)

    def structure(self, value: Any) -> Any:
        """What has members of a wire."""
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, list):
            for place, item in enumerate(value):
                value[place] = self.structure(item)
        elif isinstance(value, dict):
            for name, item in value.items():
                value[name] = self._member(name, item, value)
        return value

    def _member(self, name: str, value: Any, beside: dict[str, Any]) -> Any:
        if not isinstance(value, str | list | dict):
            return value
        if name in STRUCTURE:
            # Who speaks is said to the model as well; other names are those of tools.
            if name == "name" and "role" in beside and isinstance(value, str):
                return self.text(value)
            return value
        if isinstance(value, str):
            sealed = name in {"data", "result"} and _is_bytes(name, beside)
            return value if sealed or name in _SCHEMAS or name == "audio" else self.text(value)
        if name in _SCHEMAS:
            return self._schema(value)
        if isinstance(value, dict):
            return self._object(name, value)
        if name == "documents":
            return [self._document(one) for one in value]
        return self.structure(value)

    def _object(self, name: str, value: dict[str, Any]) -> Any:
        if name in _FREE:
            return self._argument(name, value)
        if name == "document":
            return self._document(value)
        if name == "audio":
            return self._sound(value)
        return self.structure(value)

    def _argument(self, name: str, value: dict[str, Any]) -> Any:
        # An output with a type of its own, as of a computer's screen, is structure.
        is_typed = name in {"output", "result"} and "type" in value
        return self.structure(value) if is_typed else self.free(value)

    def _document(self, value: Any) -> Any:
        """A document to be ranked or to answer from; only its id is structure."""
        if not isinstance(value, dict):
            return self.structure(value)
        return {name: item if name == "id" else self.free(item) for name, item in value.items()}

    def _sound(self, value: dict[str, Any]) -> Any:
        """Of sound only what is said in it is text."""
        if isinstance(value.get("transcript"), str):
            value["transcript"] = self.text(value["transcript"])
        return value

    def _schema(self, value: Any) -> Any:
        """Of a JSON schema only what describes it is text: the rest must fit the program."""
        if isinstance(value, list):
            for item in value:
                self._schema(item)
        elif isinstance(value, dict):
            for name, item in value.items():
                if name in _SCHEMA_TEXTS and isinstance(item, str):
                    value[name] = self.text(item)
                elif name in _SCHEMA_VALUES:
                    value[name] = self.free(item)
                else:
                    self._schema(item)
        return value

    def free(self, value: Any) -> Any:
        """JSON without any structure of a wire: all of it is text, names and long numbers too."""
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, list):
            return [self.free(item) for item in value]
        if isinstance(value, dict):
            return {self._plain(name): self.free(item) for name, item in value.items()}
        if isinstance(value, int) and value >= _LEAST_NUMBER and not isinstance(value, bool):
            written = str(value)
            told = self._plain(written)
            return value if told is written else told
        return value

    def text(self, text: str) -> str:
        """A text, which stays JSON where it is JSON."""
        first = text[:1]
        if first.isspace():
            first = text.lstrip()[:1]
        if first and first in "{[":
            try:
                value = _decode(text)
            except (msgspec.DecodeError, UnicodeEncodeError, RecursionError):
                return self._plain(text)
            inner = TextWalk(self._edit)
            told = inner.free(value)
            if not inner.changed:
                return text
            self.changed = True
            return _encode(told).decode()
        return self._plain(text)

    def _plain(self, text: str) -> str:
        if not text:
            return text
        told = self._edit(text)
        if told is not text:
            self.changed = True
        return told


def _is_bytes(name: str, beside: dict[str, Any]) -> bool:
    kind = beside.get("type")
    if kind == "text":
        return False
    return kind in _SEALED or (name == "data" and not _MEDIA.isdisjoint(beside))
