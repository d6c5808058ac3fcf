"""A call that is told piece by piece."""

from typing import Any, Final

from trunkline.gateway.exchange.reply import ToolStarted
from trunkline.gateway.wire.contract import Answering
from trunkline.gateway.wire.documents import arguments_text
from trunkline.gateway.wire.openai_family.custom import input_of
from trunkline.gateway.wire.openai_responses import output
from trunkline.gateway.wire.openai_responses.frames import Frames, head_of
from trunkline.gateway.wire.openai_responses.tools import Called

_NO_ARGUMENTS: Final = "null"


class ToldCall:
    """One call item. Its state is the arguments so far and how much of them has been told.

    Pieces are held back while they may still turn out to be none at all, and all of them where a
    function stands for a custom tool, whose text is known when they are whole.
    """

    __slots__ = ("_called", "_event", "_frames", "_head", "_held", "_place", "_texts", "_wrapped")

    def __init__(
        self, frames: Frames, answering: Answering, event: ToolStarted, called: Called
    ) -> None:
        number = frames.reserve()
        self._frames = frames
        self._event = event
        self._called = called
        self._wrapped = called.custom and event.kind == "function"
        self._held = event.kind == "function"
        known_as = output.item_id("ctc" if called.custom else "fc", answering, number)
        self._place: dict[str, Any] = {"item_id": known_as, "output_index": number}
        self._texts: list[str] = []
        self._head = head_of(f"response.{self._words()}.delta", **self._place)
        item = output.call_item(known_as, event.id, called, "", "in_progress")
        frames.add("response.output_item.added", output_index=number, item=item)

    def _words(self) -> str:
        return "custom_tool_call_input" if self._called.custom else "function_call_arguments"

    def tell(self, arguments: str) -> None:
        """A piece of the arguments."""
        if not arguments:
            return
        self._texts.append(arguments)
        if not self._held:
            self._frames.piece(self._head, arguments)
        elif not self._wrapped:
            told = "".join(self._texts)
            if not _NO_ARGUMENTS.startswith(told.strip()):
                self._held = False
                self._frames.piece(self._head, told)

    def end(self) -> None:
        """The call is complete; a function's arguments are valid JSON then."""
        arguments = "".join(self._texts)
        if self._held:
            arguments = arguments_text(arguments)
            if self._wrapped:
                arguments = input_of(arguments)
            self._frames.piece(self._head, arguments)
        called, number = self._called, self._place["output_index"]
        told = {"input" if called.custom else "arguments": arguments}
        self._frames.add(f"response.{self._words()}.done", **self._place, **told)
        known_as = self._place["item_id"]
        item = output.call_item(known_as, self._event.id, called, arguments, "completed")
        self._frames.output[number] = item
        self._frames.add("response.output_item.done", output_index=number, item=item)
