"""What applying a configuration changes, told before it does, or afterwards."""

from collections.abc import Iterable

import msgspec

from trunkline.configuration.difference import Action, Edit


class OwnerPlan(msgspec.Struct, frozen=True):
    """What becomes of one owner.

    Attributes:
        organisation: its slug; None for what is shared with all.
    """

    organisation: str | None
    edits: tuple[Edit, ...]


class Plan(msgspec.Struct, frozen=True):
    """What becomes of the owners that a configuration speaks of.

    Attributes:
        owners: those of whom something changes, what is shared first.
        rows: how many rows are made, altered or removed. A few may be where no edit is: how a
            policy is written can change without its meaning.
    """

    owners: tuple[OwnerPlan, ...]
    rows: int

    @property
    def is_empty(self) -> bool:
        """Whether everything is as wanted already."""
        return not self.rows

    def count(self, action: Action) -> int:
        """How many items are added, changed or removed."""
        return sum(edit.action == action for edit in self.edits())

    def edits(self) -> Iterable[Edit]:
        """All edits, owner by owner."""
        return (edit for owner in self.owners for edit in owner.edits)
