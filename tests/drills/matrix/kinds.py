"""The faults of the matrix by their kind: what a provider's harm means, whatever it is called."""

from collections.abc import Iterable

import msgspec

from trunkline.gateway.metering.event import Ending
from trunkline.simulator.fault_table import FAULTS

SLOW_SECONDS = 2.0
"""How late a slow answer is: later than a hedge waits, sooner than silence counts as such."""
EARLY = 1
"""Events after which nothing but a beginning has come."""
LATE = 6
"""Events after which content has come, on every wire."""
EARLY_BYTES = 40
LATE_BYTES = 1000
"""The same in bytes."""


class Kind(msgspec.Struct, frozen=True):
    """What one attempt at a target with such a fault comes to.

    Attributes:
        ending: of its ledger row.
        spoke: content came before the harm.
        again: it has cost nothing and may pass, so the same target is asked once more.
        elsewhere: another target may succeed.
        slow: it says nothing for longer than a hedge waits.
        dead: it is about the secret, which all models of the connection share.
    """

    ending: Ending
    spoke: bool = False
    again: bool = False
    elsewhere: bool = True
    slow: bool = False
    dead: bool = False


WHOLE = Kind("completed")
SLOW = Kind("completed", slow=True)
PASSING = Kind("refused", again=True)
REFUSED = Kind("refused")
DEAD = Kind("refused", dead=True)
UNWANTED = Kind("refused", elsewhere=False)
BROKEN = Kind("failed")
BROKEN_LATE = Kind("failed", spoke=True)
SILENT = Kind("timed_out", slow=True)
SILENT_LATE = Kind("timed_out", spoke=True)


class Harm(msgspec.Struct, frozen=True):
    """One row of the matrix.

    Attributes:
        label: what it is called there.
        fault: as the simulator takes it; empty for no fault at all.
        body: its kind where the answer is not streamed.
        stream: its kind where it is.
        streamed: the fault of a stream, where it must come at another place.
    """

    label: str
    fault: str
    body: Kind
    stream: Kind
    streamed: str = ""

    def told(self, *, stream: bool) -> str:
        """The fault for an answer of this form."""
        return (stream and self.streamed) or self.fault

    def kind(self, *, stream: bool) -> Kind:
        """What it is for an answer of this form."""
        return self.stream if stream else self.body


STALE = Harm("stale_keep_alive", "stale_keep_alive", BROKEN, BROKEN)
"""Hurts the next request on the same connection, so it is provoked by itself."""


def harms() -> list[Harm]:
    """Every fault of the simulator; those that can hit early or late twice."""
    return [Harm("none", "", WHOLE, WHOLE), *_named()]


def _named() -> Iterable[Harm]:
    for fault in FAULTS:
        name = fault.name
        if name in _BOTH:
            early, late, body = _BOTH[name]
            if "bytes" in fault.params:
                soon, later = f"{name};bytes={EARLY_BYTES}", f"{name};bytes={LATE_BYTES}"
                yield Harm(f"{name}, early", soon, body, early)
                # A short body has not so many bytes.
                yield Harm(f"{name}, late", soon, body, late, later)
            else:
                yield Harm(f"{name}, early", f"{name};after={EARLY}", body, early)
                yield Harm(f"{name}, late", f"{name};after={LATE}", body, late)
        elif "retry_after" in fault.params:
            yield Harm(name, f"{name};retry_after=0.02", PASSING, PASSING)
        else:
            settings = f";seconds={SLOW_SECONDS}" if name in {"latency", "slow_first_token"} else ""
            body, stream = _ONCE[name]
            yield Harm(name, name + settings, body, stream)


# Which break a stream in its course: their kinds before content, after it, and without a stream.
_BOTH = {
    "silence_in_stream": (SILENT, SILENT_LATE, SILENT),
    "error_in_stream": (BROKEN, BROKEN_LATE, BROKEN),
    "cut_after_bytes": (BROKEN, BROKEN_LATE, BROKEN),
    "cut_after_events": (BROKEN, BROKEN_LATE, BROKEN),
    "malformed_chunk": (BROKEN, BROKEN_LATE, BROKEN),
    "bad_chunk_size": (BROKEN, BROKEN_LATE, BROKEN),
}
# The others: their kinds without a stream, and with one.
_ONCE = {
    "latency": (SLOW, SLOW),
    "slow_first_token": (SLOW, SLOW),
    "silence": (SILENT, SILENT),
    "status_400": (UNWANTED, UNWANTED),
    "status_401": (DEAD, DEAD),
    "status_402": (DEAD, DEAD),
    "status_403": (REFUSED, REFUSED),
    "status_404": (REFUSED, REFUSED),
    "status_500": (PASSING, PASSING),
    "insufficient_quota": (DEAD, DEAD),
    "error_first": (BROKEN, BROKEN),
    "missing_end": (BROKEN, BROKEN_LATE),
    "huge_chunk": (WHOLE, WHOLE),
    "byte_by_byte": (WHOLE, WHOLE),
    "wrong_content_type": (BROKEN, BROKEN),
    "reset": (BROKEN, BROKEN),
    "reset_after_head": (BROKEN, BROKEN),
    "stale_keep_alive": (BROKEN, BROKEN),
    # The stream's own end comes whole, and only HTTP's is missing after it.
    "wrong_length": (BROKEN, WHOLE),
    "not_json": (BROKEN, BROKEN),
    "empty_body": (BROKEN, BROKEN),
    "no_usage": (WHOLE, WHOLE),
    "gzip": (WHOLE, WHOLE),
}
