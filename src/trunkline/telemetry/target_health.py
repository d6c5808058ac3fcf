"""How the targets do that a caller may use, put together from what the process has seen.

Circuits, latencies and failures are about the provider and the same for all who use it; traffic is
that of the caller's own organisation alone.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final

import msgspec

from trunkline.gateway.caller import Caller
from trunkline.gateway.resilience.report import CredentialReport, TargetReport
from trunkline.gateway.snapshot import Connection, Snapshot
from trunkline.telemetry.schemas import (
    CircuitHealth,
    Latency,
    ProviderHealth,
    State,
    TargetHealth,
)
from trunkline.telemetry.target_traffic import TargetUse

_FEW: Final = 5
_DEGRADED_FROM: Final = 0.2


class Sight(msgspec.Struct, frozen=True):
    """What the process has seen.

    Attributes:
        reports: of the targets of all organisations.
        resting: secrets that are left alone.
        uses: what the caller's organisation asks of its targets, by ``Target.place``.
    """

    reports: Iterable[TargetReport]
    resting: Iterable[CredentialReport]
    uses: Mapping[str, TargetUse]


class _Visible(msgspec.Struct, frozen=True):
    """A target that the caller may see."""

    connection: Connection
    model: str
    place: str
    aliases: list[str]


class TargetSeen(msgspec.Struct, frozen=True):
    """A target's health, with what its provider's is summed from."""

    health: TargetHealth
    report: TargetReport | None
    resting: frozenset[tuple[str, str]]


def targets_seen(snapshot: Snapshot, caller: Caller, sight: Sight) -> Iterator[TargetSeen]:
    """Each target that an alias names or the organisation has asked.

    One after another, so that the event loop can run between them.
    """
    reports = {report.key: report for report in sight.reports}
    resting = list(sight.resting)
    total = sum(use.attempts for use in sight.uses.values())
    for key, seen in _visible(snapshot, caller, sight.uses):
        use, report = sight.uses.get(seen.place), reports.get(key)
        rests = _resting(resting, seen)
        health = TargetHealth(
            connection=seen.connection.name,
            provider=seen.connection.provider,
            model=seen.model,
            aliases=sorted(seen.aliases),
            state=_state(report),
            circuit=_circuit(report),
            latency_ms=_latency(report),
            error_share=_error_share([report]),
            tokens_per_second=None if report is None else _rounded(report.tokens_per_second, 1),
            share=round(use.attempts / total, 4) if use is not None and total else 0.0,
            in_flight=0 if use is None else use.in_flight,
            credentials_resting=len(rests),
        )
        yield TargetSeen(health, report, rests)


def place_of(target: TargetSeen) -> tuple[str, str, str]:
    """By provider, connection and model, as targets are listed."""
    health = target.health
    return health.provider, health.connection, health.model


def by_provider(targets: Iterable[TargetSeen]) -> list[ProviderHealth]:
    """All targets at one provider together."""
    groups: dict[str, list[TargetSeen]] = {}
    for target in targets:
        groups.setdefault(target.health.provider, []).append(target)
    return [_summed(provider, group) for provider, group in groups.items()]


def state_of_all(states: Iterable[State]) -> State:
    """Of several together: down where all are that had traffic, degraded where one is not well."""
    busy = {state for state in states if state != "idle"}
    if not busy:
        return "idle"
    if busy == {"ok"}:
        return "ok"
    return "down" if busy == {"down"} else "degraded"


def _visible(
    snapshot: Snapshot, caller: Caller, uses: Mapping[str, TargetUse]
) -> Iterator[tuple[str, _Visible]]:
    """By ``Target.key``. What others alone have asked for by ``connection/model`` is not there."""
    found: dict[str, _Visible] = {}
    for alias in snapshot.aliases.values():
        if not caller.may_use(alias.name):
            continue
        for target in alias.targets:
            seen = found.get(target.key)
            if seen is None:
                seen = found[target.key] = _Visible(
                    target.connection, target.model, target.place, []
                )
            seen.aliases.append(alias.name)
    connections = {connection.id: connection for connection in snapshot.connections.values()}
    places = {seen.place for seen in found.values()}
    for key, use in uses.items():
        connection = connections.get(use.connection_id)
        if key in places or connection is None:
            continue
        if caller.may_use(f"{connection.name}/{use.model}"):
            found[key] = _Visible(connection, use.model, key, [])
    yield from found.items()


def _state(report: TargetReport | None) -> State:
    if report is None:
        return "idle"
    if report.state == "open":
        return "down"
    if report.state == "half_open":
        return "degraded"
    if not report.calls:
        return "idle"
    if report.failures == report.calls >= _FEW:
        return "down"
    return "degraded" if report.failures >= _DEGRADED_FROM * report.calls else "ok"


def _circuit(report: TargetReport | None) -> CircuitHealth:
    if report is None:
        return CircuitHealth(state="closed")
    return CircuitHealth(
        state=report.state,
        forced=report.state if report.forced is not None else None,
        reason=report.reason,
        probe_in=round(report.until_probe, 1),
    )


def _latency(report: TargetReport | None) -> Latency:
    if report is None:
        return Latency()
    return Latency(
        average=_milliseconds(report.first_content),
        p50=_milliseconds(report.p50),
        p95=_milliseconds(report.p95),
    )


def _milliseconds(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds * 1000, 1)


def _rounded(number: float | None, digits: int) -> float | None:
    return None if number is None else round(number, digits)


def _error_share(reports: Sequence[TargetReport | None]) -> float | None:
    known = [report for report in reports if report is not None]
    calls = sum(report.calls for report in known)
    return round(sum(report.failures for report in known) / calls, 4) if calls else None


def _resting(resting: Iterable[CredentialReport], seen: _Visible) -> frozenset[tuple[str, str]]:
    """The connection's secrets that are left alone, altogether or for this model."""
    connection_id = seen.connection.id
    return frozenset(
        (connection_id, one.credential)
        for one in resting
        if one.connection_id == connection_id and one.model in {"", seen.model}
    )


def _summed(provider: str, group: Sequence[TargetSeen]) -> ProviderHealth:
    healths = [target.health for target in group]
    resting = frozenset[tuple[str, str]]().union(*(target.resting for target in group))
    return ProviderHealth(
        provider=provider,
        state=state_of_all(health.state for health in healths),
        targets=len(healths),
        circuits_open=sum(health.circuit.state == "open" for health in healths),
        error_share=_error_share([target.report for target in group]),
        share=round(sum(health.share for health in healths), 4),
        in_flight=sum(health.in_flight for health in healths),
        credentials_resting=len(resting),
    )
