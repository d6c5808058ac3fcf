"""Bodies of the Responses API that are sent to chat completions, made into chats.

Cursor sends them under the address that it is given: ``input`` in the place of ``messages``, and
tools without the inner object ``function``, also Anthropic's. What only the Responses API can do is
refused with the address at which it can be asked for.
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, Final

import msgspec

from trunkline.errors import InvalidRequest
from trunkline.gateway.exchange.parts import Document
from trunkline.gateway.wire.documents import wrong_type
from trunkline.gateway.wire.openai_chat.straight_tools import straighten_tools

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder().decode

_STATEFUL: Final = ("previous_response_id", "conversation", "prompt", "background")
# They say how an answer of the Responses API is given, and a chat has nothing of the kind.
_WITHOUT_MEANING: Final = ("include", "truncation", "max_tool_calls")
_NESTED_TOOLS: Final = (b'"function":', b'"function" :')
_ITEM_KINDS: Final = MappingProxyType(
    {"input_text": "text", "output_text": "text", "summary_text": "text"}
)


def straighten(fields: dict[str, msgspec.Raw]) -> None:
    """Make the members of a request those of a chat where they are another API's.

    Raises:
        InvalidRequest: they ask for what a chat has no place for.
    """
    try:
        if "messages" not in fields and "input" in fields:
            _straighten_body(fields)
        if "tools" in fields:
            told = bytes(fields["tools"])
            if not any(mark in told for mark in _NESTED_TOOLS):
                straighten_tools(fields)
    except RecursionError:
        raise InvalidRequest(
            "The body is nested too deeply to be read.",
            code="too_deeply_nested",
            hint="Flatten the content, or send the nested part as a string.",
        ) from None


def _straighten_body(fields: dict[str, msgspec.Raw]) -> None:
    for name in _STATEFUL:
        if bytes(fields.get(name, b"null")) not in {b"null", b"false"}:
            raise _elsewhere(name)
    document = {name: _decode(fields.pop(name)) for name in _MOVED if name in fields}
    for name in _WITHOUT_MEANING:
        fields.pop(name, None)
    messages = _messages_of(document["input"])
    if isinstance(document.get("instructions"), str):
        messages.insert(0, {"role": "system", "content": document["instructions"]})
    told: Document = {"messages": messages}
    if document.get("max_output_tokens") is not None:
        told["max_completion_tokens"] = document["max_output_tokens"]
    text, thinking = document.get("text"), document.get("reasoning")
    if isinstance(text, dict):
        told |= _text_settings(text)
    if isinstance(thinking, dict) and isinstance(thinking.get("effort"), str):
        told["reasoning_effort"] = thinking["effort"]
    fields.update({name: msgspec.Raw(_encode(value)) for name, value in told.items()})


_MOVED: Final = ("input", "instructions", "max_output_tokens", "text", "reasoning")


def _text_settings(text: Document) -> Document:
    told: Document = {}
    if text.get("verbosity") is not None:
        told["verbosity"] = text["verbosity"]
    form = text.get("format")
    if isinstance(form, dict) and form.get("type") == "json_schema":
        inner = {name: value for name, value in form.items() if name != "type"}
        told["response_format"] = {"type": "json_schema", "json_schema": inner}
    elif form is not None:
        told["response_format"] = form
    return told


def _messages_of(told: Any) -> list[Document]:
    if isinstance(told, str):
        return [{"role": "user", "content": told}]
    if not isinstance(told, list):
        raise wrong_type("input", "a string or an array")
    messages: list[Document] = []
    for at, item in enumerate(told):
        if not isinstance(item, dict):
            raise wrong_type(f"input[{at}]", "an object")
        kind = item.get("type", "message")
        take = _ITEMS.get(kind) if isinstance(kind, str) else None
        if take is None:
            raise _elsewhere(f"input[{at}]")
        take(item, messages)
    return messages


def _take_message(item: Document, messages: list[Document]) -> None:
    content = item.get("content")
    if isinstance(content, list):
        content = [_straight_part(part) for part in content]
    messages.append({"role": item.get("role", "user"), "content": content})


def _straight_part(part: Any) -> Any:
    kind = part.get("type") if isinstance(part, dict) else None
    if not isinstance(kind, str):
        return part
    if kind in _ITEM_KINDS:
        return {"type": "text", "text": part.get("text")}
    if kind == "input_image":
        return {"type": "image_url", "image_url": _said(part, url="image_url", detail="detail")}
    if kind == "input_file":
        names = _said(part, file_data="file_data", file_id="file_id", filename="filename")
        return {"type": "file", "file": names}
    return part


def _said(part: Document, **names: str) -> Document:
    return {own: part[name] for own, name in names.items() if part.get(name) is not None}


def _take_call(item: Document, messages: list[Document]) -> None:
    """A call belongs to the model's message before it, if that is the last one."""
    if not messages or messages[-1]["role"] != "assistant":
        messages.append({"role": "assistant", "content": None})
    if item["type"] == "custom_tool_call":
        inner = {"name": item.get("name"), "input": item.get("input", "")}
        call: Document = {"type": "custom", "custom": inner}
    else:
        inner = {"name": item.get("name"), "arguments": item.get("arguments", "")}
        call = {"type": "function", "function": inner}
    messages[-1].setdefault("tool_calls", []).append({"id": item.get("call_id"), **call})


def _take_result(item: Document, messages: list[Document]) -> None:
    output = item.get("output")
    if isinstance(output, list):
        output = [_straight_part(part) for part in output]
    messages.append({"role": "tool", "tool_call_id": item.get("call_id"), "content": output})


def _skip(_item: Document, _messages: list[Document]) -> None:
    """Thought of earlier turns is sealed for the Responses API, and no one else can read it."""


_ITEMS: Final[Mapping[str, Callable[[Document, list[Document]], None]]] = MappingProxyType(
    {
        "message": _take_message,
        "function_call": _take_call,
        "custom_tool_call": _take_call,
        "function_call_output": _take_result,
        "custom_tool_call_output": _take_result,
        "reasoning": _skip,
    }
)


def _elsewhere(param: str) -> InvalidRequest:
    return InvalidRequest(
        f"'{param}' can only be asked for at the Responses API.",
        code="unsupported_parameter",
        param=param,
        hint="Send the request to /v1/responses.",
    )
