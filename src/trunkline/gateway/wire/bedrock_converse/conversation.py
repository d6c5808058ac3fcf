"""A conversation of another wire as the turns that Converse accepts.

Turns alternate and the user's comes first; the results of a turn's calls come together and before
everything else; nothing is blank. Source: the Converse API reference and LiteLLM's rules for it.
"""

from typing import Final

from trunkline.errors import InvalidRequest
from trunkline.gateway.exchange.destination import Destination
from trunkline.gateway.exchange.losses import Losses
from trunkline.gateway.exchange.parts import (
    Audio,
    CacheMark,
    Document,
    File,
    Foreign,
    Image,
    Inline,
    Link,
    Part,
    Reasoning,
    Refusal,
    Text,
    ToolCall,
    ToolResult,
)
from trunkline.gateway.exchange.request import Message
from trunkline.gateway.wire.bedrock_converse.blocks import wrapped, write_cache_point
from trunkline.gateway.wire.bedrock_converse.formats import (
    document_format,
    image_format,
    sound_format,
)
from trunkline.gateway.wire.bedrock_converse.ids import CallIds
from trunkline.gateway.wire.bedrock_converse.names import DocumentNames
from trunkline.gateway.wire.bedrock_converse.turns import Turns
from trunkline.gateway.wire.documents import arguments_object

_S3: Final = "s3://"
_NO_OUTPUT: Final = "(no output)"
_BYTES_ONLY: Final = "the provider takes bytes and no address or id of a file"
_NOT_CACHED: Final = "the model has no prompt cache that can be marked"


class ConversationWriter:
    """Writes the messages of one request. Its state is what it has written so far."""

    def __init__(self, destination: Destination, losses: Losses) -> None:
        self._destination = destination
        self._losses = losses
        self._ids = CallIds()
        self._names = DocumentNames()
        self._turns = Turns(losses)
        self._marks = takes_marks(destination)
        self.system: list[Document] = []

    def write(self, messages: tuple[Message, ...]) -> list[Document]:
        """The turns; the system prompt is in ``system`` then.

        Raises:
            InvalidRequest: nothing is left that the user says first.
        """
        for message in messages:
            self._note(message)
            if message.role in {"system", "developer"}:
                self._say(message)
            else:
                blocks = [block for part in message.parts for block in self._blocks(part, message)]
                if message.cache is not None and blocks:
                    blocks += self._mark(message.cache)
                self._turns.add("user" if message.role == "user" else "assistant", blocks)
        turns = self._turns.finish()
        if not turns or turns[0]["role"] != "user":
            raise InvalidRequest(
                "The conversation must begin with a message of the user that is not empty.",
                code="user_message_first",
                param="messages",
                hint="Put a message of the role 'user' before the others.",
            )
        return turns

    def _note(self, message: Message) -> None:
        if message.name is not None:
            self._losses.lose("name", "the provider's messages have no names")
        for name, value in message.extra.items():
            # A role in the wire's own word is not lost: the message has it in ours.
            if value is not None and name != "role":
                self._losses.lose(f"messages.{name}", "only the caller's own API has it")

    def _say(self, message: Message) -> None:
        """A system prompt: in its own place, or later in the mouth that the model accepts."""
        blocks: list[Document] = []
        for part in message.parts:
            if not isinstance(part, Text):
                self._lose_part(part)
            elif part.text.strip():
                blocks += [{"text": part.text}, *self._mark(part.cache)]
        if message.cache is not None and blocks:
            blocks += self._mark(message.cache)
        if not self._turns:
            self.system += blocks
        elif self._destination.traits.late_system and self._turns.last_role == "user":
            self._turns.add("system", blocks)
        else:
            for block in blocks:
                if "text" in block:
                    block["text"] = f"<system>\n{block['text']}\n</system>"
            self._turns.add("user", blocks)

    def _blocks(self, part: Part, message: Message) -> list[Document]:
        match part:
            case Text() | Refusal():
                return self._text(part)
            case ToolCall():
                return self._call(part)
            case ToolResult():
                return self._result(part)
            case Reasoning():
                return self._thought(part)
            case Image() | Audio() | File() if message.role == "user":
                block = self._media(part)
                return [] if block is None else [block, *self._mark(part.cache)]
            case _:
                self._lose_part(part)
                return []

    def _text(self, part: Text | Refusal) -> list[Document]:
        if not part.text.strip():
            return []
        mark: list[Document] = []
        if isinstance(part, Text):
            mark = self._mark(part.cache)
            if part.citations:
                self._losses.lose("citations", "the provider takes no sources of earlier answers")
        return [{"text": part.text}, *mark]

    def _call(self, part: ToolCall) -> list[Document]:
        # A custom tool takes a text, which stands in the one member that its tool was given.
        custom = part.kind == "custom"
        given = {"input": part.arguments} if custom else arguments_object(part.arguments)
        used = {"toolUseId": self._ids.of_call(part.id), "name": part.name, "input": given}
        return [{"toolUse": used}, *self._mark(part.cache)]

    def _result(self, part: ToolResult) -> list[Document]:
        content: list[Document] = []
        for inner in part.parts:
            if isinstance(inner, Text):
                content += [{"text": inner.text}] if inner.text.strip() else []
            elif isinstance(inner, Foreign):
                self._lose_part(inner)
            elif isinstance(inner, Audio):
                self._losses.lose("audio", "the result of a tool has no sound at the provider")
            elif (block := self._media(inner)) is not None:
                content.append(block)
        result: Document = {
            "toolUseId": self._ids.of_result(part.call_id),
            "content": content or [{"text": _NO_OUTPUT}],
        }
        if part.is_error:
            result["status"] = "error"
        return [{"toolResult": result}, *self._mark(part.cache)]

    def _thought(self, part: Reasoning) -> list[Document]:
        family = self._destination.family
        if part.signature is None or part.family != family or family != "anthropic":
            self._losses.lose("reasoning", "the model takes back only thought that it signed")
            return []
        if part.redacted:
            return [{"reasoningContent": {"redactedContent": wrapped(part.signature)}}]
        said = {"text": part.text, "signature": part.signature}
        return [{"reasoningContent": {"reasoningText": said}}]

    def _media(self, part: Image | Audio | File) -> Document | None:
        source = part.source
        if isinstance(source, Link) and source.url.startswith(_S3):
            media = source.media_type or ""
            given: Document = {"s3Location": {"uri": source.url}}
        elif isinstance(source, Inline):
            media, given = source.media_type, {"bytes": source.data}
        else:
            self._losses.lose(_name_of(part), _BYTES_ONLY)
            return None
        image = image_format(media)
        if image is not None and not isinstance(part, Audio):
            return {"image": {"format": image, "source": given}}
        if isinstance(part, File) and (form := document_format(media)) is not None:
            name = self._names.of(part.name)
            return {"document": {"format": form, "name": name, "source": given}}
        if isinstance(part, Audio) and (sound := sound_format(media)) is not None:
            return {"audio": {"format": sound, "source": given}}
        self._losses.lose(_name_of(part), f"the provider takes no {media or 'file of no type'}")
        return None

    def _mark(self, mark: CacheMark | None) -> list[Document]:
        if mark is None:
            return []
        if not self._marks:
            self._losses.lose("cache_control", _NOT_CACHED)
            return []
        # Five minutes is what models do that know no lifetimes.
        return [write_cache_point(mark if mark.ttl == "1h" else CacheMark())]

    def _lose_part(self, part: Part) -> None:
        self._losses.lose(_name_of(part), "the provider has no place for it there")


def takes_marks(destination: Destination) -> bool:
    """Whether the model's prompt cache is told where to end; Claude's and Nova's are."""
    return destination.family == "anthropic" or "amazon.nova" in destination.model


def _name_of(part: Part) -> str:
    if isinstance(part, Foreign):
        kind = part.value.get("type") if isinstance(part.value, dict) else None
        return kind if isinstance(kind, str) else "content"
    return type(part).__name__.lower()
