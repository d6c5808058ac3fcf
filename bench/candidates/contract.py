"""What a candidate is: a name, and how it is prepared, started and called."""

from collections.abc import Callable

import msgspec

from bench.cases import Case
from bench.load.measured import Call
from bench.place import Site

Say = Callable[[str], None]


class Launch(msgspec.Struct, frozen=True):
    """How to start a candidate, and how to call it once it runs.

    Attributes:
        command: None where there is nothing to start: the provider itself is called.
        environment: added to a clean one.
        call: how a case is called.
        children_only: whether only the children do work, so that they alone are counted.
        note: a sentence on the set-up for the document.
    """

    command: tuple[str, ...] | None
    call: Callable[[Case], Call]
    environment: dict[str, str] = {}
    children_only: bool = False
    note: str = ""


class Candidate(msgspec.Struct, frozen=True):
    """One of those that are compared.

    Attributes:
        mode: tells apart several set-ups of the same program.
        prepare: installs it on its first use and writes its configuration; raises ``Unable``.
        featured: whether it is set up for translated calls and for models with policies.
        cases: the only ones that it is measured in; None for all.
    """

    name: str
    mode: str
    prepare: Callable[[Site, Say], Launch]
    featured: bool = False
    cases: tuple[Case, ...] | None = None

    def takes(self, case: Case) -> bool:
        """Whether it is to be measured in a case."""
        return self.cases is None or case in self.cases

    @property
    def title(self) -> str:
        """Name and mode, where there are several."""
        return self.name if self.mode == "default" else f"{self.name} {self.mode}"

    @property
    def handle(self) -> str:
        """What ``--only`` calls it."""
        return self.name if self.mode == "default" else self.mode
