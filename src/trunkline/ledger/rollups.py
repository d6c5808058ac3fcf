"""Sums by hour and by day, and how one attempt counts in them. Pure."""

from collections.abc import Mapping
from typing import Any, Literal

import msgspec

from trunkline.ledger.rows import Row, tags_of
from trunkline.storage.tables.ledger import MEASURES, TOKEN_BUCKETS

Grain = Literal["hour", "day"]

HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS
LENGTHS: dict[Grain, int] = {"hour": HOUR_MS, "day": DAY_MS}


class Measures(msgspec.Struct):
    """What a rollup counts; the names are those of its columns.

    Attributes:
        attempts: outbound tries.
        requests: inbound requests, counted by their first attempt.
        failures: attempts that did not end as completed.
        estimated_attempts: attempts whose cost is an estimate.
        unpriced_attempts: attempts whose cost nobody knows; in no sum of money.
        exact_nano: nano-dollars known exactly.
        estimated_nano: nano-dollars of the estimates.
        input: tokens; this and the rest are the buckets of ``Usage``.
    """

    attempts: int = 0
    requests: int = 0
    failures: int = 0
    estimated_attempts: int = 0
    unpriced_attempts: int = 0
    exact_nano: int = 0
    estimated_nano: int = 0
    input: int = 0
    cache_read: int = 0
    cache_write: int = 0
    cache_write_5m: int = 0
    cache_write_1h: int = 0
    audio_input: int = 0
    output: int = 0
    reasoning: int = 0
    audio_output: int = 0
    searches: int = 0

    @property
    def spent_nano(self) -> int:
        """Nano-dollars, exact and estimated."""
        return self.exact_nano + self.estimated_nano

    def add(self, other: "Measures", sign: int = 1) -> None:
        """Count another's measures in, or with a sign of -1 out."""
        for name in MEASURES:
            value = getattr(other, name)
            if value:  # Most are zero, and every attempt passes through here.
                setattr(self, name, getattr(self, name) + sign * value)


def measures_of(row: Mapping[str, Any]) -> Measures:
    """How one row of ``attempt`` counts."""
    state, nano = row["cost_state"], row["cost_nano"] or 0
    return Measures(
        attempts=1,
        requests=int(row["number"] == 1),
        failures=int(row["ending"] != "completed"),
        estimated_attempts=int(state == "estimated"),
        unpriced_attempts=int(state == "unpriced"),
        exact_nano=nano if state == "exact" else 0,
        estimated_nano=nano if state == "estimated" else 0,
        **{bucket: row[bucket] for bucket in TOKEN_BUCKETS},
    )


class Rollups:
    """Changes to the rollups that belong into one transaction.

    Its state is the sums of each hour; those of the days are made of them in the end.
    """

    def __init__(self) -> None:
        self._usage: dict[tuple[str, int, int], Measures] = {}
        self._tags: dict[tuple[str, int, str], Measures] = {}

    def add(self, row: Mapping[str, Any], sign: int = 1) -> None:
        """Count an attempt in, or with a sign of -1 out."""
        measures, org_id = measures_of(row), row["org_id"]
        hour = row["opened_ms"] - row["opened_ms"] % HOUR_MS
        self._usage.setdefault((org_id, hour, row["attribution_id"]), Measures()).add(
            measures, sign
        )
        for tag in tags_of(row):
            self._tags.setdefault((org_id, hour, tag), Measures()).add(measures, sign)

    def move(self, row: Mapping[str, Any], change: Mapping[str, Any]) -> None:
        """Take a correction of an attempt into account."""
        self.add(row, -1)
        self.add({**row, **change})

    def usage_rows(self) -> list[Row]:
        """Rows for ``usage_rollup``, in an order in which two writers cannot lock each other."""
        return _rows(self._usage, "attribution_id")

    def tag_rows(self) -> list[Row]:
        """Rows for ``tag_rollup``, in the same kind of order."""
        return _rows(self._tags, "tag")


def _rows(hours: Mapping[tuple[str, int, Any], Measures], counted_by: str) -> list[Row]:
    sums: dict[tuple[str, Grain, int, Any], Measures] = {}
    for (org_id, hour, counted), measures in hours.items():
        for grain, length in LENGTHS.items():
            key = (org_id, grain, hour - hour % length, counted)
            sums.setdefault(key, Measures()).add(measures)
    names = ("org_id", "grain", "start_ms", counted_by)
    return [
        {**dict(zip(names, key, strict=True)), **msgspec.structs.asdict(sums[key])}
        for key in sorted(sums)
    ]
