"""Items of ``input``, read into messages and written back as they came.

An item of a shape that we do not know is kept as it is: coding tools send new ones every month.
"""

from collections.abc import Callable, Mapping
from itertools import groupby
from types import MappingProxyType
from typing import Any, Final

import msgspec

from trunkline.errors import InvalidRequest
from trunkline.gateway.exchange.parts import (
    Document,
    Family,
    Foreign,
    Part,
    Reasoning,
    ToolCall,
    ToolResult,
)
from trunkline.gateway.exchange.request import Message, Role
from trunkline.gateway.wire.documents import arguments_text, members_of, wrong_type
from trunkline.gateway.wire.openai_family.calls import signature_content, signature_of
from trunkline.gateway.wire.openai_family.spelling import respelled, spelling
from trunkline.gateway.wire.openai_responses.content import (
    ANSWERED,
    SAID,
    content_back,
    read_content,
)
from trunkline.gateway.wire.openai_responses.form import Item, Kind
from trunkline.gateway.wire.openai_responses.names import WIRE
from trunkline.gateway.wire.openai_responses.seals import seal, unseal
from trunkline.gateway.wire.openai_responses.tools import flat_name

_ROLES: Final[Mapping[str, Role]] = MappingProxyType(
    {"user": "user", "assistant": "assistant", "system": "system", "developer": "developer"}
)
# What an item says of itself and of its place in an earlier answer.
_OF_ITSELF: Final = frozenset({"type", "id", "status", "phase", "created_by"})
_OF_A_CALL: Final = _OF_ITSELF | {"call_id", "name", "namespace", "caller"}
_SAID_BY_USER: Final = ("_output", "_response")
# Items that hold one part.
_SINGLE: Final = frozenset({"call", "result"})
_GOOGLE: Final[Family] = "google"


def read_item(value: Any, where: str) -> Item:
    """One item.

    Raises:
        InvalidRequest: it is no object, or lacks what its type cannot do without.
    """
    if not isinstance(value, dict):
        raise wrong_type(where, "an object")
    kind = value.get("type")
    if kind is None and isinstance(value.get("role"), str):
        kind = "message"
    read = _READERS.get(kind) if isinstance(kind, str) else None
    item = read(value, where) if read is not None else None
    if item is None:
        by_user = isinstance(kind, str) and kind.endswith(_SAID_BY_USER)
        role: Role = "user" if by_user else "assistant"
        return Item(role, (Foreign(WIRE, value),), kind="foreign")
    plain = spelling(value, _written(item))
    return msgspec.structs.replace(item, plain=plain) if plain else item


def items_of(message: Message) -> list[Item]:
    """A message as items; one that came as an item is one unless something was put into it."""
    if isinstance(message, Item) and _is_one(message):
        return [message]
    whole = message if isinstance(message, Item) else Item(message.role, (), bare=message.bare)
    items: list[Item] = []
    for kind, group in groupby(message.parts, _kind_of):
        parts = list(group)
        if kind == whole.kind:
            taken = 1 if kind in _SINGLE else len(parts)
            items.append(msgspec.structs.replace(whole, parts=tuple(parts[:taken])))
            parts = parts[taken:]
        if kind in _SINGLE:
            items += [Item(message.role, (part,), kind=kind) for part in parts]
        elif parts:
            items.append(Item(message.role, tuple(parts), kind=kind))
    return items


def _is_one(item: Item) -> bool:
    if item.kind == "foreign":
        return True
    single = item.kind not in _SINGLE or len(item.parts) == 1
    return single and all(_kind_of(part) == item.kind for part in item.parts)


def _kind_of(part: Part) -> Kind:
    if isinstance(part, Reasoning):
        return "reasoning"
    if isinstance(part, ToolCall):
        return "call"
    return "result" if isinstance(part, ToolResult) else "message"


def item_back(item: Item) -> Document:
    """An item as it came."""
    return respelled(_written(item), item.plain)


def _written(item: Item) -> Document:
    """The item in the spelling that is usual."""
    parts = item.parts
    first = parts[0] if parts else None
    if item.kind == "foreign" and isinstance(first, Foreign):
        value: Document = first.value
        return value
    if item.kind == "reasoning":
        return write_thought([part for part in parts if isinstance(part, Reasoning)])
    if item.kind == "call" and isinstance(first, ToolCall):
        return {**write_call(first, first.name), **first.extra}
    if item.kind == "result" and isinstance(first, ToolResult):
        output = content_back(first.parts, item.spelled, SAID, bare=first.bare)
        told = {"type": "function_call_output", "call_id": first.call_id, "output": output}
        return {**told, **first.extra}
    kind = ANSWERED if item.role == "assistant" else SAID
    document: Document = {"type": "message", "role": item.role}
    if parts or not item.bare:
        document["content"] = content_back(parts, item.spelled, kind, bare=item.bare)
    return {**document, **item.extra}


def _read_message(value: Document, where: str) -> Item | None:
    said, content = value.get("role"), value.get("content")
    if not isinstance(said, str):
        raise wrong_type(f"{where}.role", "a string")
    role = _ROLES.get(said)
    extra = _rest(value, _OF_ITSELF | {"content", "role"})
    if role is None:
        role, extra["role"] = "user", said
    if content is None:
        return Item(role, (), bare=True, extra=extra)
    kind = ANSWERED if role == "assistant" else SAID
    read = read_content(content, kind, f"{where}.content")
    return Item(role, read.parts, bare=read.bare, spelled=read.spelled, extra=extra)


def _read_call(value: Document, where: str) -> Item | None:
    custom = value["type"] == "custom_tool_call"
    member = "input" if custom else "arguments"
    given = value.get(member)
    extra = _rest(value, _OF_A_CALL | {member, "extra_content"})
    signature = signature_of(value.get("extra_content"))
    namespace = value.get("namespace")
    call = ToolCall(
        id=_required(value, "call_id", where),
        name=flat_name(namespace, _required(value, "name", where)),
        arguments=given if isinstance(given, str) else _as_text(given, where),
        kind="custom" if custom else "function",
        signature=signature,
        family="google" if signature is not None else "",
        extra=extra,
    )
    return Item("assistant", (call,), kind="call")


def _read_result(value: Document, where: str) -> Item | None:
    call_id, name = value.get("call_id"), value.get("name")
    if call_id is None:
        # What answers no call of the model's, such as an event that a namespace tells.
        return None
    if not isinstance(call_id, str):
        raise wrong_type(f"{where}.call_id", "a string")
    read = read_content(value.get("output"), SAID, f"{where}.output")
    result = ToolResult(
        call_id,
        read.parts,
        name=flat_name(value.get("namespace"), name) if isinstance(name, str) else None,
        bare=read.bare,
        extra=_rest(value, _OF_A_CALL | {"output"}),
    )
    return Item("user", (result,), kind="result", spelled=read.spelled)


def _read_reasoning(value: Document, _where: str) -> Item | None:
    """A thought, which is one part for each of its texts; the last one has the signature."""
    parts = read_thought(value)
    return None if parts is None else Item("assistant", parts, kind="reasoning")


def read_thought(value: Document) -> tuple[Part, ...] | None:
    """The parts of a reasoning item, or None where it is of another shape."""
    sealed, known = value.get("encrypted_content"), value.get("id")
    summary, content = value.get("summary") or [], value.get("content") or []
    told = _texts(summary, "summary_text"), _texts(content, "reasoning_text")
    if told[0] is None or told[1] is None:
        return None
    if not isinstance(sealed, str | None) or not isinstance(known, str | None):
        return None
    shown = [(text, True) for text in told[0]] + [(text, False) for text in told[1]]
    words = [Reasoning(text, id=known, summary=short) for text, short in shown]
    if not words:
        words = [Reasoning(id=known)]
    if sealed:
        signature, family, redacted = unseal(sealed)
        words[-1] = msgspec.structs.replace(
            words[-1], signature=signature, family=family, redacted=redacted
        )
    return tuple(words)


def write_thought(parts: list[Reasoning]) -> Document:
    """The reasoning item of one thought."""
    summary = [part.text for part in parts if part.summary]
    content = [part.text for part in parts if part.text and not part.summary]
    item: Document = {"type": "reasoning"}
    last = parts[-1] if parts else Reasoning()
    if last.id is not None:
        item["id"] = last.id
    item["summary"] = [{"type": "summary_text", "text": text} for text in summary]
    if content:
        item["content"] = [{"type": "reasoning_text", "text": text} for text in content]
    if last.signature is not None:
        item["encrypted_content"] = seal(last.signature, last.family, redacted=last.redacted)
    return item


def write_call(call: ToolCall, name: str) -> Document:
    """The item of a call under this name, without what belongs to its place in an answer."""
    if call.kind == "custom":
        item = {"type": "custom_tool_call", "call_id": call.id, "name": name}
        item["input"] = call.arguments
    else:
        item = {"type": "function_call", "call_id": call.id, "name": name}
        item["arguments"] = call.arguments
    if call.signature is not None and call.family == _GOOGLE:
        return {**item, "extra_content": signature_content(call.signature)}
    return dict(item)


def _texts(values: Any, kind: str) -> list[str] | None:
    """The texts of a list of such objects; None where anything else is in it."""
    if not isinstance(values, list):
        return None
    texts = []
    for value in values:
        text = value.get("text") if isinstance(value, dict) and len(value) == 2 else None
        if not isinstance(text, str) or value.get("type") != kind:
            return None
        texts.append(text)
    return texts


def _required(value: Document, name: str, where: str) -> str:
    found = value.get(name)
    if not isinstance(found, str):
        raise wrong_type(f"{where}.{name}", "a string")
    return found


def _as_text(value: Any, where: str) -> str:
    """Arguments that are no string, as some clients send them."""
    try:
        return arguments_text(value)
    except (RecursionError, UnicodeEncodeError):
        raise InvalidRequest(
            "The arguments of a tool call cannot be written as JSON again.",
            code="invalid_json",
            param=where,
            hint="Send them as a string.",
        ) from None


def _rest(value: Document, known: frozenset[str]) -> Document:
    rest = members_of(value)
    for name in known:
        rest.pop(name, None)
    return rest


_READERS: Final[Mapping[str, Callable[[Document, str], Item | None]]] = MappingProxyType(
    {
        "message": _read_message,
        "function_call": _read_call,
        "custom_tool_call": _read_call,
        "function_call_output": _read_result,
        "custom_tool_call_output": _read_result,
        "reasoning": _read_reasoning,
    }
)
