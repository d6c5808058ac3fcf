"""The faults, one row each: their names, what they mean and what they can be told.

docs/simulator.md shows the same table; a test keeps the two together.
"""

from collections.abc import Mapping

import msgspec


class FaultRow(msgspec.Struct, frozen=True):
    """One fault.

    Attributes:
        name: what a request or a rule calls it.
        meaning: one sentence; where an answer that is not streamed differs, it says so.
        params: names of the parameters with their defaults; all are numbers.
    """

    name: str
    meaning: str
    params: Mapping[str, float] = {}


_RETRY: Mapping[str, float] = {"retry_after": 1.0}
_AFTER: Mapping[str, float] = {"after": 3}

FAULTS: tuple[FaultRow, ...] = (
    FaultRow("latency", "Everything waits for some seconds first.", {"seconds": 1.0}),
    FaultRow(
        "slow_first_token",
        "The head of a stream comes at once, its first event so many seconds later; without a "
        "stream the whole answer waits.",
        {"seconds": 1.0},
    ),
    FaultRow("silence", "The request is accepted and never answered."),
    FaultRow(
        "silence_in_stream",
        "Nothing more comes after some events; without a stream after half of the body.",
        _AFTER,
    ),
    FaultRow("status_400", "The provider calls the request invalid."),
    FaultRow("status_401", "The provider refuses the key."),
    FaultRow("status_402", "The provider's account has no money."),
    FaultRow("status_403", "The provider forbids it."),
    FaultRow("status_404", "The provider does not know the model."),
    FaultRow("status_429", "A rate limit of the provider, with retry-after.", _RETRY),
    FaultRow("status_500", "The provider has a defect."),
    FaultRow("status_503", "The provider is not available, with retry-after.", _RETRY),
    FaultRow("status_529", "The provider is overloaded, in its non-standard status.", _RETRY),
    FaultRow("insufficient_quota", "A 429 that no repeat can cure: the quota is spent."),
    FaultRow("overloaded", "What the wire's provider says under overload: 503 or 529.", _RETRY),
    FaultRow(
        "error_in_stream",
        "After some events comes an error event and the transfer ends; without a stream a 200 "
        "whose body is an error.",
        _AFTER,
    ),
    FaultRow(
        "error_first",
        "The stream's only event is an error; without a stream a 200 whose body is an error.",
    ),
    FaultRow(
        "cut_after_bytes",
        "The connection closes after so many bytes of the body.",
        {"bytes": 300},
    ),
    FaultRow(
        "cut_after_events",
        "The connection closes after some events; without a stream after half of the body.",
        _AFTER,
    ),
    FaultRow(
        "missing_end",
        "The transfer ends well but what says that it is over, such as [DONE], is missing; without "
        "a stream the body's last bracket.",
    ),
    FaultRow(
        "malformed_chunk",
        "One event holds broken JSON, the others follow; without a stream as not_json.",
        _AFTER,
    ),
    FaultRow(
        "bad_chunk_size",
        "The chunked encoding announces a size that is no number, after some events or after "
        "half of the body.",
        _AFTER,
    ),
    FaultRow(
        "huge_chunk",
        "One event, or the body, is padded to so many megabytes by a field nobody knows.",
        {"megabytes": 2},
    ),
    FaultRow("byte_by_byte", "Each byte is written alone.", {"seconds": 0.0}),
    FaultRow("wrong_content_type", "A 200 with a page of HTML."),
    FaultRow("reset", "The connection is reset before any answer."),
    FaultRow("reset_after_head", "The connection is reset after the head of the answer."),
    FaultRow(
        "stale_keep_alive",
        "The answer is whole, and the connection is reset when the next request arrives on it.",
    ),
    FaultRow(
        "wrong_length",
        "The content-length promises more bytes than come before the connection closes.",
        {"bytes": 10},
    ),
    FaultRow("not_json", "A 200 with content-type application/json and a body that is no JSON."),
    FaultRow("empty_body", "A 200 with no body at all."),
    FaultRow("no_usage", "The answer is whole but says nothing about usage."),
    FaultRow("gzip", "The body is compressed, whatever the client accepts."),
)

FAULTS_BY_NAME: Mapping[str, FaultRow] = {row.name: row for row in FAULTS}


class Fault(msgspec.Struct, frozen=True):
    """A fault that was asked for, with all of its parameters."""

    name: str
    params: Mapping[str, float]

    def __getitem__(self, param: str) -> float:
        return self.params[param]


def parse_fault(text: str) -> Fault:
    """The fault in ``name[;param=number...]``.

    Raises:
        ValueError: the name or a parameter is unknown, or a value is no number from 0 upwards.
    """
    name, *settings = (part.strip() for part in text.split(";"))
    row = FAULTS_BY_NAME.get(name)
    if row is None:
        raise ValueError(f"no fault is called {name!r}")
    params = dict(row.params)
    for setting in settings:
        param, _, value = setting.partition("=")
        if param not in params:
            known = ", ".join(params) or "none"
            raise ValueError(f"{name} has no parameter {param!r}; it knows: {known}")
        params[param] = float(value)
        if not 0 <= params[param] < float("inf"):
            raise ValueError(f"{param} of {name} must be a number from 0 upwards")
    return Fault(name, params)
