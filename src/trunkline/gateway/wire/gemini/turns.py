"""Messages of other wires as Gemini's contents.

The user and the model take turns, and the user begins; the responses to all calls of a turn stand
together in the very next one. Source of the rules: Google's documentation of function calling and
of thought signatures, and the sentences with which the API refuses.
"""

from typing import Final

from trunkline.errors import InvalidRequest
from trunkline.gateway.exchange.destination import Destination
from trunkline.gateway.exchange.losses import Losses
from trunkline.gateway.exchange.parts import Document, Part, Text, ToolCall, ToolResult
from trunkline.gateway.exchange.request import Message
from trunkline.gateway.wire.gemini.foreign_parts import PartWriter, lose_members

_MISSING: Final = "No result was given for this call."
_EMPTY: Final = "[the content of this turn was left out]"


class _Turn:
    """One turn: what it says, and for the model's the results of its calls by their ids."""

    __slots__ = ("calls", "parts", "results", "role")

    def __init__(self, role: str) -> None:
        self.role = role
        self.parts: list[Part] = []
        self.calls: dict[str, ToolCall] = {}
        self.results: dict[str, ToolResult] = {}


class Conversation:
    """What the members ``systemInstruction`` and ``contents`` hold."""

    __slots__ = ("contents", "system")

    def __init__(self, system: list[Document], contents: list[Document]) -> None:
        self.system = system
        self.contents = contents


def write_turns(
    messages: tuple[Message, ...], destination: Destination, losses: Losses
) -> Conversation:
    """The conversation in this wire.

    Raises:
        InvalidRequest: the model speaks first, a result answers no call, or nothing is said.
    """
    writer = PartWriter(destination, losses)
    start = 0
    while start < len(messages) and _orders(messages[start]):
        start += 1
    turns = _turns(messages[start:], losses)
    _place_results(turns)
    contents = _written(turns, writer, losses)
    if not contents:
        # The order is all that is said, so it is the question as well.
        return Conversation([], _asked(messages[:start], writer))
    if contents[0]["role"] == "model":
        raise InvalidRequest(
            "The model's provider wants the user to speak first.",
            code="first_message_not_user",
            param="messages",
            hint="Begin the messages with one of the role 'user'.",
        )
    return Conversation(_orders_of(messages[:start], writer), contents)


def _orders(message: Message) -> bool:
    return message.role in {"system", "developer"}


def _orders_of(messages: tuple[Message, ...], writer: PartWriter) -> list[Document]:
    written = [writer.write(part) for message in messages for part in message.parts]
    return [part for part in written if part is not None]


def _asked(messages: tuple[Message, ...], writer: PartWriter) -> list[Document]:
    parts = _orders_of(messages, writer)
    if not parts:
        raise InvalidRequest(
            "The messages hold nothing that the model could answer.",
            code="missing_messages",
            param="messages",
            hint="Send at least one message of the role 'user' that is not empty.",
        )
    return [{"role": "user", "parts": parts}]


def _turns(messages: tuple[Message, ...], losses: Losses) -> list[_Turn]:
    """The turns with their parts; messages of one role that follow each other are one turn."""
    turns: list[_Turn] = []
    for message in messages:
        if message.name is not None:
            losses.lose("name", "the provider's API does not name who speaks")
        if message.cache is not None:
            losses.lose("cache_control", "the provider caches prompts by itself")
        if message.extra:
            lose_members(message.extra, losses)
        role = "model" if message.role == "assistant" else "user"
        if not turns or turns[-1].role != role:
            turns.append(_Turn(role))
        # An order in the middle holds for what comes next, and only the user can say it there.
        turns[-1].parts += [_tagged(message)] if _orders(message) else message.parts
    return turns


def _tagged(message: Message) -> Part:
    words = "\n".join(part.text for part in message.parts if isinstance(part, Text))
    return Text(f"<system>\n{words}\n</system>" if words.strip() else "")


def _place_results(turns: list[_Turn]) -> None:
    """Give each result to the turn whose call it answers, wherever it came.

    Raises:
        InvalidRequest: there is no such call before it.
    """
    for index, turn in enumerate(turns):
        if turn.role == "model":
            turn.calls = {part.id: part for part in turn.parts if isinstance(part, ToolCall)}
            continue
        results = [part for part in turn.parts if isinstance(part, ToolResult)]
        for result in results:
            _asker(turns[:index], result.call_id).results[result.call_id] = result
        if results:
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


def _written(turns: list[_Turn], writer: PartWriter, losses: Losses) -> list[Document]:
    """The contents: the responses to a turn's calls open the user's next one."""
    contents: list[Document] = []
    responses: list[Document] = []
    for turn in turns:
        if turn.role == "model" and responses:
            # Nothing of the user's is left between the two.
            _append(contents, "user", responses)
            responses = []
        parts = responses + _parts(turn, writer)
        responses = _responses(turn, writer, losses)
        if not parts and turn.role == "user" and any(not isinstance(p, Text) for p in turn.parts):
            parts = [{"text": _EMPTY}]
        _append(contents, turn.role, parts)
    _append(contents, "user", responses)
    return contents


def _append(contents: list[Document], role: str, parts: list[Document]) -> None:
    """Add a turn; one that follows its like, since what was between them is empty, joins it."""
    if not parts:
        return
    if contents and contents[-1]["role"] == role:
        contents[-1]["parts"] += parts
    else:
        contents.append({"role": role, "parts": parts})


def _parts(turn: _Turn, writer: PartWriter) -> list[Document]:
    written: list[Document] = []
    called: set[str] = set()
    for part in turn.parts:
        if not isinstance(part, ToolCall) or turn.role != "model":
            document = writer.write(part)
            if document is not None:
                written.append(document)
        elif part.id not in called:
            # A call that came twice in one turn is one call.
            written.append(writer.call(part, first=not called))
            called.add(part.id)
    return written


def _responses(turn: _Turn, writer: PartWriter, losses: Losses) -> list[Document]:
    """The responses to a turn's calls in the order of the calls, none of them missing."""
    responses = []
    for call_id, call in turn.calls.items():
        result = turn.results.get(call_id)
        if result is None:
            losses.lose(
                "missing tool result", "the provider wants one for each call; it is told so"
            )
            result = ToolResult(call_id, (Text(_MISSING),), is_error=True, bare=True)
        responses.append(writer.result(result, call.name))
    return responses
