"""``trunkline budgets``: money per period, and how much of it is spent."""

from typing import Annotated, Any
from zoneinfo import ZoneInfo

import typer
from msgspec.structs import asdict

from trunkline.cli.output import AsJson, print_json, show
from trunkline.cli.removing import remove_rule
from trunkline.cli.scoped import name_of, names_in, with_key, with_names_for_people
from trunkline.cli.session import Session, choose_organisation, in_session
from trunkline.identity.records import Organisation
from trunkline.kit.money import format_usd
from trunkline.ledger.service import Ledger
from trunkline.limits import service
from trunkline.limits.rules import BudgetRule
from trunkline.limits.schemas import BudgetSpec, read_spec
from trunkline.limits.windows import calendar_window

app = typer.Typer(help="Set, list and remove budgets.", no_args_is_help=True, add_completion=False)

Org = Annotated[
    str | None, typer.Option("--org", help="Slug of the organisation, if there are several.")
]


@app.command("list")
def list_all(org: Org = None, as_json: AsJson = False) -> None:
    """List budgets with what the ledger says is spent in the present window.

    What running requests hold is known to the serving process only and is not in these figures.
    """

    async def work(session: Session) -> list[dict[str, Any]]:
        async with session.database.read(None) as conn:
            owner = await choose_organisation(conn, org)
            rules = await service.list_budgets(conn, owner.id)
            names = await names_in(conn, owner.id)
        ledger = Ledger(session.database, session.clock)
        now_ms = int(session.clock.now() * 1000)
        return [
            _described(rule)
            | {"scope_name": name_of(rule, names)}
            | await _standing(rule, owner, ledger, now_ms)
            for rule in rules
        ]

    columns = {"id": "Id", "name": "Name", "scope": "Scope", "scope_name": "For"}
    columns |= {"window": "Window"}
    columns |= {"amount": "Amount $", "spent": "Spent $", "left": "Left $", "hard": "Hard"}
    rows = in_session(work)
    if not as_json:
        with_names_for_people(rows)
    show(rows, columns | {"shadow": "Shadow"}, as_json=as_json, empty="There is no budget yet.")


@app.command("set")
def set_one(
    amount: Annotated[str, typer.Option(help="Dollars per window, such as 12.50.")],
    name: Annotated[str, typer.Option(help="What refusals call it.")] = "",
    scope: Annotated[str, typer.Option(help="org, team, user, key or alias.")] = "org",
    scope_id: Annotated[
        str | None,
        typer.Option("--for", help="Slug, e-mail, key or model. Each one apart by default."),
    ] = None,
    window: Annotated[
        str, typer.Option(help="day, week, month, quarter, year, rolling or total.")
    ] = "month",
    rolling_seconds: Annotated[int | None, typer.Option(help="Length of a rolling window.")] = None,
    time_zone: Annotated[
        str | None, typer.Option(help="IANA name; the organisation's by default.")
    ] = None,
    soft: Annotated[bool, typer.Option("--soft", help="Only count what goes beyond it.")] = False,
    shadow: Annotated[bool, typer.Option("--shadow", help="Count, and refuse nothing.")] = False,
    reserve: Annotated[str, typer.Option(help="worst or expected cost.")] = "worst",
    overshoot: Annotated[
        str, typer.Option(help="Dollars that worst cases may pass the amount by.")
    ] = "0",
    org: Org = None,
    as_json: AsJson = False,
) -> None:
    """Make a budget, or change the one of the same name, scope and window."""
    values: dict[str, object] = {"amount": amount, "name": name, "scope": scope}
    values |= {"scope_id": scope_id, "window": window, "rolling_seconds": rolling_seconds}
    values |= {"time_zone": time_zone, "hard": not soft, "shadow": shadow}
    wanted = read_spec(BudgetSpec, values | {"reserve": reserve, "overshoot": overshoot})

    async def work(session: Session) -> BudgetRule:
        async with session.database.write(None) as conn:
            owner = await choose_organisation(conn, org)
            rule = await with_key(conn, owner.id, wanted)
            return await service.ensure_budget(conn, owner.id, rule, clock=session.clock)

    rule = in_session(work)
    if as_json:
        print_json(_described(rule))
    else:
        typer.echo(f"Budget {rule.id} is set.")


@app.command()
def remove(
    rule_id: Annotated[str, typer.Argument(help="Identifier, as the list shows it.")],
    org: Org = None,
    as_json: AsJson = False,
) -> None:
    """Remove a budget."""
    remove_rule("Budget", rule_id, service.remove_budget, org=org, as_json=as_json)


def _described(rule: BudgetRule) -> dict[str, Any]:
    fields = asdict(rule)
    for name in ("amount", "overshoot"):
        fields[name] = format_usd(fields.pop(f"{name}_nano"))
    return fields


async def _standing(
    rule: BudgetRule, owner: Organisation, ledger: Ledger, now_ms: int
) -> dict[str, Any]:
    """Spent and left of one instance; a budget for each instance has no single figure."""
    scope_id = owner.id if rule.scope == "org" else rule.scope_id
    if scope_id is None:
        return {"spent": None, "left": None}
    if rule.rolling_seconds is not None:
        since_ms = now_ms - rule.rolling_seconds * 1000
    else:
        zone = ZoneInfo(rule.time_zone or owner.time_zone)
        since_ms, _ = calendar_window(rule.window, now_ms, zone)
    spent = await ledger.spent(owner.id, rule.scope, scope_id, since_ms)
    return {"spent": format_usd(spent), "left": format_usd(max(0, rule.amount_nano - spent))}
