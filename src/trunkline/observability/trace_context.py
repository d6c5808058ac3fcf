"""W3C trace context (https://www.w3.org/TR/trace-context/) with ids that need not be stored.

The span of a request and those of its attempts take their ids from the last eight bytes of the
UUIDv7 of each, which are random, and a request that brought no trace context takes its trace id
from its own id. So the header that goes to the provider and the span that is built after the end
agree without anything kept in between.
"""

import msgspec

_LENGTH_OF_VERSION_00 = 55
_HEX = frozenset("0123456789abcdef")
_NO_TRACE = "0" * 32
_NO_SPAN = "0" * 16


class TraceContext(msgspec.Struct, frozen=True):
    """Where a span stands in a trace.

    Attributes:
        trace_id: 32 lower-case hex digits, not all zero.
        span_id: 16 lower-case hex digits, not all zero: the parent of whoever receives it.
        sampled: whether the trace is being kept; the one flag that we act on.
    """

    trace_id: str
    span_id: str
    sampled: bool = True

    def child(self, span_id: str) -> bytes:
        """The ``traceparent`` value that makes this span the parent of what is called next."""
        return f"00-{self.trace_id}-{span_id}-0{int(self.sampled)}".encode()


def parse_traceparent(header: str | None) -> TraceContext | None:
    """The caller's trace context; None when there is none or it is malformed, as W3C demands."""
    if header is None or len(header) < _LENGTH_OF_VERSION_00:
        return None
    version, trace_id, span_id, flags = header[:2], header[3:35], header[36:52], header[53:55]
    if (
        header[2] + header[35] + header[52] != "---"
        or not _HEX.issuperset(version + trace_id + span_id + flags)
        or version == "ff"
        or trace_id == _NO_TRACE
        or span_id == _NO_SPAN
    ):
        return None
    # A later version may append fields behind one more dash; version 00 ends here.
    rest = header[_LENGTH_OF_VERSION_00:]
    if rest and (version == "00" or rest[0] != "-"):
        return None
    return TraceContext(trace_id, span_id, sampled=bool(int(flags, 16) & 1))


def new_context(request_id: str) -> TraceContext:
    """The context of a request that brought none: its trace id is the UUIDv7 of the request."""
    return TraceContext(trace_id_of(request_id), span_id_of(request_id))


def trace_id_of(uuid: str) -> str:
    """The 32 hex digits of a UUID in its form of 36 characters."""
    return uuid.replace("-", "")


def span_id_of(uuid: str) -> str:
    """The last 16 hex digits of such a UUID; never all zero, for the variant bits are in it."""
    return uuid[-17:-13] + uuid[-12:]


def outgoing_traceparent(traceparent: str | None, request_id: str, attempt_id: str) -> bytes:
    """The header for the provider: the caller's trace, or ours, with the attempt as the parent."""
    context = parse_traceparent(traceparent) if traceparent else None
    if context is None:
        return f"00-{trace_id_of(request_id)}-{span_id_of(attempt_id)}-01".encode()
    return context.child(span_id_of(attempt_id))
