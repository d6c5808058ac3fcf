"""Parts of another wire's messages as items of a chat's content."""

from collections.abc import Iterable
from typing import Final

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
    Refusal,
    Text,
    ToolCall,
    Upload,
)
from trunkline.gateway.wire.documents import arguments_text, note_extras
from trunkline.gateway.wire.openai_family.calls import (
    bounded_id,
    short_id,
    signature_content,
)
from trunkline.gateway.wire.openai_family.content_writer import write_item
from trunkline.gateway.wire.openai_family.custom import ARGUMENT
from trunkline.gateway.wire.openai_family.sources import address_of, write_mark
from trunkline.gateway.wire.parts import name_of, text_of

_NAMES: Final = {
    "image_url": "image",
    "input_audio": "audio",
    "file": "file",
    "document_url": "file",
}
_ELSEWHERE: Final = "it was uploaded to another provider"
_NO_LINKS: Final = "the provider takes files in the request itself only"
_NO_SOUND: Final = "the provider takes sound in the request itself only"


class PartWriter:
    """Writes parts for one provider and notes what it cannot take."""

    def __init__(self, destination: Destination, losses: Losses) -> None:
        self._family = destination.family
        self._quirks = destination.quirks
        self._losses = losses
        self.marks = "cache_control" in destination.quirks.takes

    def items(self, parts: Iterable[Part]) -> list[Document]:
        """Items of a list of content, without empty texts."""
        items = [self._item(part) for part in parts]
        return [item for item in items if item is not None]

    def text(self, parts: Iterable[Part], joint: str) -> str:
        """One text of all that can be said in words.

        Texts that follow each other are set apart by the joint, others by an empty line.
        """
        said = ""
        apart = False
        for part in parts:
            item = self._item(part)
            if item is None or item["type"] != "text":
                if item is not None:
                    self._losses.lose(_NAMES[item["type"]], "the provider takes text there only")
                apart = True
                continue
            if "cache_control" in item:
                self._losses.lose("cache_control", "the provider takes no mark there")
            said += ("\n\n" if apart else joint) * bool(said) + item["text"]
            apart = False
        return said

    def _item(self, part: Part) -> Document | None:
        if isinstance(part, Text):
            return self._text(part)
        if isinstance(part, Refusal):
            return {"type": "text", "text": part.text} if part.text else None
        if isinstance(part, Foreign):
            self._losses.lose(name_of(part), "only its own API understands it")
            return None
        if isinstance(part, Image | Audio | File):
            return self._media(part)
        return None

    def _text(self, part: Text) -> Document | None:
        note_extras(part.extra, self._losses)
        if not part.text:
            return None
        item: Document = {"type": "text", "text": part.text}
        if part.cache is not None:
            self.mark(item, part.cache)
        return item

    def _media(self, part: Image | Audio | File) -> Document | None:
        note_extras(part.extra, self._losses)
        item = self._file(part) if isinstance(part, File) else self._sensed(part)
        if item is not None and part.cache is not None:
            self.mark(item, part.cache)
        return item

    def _sensed(self, part: Image | Audio) -> Document | None:
        if isinstance(part, Audio):
            return self._sound(part)
        item: Document | None = write_item(Image(part.source, part.detail))
        if item is None:
            self._losses.lose("image", _ELSEWHERE)
        return item

    def _sound(self, part: Audio) -> Document | None:
        source = part.source
        if "audio_url" in self._quirks.takes and not isinstance(source, Upload):
            told = source.data if isinstance(source, Inline) else source.url
            return {"type": "input_audio", "input_audio": told}
        item: Document | None = None if isinstance(source, Link) else write_item(Audio(source))
        if item is None:
            self._losses.lose("audio", _NO_SOUND)
        return item

    def _file(self, part: File) -> Document | None:
        text = text_of(part)
        if text is not None:
            return {"type": "text", "text": text}
        address = address_of(part.source)
        if address is None:
            self._losses.lose("file", _ELSEWHERE)
            return None
        if "document_url" in self._quirks.takes:
            item: Document = {"type": "document_url", "document_url": address}
            return item if part.name is None else {**item, "document_name": part.name}
        if not isinstance(part.source, Inline):
            self._losses.lose("file", _NO_LINKS)
            return None
        name = part.name or f"file.{part.source.media_type.rpartition('/')[2]}"
        return {"type": "file", "file": {"filename": name, "file_data": address}}

    def mark(self, item: Document, mark: CacheMark) -> None:
        """Set a cache mark where the provider knows them."""
        if self.marks:
            item["cache_control"] = write_mark(mark)
        else:
            self._losses.lose("cache_control", "the provider's API has no cache marks")

    def call_id(self, call_id: str) -> str:
        """The id of a call in the form that the provider demands."""
        return short_id(call_id) if self._quirks.short_tool_ids else bounded_id(call_id)

    def call(self, call: ToolCall) -> Document:
        """A call; its arguments are JSON of an object, whatever the model wrote then."""
        note_extras(call.extra, self._losses)
        known = self.call_id(call.id)
        if call.kind == "custom" and self._quirks.developer_role:
            inner = {"name": call.name, "input": call.arguments}
            document: Document = {"id": known, "type": "custom", "custom": inner}
        else:
            told = {ARGUMENT: call.arguments} if call.kind == "custom" else call.arguments
            inner = {"name": call.name, "arguments": arguments_text(told)}
            document = {"id": known, "type": "function", "function": inner}
        if call.signature is not None and call.family == self._family == "google":
            document["extra_content"] = signature_content(call.signature)
        if call.cache is not None:
            self.mark(document, call.cache)
        return document
