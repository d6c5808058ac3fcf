"""The line that each request leaves in the log. It never holds a body."""

from collections.abc import Sequence

import msgspec
from msgspec import UNSET, UnsetType

from trunkline.observability.line_writer import LineWriter


class AccessLine(msgspec.Struct, rename="camel", gc=False):
    """The fields of the line in their order; what is not known is left out.

    Attributes:
        time: RFC 3339 in UTC with milliseconds, when the answer ended.
        request_id: what the caller sent as ``x-request-id``, or what we made up for it.
        url: path and query with secrets scrubbed.
        route: the template of the path.
        duration: milliseconds until the last byte was handed to the socket.
        org: id of the organisation.
        cost: dollars of all attempts as a decimal string; null when one has no price.
        cost_state: ``exact``, ``estimated`` or ``unpriced``.
        ttft: milliseconds until the first content was handed to the caller.
        overhead: milliseconds of ours before the first attempt's bytes left.
        error_code: our code of the failure.
        reasons: why each attempt was made, where there were several.
        cache: ``hit``, ``near``, ``follow`` or ``miss``, where the answer cache was asked.
        saved: dollars that were not paid again.
        guardrails: what guardrails did, such as ``pii:in:redacted:email=2``.
    """

    time: str
    level: str
    event: str
    request_id: str
    method: str
    url: str
    route: str
    status: int
    duration: float
    user_agent: str | UnsetType = UNSET
    org: str | UnsetType = UNSET
    key_id: str | UnsetType = UNSET
    alias: str | UnsetType = UNSET
    model: str | UnsetType = UNSET
    provider: str | UnsetType = UNSET
    attempts: int | UnsetType = UNSET
    cost: str | UnsetType | None = UNSET
    cost_state: str | UnsetType = UNSET
    ttft: float | UnsetType = UNSET
    overhead: float | UnsetType = UNSET
    error_code: str | UnsetType = UNSET
    reasons: tuple[str, ...] | UnsetType = UNSET
    cache: str | UnsetType = UNSET
    saved: str | UnsetType = UNSET
    guardrails: tuple[str, ...] | UnsetType = UNSET


class AccessLog:
    """Encodes access lines and hands them to the writer that it was given."""

    def __init__(self, writer: LineWriter) -> None:
        self._write = writer.write
        self._encoder = msgspec.json.Encoder()

    def write(self, lines: Sequence[AccessLine]) -> None:
        """Write the lines of a batch, which has waited, at once. Never blocks."""
        self._write(self._encoder.encode_lines(lines), at_once=True)
