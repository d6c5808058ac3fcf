"""The items of the Responses API, as a request sends them: read one by one, refused by place."""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal, TypeVar

import msgspec

from trunkline.simulator.openai.sizes import (
    FILE_TOKENS,
    HIGH_DETAIL_IMAGE,
    LOW_DETAIL_IMAGE,
    MESSAGE_OVERHEAD,
)
from trunkline.simulator.openai.wire import invalid
from trunkline.simulator.question import Segment, fixed_segment, text_segment
from trunkline.simulator.reading import decode, digest_of

NAME_PATTERN = "^[a-zA-Z0-9_-]+$"

_LONGEST_ID = 64
_NAME = re.compile(NAME_PATTERN)
_PREFIXES = {
    "message": "msg",
    "function_call": "fc",
    "custom_tool_call": "ctc",
    "reasoning": "rs",
}

HOSTED_CALLS = frozenset(
    {
        "apply_patch_call",
        "apply_patch_call_output",
        "code_interpreter_call",
        "compaction",
        "computer_call",
        "computer_call_output",
        "file_search_call",
        "image_generation_call",
        "local_shell_call",
        "local_shell_call_output",
        "mcp_approval_request",
        "mcp_approval_response",
        "mcp_call",
        "mcp_list_tools",
        "shell_call",
        "shell_call_output",
        "tool_search_call",
        "tool_search_output",
        "web_search_call",
    }
)
"""Items of tools that OpenAI runs itself; they are accepted and count by their text."""


class Item(msgspec.Struct, frozen=True):
    """One item of a conversation.

    Attributes:
        type: its type; ``message`` also where the request leaves it out.
        id: its id, or nothing.
        call_id: what joins a call and its output, or nothing.
        role: of a message.
        segments: what it counts for as input.
        text: what a message or an output says.
        encrypted: the encrypted content of a reasoning item, or nothing.
        document: the item as it was sent.
    """

    type: str
    document: dict[str, Any]
    id: str = ""
    call_id: str = ""
    role: str = ""
    segments: tuple[Segment, ...] = ()
    text: str = ""
    encrypted: str = ""


class _Typed(msgspec.Struct):
    type: str


class _Strict(msgspec.Struct, forbid_unknown_fields=True):
    type: str


class _InputText(_Strict):
    text: str
    prompt_cache_breakpoint: dict[str, Any] | None = None


class _InputImage(_Strict):
    image_url: str | None = None
    file_id: str | None = None
    detail: Literal["auto", "low", "high", "original"] | None = None
    prompt_cache_breakpoint: dict[str, Any] | None = None


class _InputFile(_Strict):
    file_id: str | None = None
    file_data: str | None = None
    file_url: str | None = None
    filename: str | None = None
    detail: str | None = None
    prompt_cache_breakpoint: dict[str, Any] | None = None


class _OutputText(_Strict):
    text: str
    annotations: list[Any] = []
    logprobs: list[Any] = []


class _Refusal(_Strict):
    refusal: str


_Part = _InputText | _InputImage | _InputFile | _OutputText | _Refusal

_SAID: Mapping[str, type[_Part]] = {
    "input_text": _InputText,
    "input_image": _InputImage,
    "input_file": _InputFile,
}
_ANSWERED: Mapping[str, type[_Part]] = {"output_text": _OutputText, "refusal": _Refusal}


class _Message(msgspec.Struct, forbid_unknown_fields=True):
    role: Literal["user", "assistant", "system", "developer"]
    content: str | list[msgspec.Raw]
    type: Literal["message"] = "message"
    id: str | None = None
    status: str | None = None
    phase: str | None = None


class _FunctionCall(_Strict):
    call_id: str
    name: str
    arguments: str
    id: str | None = None
    status: str | None = None
    namespace: str | None = None


class _CustomCall(_Strict):
    call_id: str
    name: str
    input: str
    id: str | None = None
    status: str | None = None
    namespace: str | None = None


class _CallOutput(_Strict):
    call_id: str
    output: str | list[msgspec.Raw]
    id: str | None = None
    status: str | None = None


class _SummaryText(msgspec.Struct, forbid_unknown_fields=True):
    type: Literal["summary_text"]
    text: str


class _Reasoning(_Strict):
    id: str
    summary: list[_SummaryText]
    encrypted_content: str | None = None
    content: list[dict[str, Any]] | None = None
    status: str | None = None


class _Reference(msgspec.Struct, forbid_unknown_fields=True):
    id: str
    type: Literal["item_reference"] = "item_reference"


class _Kind(msgspec.Struct):
    type: str | None = None
    role: str | None = None


_Shape = TypeVar("_Shape")


def read_items(raws: Sequence[msgspec.Raw]) -> tuple[Item, ...]:
    """The items of a request's ``input``, in order.

    Raises:
        Refusal: with the place of the item that is wrong.
    """
    return tuple(_item(raw, f"input[{number}]") for number, raw in enumerate(raws))


def user_message(text: str) -> Item:
    """The item that a mere string stands for."""
    document = {"role": "user", "content": text}
    return _message(msgspec.Raw(msgspec.json.encode(document)), "input")


def _item(raw: msgspec.Raw, place: str) -> Item:
    kind = _read(raw, _Kind, place)
    if kind.type is None and kind.role is None:
        raise invalid(
            f"Missing required parameter: '{place}.type'.",
            f"{place}.type",
            "missing_required_parameter",
        )
    reader = _READERS.get(kind.type or "message")
    if reader is None:
        raise _not_among(kind.type or "", sorted(_READERS), place)
    item = reader(raw, place)
    _check_ids(item, place)
    return item


def _message(raw: msgspec.Raw, place: str) -> Item:
    said = _read(raw, _Message, place)
    overhead = fixed_segment(said.role, MESSAGE_OVERHEAD)
    shapes = _ANSWERED if said.role == "assistant" else _SAID
    segments, text = _content(said.content, shapes, f"{place}.content")
    return Item(
        "message",
        _document(raw),
        id=said.id or "",
        role=said.role,
        segments=(overhead, *segments),
        text=text,
    )


def _function_call(raw: msgspec.Raw, place: str) -> Item:
    call = _read(raw, _FunctionCall, place)
    check_name(call.name, f"{place}.name")
    segments = (text_segment(call.name + call.arguments),)
    return Item(call.type, _document(raw), call.id or "", call.call_id, segments=segments)


def _custom_call(raw: msgspec.Raw, place: str) -> Item:
    call = _read(raw, _CustomCall, place)
    check_name(call.name, f"{place}.name")
    segments = (text_segment(call.name + call.input),)
    return Item(call.type, _document(raw), call.id or "", call.call_id, segments=segments)


def _call_output(raw: msgspec.Raw, place: str) -> Item:
    told = _read(raw, _CallOutput, place)
    overhead = fixed_segment("tool", MESSAGE_OVERHEAD)
    segments, text = _content(told.output, _SAID, f"{place}.output")
    return Item(
        told.type,
        _document(raw),
        told.id or "",
        told.call_id,
        segments=(overhead, *segments),
        text=text,
    )


def _reasoning(raw: msgspec.Raw, place: str) -> Item:
    thought = _read(raw, _Reasoning, place)
    segments = tuple(text_segment(part.text) for part in thought.summary)
    return Item(
        thought.type,
        _document(raw),
        thought.id,
        segments=segments,
        encrypted=thought.encrypted_content or "",
    )


def _reference(raw: msgspec.Raw, place: str) -> Item:
    return Item("item_reference", _document(raw), _read(raw, _Reference, place).id)


def _hosted(raw: msgspec.Raw, _: str) -> Item:
    document = _document(raw)
    return Item(
        document["type"], document, str(document.get("id") or ""), segments=(_as_text(raw),)
    )


_READERS: Mapping[str, Callable[[msgspec.Raw, str], Item]] = {
    "message": _message,
    "function_call": _function_call,
    "function_call_output": _call_output,
    "custom_tool_call": _custom_call,
    "custom_tool_call_output": _call_output,
    "reasoning": _reasoning,
    "item_reference": _reference,
    **dict.fromkeys(HOSTED_CALLS, _hosted),
}


def check_name(name: str, param: str) -> None:
    """Refuse a function's name that has other characters than OpenAI takes."""
    if not _NAME.fullmatch(name):
        raise invalid(
            f"Invalid '{param}': string does not match pattern. Expected a string that matches "
            f"the pattern '{NAME_PATTERN}'.",
            param,
            "invalid_value",
        )


def _content(
    content: str | list[msgspec.Raw], shapes: Mapping[str, type[_Part]], place: str
) -> tuple[list[Segment], str]:
    if isinstance(content, str):
        return [text_segment(content)], content
    parts = [_part(raw, shapes, f"{place}[{number}]") for number, raw in enumerate(content)]
    texts = [part.text for part in parts if isinstance(part, _InputText | _OutputText)]
    return [_segment(part) for part in parts], " ".join(texts)


def _part(raw: msgspec.Raw, shapes: Mapping[str, type[_Part]], place: str) -> _Part:
    kind = _read(raw, _Typed, place).type
    shape = shapes.get(kind)
    if shape is None:
        raise _not_among(kind, list(shapes), place)
    return _read(raw, shape, place)


def _segment(part: _Part) -> Segment:
    match part:
        case _InputImage():
            size = LOW_DETAIL_IMAGE if part.detail == "low" else HIGH_DETAIL_IMAGE
            return fixed_segment(f"image {digest_of(part.image_url or part.file_id)}", size)
        case _InputFile():
            given = part.file_data or part.file_url or part.file_id
            return fixed_segment(f"file {digest_of(given)}", FILE_TOKENS)
        case _Refusal():
            return text_segment(part.refusal)
        case _:
            return text_segment(part.text)


def _check_ids(item: Item, place: str) -> None:
    for name, value in (("id", item.id), ("call_id", item.call_id)):
        if len(value) > _LONGEST_ID:
            raise invalid(
                f"Invalid '{place}.{name}': string too long. Expected a string with maximum length "
                f"{_LONGEST_ID}, but got a string with length {len(value)} instead.",
                f"{place}.{name}",
                "string_above_max_length",
            )
    prefix = _PREFIXES.get(item.type, "")
    if item.id and not item.id.startswith(prefix):
        raise invalid(
            f"Invalid '{place}.id': '{item.id}'. Expected an ID that begins with '{prefix}'.",
            f"{place}.id",
            "invalid_value",
        )


def _not_among(value: str, known: list[str], place: str) -> Exception:
    *most, last = (f"'{one}'" for one in known)
    listed = f"{', '.join(most)}{',' if len(most) > 1 else ''} and {last}"
    return invalid(
        f"Invalid value: '{value}'. Supported values are: {listed}.", place, "invalid_value"
    )


def _read(raw: msgspec.Raw, shape: type[_Shape], place: str) -> _Shape:
    return decode(raw, shape, invalid, inside=place)


def _document(raw: msgspec.Raw) -> dict[str, Any]:
    document: dict[str, Any] = msgspec.json.decode(raw)
    return document


def _as_text(raw: msgspec.Raw) -> Segment:
    return text_segment(bytes(raw).decode("utf-8", "replace"))
