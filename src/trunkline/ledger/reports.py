"""What a usage report is asked for and what it contains. Pure."""

from collections.abc import Iterable
from typing import Any, get_args

import msgspec

from trunkline.errors import InvalidRequest
from trunkline.kit.money import format_usd
from trunkline.ledger.repository.reports import Dimension, Scope
from trunkline.ledger.rollups import DAY_MS, HOUR_MS, Grain, Measures
from trunkline.ledger.rows import Row
from trunkline.storage.tables.ledger import MEASURES, TOKEN_BUCKETS

DIMENSIONS: tuple[Dimension, ...] = get_args(Dimension)
SCOPES: tuple[Scope, ...] = get_args(Scope)
_IN_TIME = {"hour", "day"}


class UsageQuery(msgspec.Struct, frozen=True):
    """Which usage is asked for.

    Attributes:
        since_ms: begin of the period; goes back to the full hour, UTC.
        until_ms: end of the period, exclusive; goes forward to the full hour, UTC.
        by: what the lines are grouped by.
        scope: what only the attempts of are counted, inside an organisation.
        scope_id: which team, user, key or alias; nothing for a whole organisation.
    """

    since_ms: int
    until_ms: int
    by: Dimension = "day"
    scope: Scope = "org"
    scope_id: str = ""

    def aligned(self) -> "UsageQuery":
        """The same with a period of whole hours.

        Raises:
            InvalidRequest: the period is empty, or tags are asked for within a narrower scope.
        """
        if self.since_ms >= self.until_ms:
            raise InvalidRequest(
                "The period ends before it begins.",
                param="until",
                hint="Give an end that lies behind the begin.",
            )
        if self.by == "tag" and self.scope != "org":
            raise InvalidRequest(
                "Usage by tag exists for a whole organisation only.",
                param="by",
                hint="Ask for the scope org, or for another grouping.",
            )
        return msgspec.structs.replace(
            self,
            since_ms=self.since_ms - self.since_ms % HOUR_MS,
            until_ms=self.until_ms + -self.until_ms % HOUR_MS,
        )

    @property
    def grain(self) -> Grain:
        """The coarsest rollup that has the period and the groups exactly."""
        whole_days = not self.since_ms % DAY_MS and not self.until_ms % DAY_MS
        return "day" if whole_days and self.by != "hour" else "hour"


class UsageLine(msgspec.Struct, frozen=True):
    """The usage of one group.

    Attributes:
        name: an identifier, an alias, ``provider/model``, ``name=value`` of a tag, or the begin of
            an hour or a day as Unix milliseconds; None for attempts without a team or user.
    """

    name: str | int | None
    measures: Measures


class UsageReport(msgspec.Struct, frozen=True):
    """The usage of a period by one dimension.

    Attributes:
        query: what was asked for, with the period in whole hours.
        lines: dearest first, or in the order of time.
        total: of all attempts, each counted once; with tags it is not the sum of the lines.
    """

    query: UsageQuery
    lines: tuple[UsageLine, ...]
    total: Measures


def measures_from(row: Row) -> Measures:
    """The measures of a summed row; PostgreSQL sums 64-bit integers into decimals."""
    return Measures(**{name: int(row[name]) for name in MEASURES})


def report_from(query: UsageQuery, rows: Iterable[Row], total: Measures | None) -> UsageReport:
    """A report of grouped rows; without a total it is the sum of the lines."""
    lines = [UsageLine(row["name"], measures_from(row)) for row in rows]
    if query.by in _IN_TIME:
        lines.sort(key=lambda line: line.name or 0)
    else:
        lines.sort(key=lambda line: (-line.measures.spent_nano, str(line.name)))
    if total is None:
        total = Measures()
        for line in lines:
            total.add(line.measures)
    return UsageReport(query, tuple(lines), total)


def measures_json(measures: Measures) -> dict[str, Any]:
    """Counts, amounts in dollars as decimal strings, and tokens by bucket, zeros left out."""
    return {
        "spent": format_usd(measures.spent_nano),
        "exact": format_usd(measures.exact_nano),
        "estimated": format_usd(measures.estimated_nano),
        "requests": measures.requests,
        "attempts": measures.attempts,
        "failures": measures.failures,
        "estimated_attempts": measures.estimated_attempts,
        "unpriced_attempts": measures.unpriced_attempts,
        "tokens": {
            name: getattr(measures, name) for name in TOKEN_BUCKETS if getattr(measures, name)
        },
    }


def report_json(report: UsageReport) -> dict[str, Any]:
    """The report as the API and ``--json`` give it; times are Unix milliseconds."""
    query = report.query
    return {
        "since_ms": query.since_ms,
        "until_ms": query.until_ms,
        "by": query.by,
        "currency": "USD",
        "total": measures_json(report.total),
        "lines": [{"name": line.name, **measures_json(line.measures)} for line in report.lines],
    }
