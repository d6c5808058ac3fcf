"""What all guardrails that somebody wrote have in common."""

import msgspec
from typing_extensions import override

from trunkline.gateway.guarding.guard import Action, Guard


class Heading(msgspec.Struct, frozen=True):
    """What is written of every guardrail, whatever it looks for.

    Attributes:
        inward: whether it looks at requests.
        outward: whether it looks at answers.
        digest: of everything that is written, see ``Guard``.
    """

    name: str
    inward: bool
    outward: bool
    action: Action
    digest: str


class WrittenGuard(Guard):
    """A guard with the heading of its guardrail. It never changes after it is made."""

    def __init__(self, heading: Heading) -> None:
        self._heading = heading

    @property
    @override
    def name(self) -> str:
        return self._heading.name

    @property
    @override
    def inward(self) -> bool:
        return self._heading.inward

    @property
    @override
    def outward(self) -> bool:
        return self._heading.outward

    @property
    @override
    def action(self) -> Action:
        return self._heading.action

    @property
    @override
    def digest(self) -> str:
        return self._heading.digest
