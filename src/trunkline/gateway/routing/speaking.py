"""Which wire to speak with a provider: the caller's own where it can, else one that can as much.

Pure: decided from the connection's list of wires and from what each wire can be asked for.
"""

import msgspec

from trunkline.gateway.snapshot import Connection, Target
from trunkline.gateway.wire.contract import CHAT, COMPLETION, Inbound, Wire
from trunkline.gateway.wire.registry import WIRES


class Speech(msgspec.Struct, frozen=True, eq=False):
    """One target and how it is spoken to.

    Attributes:
        wire: the provider's.
        operation: what the provider is asked for, in the terms of that wire.
        passes: whether it is the caller's own wire, so that bytes pass.
    """

    target: Target
    wire: Wire
    operation: str
    passes: bool = False


def speak(target: Target, wire: Wire, operation: str, request: Inbound) -> Speech | None:
    """How this target is asked for what came by this wire, or None when it cannot be."""
    connection = target.connection
    if wire.name in connection.wires:
        return Speech(target, wire, operation, passes=True)
    if wire.codec is None:
        return None
    other = _able(connection, operation, stream=request.stream)
    if other is not None:
        return Speech(target, other, operation)
    if operation == COMPLETION and not request.fills:
        # A plain prompt is a conversation of one message.
        other = _able(connection, CHAT, stream=request.stream)
        if other is not None:
            return Speech(target, other, CHAT)
    return None


def _able(connection: Connection, operation: str, *, stream: bool) -> Wire | None:
    for name in connection.wires:
        wire = WIRES[name]
        if operation in wire.operations and wire.codec is not None:
            if stream and wire.events is None:
                continue
            return wire
    return None
