"""What ``trunkline cache measure`` tells people."""

from collections.abc import Sequence
from typing import Any, Final

import msgspec
import typer

from trunkline.cache.near_measure import KindRow, Report, Row
from trunkline.cli.output import show

_THRESHOLDS: Final = {
    "threshold": "Threshold",
    "hits": "Hits",
    "missed": "Missed",
    "false_hits": "False hits",
    "rate": "False-hit rate",
    "at_most": "At most",
    "hits_unmarked": "Unchecked hits",
    "false_hits_unmarked": "Unchecked false hits",
    "rate_unmarked": "Unchecked rate",
}
_KINDS: Final = {
    "kind": "Kind of pair",
    "verdict": "Is",
    "pairs": "Pairs",
    "given_unmarked": "Unchecked",
    "given": "Given",
}


def tell(alias: str, reports: Sequence[Report]) -> None:
    """Print measurements with one embedding model, one after the other."""
    for number, report in enumerate(reports):
        if number:
            typer.echo("")
        _tell_one(alias, report)


def _tell_one(alias: str, report: Report) -> None:
    tuned = " The marks were tuned on them." if report.fitted else ""
    typer.echo(
        f"{report.name}: {report.pairs} pairs, {report.same} of them the same question, embedded "
        f"by {alias} ({report.tokens} tokens).{tuned}\n"
    )
    show([_threshold_row(row) for row in report.thresholds], _THRESHOLDS, as_json=False)
    typer.echo(f"\nWhat the cache would give at {report.at:.2f}:\n")
    show([_kind_row(kind) for kind in report.kinds], _KINDS, as_json=False)
    typer.echo("")
    for wrong in report.wrong:
        typer.echo(f"Wrong at {wrong.similarity:.4f}: {wrong.a!r} and {wrong.b!r}")
    typer.echo(_verdict(report))
    at_most = next(row.marked.at_most for row in report.thresholds if row.threshold == report.at)
    if at_most is not None:
        typer.echo(
            f"At {report.at:.2f}, so few pairs leave it possible (95 % confidence) that up to "
            f"{at_most:.1%} of near answers to such pairs are wrong."
        )


def _verdict(report: Report) -> str:
    limit = f"{report.tolerated:.0%}"
    if report.recommended is None:
        return f"No threshold keeps wrong answers under {limit}: keep to exact matches."
    if report.fitted:
        return (
            f"From {report.recommended:.2f} on wrong answers are under {limit}, which is no "
            "recommendation: the marks were tuned on these pairs."
        )
    return f"Recommended threshold for this model and these pairs: {report.recommended:.2f}"


def _threshold_row(row: Row) -> dict[str, Any]:
    marked, unmarked = row.marked, row.unmarked
    return {
        "threshold": f"{row.threshold:.2f}",
        "hits": marked.hits,
        "missed": row.missed,
        "false_hits": marked.false_hits,
        "rate": _percent(marked.false_hit_rate),
        "at_most": _percent(marked.at_most),
        "hits_unmarked": unmarked.hits,
        "false_hits_unmarked": unmarked.false_hits,
        "rate_unmarked": _percent(unmarked.false_hit_rate),
    }


def _kind_row(kind: KindRow) -> dict[str, Any]:
    return msgspec.structs.asdict(kind) | {"verdict": "same" if kind.same else "other"}


def _percent(rate: float | None) -> str | None:
    return None if rate is None else f"{rate:.1%}"
