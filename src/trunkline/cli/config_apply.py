"""``trunkline config plan``, ``apply`` and ``rollback``: what would change, and changing it."""

import sys
from typing import Annotated

import msgspec
import typer

from trunkline.cli.applying import parts_of
from trunkline.cli.config_options import (
    AllowMissing,
    File,
    Message,
    Org,
    Prune,
    Shared,
    Yes,
    choose_owner,
)
from trunkline.cli.config_plan import show_plan
from trunkline.cli.exits import Exit
from trunkline.cli.output import AsJson, print_json
from trunkline.cli.session import Session, in_session
from trunkline.configuration.apply import Applied, apply_configuration, plan_configuration
from trunkline.configuration.loading import Loaded, load_file
from trunkline.configuration.plan import Plan
from trunkline.configuration.rollback import load_version
from trunkline.configuration.secrets import Missing
from trunkline.configuration.versions import MAX_NOTE
from trunkline.errors import InvalidRequest


def plan(
    file: File,
    prune: Prune = False,
    allow_missing_secrets: AllowMissing = False,
    detailed_exitcode: Annotated[
        bool,
        typer.Option("--detailed-exitcode", help="End with 2 where something would change."),
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Show what applying a file would change, and change nothing."""
    loaded = load_file(file)

    async def work(session: Session) -> Plan:
        return await plan_configuration(
            await parts_of(session),
            loaded,
            prune=prune,
            missing="all" if allow_missing_secrets else "refused",
        )

    made = in_session(work)
    if as_json:
        print_json(_plain(made))
    else:
        show_plan(made)
    if detailed_exitcode and not made.is_empty:
        raise typer.Exit(Exit.USAGE)


def apply(
    file: File,
    prune: Prune = False,
    allow_missing_secrets: AllowMissing = False,
    message: Message = None,
    yes: Yes = False,
    as_json: AsJson = False,
) -> None:
    """Apply a file: all of it, or nothing where anything in it is wrong.

    On a terminal the plan is shown first, and nothing is done without a yes.
    """
    loaded = load_file(file)
    missing: Missing = "connections" if allow_missing_secrets else "refused"
    _apply(loaded, prune=prune, missing=missing, message=message, yes=yes, as_json=as_json)


def rollback(
    to: Annotated[int, typer.Option("--to", help="Number of the version, as versions shows it.")],
    org: Org = None,
    shared: Shared = False,
    allow_missing_secrets: AllowMissing = False,
    message: Message = None,
    yes: Yes = False,
    as_json: AsJson = False,
) -> None:
    """Make the configuration of one owner be as it was in a version, which becomes a new version.

    What has come since is removed, teams and people excepted; keys that were revoked since are
    made anew, with other texts.
    """

    async def look(session: Session) -> Loaded:
        async with session.database.read(None) as conn:
            owner = await choose_owner(conn, org, shared=shared)
            return await load_version(conn, owner.slug, owner.org_id, to)

    missing: Missing = "connections" if allow_missing_secrets else "refused"
    note = message or f"Back to version {to}."
    _apply(in_session(look), prune=True, missing=missing, message=note, yes=yes, as_json=as_json)


def _apply(
    loaded: Loaded,
    *,
    prune: bool,
    missing: Missing,
    message: str | None,
    yes: bool,
    as_json: bool,
) -> None:
    if message is not None and len(message) > MAX_NOTE:
        raise InvalidRequest(f"The message is longer than {MAX_NOTE} characters.", param="message")
    asks = not (yes or as_json) and sys.stdin.isatty() and sys.stdout.isatty()

    async def look(session: Session) -> Plan:
        parts = await parts_of(session)
        return await plan_configuration(parts, loaded, prune=prune, missing=missing)

    planned = in_session(look) if asks else None
    if planned is not None:
        show_plan(planned)
        if planned.is_empty or not typer.confirm("Apply this?"):
            return

    async def work(session: Session) -> Applied:
        return await apply_configuration(
            await parts_of(session),
            loaded,
            prune=prune,
            missing=missing,
            note=message,
            planned=planned,
        )

    _tell(in_session(work), as_json=as_json)


def _tell(applied: Applied, *, as_json: bool) -> None:
    if as_json:
        print_json({
            "plan": _plain(applied.plan),
            "changes": [msgspec.structs.asdict(change) for change in applied.changes],
            "issued": [issued._asdict() for issued in applied.issued],
        })  # fmt: skip
        return
    show_plan(applied.plan, done=True)
    for issued in applied.issued:
        typer.echo(f"{issued.organisation} {issued.key}: {issued.text}")
    if applied.issued:
        typer.echo("Keep these keys now: they cannot be shown again.", err=True)


def _plain(made: Plan) -> dict[str, object]:
    return {
        "owners": msgspec.to_builtins(made.owners),
        "rows": made.rows,
        "add": made.count("add"),
        "change": made.count("change"),
        "remove": made.count("remove"),
    }
