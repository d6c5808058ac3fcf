"""What is kept of a circuit that somebody holds."""

from typing import Final, Literal

import msgspec

HeldState = Literal["open", "closed"]

CIRCUIT: Final = "circuit"
"""The kind of the changes that tell other processes of it."""


class HeldCircuit(msgspec.Struct, frozen=True):
    """The circuit of one target, held open or closed until it is let go.

    Attributes:
        org_id: whose connection it is; None for those that the operator shares.
        connection: its name.
        model: the upstream id.
        reason: what was said about why, or None.
    """

    id: str
    org_id: str | None
    connection: str
    model: str
    state: HeldState
    reason: str | None
    created_ms: int
