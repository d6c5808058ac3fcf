"""The items of the Responses API, as a request sends them: read one by one, refused by place."""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal

import msgspec

from trunkline.simulator.openai.item_parts import (
    ANSWERED,
    SAID,
    Typed,
    not_among,
    read_content,
    read_shape,
)
from trunkline.simulator.openai.sizes import MESSAGE_OVERHEAD
from trunkline.simulator.openai.wire import invalid
from trunkline.simulator.question import Segment, fixed_segment, text_segment

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


# ``internal_chat_message_metadata_passthrough`` is in no documentation; OpenAI's own coding tool
# puts it into every item that it sends to OpenAI.


class _Message(msgspec.Struct, forbid_unknown_fields=True):
    role: Literal["user", "assistant", "system", "developer"]
    content: str | list[msgspec.Raw]
    type: Literal["message"] = "message"
    id: str | None = None
    status: str | None = None
    phase: str | None = None
    internal_chat_message_metadata_passthrough: Any = None


class _FunctionCall(Typed):
    call_id: str
    name: str
    arguments: str
    id: str | None = None
    status: str | None = None
    namespace: str | None = None
    internal_chat_message_metadata_passthrough: Any = None


class _CustomCall(Typed):
    call_id: str
    name: str
    input: str
    id: str | None = None
    status: str | None = None
    namespace: str | None = None
    internal_chat_message_metadata_passthrough: Any = None


class _CallOutput(Typed):
    call_id: str
    output: str | list[msgspec.Raw]
    id: str | None = None
    status: str | None = None
    internal_chat_message_metadata_passthrough: Any = None


class _SummaryText(msgspec.Struct, forbid_unknown_fields=True):
    type: Literal["summary_text"]
    text: str


class _Reasoning(Typed):
    id: str
    summary: list[_SummaryText]
    encrypted_content: str | None = None
    content: list[dict[str, Any]] | None = None
    status: str | None = None
    internal_chat_message_metadata_passthrough: Any = None


class _Reference(msgspec.Struct, forbid_unknown_fields=True):
    id: str
    type: Literal["item_reference"] = "item_reference"


class _Kind(msgspec.Struct):
    type: str | None = None
    role: str | None = None


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
    kind = read_shape(raw, _Kind, place)
    if kind.type is None and kind.role is None:
        raise invalid(
            f"Missing required parameter: '{place}.type'.",
            f"{place}.type",
            "missing_required_parameter",
        )
    reader = _READERS.get(kind.type or "message")
    if reader is None:
        raise not_among(kind.type or "", sorted(_READERS), place)
    item = reader(raw, place)
    _check_ids(item, place)
    return item


def _message(raw: msgspec.Raw, place: str) -> Item:
    said = read_shape(raw, _Message, place)
    overhead = fixed_segment(said.role, MESSAGE_OVERHEAD)
    shapes = ANSWERED if said.role == "assistant" else SAID
    segments, text = read_content(said.content, shapes, f"{place}.content")
    return Item(
        "message",
        _document(raw),
        id=said.id or "",
        role=said.role,
        segments=(overhead, *segments),
        text=text,
    )


def _function_call(raw: msgspec.Raw, place: str) -> Item:
    call = read_shape(raw, _FunctionCall, place)
    check_name(call.name, f"{place}.name")
    segments = (text_segment(call.name + call.arguments),)
    return Item(call.type, _document(raw), call.id or "", call.call_id, segments=segments)


def _custom_call(raw: msgspec.Raw, place: str) -> Item:
    call = read_shape(raw, _CustomCall, place)
    check_name(call.name, f"{place}.name")
    segments = (text_segment(call.name + call.input),)
    return Item(call.type, _document(raw), call.id or "", call.call_id, segments=segments)


def _call_output(raw: msgspec.Raw, place: str) -> Item:
    told = read_shape(raw, _CallOutput, place)
    overhead = fixed_segment("tool", MESSAGE_OVERHEAD)
    segments, text = read_content(told.output, SAID, f"{place}.output")
    return Item(
        told.type,
        _document(raw),
        told.id or "",
        told.call_id,
        segments=(overhead, *segments),
        text=text,
    )


def _reasoning(raw: msgspec.Raw, place: str) -> Item:
    thought = read_shape(raw, _Reasoning, place)
    segments = tuple(text_segment(part.text) for part in thought.summary)
    return Item(
        thought.type,
        _document(raw),
        thought.id,
        segments=segments,
        encrypted=thought.encrypted_content or "",
    )


def _reference(raw: msgspec.Raw, place: str) -> Item:
    return Item("item_reference", _document(raw), read_shape(raw, _Reference, place).id)


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


def _document(raw: msgspec.Raw) -> dict[str, Any]:
    document: dict[str, Any] = msgspec.json.decode(raw)
    return document


def _as_text(raw: msgspec.Raw) -> Segment:
    return text_segment(bytes(raw).decode("utf-8", "replace"))
