"""``trunkline limits``: ceilings of requests, tokens and concurrency."""

from typing import Annotated, Any

import typer
from msgspec.structs import asdict

from trunkline.cli.output import AsJson, print_json, show
from trunkline.cli.removing import remove_rule
from trunkline.cli.scoped import name_of, names_in, with_key, with_names_for_people
from trunkline.cli.session import Session, choose_organisation, in_session
from trunkline.limits import service
from trunkline.limits.rules import LimitRule
from trunkline.limits.schemas import LimitSpec, read_spec

app = typer.Typer(
    help="Set, list and remove rate limits.", no_args_is_help=True, add_completion=False
)

Org = Annotated[
    str | None, typer.Option("--org", help="Slug of the organisation, if there are several.")
]


@app.command("list")
def list_all(org: Org = None, as_json: AsJson = False) -> None:
    """List the limits of an organisation."""

    async def work(session: Session) -> list[dict[str, Any]]:
        async with session.database.read(None) as conn:
            owner = await choose_organisation(conn, org)
            rules = await service.list_limits(conn, owner.id)
            names = await names_in(conn, owner.id)
        return [asdict(rule) | {"scope_name": name_of(rule, names)} for rule in rules]

    columns = {"id": "Id", "scope": "Scope", "scope_name": "For", "counts": "Counts"}
    columns |= {"amount": "Amount", "per_seconds": "Per s", "algorithm": "Algorithm"}
    rows = in_session(work)
    if not as_json:
        with_names_for_people(rows)
    columns |= {"burst": "Burst", "shadow": "Shadow"}
    show(rows, columns, as_json=as_json, empty="There is no limit yet.")


@app.command("set")
def set_one(
    counts: Annotated[str, typer.Option(help="requests, tokens or concurrency.")],
    amount: Annotated[int, typer.Option(help="How many per period, or at once.")],
    scope: Annotated[str, typer.Option(help="org, team, user, key or alias.")] = "org",
    scope_id: Annotated[
        str | None,
        typer.Option("--for", help="Slug, e-mail, key or model. Each one apart by default."),
    ] = None,
    per: Annotated[int, typer.Option(help="Seconds of the period.")] = 60,
    algorithm: Annotated[
        str, typer.Option(help="token_bucket, sliding_window or fixed_window.")
    ] = "token_bucket",
    burst: Annotated[int | None, typer.Option(help="The most that a bucket holds.")] = None,
    shadow: Annotated[bool, typer.Option("--shadow", help="Count, and refuse nothing.")] = False,
    org: Org = None,
    as_json: AsJson = False,
) -> None:
    """Make a limit, or change the one of the same scope, count, algorithm and period."""
    values = {"scope": scope, "scope_id": scope_id, "counts": counts, "amount": amount}
    values |= {"per_seconds": per, "algorithm": algorithm, "burst": burst, "shadow": shadow}
    wanted = read_spec(LimitSpec, values)

    async def work(session: Session) -> LimitRule:
        async with session.database.write(None) as conn:
            owner = await choose_organisation(conn, org)
            rule = await with_key(conn, owner.id, wanted)
            return await service.ensure_limit(conn, owner.id, rule, clock=session.clock)

    rule = in_session(work)
    if as_json:
        print_json(asdict(rule))
    else:
        typer.echo(f"Limit {rule.id} is set.")


@app.command()
def remove(
    rule_id: Annotated[str, typer.Argument(help="Identifier, as the list shows it.")],
    org: Org = None,
    as_json: AsJson = False,
) -> None:
    """Remove a limit."""
    remove_rule("Limit", rule_id, service.remove_limit, org=org, as_json=as_json)
