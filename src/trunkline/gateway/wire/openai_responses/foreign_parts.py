"""Parts of other wires as items of this one and as elements of their content.

What has no place here is noted. Source of the rules: OpenAI's guides to conversation state, to
function calling and to reasoning, and the limits that its errors name.
"""

from typing import Final

from trunkline.gateway.exchange.destination import Destination
from trunkline.gateway.exchange.losses import Losses
from trunkline.gateway.exchange.parts import (
    Audio,
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
from trunkline.gateway.wire.documents import arguments_text, note_extras
from trunkline.gateway.wire.openai_family.calls import bounded_id
from trunkline.gateway.wire.openai_family.sources import address_of
from trunkline.gateway.wire.openai_responses.content import ANSWERED, SAID
from trunkline.gateway.wire.openai_responses.items import write_call, write_thought

_FAMILY: Final = "openai"
_OPENAI_WIRES: Final = "openai_"
_UNKNOWN: Final = "only the API that it came by knows such content"


class PartWriter:
    """Writes the parts of one request. Its state is where the request is going."""

    __slots__ = ("_fetches", "_losses", "_shares_files", "_thinks_as")

    def __init__(self, wire: str, destination: Destination, losses: Losses) -> None:
        self._losses = losses
        self._fetches = destination.quirks.fetches
        self._thinks_as = destination.family or _FAMILY
        # A file that was uploaded to OpenAI is there for all of OpenAI's formats.
        self._shares_files = wire.startswith(_OPENAI_WIRES) and self._thinks_as == _FAMILY

    def said(self, part: Part) -> Document | None:
        """An element of what people say or tools answer; None where it has none."""
        if isinstance(part, (Text, Refusal)):
            return self._finished({"type": SAID, "text": part.text}, part)
        if isinstance(part, Image):
            return self._image(part)
        if isinstance(part, File):
            return self._file(part)
        if isinstance(part, Audio):
            self._losses.lose("audio", "the provider's API takes no sound")
        elif isinstance(part, Foreign):
            self.lose_foreign(part)
        return None

    def answered(self, part: Part) -> Document | None:
        """An element of what the model said; None where it has none."""
        if isinstance(part, Text):
            if not part.text:
                return None
            return self._finished({"type": ANSWERED, "text": part.text, "annotations": []}, part)
        if isinstance(part, Refusal):
            return {"type": "refusal", "refusal": part.text}
        if isinstance(part, Foreign):
            self.lose_foreign(part)
        else:
            name = type(part).__name__.lower()
            self._losses.lose(name, "the provider's API has no place for it in an answer")
        return None

    def thought(self, parts: list[Reasoning]) -> Document | None:
        """The item of one thought; None where its maker is another one."""
        signed = parts[-1]
        if signed.signature is None or signed.family != self._thinks_as or signed.redacted:
            self._losses.lose("reasoning content", "the model that it was made by is another one")
            return None
        item = write_thought(parts)
        # The id is demanded and means nothing beside the encrypted content.
        item.setdefault("id", f"rs_{bounded_id(signed.signature)}")
        return item

    def call(self, call: ToolCall) -> Document:
        """The item of a call."""
        note_extras(call.extra, self._losses)
        item = write_call(call, call.name)
        item.pop("extra_content", None)
        item["call_id"] = bounded_id(call.id)
        if call.kind == "function":
            item["arguments"] = arguments_text(call.arguments)
        return item

    def result(self, result: ToolResult, *, custom: bool) -> Document:
        """The item of a result."""
        note_extras(result.extra, self._losses)
        if result.is_error:
            self._losses.lose("is_error", "the provider's API does not tell failed results apart")
        elements = [element for part in result.parts if (element := self.said(part)) is not None]
        output: str | list[Document] = elements
        if not elements:
            output = ""
        elif len(elements) == 1 and elements[0].keys() == {"type", "text"}:
            output = elements[0]["text"]
        kind = "custom_tool_call_output" if custom else "function_call_output"
        return {"type": kind, "call_id": bounded_id(result.call_id), "output": output}

    def lose_foreign(self, part: Foreign) -> None:
        """Note a part of another API."""
        value = part.value if isinstance(part.value, dict) else {}
        kind = value.get("type")
        self._losses.lose(kind if isinstance(kind, str) and kind else "content", _UNKNOWN)

    def _finished(self, element: Document, part: Text | Refusal | Image | File) -> Document:
        if not isinstance(part, Refusal):
            if part.cache is not None:
                self._losses.lose("cache_control", "the provider caches by itself")
            note_extras(part.extra, self._losses)
        return element

    def _image(self, part: Image) -> Document | None:
        if not self._reaches(part.source, "image"):
            return None
        element: Document = {"type": "input_image", "detail": part.detail or "auto"}
        if isinstance(part.source, Upload):
            element["file_id"] = part.source.id
        else:
            element["image_url"] = address_of(part.source)
        return self._finished(element, part)

    def _file(self, part: File) -> Document | None:
        source = part.source
        if not self._reaches(source, "file"):
            return None
        element: Document = {"type": "input_file"}
        if isinstance(source, Upload):
            element["file_id"] = source.id
        elif isinstance(source, Inline):
            # Bytes without a name are refused.
            element["filename"] = part.name or f"file.{source.media_type.rpartition('/')[2]}"
            element["file_data"] = address_of(source)
        else:
            element["file_url"] = source.url
        return self._finished(element, part)

    def _reaches(self, source: Source, name: str) -> bool:
        why = None
        if isinstance(source, Upload) and not self._shares_files:
            why = "a file that was uploaded to another provider is not known here"
        elif isinstance(source, Link) and not self._fetches:
            why = "the provider does not fetch addresses"
        if why is not None:
            self._losses.lose(name, why)
        return why is None
