"""Messages of another wire as a chat.

Results of tools are text here, so images and files in them stand in a message of the user behind
them, and both places say so. Source of the rules: OpenAI's and Mistral's references of chat
completions, Groq's for system messages, which must be strings.
"""

from collections.abc import Iterable
from typing import Any, Final

import msgspec

from trunkline.errors import InvalidRequest
from trunkline.gateway.exchange.destination import Destination
from trunkline.gateway.exchange.losses import Losses
from trunkline.gateway.exchange.parts import (
    Document,
    Foreign,
    Part,
    Reasoning,
    Text,
    ToolCall,
    ToolResult,
)
from trunkline.gateway.exchange.request import Message, Request
from trunkline.gateway.exchange.turns import joined_answers
from trunkline.gateway.wire.documents import note_extras
from trunkline.gateway.wire.openai_chat.foreign_parts import PartWriter
from trunkline.gateway.wire.openai_chat.foreign_thought import write_thought

_FAILED: Final = "Error: "
_HEARD: Final = "Understood."


def write_messages(request: Request, destination: Destination, losses: Losses) -> list[Document]:
    """All messages; one of another wire may become several.

    Raises:
        InvalidRequest: nothing is left of them.
    """
    writer = _Writer(destination, losses)
    for message in joined_answers(request.messages):
        writer.take(message)
    if not writer.messages:
        raise InvalidRequest(
            "Nothing of the messages is left that the model could answer.",
            code="missing_messages",
            param="messages",
            hint="Send at least one message with text.",
        )
    last = writer.messages[-1]
    if last["role"] == "assistant" and "prefix" in destination.quirks.takes:
        last["prefix"] = True
    return writer.messages


class _Writer:
    """Writes one conversation.

    Its state is what is written, whether anybody has spoken, and which calls have their result.
    """

    def __init__(self, destination: Destination, losses: Losses) -> None:
        self._destination = destination
        self._losses = losses
        self._parts = PartWriter(destination, losses)
        self._begun = False
        self._answered: set[str] = set()
        self.messages: list[Document] = []

    def take(self, message: Message) -> None:
        for name, value in message.extra.items():
            # Some wires keep the role there as they spell it, and it is said here as well.
            if name != "role" or value != message.role:
                note_extras({name: value}, self._losses)
        if message.role == "assistant":
            self._begun = True
            self._answer(message)
        elif message.role == "user":
            self._begun = True
            self._results(message)
            self._say(message)
        else:
            self._order(message)

    def _order(self, message: Message) -> None:
        """A system message; a late one is the user's where the model knows none there."""
        late = self._begun and not self._destination.traits.late_system
        known = message.role == "developer" and self._destination.quirks.developer_role
        parts = _marked(message)
        marked = self._parts.marks and any(isinstance(p, Text) and p.cache for p in parts)
        if marked and not late:
            content: object = self._parts.items(parts)
        else:
            content = self._parts.text(parts, "\n\n")
            if late and content:
                content = f"<system>\n{content}\n</system>"
        if content:
            role = "user" if late else "developer" if known else "system"
            self._add({"role": role, "content": content}, message)

    def _say(self, message: Message) -> None:
        parts = [part for part in _marked(message) if not isinstance(part, ToolResult)]
        items = self._parts.items(parts)
        if len(items) == 1 and items[0].keys() == {"type", "text"}:
            self._add({"role": "user", "content": items[0]["text"]}, message)
        elif items:
            self._add({"role": "user", "content": items}, message)
        elif not message.parts:
            self._add({"role": "user", "content": ""}, message)

    def _results(self, message: Message) -> None:
        """The results first, as they must follow the calls, and then what they could not hold."""
        beside: list[Document] = []
        for part in message.parts:
            if isinstance(part, ToolResult):
                self._result(part, beside)
        if beside:
            self._bridge()
            self.messages.append({"role": "user", "content": beside})

    def _bridge(self) -> None:
        """Let the model answer to results before the user speaks, where that is demanded."""
        before = self.messages[-1]["role"] if self.messages else ""
        if before == "tool" and self._destination.quirks.answers_results:
            self.messages.append({"role": "assistant", "content": _HEARD})

    def _result(self, result: ToolResult, beside: list[Document]) -> None:
        if result.call_id in self._answered:
            # Gemini CLI tells each result twice when it goes on with an earlier conversation.
            self._losses.lose("repeated tool result", "the provider wants one for each call")
            return
        self._answered.add(result.call_id)
        note_extras(result.extra, self._losses)
        items = self._parts.items(result.parts)
        text = "\n".join([item["text"] for item in items if item["type"] == "text"])
        media = [item for item in items if item["type"] != "text"]
        if media:
            note = f"[The content of tool call {result.call_id} follows in the next user message.]"
            text = f"{text}\n{note}" if text else note
            beside.append({"type": "text", "text": f"[Content of tool call {result.call_id}:]"})
            beside += media
        if result.is_error and not text.startswith(_FAILED):
            text = _FAILED + text
        document: Document = {
            "role": "tool",
            "tool_call_id": self._parts.call_id(result.call_id),
            "content": text,
        }
        marks = [part.cache for part in (result, *result.parts) if not isinstance(part, Foreign)]
        mark = next((mark for mark in marks if mark is not None), None)
        if mark is not None:
            self._parts.mark(document, mark)
        self.messages.append(document)

    def _answer(self, message: Message) -> None:
        parts = _marked(message)
        calls = [part for part in parts if isinstance(part, ToolCall)]
        self._answered.difference_update([call.id for call in calls])
        thoughts = [part for part in parts if isinstance(part, Reasoning)]
        said = [part for part in parts if not isinstance(part, ToolCall | Reasoning)]
        marked = self._parts.marks and any(isinstance(p, Text) and p.cache for p in said)
        text: Any = self._parts.items(said) if marked else self._parts.text(said, "")
        document: Document = {"role": "assistant", "content": text or (None if calls else "")}
        if thoughts:
            write_thought(document, thoughts, self._destination, self._losses)
        if calls:
            document["tool_calls"] = [self._parts.call(call) for call in calls]
        if text or calls or len(document) > 2:
            self._add(document, message)

    def _add(self, document: Document, message: Message) -> None:
        if document["role"] == "user":
            self._bridge()
        if message.name is not None:
            if "name" in self._destination.quirks.refuses:
                self._losses.lose("name", "the provider's API does not name who speaks")
            else:
                document["name"] = message.name
        self.messages.append(document)


def _marked(message: Message) -> Iterable[Part]:
    """The parts of a message; its own cache mark is that of its last text or call."""
    if message.cache is None:
        return message.parts
    parts = list(message.parts)
    for at in range(len(parts) - 1, -1, -1):
        part = parts[at]
        if isinstance(part, Text | ToolCall | ToolResult) and part.cache is None:
            parts[at] = msgspec.structs.replace(part, cache=message.cache)
            break
    return parts
