"""Ceilings of size, for a whole request or a whole answer."""

from typing import Final

import msgspec
from typing_extensions import override

from trunkline.gateway.guarding.guard import Extent, Gauge
from trunkline.guardrails.written import Heading, WrittenGuard


class Ceilings(msgspec.Struct, frozen=True):
    """The most that may be; None for no ceiling. See ``Extent`` for what each one counts."""

    characters: int | None = None
    tokens: int | None = None
    messages: int | None = None
    longest: int | None = None


_KINDS: Final = Ceilings.__struct_fields__


class SizeGuard(WrittenGuard, Gauge):
    """Measures. It refuses or notes.

    Args:
        heading: of the guardrail.
        ceilings: what may not be passed.
    """

    def __init__(self, heading: Heading, ceilings: Ceilings) -> None:
        super().__init__(heading)
        self._ceilings = ceilings

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
