"""Parts of an answer of another wire, as callers of this one get them."""

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
)
from trunkline.gateway.wire.documents import arguments_object
from trunkline.gateway.wire.gemini.media import write_media
from trunkline.gateway.wire.gemini.own import WIRE
from trunkline.gateway.wire.gemini.parts import thought
from trunkline.gateway.wire.gemini.seals import seal


class PartTeller:
    """Tells the parts of one alternative.

    Its state is the thoughts whose makers want them back. They travel in the signature of the next
    part, as Google's own do.
    """

    __slots__ = ("_waiting",)

    def __init__(self) -> None:
        self._waiting: list[Reasoning] = []

    def tell(self, part: Part) -> Document | None:
        """The part, or None where it is not shown."""
        match part:
            case Text() | Refusal():
                return self.text(part.text)
            case Reasoning():
                return self._reasoning(part)
            case ToolCall():
                return self.call(part)
            case Image() | Audio() | File():
                return self._sealed(write_media(part))
            case Foreign(wire=wire, value=dict() as value) if wire == WIRE:
                return dict(value)
        return None

    def text(self, text: str) -> Document:
        """Visible text."""
        return self._sealed({"text": text})

    def call(self, call: ToolCall) -> Document:
        """A call with its whole arguments; a custom tool's text is its only argument."""
        arguments = (
            {"input": call.arguments} if call.kind == "custom" else arguments_object(call.arguments)
        )
        told: Document = {"functionCall": {"id": call.id, "name": call.name, "args": arguments}}
        if call.signature is not None and call.family == "google":
            told["thoughtSignature"] = call.signature
        return self._sealed(told)

    def keep(self, thought: Reasoning) -> None:
        """A thought that its maker wants back and that is told with the next part."""
        self._waiting.append(thought)

    @property
    def waits(self) -> bool:
        """Whether there is a thought that no part has carried yet."""
        return bool(self._waiting)

    def last(self) -> Document:
        """A part without words, for thoughts that no part carried."""
        return self._sealed({"text": ""})

    def _reasoning(self, part: Reasoning) -> Document | None:
        if part.signature is not None and part.family != "google":
            self.keep(part)
            return thought(part.text, None) if part.text else None
        return thought(part.text, part.signature)

    def _sealed(self, told: Document) -> Document:
        if self._waiting and "thoughtSignature" not in told:
            told["thoughtSignature"] = seal(self._waiting)
            self._waiting = []
        return told
