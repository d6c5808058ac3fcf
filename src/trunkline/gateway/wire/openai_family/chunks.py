"""The chunks of a streamed chat, decoded as far as events need."""

from typing import Any, Final

import msgspec

from trunkline.gateway.exchange.parts import Document
from trunkline.gateway.wire.contract import Malformed


class Function(msgspec.Struct):
    """A piece of a called function; some servers tell arguments as an object."""

    name: str | None = None
    arguments: str | Document | None = None


class Custom(msgspec.Struct):
    """A piece of a called custom tool."""

    name: str | None = None
    input: str | None = None


class Call(msgspec.Struct):
    """A piece of a tool call."""

    index: int | None = None
    id: str | None = None
    function: Function | None = None
    custom: Custom | None = None
    extra_content: Any = None


class Delta(msgspec.Struct):
    """What is new in a choice. Mistral's models tell their thought in a list of content."""

    content: str | list[Any] | None = None
    reasoning_content: str | None = None
    reasoning: str | None = None
    reasoning_details: list[Any] | None = None
    thinking_blocks: list[Any] | None = None
    refusal: str | None = None
    tool_calls: list[Call] | None = None
    function_call: Function | None = None
    annotations: list[Any] | None = None
    audio: Any = None
    images: list[Any] | None = None


class Choice(msgspec.Struct):
    """One choice of a chunk."""

    delta: Delta | None = None
    index: int = 0
    finish_reason: str | None = None
    native_finish_reason: str | None = None
    stop_reason: Any = None
    logprobs: Any = None


class Chunk(msgspec.Struct):
    """One chunk."""

    choices: list[Choice] | None = None
    id: str | None = None
    model: str | None = None
    created: int | None = None


_decode: Final = msgspec.json.Decoder(Chunk).decode
_decode_any: Final = msgspec.json.Decoder().decode


def read_chunk(data: bytes) -> Chunk:
    """A chunk; of one that has members of strange types, what can be understood.

    Raises:
        Malformed: it is no JSON.
    """
    try:
        return _decode(data)
    except msgspec.ValidationError:
        return _read_strange(data)
    except (msgspec.DecodeError, RecursionError):
        raise Malformed("a data line is not JSON") from None


def _read_strange(data: bytes) -> Chunk:
    try:
        document = _decode_any(data)
    except (msgspec.DecodeError, RecursionError):
        raise Malformed("a data line is not JSON") from None
    if not isinstance(document, dict):
        return Chunk()
    choices = document.get("choices")
    chunk: Chunk = _understood(Chunk, {**document, "choices": None})
    if isinstance(choices, list):
        chunk.choices = [_choice_of(choice) for choice in choices if isinstance(choice, dict)]
    return chunk


def _choice_of(choice: Document) -> Choice:
    delta = choice.get("delta")
    read: Choice = _understood(Choice, {**choice, "delta": None})
    if isinstance(delta, dict):
        read.delta = _understood(Delta, delta)
    return read


def _understood(kind: type[Any], document: Document) -> Any:
    """The members of an object that are what this type says."""
    read = kind()
    for field in msgspec.structs.fields(kind):
        if document.get(field.name) is not None:
            try:
                value = msgspec.convert(document[field.name], field.type)
            except msgspec.ValidationError:
                continue
            setattr(read, field.name, value)
    return read
