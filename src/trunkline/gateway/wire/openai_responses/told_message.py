"""A message that is told piece by piece."""

from typing import Any

from trunkline.gateway.exchange.parts import Citation, Document
from trunkline.gateway.wire.contract import Answering
from trunkline.gateway.wire.openai_responses import output
from trunkline.gateway.wire.openai_responses.content import write_annotation
from trunkline.gateway.wire.openai_responses.frames import Frames, head_of


class ToldMessage:
    """One message item. Its state is the content so far and the element that is under way."""

    __slots__ = (
        "_annotations",
        "_content",
        "_frames",
        "_head",
        "_kind",
        "_length",
        "_logprobs",
        "_place",
        "_texts",
    )

    def __init__(self, frames: Frames, answering: Answering) -> None:
        number = frames.reserve()
        self._frames = frames
        known_as = output.item_id("msg", answering, number)
        self._place: dict[str, Any] = {"item_id": known_as, "output_index": number}
        self._content: list[Document] = []
        self._kind = ""
        self._head = b""
        self._texts: list[str] = []
        self._length = 0
        self._annotations: list[Document] = []
        self._logprobs: list[Any] = []
        item = output.message_item(known_as, [], "in_progress")
        frames.add("response.output_item.added", output_index=number, item=item)

    def say(self, text: str, logprobs: Any) -> None:
        """A piece of text."""
        if self._kind != "output_text":
            self._open("output_text", output.text_element("", [], []))
        if not text:
            return
        self._texts.append(text)
        self._length += len(text)
        if logprobs is None:
            self._frames.piece(self._head, text)
            return
        listed = output.logprobs_of(logprobs)
        self._logprobs += listed
        place = {**self._place, "content_index": len(self._content)}
        self._frames.add("response.output_text.delta", **place, delta=text, logprobs=listed)

    def refuse(self, text: str) -> None:
        """A piece of the model's words for why it does not answer."""
        if self._kind != "refusal":
            self._open("refusal", {"type": "refusal", "refusal": ""})
        if text:
            self._texts.append(text)
            self._frames.piece(self._head, text)

    def cite(self, citation: Citation) -> None:
        """A source of the text."""
        self.say("", None)
        annotation = write_annotation(citation, self._length)
        self._frames.add(
            "response.output_text.annotation.added",
            **self._place,
            content_index=len(self._content),
            annotation_index=len(self._annotations),
            annotation=annotation,
        )
        self._annotations.append(annotation)

    def _open(self, kind: str, element: Document) -> None:
        self.end_part()
        self._kind = kind
        place = {**self._place, "content_index": len(self._content)}
        if kind == "output_text":
            self._head = head_of("response.output_text.delta", **place, logprobs=[])
        else:
            self._head = head_of("response.refusal.delta", **place)
        self._frames.add("response.content_part.added", **place, part=element)

    def end_part(self) -> None:
        """The element that is under way is complete."""
        kind, self._kind = self._kind, ""
        if not kind:
            return
        text = "".join(self._texts)
        place = {**self._place, "content_index": len(self._content)}
        if kind == "output_text":
            element = output.text_element(text, self._annotations, self._logprobs)
            done = {"text": text, "logprobs": self._logprobs}
        else:
            element = {"type": "refusal", "refusal": text}
            done = {"refusal": text}
        self._frames.add(f"response.{kind}.done", **place, **done)
        self._frames.add("response.content_part.done", **place, part=element)
        self._content.append(element)
        self._texts, self._annotations, self._logprobs, self._length = [], [], [], 0

    def end(self, status: str) -> None:
        """The message is complete, or was cut."""
        self.end_part()
        number = self._place["output_index"]
        item = output.message_item(self._place["item_id"], self._content, status)
        self._frames.output[number] = item
        self._frames.add("response.output_item.done", output_index=number, item=item)
