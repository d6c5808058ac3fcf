"""Messages, written."""

from typing import Final

from trunkline.gateway.exchange.destination import Destination
from trunkline.gateway.exchange.losses import Losses
from trunkline.gateway.exchange.parts import (
    Audio,
    Document,
    File,
    Foreign,
    Image,
    Part,
    Reasoning,
    Refusal,
    Text,
    ToolCall,
    ToolResult,
    Upload,
)
from trunkline.gateway.exchange.request import Message, Request
from trunkline.gateway.exchange.turns import joined_answers
from trunkline.gateway.wire.cohere_chat.content import WIRE, block_back, image_for
from trunkline.gateway.wire.documents import arguments_text, note_extras
from trunkline.gateway.wire.functions import calls_back
from trunkline.gateway.wire.parts import name_of, text_of
from trunkline.gateway.wire.spelling import SpelledMessage

_UNKNOWN_PART: Final = "only its own provider understands it"
_NOT_TAKEN: Final = "the provider does not take it"
_ONLY_TEXT: Final = "the provider takes only text as a tool's result"
_NO_FAILURES: Final = "the provider's API does not tell failed results from others"
_NO_THOUGHT: Final = "the model takes no thought back"
_NO_MARKS: Final = "the provider's API has no cache marks"
_NO_NAMES: Final = "the provider's API has no names of participants"


def write_messages(request: Request, destination: Destination, losses: Losses) -> list[Document]:
    """All messages; those of other formats may become several each."""
    own = request.wire == WIRE
    thinks = bool(destination.traits.thinking)
    written: list[Document] = []
    for message in request.messages if own else joined_answers(request.messages):
        if own and isinstance(message, SpelledMessage):
            written.append(_own(message))
        else:
            written += _Turn(message, losses, thinks=thinks).documents()
    return written


def _own(message: SpelledMessage) -> Document:
    """A message as it came."""
    parts: tuple[Part, ...] = message.parts
    first = parts[0] if parts else None
    if isinstance(first, ToolResult):
        document: Document = {"role": "tool", "tool_call_id": first.call_id}
        parts = first.parts
    elif message.whole and isinstance(first, Foreign):
        return dict(first.value)
    else:
        document = {"role": message.role}
    if message.planned and isinstance(first, Text):
        document["tool_plan"] = first.text
        parts = parts[1:]
    calls = [part for part in parts if isinstance(part, ToolCall)]
    content = [part for part in parts if not isinstance(part, ToolCall)]
    if message.bare and len(content) == 1 and isinstance(content[0], Text):
        document["content"] = content[0].text
    elif content:
        document["content"] = [block_back(part) for part in content]
    if calls:
        document["tool_calls"] = calls_back(calls, message.spelled, text=True)
    return {**document, **message.plain, **message.extra}


class _Turn:
    """One message of another format on its way into this one."""

    def __init__(self, message: Message, losses: Losses, *, thinks: bool) -> None:
        self._message = message
        self._losses = losses
        self._thinks = thinks
        self._blocks: list[Document] = []
        self._calls: list[Document] = []
        self._results: list[Document] = []

    def documents(self) -> list[Document]:
        """The results of tools, each a message of its own, and then everything else."""
        message, losses = self._message, self._losses
        if message.name is not None:
            losses.lose("name", _NO_NAMES)
        if message.cache is not None:
            losses.lose("cache_control", _NO_MARKS)
        note_extras(message.extra, losses)
        for part in message.parts:
            self._take(part)
        if self._results and not self._blocks:
            return self._results
        return [*self._results, self._document()]

    def _document(self) -> Document:
        role = "system" if self._message.role == "developer" else self._message.role
        document: Document = {"role": role}
        if self._calls:
            plan = "".join(block["text"] for block in self._blocks if block["type"] == "text")
            thought = [block for block in self._blocks if block["type"] == "thinking"]
            if plan:
                document["tool_plan"] = plan
            if thought:
                document["content"] = thought
            document["tool_calls"] = self._calls
        elif all(block["type"] == "text" for block in self._blocks):
            joint = "" if role == "assistant" else "\n"
            document["content"] = joint.join(block["text"] for block in self._blocks)
        else:
            document["content"] = self._blocks
        return document

    def _take(self, part: Part) -> None:
        losses = self._losses
        if isinstance(part, (Text, Image, Audio, File, ToolCall, ToolResult)):
            if part.cache is not None:
                losses.lose("cache_control", _NO_MARKS)
            note_extras(part.extra, losses)
        if isinstance(part, (Text, Refusal)):
            if part.text:
                self._blocks.append({"type": "text", "text": part.text})
        elif isinstance(part, Reasoning):
            self._think(part)
        elif isinstance(part, ToolCall):
            function = {"name": part.name, "arguments": arguments_text(part.arguments)}
            self._calls.append({"id": part.id, "type": "function", "function": function})
        elif isinstance(part, ToolResult):
            self._results.append(self._result(part))
        elif isinstance(part, Foreign):
            losses.lose(name_of(part), _UNKNOWN_PART)
        else:
            self._media(part)

    def _think(self, part: Reasoning) -> None:
        """Thought goes back in words only; a signature of another maker's proves nothing here."""
        if not part.text:
            return
        if self._thinks:
            self._blocks.append({"type": "thinking", "thinking": part.text})
        else:
            self._losses.lose("reasoning_content", _NO_THOUGHT)

    def _media(self, part: Image | Audio | File) -> None:
        if isinstance(part, Image) and not isinstance(part.source, Upload):
            self._blocks.append({"type": "image_url", "image_url": image_for(part)})
            return
        text = text_of(part) if isinstance(part, File) else None
        if text is None:
            self._losses.lose(type(part).__name__.lower(), _NOT_TAKEN)
        else:
            self._blocks.append({"type": "text", "text": text})

    def _result(self, result: ToolResult) -> Document:
        texts = []
        for part in result.parts:
            if isinstance(part, Text):
                texts.append(part.text)
            elif isinstance(part, Foreign):
                self._losses.lose(name_of(part), _UNKNOWN_PART)
            else:
                self._losses.lose(type(part).__name__.lower(), _ONLY_TEXT)
        if result.is_error:
            self._losses.lose("is_error", _NO_FAILURES)
        return {"role": "tool", "tool_call_id": result.call_id, "content": "\n".join(texts)}
