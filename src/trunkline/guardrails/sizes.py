"""Ceilings of size, for a whole request or a whole answer."""

from typing import Final

import msgspec
from typing_extensions import override

from trunkline.gateway.guarding.guard import Action, Extent, Gauge


class Ceilings(msgspec.Struct, frozen=True):
    """The most that may be; None for no ceiling. See ``Extent`` for what each one counts."""

    characters: int | None = None
    tokens: int | None = None
    messages: int | None = None
    longest: int | None = None


_KINDS: Final = Ceilings.__struct_fields__


class SizeGuard(Gauge):
    """Measures. It refuses or notes.

    Args:
        name: of the guardrail.
        ceilings: what may not be passed.
        ways: whether it looks at requests, and whether at answers.
        action: what follows.
    """

    def __init__(
        self, name: str, ceilings: Ceilings, ways: tuple[bool, bool], action: Action
    ) -> None:
        self._name = name
        self._ceilings = ceilings
        self._inward, self._outward = ways
        self._action = action

    @property
    @override
    def name(self) -> str:
        return self._name

    @property
    @override
    def inward(self) -> bool:
        return self._inward

    @property
    @override
    def outward(self) -> bool:
        return self._outward

    @property
    @override
    def action(self) -> Action:
        return self._action

    @property
    @override
    def reach(self) -> int:
        return 0

    @override
    def exceeded(self, extent: Extent) -> list[str]:
        return [
            kind
            for kind in _KINDS
            if (ceiling := getattr(self._ceilings, kind)) is not None
            and getattr(extent, kind) > ceiling
        ]
