"""``trunkline usage``: what was used and spent, and putting it right."""

import re
from datetime import UTC, datetime
from typing import Annotated, Any

import typer
from msgspec.structs import asdict
from sqlalchemy.ext.asyncio import AsyncConnection

from trunkline.cli.exits import Exit
from trunkline.cli.output import AsJson, format_time, print_json, show
from trunkline.cli.session import Session, choose_organisation, in_session
from trunkline.errors import InvalidRequest
from trunkline.identity.records import Organisation
from trunkline.identity.secret import PREFIX
from trunkline.identity.service.keys import list_keys
from trunkline.identity.service.organisations import list_organisations, list_teams
from trunkline.identity.service.users import list_members
from trunkline.kit.money import format_usd
from trunkline.ledger.reports import DIMENSIONS, UsageQuery, UsageReport, report_json
from trunkline.ledger.repository.reports import Dimension
from trunkline.ledger.service import Ledger

app = typer.Typer(help="Show and correct what was used and spent.", add_completion=False)

MILLISECONDS = {"h": 3_600_000, "d": 86_400_000, "w": 604_800_000}

Org = Annotated[str | None, typer.Option("--org", help="Slug of one organisation; all of them.")]
Since = Annotated[
    str, typer.Option(help="Begin: 12h, 30d or 8w before now, or a date or time (UTC).")
]
Until = Annotated[str, typer.Option(help="End, written like the begin.")]

INPUT = ("input", "cache_read", "cache_write", "cache_write_5m", "cache_write_1h", "audio_input")
OUTPUT = ("output", "reasoning", "audio_output")
COLUMNS = {
    "spent": "Spent $",
    "estimated": "of it estimated $",
    "unpriced_attempts": "Unpriced",
    "requests": "Requests",
    "attempts": "Attempts",
    "failures": "Failures",
    "input": "Input tokens",
    "output": "Output tokens",
}


@app.callback(invoke_without_command=True)
def usage(
    context: typer.Context,
    by: Annotated[str, typer.Option(help=f"One of {', '.join(DIMENSIONS)}.")] = "day",
    since: Since = "30d",
    until: Until = "0h",
    org: Org = None,
    as_json: AsJson = False,
) -> None:
    """Show what was used and spent in a period of whole hours, UTC."""
    if context.invoked_subcommand is not None:
        return
    if by not in DIMENSIONS:
        raise InvalidRequest(
            f"by: {by!r} is not one of {', '.join(DIMENSIONS)}.", code="invalid_value", param="by"
        )
    dimension = by

    async def work(session: Session) -> tuple[UsageReport, dict[str, str]]:
        since_ms, until_ms = _period(session, since, until)
        async with session.database.read(None) as conn:
            owner = await _owner(conn, org)
            labels = await _labels(conn, owner, dimension)
        ledger = Ledger(session.database, session.clock)
        query = UsageQuery(since_ms, until_ms, dimension)
        return await ledger.usage(None if owner is None else owner.id, query), labels

    report, labels = in_session(work)
    document = report_json(report)
    for line in document["lines"]:
        line["label"] = _label(by, line["name"], labels)
    if as_json:
        print_json(document)
        return
    rows = [_table_row(line) for line in document["lines"]]
    total = _table_row({"label": "total", **document["total"]})
    show(
        [*rows, total] if rows else [],
        {"label": by.capitalize()} | COLUMNS,
        as_json=False,
        empty="Nothing was used in this period.",
    )


@app.command()
def reprice(
    since: Since = "30d",
    until: Until = "0h",
    org: Org = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would change.")] = False,
    as_json: AsJson = False,
) -> None:
    """Compute costs again with the prices of the moment at which each attempt was made.

    Every change keeps what was there before as a correction.
    """
    from trunkline.cli.past_prices import PastPrices

    async def work(session: Session) -> dict[str, Any]:
        since_ms, until_ms = _period(session, since, until)
        async with session.database.read(None) as conn:
            owner = await _owner(conn, org)
        result = await Ledger(session.database, session.clock).reprice(
            since_ms,
            until_ms,
            PastPrices(session),
            org_id=None if owner is None else owner.id,
            dry_run=dry_run,
        )
        fields = asdict(result)
        before, after = fields.pop("before_nano"), fields.pop("after_nano")
        return fields | {
            "before": format_usd(before),
            "after": format_usd(after),
            "dry_run": dry_run,
        }

    done = in_session(work)
    if as_json:
        print_json(done)
        return
    verb = "would be corrected" if dry_run else "corrected"
    typer.echo(
        f"{done['examined']} attempts examined, {done['corrected']} {verb} "
        f"from ${done['before']} to ${done['after']}; {done['priced']} of them had no price."
    )


@app.command()
def reconcile(since: Since = "35d", until: Until = "0h", as_json: AsJson = False) -> None:
    """Compare the sums by hour and day with the attempts; ends with 1 where they differ."""

    async def work(session: Session) -> list[dict[str, Any]]:
        since_ms, until_ms = _period(session, since, until)
        found = await Ledger(session.database, session.clock).reconcile(since_ms, until_ms)
        return [
            asdict(difference) | {"start": format_time(difference.start_ms)} for difference in found
        ]

    rows = in_session(work)
    columns = {"org_id": "Organisation", "grain": "Sum", "start": "From", "missing": "Missing"}
    show(rows, columns, as_json=as_json, empty="All sums agree with their attempts.")
    if rows:
        raise typer.Exit(Exit.FAILED)


async def _owner(conn: AsyncConnection, slug: str | None) -> Organisation | None:
    """The organisation that was named, None for all of them."""
    return None if slug is None else await choose_organisation(conn, slug)


async def _labels(
    conn: AsyncConnection, owner: Organisation | None, by: Dimension
) -> dict[str, str]:
    """What people call the organisations, teams, users or keys, by identifier."""
    owners = [owner] if owner else await list_organisations(conn)
    labels: dict[str, str] = {}
    for org in owners:
        match by:
            case "org":
                labels[org.id] = org.slug
            case "team":
                labels |= {team.id: team.slug for team in await list_teams(conn, org.id)}
            case "user":
                members = await list_members(conn, org.id)
                labels |= {user.id: user.email for user, _ in members}
            case "key":
                for key in await list_keys(conn, org.id):
                    labels[key.id] = f"{PREFIX}{key.public_id} ({key.name})"
            case _:
                break
    return labels


def _label(by: str, name: str | int | None, labels: dict[str, str]) -> str:
    if isinstance(name, int):
        moment = datetime.fromtimestamp(name / 1000, UTC)
        return moment.strftime("%Y-%m-%d" if by == "day" else "%Y-%m-%d %H:%M")
    return "-" if name is None else labels.get(name, name)


def _table_row(sums: dict[str, Any]) -> dict[str, Any]:
    tokens = sums["tokens"]
    return sums | {
        "input": sum(tokens.get(bucket, 0) for bucket in INPUT),
        "output": sum(tokens.get(bucket, 0) for bucket in OUTPUT),
    }


def _period(session: Session, since: str, until: str) -> tuple[int, int]:
    now_ms = int(session.clock.now() * 1000)
    return _moment("since", since, now_ms), _moment("until", until, now_ms)


def _moment(name: str, text: str, now_ms: int) -> int:
    """Unix milliseconds of an age such as 30d, or of an ISO 8601 date or time."""
    age = re.fullmatch(r"([0-9]{1,5})([hdw])", text)
    if age:
        return max(0, now_ms - int(age[1]) * MILLISECONDS[age[2]])
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise InvalidRequest(
            f"{name}: {text!r} is neither an age such as 30d nor a date such as 2026-01-31.",
            code="invalid_value",
            param=name,
        ) from None
    return max(0, int((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp() * 1000))
