"""How long a request and each of its attempts may take."""

from collections.abc import Callable

from trunkline.gateway.policy import Waits
from trunkline.gateway.transport import Timeouts

_UNSET = Waits()


class Deadlines:
    """The time limits of one request, counted from when it was read.

    Its state is one moment, after which nothing new is begun.

    Args:
        ordinary: the installation's time limits.
        deadline: seconds in all before the commit point.
        monotonic: steady time in seconds.
    """

    __slots__ = ("_end", "_monotonic", "_ordinary")

    def __init__(self, ordinary: Timeouts, deadline: float, monotonic: Callable[[], float]) -> None:
        self._ordinary = ordinary
        self._monotonic = monotonic
        self._end = monotonic() + deadline

    def allow(self, wait: float) -> bool:
        """Whether something may still begin after so many seconds."""
        return self._monotonic() + wait < self._end

    def of(self, waits: Waits, *, stream: bool) -> tuple[Timeouts | None, float | None]:
        """Time limits for the transport, None for its own, and the limit of the first content.

        Only a stream has a first content before its end. What is not streamed ends by the deadline
        as a whole.
        """
        if waits == _UNSET:
            return None, None
        ordinary = self._ordinary
        first, total = waits.first_token, _or(waits.total, ordinary.total)
        if waits.deadline is not None:
            left = max(self._end - self._monotonic(), 0.0)
            if stream:
                first = min(_or(first, left), left)
            else:
                total = min(total, left)
        timeouts = Timeouts(
            connect=_or(waits.connect, ordinary.connect),
            pool=ordinary.pool,
            first_byte=_or(first, ordinary.first_byte),
            idle=_or(waits.idle, ordinary.idle),
            total=total,
        )
        return timeouts, first if stream else None


def _or(wanted: float | None, ordinary: float) -> float:
    return ordinary if wanted is None else wanted
