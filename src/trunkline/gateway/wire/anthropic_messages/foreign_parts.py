"""Parts of other wires as Anthropic's content blocks. What has no place here is noted."""

from typing import Final

from trunkline.gateway.exchange.destination import Destination
from trunkline.gateway.exchange.losses import Losses
from trunkline.gateway.exchange.parts import (
    Audio,
    CacheMark,
    Citation,
    Document,
    File,
    Foreign,
    Image,
    Inline,
    Link,
    Part,
    Reasoning,
    Refusal,
    Source,
    Text,
    ToolCall,
    ToolResult,
    Upload,
)
from trunkline.gateway.wire.anthropic_messages.blocks import WIRE
from trunkline.gateway.wire.anthropic_messages.marks import write_mark
from trunkline.gateway.wire.anthropic_messages.sources import PLAIN, plain_text, write_source
from trunkline.gateway.wire.documents import arguments_object, decoded, note_extras

# Source: Anthropic's documentation of vision and of PDF support.
_PICTURES: Final = frozenset({"image/jpeg", "image/png", "image/gif", "image/webp"})
_PDF: Final = "application/pdf"
CUSTOM_ARGUMENT: Final = "input"
"""The one argument of a function that stands for a custom tool, which takes any text."""


class PartWriter:
    """Writes the parts of one request. Its state is where the request is going."""

    __slots__ = ("_losses", "_quirks", "_readable")

    def __init__(self, destination: Destination, losses: Losses) -> None:
        self._quirks = destination.quirks
        self._readable = destination.family or "anthropic"
        self._losses = losses

    def write(self, part: Part) -> Document | None:
        """The block of a part that is no tool call and no result; None where it has none."""
        if isinstance(part, Text):
            return self._text(part)
        if isinstance(part, Refusal):
            return {"type": "text", "text": part.text} if part.text else None
        if isinstance(part, Reasoning):
            return self._reasoning(part)
        if isinstance(part, (Image, File)):
            return self._media(part)
        if isinstance(part, Audio):
            self._losses.lose("audio", "the provider takes no sound")
            return None
        if isinstance(part, Foreign):
            value = part.value if isinstance(part.value, dict) else {}
            kind = value.get("type")
            name = kind if isinstance(kind, str) else "content"
            self._losses.lose(name, "only the API that it came by knows such content")
        return None

    def call(self, call: ToolCall, call_id: str) -> Document:
        """The block of a call under the id that it has here."""
        block: Document = {"type": "tool_use", "id": call_id, "name": call.name}
        block["input"] = self._arguments(call)
        return self._finished(block, call.cache, call.extra)

    def _arguments(self, call: ToolCall) -> Document:
        if call.kind == "custom":
            return {CUSTOM_ARGUMENT: call.arguments}
        value = decoded(call.arguments)
        if isinstance(value, dict):
            return value
        if value is not None or call.arguments.strip() not in {"", "null"}:
            self._losses.lose("arguments", "those of an earlier tool call are no JSON object")
        return arguments_object(call.arguments)

    def result(self, result: ToolResult, call_id: str) -> Document:
        """The block of a result under the id of its call."""
        block: Document = {"type": "tool_result", "tool_use_id": call_id}
        content = [self.write(part) for part in result.parts]
        blocks = [written for written in content if written is not None]
        if result.bare and len(blocks) == 1 and blocks[0].keys() == {"type", "text"}:
            block["content"] = blocks[0]["text"]
        elif blocks:
            block["content"] = blocks
        if result.is_error:
            block["is_error"] = True
        return self._finished(block, result.cache, result.extra)

    def _finished(self, block: Document, mark: CacheMark | None, extra: Document) -> Document:
        if mark is not None:
            block["cache_control"] = write_mark(mark)
        if extra:
            note_extras(extra, self._losses)
        return block

    def _text(self, part: Text) -> Document | None:
        if not part.text.strip():
            # The API refuses text of spaces alone, and it says nothing.
            return None
        block: Document = {"type": "text", "text": part.text}
        if part.citations:
            own = [given for cited in part.citations if (given := _native(cited)) is not None]
            if own:
                block["citations"] = own
            else:
                self._losses.lose("citations", "they name sources that the provider did not give")
        return self._finished(block, part.cache, part.extra)

    def _reasoning(self, part: Reasoning) -> Document | None:
        if part.signature is None or part.family != self._readable:
            self._losses.lose("reasoning content", "the model that it was made by is another one")
            return None
        if part.redacted:
            return {"type": "redacted_thinking", "data": part.signature}
        return {"type": "thinking", "thinking": part.text, "signature": part.signature}

    def _media(self, part: Image | File) -> Document | None:
        source, name = part.source, type(part).__name__.lower()
        why = self._hindrance(source)
        if why is not None:
            self._losses.lose(name, why)
            return None
        kind = "image" if isinstance(part, Image) else "document"
        written = write_source(source)
        if isinstance(source, Inline):
            media_type = source.media_type.partition(";")[0].strip().lower()
            if media_type in _PICTURES:
                kind = "image"
            elif media_type == _PDF:
                kind = "document"
            elif kind == "image" or (text := plain_text(source)) is None:
                self._losses.lose(name, f"the provider does not take {media_type}")
                return None
            else:
                kind, media_type = "document", PLAIN
                written = {"type": "text", "media_type": PLAIN, "data": text}
            written["media_type"] = media_type
        block: Document = {"type": kind, "source": written}
        if isinstance(part, File) and part.name and kind == "document":
            block["title"] = part.name
        return self._finished(block, part.cache, part.extra)

    def _hindrance(self, source: Source) -> str | None:
        if isinstance(source, Upload):
            return "a file that was uploaded to another provider is not known here"
        quirks = self._quirks
        if (
            isinstance(source, Link)
            and not quirks.fetches
            and not source.url.startswith(quirks.fetches_from)
        ):
            return "the provider does not fetch addresses"
        return None


def _native(citation: Citation) -> Document | None:
    return citation.native if citation.wire == WIRE else None
