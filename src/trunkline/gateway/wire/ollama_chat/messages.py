"""Messages of ``/api/chat``, read."""

from typing import Any, Final

from trunkline.gateway.exchange.parts import (
    Document,
    Foreign,
    Part,
    Reasoning,
    Text,
    ToolCall,
    ToolResult,
)
from trunkline.gateway.exchange.request import Message, Role
from trunkline.gateway.wire.documents import (
    members_of,
    take_list,
    take_text,
    wrong_type,
)
from trunkline.gateway.wire.functions import read_call
from trunkline.gateway.wire.ollama_family.images import read_images
from trunkline.gateway.wire.ollama_family.names import CHAT_NAME
from trunkline.gateway.wire.spelling import SpelledMessage

_ROLES: Final[dict[str, Role]] = {"system": "system", "user": "user", "assistant": "assistant"}


class _Calls:
    """The calls that wait for their results: results say at most the function's name."""

    def __init__(self) -> None:
        self._waiting: list[tuple[str, str]] = []

    def note(self, calls: list[ToolCall]) -> None:
        """Results that are still to come belong to these calls."""
        self._waiting = [(call.id, call.name) for call in calls]

    def answered(self, call_id: str | None, name: str | None, position: int) -> str:
        """The id of the call that a result belongs to: by its id, its name, or its order."""
        waiting = self._waiting
        for number, (known_id, known_name) in enumerate(waiting):
            matches = known_id == call_id if call_id else name in {None, known_name}
            if matches:
                del waiting[number]
                return known_id
        return call_id or f"call_result_{position}"


def read_messages(values: list[Any]) -> tuple[Message, ...]:
    """All messages.

    Raises:
        InvalidRequest: one of them is not what its role promises.
    """
    calls = _Calls()
    return tuple(_read_message(value, number, calls) for number, value in enumerate(values))


def _read_message(value: Any, number: int, calls: _Calls) -> Message:
    where = f"messages[{number}]"
    if not isinstance(value, dict):
        raise wrong_type(where, "an object")
    rest = members_of(value)
    spelled_role = take_text(rest, "role", f"{where}.")
    if spelled_role is None:
        raise wrong_type(f"{where}.role", "a string")
    role = spelled_role.lower()
    plain: Document = {} if role == spelled_role else {"role": spelled_role}
    if role == "tool":
        return _read_result(rest, plain, number, calls)
    known = _ROLES.get(role)
    if known is None:
        return SpelledMessage("user", (Foreign(CHAT_NAME, value),), whole=True)
    parts: list[Part] = []
    spelled: tuple[Document, ...] = ()
    if known == "assistant":
        thinking = take_text(rest, "thinking", f"{where}.")
        if thinking is not None:
            parts.append(Reasoning(thinking))
    parts += _read_content(rest, plain, where)
    if known == "assistant":
        found, spelled = _read_calls(rest, plain, number)
        parts += found
        calls.note(found)
    return SpelledMessage(known, tuple(parts), bare=True, extra=rest, plain=plain, spelled=spelled)


def _read_content(rest: Document, plain: Document, where: str) -> list[Any]:
    """The text and the pictures of a message."""
    parts: list[Any] = []
    text = take_text(rest, "content", f"{where}.")
    if text is not None:
        parts.append(Text(text))
    images = take_list(rest, "images", f"{where}.")
    if images == []:
        plain["images"] = images
    elif images is not None:
        parts += read_images(images, f"{where}.images")
    return parts


def _read_result(rest: Document, plain: Document, number: int, calls: _Calls) -> SpelledMessage:
    where = f"messages[{number}]"
    name = take_text(rest, "tool_name", f"{where}.")
    told = take_text(rest, "tool_call_id", f"{where}.")
    if told is not None:
        plain["tool_call_id"] = told
    result = ToolResult(
        call_id=calls.answered(told, name or None, number),
        parts=tuple(_read_content(rest, plain, where)),
        name=name,
        bare=True,
    )
    return SpelledMessage("user", (result,), bare=True, extra=rest, plain=plain)


def _read_calls(
    rest: Document, plain: Document, number: int
) -> tuple[list[ToolCall], tuple[Document, ...]]:
    """The calls of a message and how each is spelled. Ids that are missing count the calls."""
    where = f"messages[{number}].tool_calls"
    values = take_list(rest, "tool_calls", f"messages[{number}].")
    if values == []:
        plain["tool_calls"] = values
    found, spelled = [], []
    for position, value in enumerate(values or ()):
        made_id = f"call_{number}_{position}"
        call, spelling = read_call(value, f"{where}[{position}]", made_id, text=False)
        found.append(call)
        spelled.append(spelling)
    return found, tuple(spelled)
