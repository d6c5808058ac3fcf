"""A tool call on its way into a stream of this wire."""

import msgspec

from trunkline.gateway.exchange.reply import ToolStarted
from trunkline.gateway.wire.anthropic_messages.foreign_parts import CUSTOM_ARGUMENT
from trunkline.gateway.wire.documents import arguments_text

_encode = msgspec.json.Encoder().encode


class PendingCall:
    """One call: its arguments are held until it is sure that they are an object."""

    __slots__ = ("custom", "ended", "held", "id", "name", "started", "streams")

    def __init__(self, event: ToolStarted) -> None:
        self.id = event.id
        self.name = event.name
        self.custom = event.kind == "custom"
        self.held: list[str] = []
        self.started = False
        self.streams = False
        self.ended = False

    def rest(self) -> str:
        """What is still to be told of the arguments when the call ends."""
        held, self.held = "".join(self.held), []
        if self.streams:
            return held
        if self.custom:
            return _encode({CUSTOM_ARGUMENT: held}).decode()
        return arguments_text(held)
