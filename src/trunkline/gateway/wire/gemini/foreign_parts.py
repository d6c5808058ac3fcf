"""Parts of other wires as Gemini's. What has no place here is noted."""

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
    Reasoning,
    Refusal,
    Text,
    ToolCall,
    ToolResult,
    Upload,
)
from trunkline.gateway.wire.documents import arguments_object, decoded
from trunkline.gateway.wire.gemini.media import GOOGLES, write_media
from trunkline.gateway.wire.gemini.parts import thought

CUSTOM_ARGUMENT: Final = "input"
"""The one argument of a function that stands for a custom tool, which takes any text."""
_NOTHING: Final[tuple[object, ...]] = ("", [], {})
_YOUTUBE: Final = ("https://www.youtube.com/", "https://youtu.be/")
# What Google's own Gemini CLI sends for a call whose signature it does not have.
_UNSIGNED: Final = "skip_thought_signature_validator"


class PartWriter:
    """Writes the parts of one request. Its state is where the request is going."""

    __slots__ = ("_fetches", "_losses", "_readable", "_signs")

    def __init__(self, destination: Destination, losses: Losses) -> None:
        self._fetches = destination.quirks.fetches
        self._readable = destination.family or "google"
        self._signs = bool(destination.traits.thinking) and self._readable == "google"
        self._losses = losses

    def write(self, part: Part) -> Document | None:
        """A part that is no call and no result; None where it has no place here or says nothing."""
        if isinstance(part, Text):
            self._lose(part.cache, part.extra)
            return {"text": part.text} if part.text else None
        if isinstance(part, Refusal):
            return {"text": part.text} if part.text else None
        if isinstance(part, Reasoning):
            return self._reasoning(part)
        if isinstance(part, (Image, Audio, File)):
            return self._media(part)
        if isinstance(part, Foreign):
            value = part.value if isinstance(part.value, dict) else {}
            kind = value.get("type")
            name = kind if isinstance(kind, str) else "content"
            self._losses.lose(name, "only the API that it came by knows such content")
        else:
            self._losses.lose("tool calls", "only the model calls tools, and only the user answers")
        return None

    def call(self, call: ToolCall, *, first: bool) -> Document:
        """A function call; ``first`` is whether it is the first one of its turn."""
        if call.kind == "custom":
            arguments: Document = {CUSTOM_ARGUMENT: call.arguments}
        else:
            arguments = self._arguments(call)
        self._lose(call.cache, call.extra)
        document: Document = {"functionCall": {"id": call.id, "name": call.name, "args": arguments}}
        if call.signature is not None and call.family == self._readable:
            document["thoughtSignature"] = call.signature
        elif first and self._signs:
            document["thoughtSignature"] = _UNSIGNED
        return document

    def _arguments(self, call: ToolCall) -> Document:
        value = decoded(call.arguments)
        if isinstance(value, dict):
            return value
        if value is not None or call.arguments.strip() not in {"", "null"}:
            self._losses.lose("arguments", "those of an earlier tool call are no JSON object")
        return arguments_object(call.arguments)

    def result(self, result: ToolResult, name: str) -> Document:
        """A function response; ``name`` is that of the function that was called."""
        self._lose(result.cache, result.extra)
        texts: list[str] = []
        media: list[Document] = []
        for part in result.parts:
            written = self.write(part)
            if written is None:
                continue
            if "text" in written:
                texts.append(written["text"])
            else:
                media.append(written)
        response: Document = {
            "id": result.call_id,
            "name": name,
            "response": _response("\n".join(texts), failed=result.is_error),
        }
        if media:
            response["parts"] = media
        return {"functionResponse": response}

    def _reasoning(self, part: Reasoning) -> Document | None:
        """Words of thought; another maker's signature is dropped, and with it what it hides."""
        signature = part.signature if part.family == self._readable else None
        if not part.text and signature is None:
            if part.signature is not None:
                self._losses.lose("reasoning content", "only another maker's model can read it")
            return None
        return thought(part.text, signature)

    def _media(self, part: Image | Audio | File) -> Document | None:
        name = type(part).__name__.lower()
        source = part.source
        why = None
        if isinstance(source, Upload) and not source.id.startswith(GOOGLES):
            why = "a file that was uploaded to another provider is not known here"
        elif isinstance(source, Link) and not self._reaches(source.url):
            why = "the provider does not fetch addresses"
        if why is not None:
            self._losses.lose(name, why)
            return None
        if isinstance(part, Image) and part.detail not in {None, "auto"}:
            self._losses.lose("detail", "the provider's API sets it for all images at once")
        self._lose(part.cache, part.extra)
        written = write_media(part)
        member = written.get("inlineData")
        if member is not None:
            # Names of files are for Vertex alone, and media types have no parameters.
            member.pop("displayName", None)
            if isinstance(source, Inline):
                member["mimeType"] = source.media_type.partition(";")[0].strip().lower()
        else:
            written["fileData"].pop("displayName", None)
        return written

    def _reaches(self, url: str) -> bool:
        return self._fetches or url.startswith((*GOOGLES, *_YOUTUBE))

    def _lose(self, mark: CacheMark | None, extra: Document) -> None:
        if mark is not None:
            self._losses.lose("cache_control", "the provider caches prompts by itself")
        if extra:
            lose_members(extra, self._losses)


def _response(text: str, *, failed: bool) -> Document:
    """What a function answered; Google takes ``error`` for a failure."""
    if failed:
        return {"error": text}
    value = decoded(text) if text.lstrip().startswith("{") else None
    return value if isinstance(value, dict) else {"result": text}


def lose_members(extra: Document, losses: Losses) -> None:
    """Note members of another wire; those that are false or empty ask for nothing."""
    for name, value in extra.items():
        if value is not None and value is not False and value not in _NOTHING:
            losses.lose(name, "the provider's API has no such member")
