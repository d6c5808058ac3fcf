"""Messages, read."""

from typing import Any, Final

from trunkline.gateway.exchange.parts import Document, Foreign, Part, Text, ToolResult
from trunkline.gateway.exchange.request import Message, Role
from trunkline.gateway.wire.cohere_chat.content import WIRE, read_block
from trunkline.gateway.wire.documents import members_of, missing, take_list, take_text, wrong_type
from trunkline.gateway.wire.functions import read_call
from trunkline.gateway.wire.spelling import SpelledMessage

_ROLES: Final[dict[str, Role]] = {"system": "system", "user": "user", "assistant": "assistant"}


def read_messages(values: list[Any]) -> tuple[Message, ...]:
    """All messages.

    Raises:
        InvalidRequest: one of them is not what its role promises.
    """
    return tuple(_read_message(value, number) for number, value in enumerate(values))


def _read_message(value: Any, number: int) -> Message:
    where = f"messages[{number}]"
    if not isinstance(value, dict):
        raise wrong_type(where, "an object")
    rest = members_of(value)
    role = take_text(rest, "role", f"{where}.")
    if role is None:
        raise wrong_type(f"{where}.role", "a string")
    if role == "tool":
        return _read_result(rest, where)
    known = _ROLES.get(role)
    if known is None:
        return SpelledMessage("user", (Foreign(WIRE, value),), whole=True)
    plain: Document = {}
    parts: list[Part] = []
    plan = take_text(rest, "tool_plan", f"{where}.") if known == "assistant" else None
    if plan is not None:
        parts.append(Text(plan))
    content, bare = _read_content(rest, plain, where)
    parts += content
    spelled: list[Document] = []
    if known == "assistant":
        for position, call in enumerate(_calls(rest, plain, where)):
            made_id = f"call_{number}_{position}"
            read, spelling = read_call(call, f"{where}.tool_calls[{position}]", made_id, text=True)
            parts.append(read)
            spelled.append(spelling)
    return SpelledMessage(
        known,
        tuple(parts),
        bare=bare,
        extra=rest,
        plain=plain,
        spelled=tuple(spelled),
        planned=plan is not None,
    )


def _calls(rest: Document, plain: Document, where: str) -> list[Any]:
    calls = take_list(rest, "tool_calls", f"{where}.")
    if calls == []:
        plain["tool_calls"] = calls
    return calls or []


def _read_content(rest: Document, plain: Document, where: str) -> tuple[list[Any], bool]:
    """The parts of a content, and whether it was a bare string."""
    content = rest.pop("content", None)
    if isinstance(content, str):
        return [Text(content)], True
    if content is None:
        return [], False
    if not isinstance(content, list):
        raise wrong_type(f"{where}.content", "a string or an array")
    if not content:
        plain["content"] = content
    return [read_block(block) for block in content], False


def _read_result(rest: Document, where: str) -> Message:
    call_id = take_text(rest, "tool_call_id", f"{where}.")
    if not call_id:
        raise missing(
            "tool_call_id",
            f"'{where}.tool_call_id' is missing.",
            "Say which tool call this is the result of.",
        )
    plain: Document = {}
    content, bare = _read_content(rest, plain, where)
    result = ToolResult(call_id, tuple(content), bare=bare)
    return SpelledMessage("user", (result,), bare=bare, extra=rest, plain=plain)
