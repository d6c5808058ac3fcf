"""Messages of a chat, read. What a message says in an unusual way is kept beside it."""

from typing import Any, Final

import msgspec

from trunkline.gateway.exchange.parts import Document, Part, Refusal, Text, ToolCall, ToolResult
from trunkline.gateway.exchange.request import Role
from trunkline.gateway.wire.documents import members_of, take_list, take_text, wrong_type
from trunkline.gateway.wire.openai_chat.call_ids import CallIds
from trunkline.gateway.wire.openai_chat.message_writer import write_message
from trunkline.gateway.wire.openai_chat.request import ChatMessage
from trunkline.gateway.wire.openai_family.calls import read_call
from trunkline.gateway.wire.openai_family.citations import read_annotation
from trunkline.gateway.wire.openai_family.content_reader import read_content
from trunkline.gateway.wire.openai_family.reasoning import take_reasoning
from trunkline.gateway.wire.openai_family.sources import take_mark
from trunkline.gateway.wire.openai_family.spelling import spelling

_ROLES: Final[dict[str, Role]] = {
    "system": "system",
    "developer": "developer",
    "user": "user",
    "assistant": "assistant",
}
_RESULTS: Final = frozenset({"tool", "function"})


def read_messages(messages: list[Any]) -> tuple[ChatMessage, ...]:
    """All messages of a request.

    Raises:
        InvalidRequest: one of them makes no sense as it is; ``param`` names the place.
    """
    ids = CallIds()
    return tuple([_read_message(told, f"messages[{at}]", ids) for at, told in enumerate(messages)])


def _read_message(told: Any, where: str, ids: CallIds) -> ChatMessage:
    if not isinstance(told, dict):
        raise wrong_type(where, "an object")
    if len(told) == 2:
        plain = _read_plain(told)
        if plain is not None:
            return plain
    rest = members_of(told)
    said = take_text(rest, "role", f"{where}.")
    if not said:
        raise wrong_type(f"{where}.role", "a string")
    if said in _RESULTS:
        message = _read_result(rest, said, where, ids)
    else:
        role = _ROLES.get(said)
        if role is None:
            # Nobody else knows this role, and the caller is told so; the words count as the user's.
            rest["role"] = said
        message = _read_turn(rest, role or "user", where, ids)
    other = spelling(told, write_message(message))
    return msgspec.structs.replace(message, spelled=other, told=message.parts) if other else message


def _read_plain(told: Document) -> ChatMessage | None:
    """A message of a known role and a string, as most are; it would be written as it came."""
    said, words = told.get("role"), told.get("content")
    role = _ROLES.get(said) if isinstance(said, str) else None
    if role is None or not isinstance(words, str):
        return None
    return ChatMessage(role, (Text(words),), bare=True)


def _read_turn(rest: Document, role: Role, where: str, ids: CallIds) -> ChatMessage:
    name = take_text(rest, "name", f"{where}.")
    mark = take_mark(rest)
    thought: list[Part] = list(take_reasoning(rest)) if role == "assistant" else []
    parts, bare = _take_content(rest, where, by_model=role == "assistant")
    parts = [*thought, *parts]
    if role == "assistant":
        refusal = take_text(rest, "refusal", f"{where}.")
        if refusal is not None:
            parts.append(Refusal(refusal))
        _take_annotations(rest, parts)
        _take_calls(rest, parts, where, ids)
    return ChatMessage(role, tuple(parts), name=name, bare=bare, cache=mark, extra=rest)


def _take_content(rest: Document, where: str, *, by_model: bool) -> tuple[list[Part], bool]:
    """The parts, and whether they came as a string; no content at all is as good as a string."""
    content = rest.pop("content", None)
    if content is None:
        return [], True
    if isinstance(content, str):
        return [Text(content)], True
    if isinstance(content, list):
        return list(read_content(content, by_model=by_model)), False
    raise wrong_type(f"{where}.content", "a string or an array")


def _take_annotations(rest: Document, parts: list[Part]) -> None:
    """Take the sources of an earlier answer, where it is clear which text they belong to."""
    annotations = rest.get("annotations")
    places = [at for at, part in enumerate(parts) if isinstance(part, Text)]
    if not isinstance(annotations, list) or (annotations and len(places) != 1):
        return
    del rest["annotations"]
    if annotations:
        citations = tuple([read_annotation(item) for item in annotations])
        parts[places[0]] = msgspec.structs.replace(parts[places[0]], citations=citations)


def _take_calls(rest: Document, parts: list[Part], where: str, ids: CallIds) -> None:
    for at, item in enumerate(take_list(rest, "tool_calls", f"{where}.") or ()):
        call = _read_call(item, f"{where}.tool_calls[{at}]")
        parts.append(msgspec.structs.replace(call, id=ids.call(call.id)))
    legacy = rest.pop("function_call", None)
    if legacy is not None:
        call = _read_call({"function": legacy}, f"{where}.function_call")
        # A result of the older kind names the function alone.
        parts.append(msgspec.structs.replace(call, id=ids.call(f"function_{call.name}")))


def _read_call(item: Any, where: str) -> ToolCall:
    found = read_call(item)
    if found is None:
        raise wrong_type(where, "an object that names the tool")
    return found[0]


def _read_result(rest: Document, said: str, where: str, ids: CallIds) -> ChatMessage:
    name = take_text(rest, "name", f"{where}.")
    told = take_text(rest, "tool_call_id", f"{where}.") or ""
    mark = take_mark(rest)
    parts, bare = _take_content(rest, where, by_model=False)
    known_as = f"function_{name}" if said == "function" and not told else told
    result = ToolResult(
        ids.result(known_as),
        tuple(parts),  # type: ignore[arg-type] # No calls and no thought stand there.
        name=name,
        bare=bare,
        cache=mark,
        extra=rest,
    )
    return ChatMessage("user", (result,), bare=False)
