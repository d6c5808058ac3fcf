"""The newest closes by request, for questions that come before the ledger has the answer."""

from trunkline.gateway.metering.event import Attempt, Outcome
from trunkline.ledger.frames import scan
from trunkline.ledger.records import Close


class RecentCloses:
    """Keeps at least so many of the newest requests, and at most twice as many.

    Its state is two generations of closes, as the frames that were written: one object for each
    and not forty, which would take the place of everything else in the processor's caches. When
    the newer generation is full, it becomes the older one, and that one is forgotten.
    """

    def __init__(self, requests: int) -> None:
        self._requests = requests
        self._newer: dict[str, bytes] = {}
        self._older: dict[str, bytes] = {}

    def add(self, request_id: str, close: bytes) -> None:
        """Keep the frame of a close."""
        newer = self._newer
        if request_id in newer:
            newer[request_id] += close
            return
        if len(newer) >= self._requests:
            self._older = newer
            self._newer = newer = {}
        newer[request_id] = close

    def find(self, request_id: str) -> tuple[tuple[Attempt, Outcome], ...]:
        """The closed attempts of a request, in the order of their ends."""
        frames = self._older.get(request_id, b"") + self._newer.get(request_id, b"")
        records = scan(frames, last=True).records
        return tuple(
            (close.attempt, close.outcome) for _, close in records if isinstance(close, Close)
        )
