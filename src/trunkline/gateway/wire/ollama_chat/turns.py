"""Messages of ``/api/chat``, written."""

from typing import Final

from trunkline.gateway.exchange.losses import Losses
from trunkline.gateway.exchange.parts import (
    Audio,
    Document,
    File,
    Foreign,
    Image,
    Inline,
    Part,
    Reasoning,
    Refusal,
    Text,
    ToolCall,
    ToolResult,
)
from trunkline.gateway.exchange.request import Message, Request
from trunkline.gateway.exchange.turns import joined_answers
from trunkline.gateway.wire.documents import note_extras
from trunkline.gateway.wire.functions import calls_back
from trunkline.gateway.wire.ollama_family.calls import write_call
from trunkline.gateway.wire.ollama_family.images import image_for
from trunkline.gateway.wire.ollama_family.names import CHAT_NAME
from trunkline.gateway.wire.parts import name_of, text_of
from trunkline.gateway.wire.spelling import SpelledMessage

_UNKNOWN_PART: Final = "only its own provider understands it"
_NO_FILES: Final = "the provider takes no files but plain text"
_NO_FAILURES: Final = "the provider's API does not tell failed results from others"
_NO_MARKS: Final = "the provider's API has no cache marks"
_NO_NAMES: Final = "the provider's API has no names of participants"


def write_messages(request: Request, losses: Losses) -> list[Document]:
    """All messages; those of other formats may become several each."""
    own = request.wire == CHAT_NAME
    names: dict[str, str] = {}
    written: list[Document] = []
    for message in request.messages if own else joined_answers(request.messages):
        if own and isinstance(message, SpelledMessage):
            written.append(_own(message))
        else:
            written += _Turn(message, names, losses).documents()
    return written


def _own(message: SpelledMessage) -> Document:
    """A message as it came."""
    parts = message.parts
    first = parts[0] if parts else None
    if message.whole and isinstance(first, Foreign):
        return dict(first.value)
    if isinstance(first, ToolResult):
        document: Document = {"role": "tool", **_own_content(first.parts)}
        if first.name is not None:
            document["tool_name"] = first.name
    else:
        document = {"role": message.role, **_own_content(parts)}
    calls = [part for part in parts if isinstance(part, ToolCall)]
    if calls:
        document["tool_calls"] = calls_back(calls, message.spelled, text=False)
    return {**document, **message.plain, **message.extra}


def _own_content(parts: tuple[Part, ...]) -> Document:
    content: Document = {}
    for part in parts:
        if isinstance(part, Reasoning):
            content["thinking"] = part.text
        elif isinstance(part, Text):
            content["content"] = part.text
        elif isinstance(part, (Image, Audio)) and isinstance(part.source, Inline):
            content.setdefault("images", []).append(part.source.data)
    return content


class _Turn:
    """One message of another format on its way into this one."""

    def __init__(self, message: Message, names: dict[str, str], losses: Losses) -> None:
        self._message = message
        self._names = names
        self._losses = losses
        self._texts: list[str] = []
        self._thought: list[str] = []
        self._images: list[str] = []
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
        if self._results and not (self._texts or self._images or self._calls):
            return self._results
        role = "system" if message.role == "developer" else message.role
        # The pieces of an answer follow each other; what people send apart stands apart.
        joint = "" if role == "assistant" else "\n"
        document: Document = {"role": role, "content": joint.join(self._texts)}
        if any(self._thought):
            document["thinking"] = "".join(self._thought)
        if self._images:
            document["images"] = self._images
        if self._calls:
            document["tool_calls"] = self._calls
        return [*self._results, document]

    def _take(self, part: Part) -> None:
        losses = self._losses
        if isinstance(part, (Text, Image, Audio, File, ToolCall, ToolResult)):
            if part.cache is not None:
                losses.lose("cache_control", _NO_MARKS)
            note_extras(part.extra, losses)
        if isinstance(part, (Text, Refusal)):
            self._texts.append(part.text)
        elif isinstance(part, Reasoning):
            # A signature is worth nothing to a local model; the words are.
            self._thought.append(part.text)
        elif isinstance(part, ToolCall):
            self._names[part.id] = part.name
            number = len(self._calls)
            self._calls.append(write_call(part.id, part.name, part.arguments, number))
        elif isinstance(part, ToolResult):
            self._results.append(self._result(part))
        elif isinstance(part, Foreign):
            losses.lose(name_of(part), _UNKNOWN_PART)
        else:
            self._media(part, self._texts, self._images)

    def _media(self, part: Image | Audio | File, texts: list[str], images: list[str]) -> None:
        if isinstance(part, File):
            text = text_of(part)
            if text is None:
                self._losses.lose("file", _NO_FILES)
            else:
                texts.append(text)
            return
        image = image_for(part, self._losses)
        if image is not None:
            images.append(image)

    def _result(self, result: ToolResult) -> Document:
        texts: list[str] = []
        images: list[str] = []
        for part in result.parts:
            if isinstance(part, Text):
                texts.append(part.text)
            elif isinstance(part, Foreign):
                self._losses.lose(name_of(part), _UNKNOWN_PART)
            else:
                self._media(part, texts, images)
        if result.is_error:
            self._losses.lose("is_error", _NO_FAILURES)
        document: Document = {"role": "tool", "content": "\n".join(texts)}
        name = result.name or self._names.get(result.call_id)
        if name is not None:
            document["tool_name"] = name
        document["tool_call_id"] = result.call_id
        if images:
            document["images"] = images
        return document
