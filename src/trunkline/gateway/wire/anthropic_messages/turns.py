"""Messages of other wires as Anthropic's turns.

The model and the user take turns; all results of one turn's calls stand first in the very next
turn of the user. Source of the rules: Anthropic's documentation of the Messages API, of tool use
and of system messages in the middle of a conversation.
"""

from typing import Final, Literal

import msgspec

from trunkline.errors import InvalidRequest
from trunkline.gateway.exchange.destination import Destination
from trunkline.gateway.exchange.losses import Losses
from trunkline.gateway.exchange.parts import CacheMark, Document, Part, Text, ToolCall, ToolResult
from trunkline.gateway.exchange.request import Message
from trunkline.gateway.wire.anthropic_messages.foreign_parts import PartWriter
from trunkline.gateway.wire.anthropic_messages.marks import write_mark
from trunkline.gateway.wire.anthropic_messages.tool_ids import ToolIds
from trunkline.gateway.wire.documents import note_extras

_MISSING: Final = "No result was given for this call."
_EMPTY: Final = "[the content of this turn was left out]"


class _Turn:
    """One turn under construction: blocks, calls and results in the order in which they came."""

    __slots__ = ("blocks", "calls", "orders", "parts", "results", "role")

    def __init__(self, role: Literal["user", "assistant"]) -> None:
        self.role = role
        self.parts: list[Part] = []
        self.orders: list[Document] = []
        self.calls: dict[str, str] = {}
        self.results: dict[str, ToolResult] = {}
        self.blocks: list[Document] = []


class Conversation(msgspec.Struct, frozen=True):
    """What the members ``system`` and ``messages`` hold."""

    system: list[Document]
    messages: list[Document]


def write_turns(
    messages: tuple[Message, ...], destination: Destination, losses: Losses
) -> Conversation:
    """The conversation in this wire.

    Raises:
        InvalidRequest: there is nothing but system messages, or a result answers no call.
    """
    writer = PartWriter(destination, losses)
    start = 0
    while start < len(messages) and _orders(messages[start]):
        start += 1
    system = [block for message in messages[:start] for block in _order(message, writer)]
    turns = _taken(messages[start:], writer, losses, late=destination.traits.late_system)
    _place_results(turns)
    ids = ToolIds()
    for turn in turns:
        _write_parts(turn, writer, ids)
    return Conversation(system, _joined(turns, writer, losses))


def _orders(message: Message) -> bool:
    return message.role in {"system", "developer"}


def _order(message: Message, writer: PartWriter) -> list[Document]:
    """The blocks of a system message, which takes nothing but text."""
    texts = (writer.write(part) for part in message.parts if isinstance(part, Text))
    return _marked([block for block in texts if block is not None], message.cache)


def _taken(
    messages: tuple[Message, ...], writer: PartWriter, losses: Losses, *, late: bool
) -> list[_Turn]:
    """The turns with their parts; messages of one role that follow each other are one turn."""
    turns: list[_Turn] = []
    waiting: list[Part] = []
    for message in messages:
        if message.name is not None:
            losses.lose("name", "the provider's API does not name who speaks")
        if message.extra:
            # Some wires keep the role there as they spell it, and it is said here as well.
            rest = {k: v for k, v in message.extra.items() if (k, v) != ("role", message.role)}
            note_extras(rest, losses)
        if _orders(message):
            # It holds for what comes next, so it may stand behind the user's turn as well.
            if late and turns and turns[-1].role == "user":
                turns[-1].orders.extend(_order(message, writer))
            else:
                waiting.append(_tagged(message))
            continue
        role: Literal["user", "assistant"] = "assistant" if message.role == "assistant" else "user"
        if not turns or turns[-1].role != role:
            turns.append(_Turn(role))
        if role == "user":
            turns[-1].parts += waiting
            waiting = []
        turns[-1].parts += _with_mark(message)
    if waiting:
        if not turns or turns[-1].role != "user":
            turns.append(_Turn("user"))
        turns[-1].parts += waiting
    return turns


def _tagged(message: Message) -> Part:
    words = "\n".join(part.text for part in message.parts if isinstance(part, Text))
    return Text(f"<system>\n{words}\n</system>", message.cache) if words.strip() else Text("")


def _with_mark(message: Message) -> list[Part]:
    """The parts of a message; its own mark is that of the last part that can bear one."""
    parts = list(message.parts)
    if message.cache is not None:
        for index in range(len(parts) - 1, -1, -1):
            part = parts[index]
            if isinstance(part, (Text, ToolCall, ToolResult)) and part.cache is None:
                parts[index] = msgspec.structs.replace(part, cache=message.cache)
                break
    return parts


def _marked(blocks: list[Document], mark: CacheMark | None) -> list[Document]:
    if mark is not None and blocks and "cache_control" not in blocks[-1]:
        blocks[-1]["cache_control"] = write_mark(mark)
    return blocks


def _place_results(turns: list[_Turn]) -> None:
    """Give each result to the turn whose call it answers, wherever it came.

    Raises:
        InvalidRequest: there is no such call before it.
    """
    for index, turn in enumerate(turns):
        if turn.role == "assistant":
            for part in turn.parts:
                if isinstance(part, ToolCall):
                    turn.calls[part.id] = ""
            continue
        for part in turn.parts:
            if isinstance(part, ToolResult):
                _asker(turns[:index], part.call_id).results[part.call_id] = part
        turn.parts = [part for part in turn.parts if not isinstance(part, ToolResult)]


def _asker(turns: list[_Turn], call_id: str) -> _Turn:
    """The latest turn with this call, an unanswered one before all others."""
    asking = [turn for turn in reversed(turns) if call_id in turn.calls]
    if not asking:
        raise InvalidRequest(
            f"The tool result for '{call_id}' answers no call of the messages before it.",
            code="orphan_tool_result",
            param="messages",
            hint="Send the assistant message that holds the call, or leave the result out.",
        )
    return next((turn for turn in asking if call_id not in turn.results), asking[0])


def _write_parts(turn: _Turn, writer: PartWriter, ids: ToolIds) -> None:
    written: set[str] = set()
    for part in turn.parts:
        if isinstance(part, ToolCall):
            # A call that came twice in one turn is one call.
            if part.id not in written:
                written.add(part.id)
                turn.calls[part.id] = ids.give(part.id)
                turn.blocks.append(writer.call(part, turn.calls[part.id]))
        elif not isinstance(part, ToolResult):
            block = writer.write(part)
            if block is not None:
                turn.blocks.append(block)


def _joined(turns: list[_Turn], writer: PartWriter, losses: Losses) -> list[Document]:
    """The messages: the results of a turn's calls open the user's next one."""
    messages: list[Document] = []
    answers: list[Document] = []
    for index, turn in enumerate(turns):
        blocks = answers + turn.blocks if turn.role == "user" else turn.blocks
        answers = _answers(turn, writer, losses)
        last = index + 1 == len(turns)
        if last and turn.role == "assistant" and not turn.calls:
            _strip_end(blocks)
        if not blocks and turn.role == "user" and turn.parts:
            lost = any(not isinstance(part, Text) for part in turn.parts)
            blocks = [{"type": "text", "text": _EMPTY}] if lost else blocks
        _append(messages, turn.role, blocks)
        if turn.orders and messages and messages[-1]["role"] == "user":
            messages.append({"role": "system", "content": turn.orders})
        elif turn.orders:
            # Nothing is left of the turn that it stood behind.
            _append(messages, "user", turn.orders)
    if answers:
        _append(messages, "user", answers)
    if not messages:
        raise InvalidRequest(
            "The messages hold nothing that the model could answer.",
            code="missing_messages",
            param="messages",
            hint="Send at least one message of the role 'user' that is not empty.",
        )
    return messages


def _append(messages: list[Document], role: str, blocks: list[Document]) -> None:
    """Add a turn; one that follows its like, since what was between them is empty, joins it."""
    if not blocks:
        return
    if messages and messages[-1]["role"] == role:
        messages[-1]["content"] += blocks
    else:
        messages.append({"role": role, "content": blocks})


def _answers(turn: _Turn, writer: PartWriter, losses: Losses) -> list[Document]:
    """The results of a turn's calls in the order of the calls, none of them missing."""
    answers = []
    for call_id, given in turn.calls.items():
        result = turn.results.get(call_id)
        if result is None:
            losses.lose(
                "missing tool result", "the provider wants one for each call; it is told so"
            )
            result = ToolResult(call_id, (Text(_MISSING),), is_error=True, bare=True)
        answers.append(writer.result(result, given))
    return answers


def _strip_end(blocks: list[Document]) -> None:
    """Take spaces from the end of an answer that the model shall continue: the API refuses them."""
    while blocks and blocks[-1]["type"] == "text":
        text = blocks[-1]["text"].rstrip()
        if text:
            blocks[-1]["text"] = text
            return
        blocks.pop()
