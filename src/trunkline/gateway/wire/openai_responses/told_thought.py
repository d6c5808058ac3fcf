"""A thought that is told piece by piece: as a summary, or as it was thought."""

from typing import Any

from trunkline.gateway.exchange.parts import Document, Family
from trunkline.gateway.wire.contract import Answering
from trunkline.gateway.wire.openai_responses import output
from trunkline.gateway.wire.openai_responses.frames import Frames, head_of
from trunkline.gateway.wire.openai_responses.seals import seal


class ToldThought:
    """One reasoning item. Its state is its texts so far and the one that is under way.

    Attributes:
        known_as: the provider's own id of it, or None.
    """

    __slots__ = (
        "_content",
        "_frames",
        "_head",
        "_place",
        "_signature",
        "_summary",
        "_texts",
        "_writing",
        "known_as",
    )

    def __init__(self, frames: Frames, answering: Answering, known_as: str | None) -> None:
        number = frames.reserve()
        self.known_as = known_as
        self._frames = frames
        own = known_as is not None and known_as.startswith("rs_")
        item_id = known_as if own else output.item_id("rs", answering, number)
        self._place: dict[str, Any] = {"item_id": item_id, "output_index": number}
        self._summary: list[Document] = []
        self._content: list[Document] = []
        self._signature: str | None = None
        self._writing: bool | None = None
        self._head = b""
        self._texts: list[str] = []
        item: Document = {"id": item_id, "type": "reasoning", "summary": []}
        frames.add("response.output_item.added", output_index=number, item=item)

    def goes_on(self, known_as: str | None) -> bool:
        """Whether what comes next under this id belongs to this thought."""
        return self._signature is None and known_as == self.known_as

    def think(self, text: str, *, summary: bool) -> None:
        """A piece of it."""
        if self._writing is not summary:
            self._open(summary=summary)
        if text:
            self._texts.append(text)
            self._frames.piece(self._head, text)

    def sign(self, signature: str, family: Family, *, redacted: bool) -> None:
        """What its maker wants back."""
        self._signature = seal(signature, family, redacted=redacted)

    def _open(self, *, summary: bool) -> None:
        self.end_part()
        self._writing = summary
        place = self._part_place()
        if summary:
            self._head = head_of("response.reasoning_summary_text.delta", **place)
            part = {"type": "summary_text", "text": ""}
            self._frames.add("response.reasoning_summary_part.added", **place, part=part)
        else:
            self._head = head_of("response.reasoning_text.delta", **place)
            part = {"type": "reasoning_text", "text": ""}
            self._frames.add("response.content_part.added", **place, part=part)

    def _part_place(self) -> dict[str, Any]:
        if self._writing:
            return {**self._place, "summary_index": len(self._summary)}
        return {**self._place, "content_index": len(self._content)}

    def end_part(self) -> None:
        """The text that is under way is complete."""
        if self._writing is None:
            return
        text, place = "".join(self._texts), self._part_place()
        if self._writing:
            part = {"type": "summary_text", "text": text}
            self._frames.add("response.reasoning_summary_text.done", **place, text=text)
            self._frames.add("response.reasoning_summary_part.done", **place, part=part)
            self._summary.append(part)
        else:
            part = {"type": "reasoning_text", "text": text}
            self._frames.add("response.reasoning_text.done", **place, text=text)
            self._frames.add("response.content_part.done", **place, part=part)
            self._content.append(part)
        self._writing, self._texts = None, []

    def end(self) -> None:
        """The thought is complete."""
        self.end_part()
        number = self._place["output_index"]
        item: Document = {"id": self._place["item_id"], "type": "reasoning"}
        if self._signature is not None:
            item["encrypted_content"] = self._signature
        item["summary"] = self._summary
        if self._content:
            item["content"] = self._content
        self._frames.output[number] = item
        self._frames.add("response.output_item.done", output_index=number, item=item)
