"""What choosing needs to know of how targets fare."""

from typing import Literal, Protocol

from trunkline.gateway.snapshot import Target

CircuitState = Literal["closed", "open", "half_open"]
"""``half_open``: the time of being open is over, and one call may find out how the target is."""


class HealthView(Protocol):
    """How the targets fared lately, as far as this process knows; each answer is a look-up.

    The last one follows from the others; whoever knows both may tell it in one look.
    """

    def state(self, target: Target) -> CircuitState:
        """The circuit of a target."""
        ...

    def first_content(self, target: Target) -> float | None:
        """The moving average of seconds until first content; None when nothing is known.

        That of a target that is not asked any more fades, so that it is asked again.
        """
        ...

    def in_flight(self, target: Target) -> int:
        """Calls that are under way there."""
        ...

    def wait(self, target: Target) -> float | None:
        """The average times the calls that wait for it, one more included; None without one."""
        average = self.first_content(target)
        return None if average is None else average * (self.in_flight(target) + 1)
