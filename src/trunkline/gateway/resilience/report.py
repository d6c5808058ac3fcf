"""What is told of a target's health, in the API and in metrics."""

import msgspec

from trunkline.gateway.policy import CircuitTerms
from trunkline.gateway.routing.view import CircuitState


class TargetReport(msgspec.Struct, frozen=True):
    """One target as this process sees it.

    Attributes:
        key: the target's, ``connection.id/model``.
        connection_id: the connection's id; no organisation may see another's.
        connection: its name.
        provider: id of the row in the provider registry.
        state: of the circuit, an override included.
        forced: the override, or None.
        reason: why the circuit opened last, or None where it never did.
        until_probe: seconds until an open circuit lets a probe through, else 0.
        terms: of the newest call.
        calls: that ended within the last minute, those excepted that tell nothing about the target.
        failures: how many of them count against it.
        slow: how many of them said nothing for longer than the terms allow.
        in_flight: under way now.
        first_content: moving average of seconds until first content, or None.
        p50: of the last seconds until first content, or None with fewer than 20 known.
        p95: likewise.
        p99: likewise.
        tokens_per_second: output tokens per second of answers, or None.
        total_calls: all that ended since the target was first seen.
        total_failures: how many of these counted against it.
        opened: how often its circuit opened.
        closed: how often it closed again.
        repeats: how many repeats its retry budget allowed.
        repeats_refused: how many it did not.
    """

    key: str
    connection_id: str
    connection: str
    provider: str
    model: str
    state: CircuitState
    forced: str | None
    reason: str | None
    until_probe: float
    terms: CircuitTerms
    calls: int
    failures: int
    slow: int
    in_flight: int
    first_content: float | None
    p50: float | None
    p95: float | None
    p99: float | None
    tokens_per_second: float | None
    total_calls: int
    total_failures: int
    opened: int
    closed: int
    repeats: int
    repeats_refused: int


class CredentialReport(msgspec.Struct, frozen=True):
    """A secret that rests.

    Attributes:
        credential: its id in the connection; safe to show.
        model: for which it rests alone, or "" for all.
        verdict: ``limited``, ``dead`` or ``barred``.
        seconds: until it is used again.
    """

    connection_id: str
    credential: str
    model: str
    verdict: str
    seconds: float
