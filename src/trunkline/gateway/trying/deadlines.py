"""How long a request and each of its attempts may take."""

from collections.abc import Callable

import msgspec

from trunkline.gateway.policy import Waits
from trunkline.gateway.transport import Timeouts

_UNSET = Waits()


class Deadlines(msgspec.Struct, frozen=True, eq=False):
    """The time limits of one request.

    Attributes:
        ordinary: the installation's.
        end: the moment after which nothing new is begun before the commit point.
        monotonic: steady time in seconds.
    """

    ordinary: Timeouts
    end: float
    monotonic: Callable[[], float]

    def allow(self, wait: float) -> bool:
        """Whether something may still begin after so many seconds."""
        return self.monotonic() + wait < self.end

    def of(self, waits: Waits, *, stream: bool) -> tuple[Timeouts | None, float | None]:
        """Time limits for the transport, None for its own, and the limit of the first content.

        Only a stream has a first content before its end. What is not streamed ends by the deadline
        as a whole.
        """
        if waits == _UNSET:
            return None, None
        ordinary, first = self.ordinary, waits.first_token
        total = ordinary.total if waits.total is None else waits.total
        if waits.deadline is not None:
            left = self.end - self.monotonic()
            if left < 0.0:  # noqa: PLR1730 - max is a call, and each attempt would make it.
                left = 0.0
            if stream:
                if first is None or left < first:
                    first = left
            elif left < total:
                total = left
        timeouts = Timeouts(
            ordinary.connect if waits.connect is None else waits.connect,
            ordinary.pool,
            ordinary.first_byte if first is None else first,
            ordinary.idle if waits.idle is None else waits.idle,
            total,
        )
        return timeouts, first if stream else None
