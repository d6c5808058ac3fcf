"""``trunkline guardrail``: what guardrails there are, and what one of them finds in a text."""

import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from trunkline.cli.output import AsJson, print_json, show
from trunkline.cli.session import Session, choose_organisation, in_session
from trunkline.errors import InvalidRequest, NotFound, Unavailable
from trunkline.gateway.guarding.analysis import AwaitedGuard
from trunkline.gateway.guarding.guard import Extent, Finding, Gauge, Guard, GuardrailRefused
from trunkline.gateway.guarding.look import Look
from trunkline.gateway.guarding.stand_ins import StandIns
from trunkline.guardrails import service
from trunkline.guardrails.compiling import compile_guard
from trunkline.guardrails.presidio.talk import Lost, Patience, presidio, talking
from trunkline.guardrails.rows import GuardrailRow

app = typer.Typer(help="List guardrails and try them.", no_args_is_help=True, add_completion=False)

# Tokens of a text that nobody has counted; the same estimate as for models without a factor.
_BYTES_PER_TOKEN = 4

Org = Annotated[
    str | None, typer.Option("--org", help="Slug of the organisation, if there are several.")
]


@app.command("list")
def list_all(org: Org = None, as_json: AsJson = False) -> None:
    """List the guardrails that an organisation's models may name."""
    rows = [
        {"name": row.name, **row.spec, "shared": row.org_id is None}
        for row in in_session(lambda session: _usable(session, org)).values()
    ]
    for row in rows if not as_json else ():
        row.setdefault("way", "both")
        row.setdefault("action", "refuse")
    columns = {"name": "Name", "kind": "Kind", "way": "Way", "action": "Action"}
    columns |= {"shared": "Shared"}
    show(rows, columns, as_json=as_json, empty="There is no guardrail yet.")


@app.command("test")
def try_one(
    name: Annotated[str, typer.Argument(help="Name of the guardrail.")],
    text: Annotated[
        str | None, typer.Argument(help="What it looks at; standard input by default.")
    ] = None,
    org: Org = None,
    as_json: AsJson = False,
) -> None:
    """Show what a guardrail finds in a text, and what it makes of it."""
    looked_at = _from_input() if text is None else text
    guard, findings = in_session(lambda session: _tried(session, org, name, looked_at))
    found = [_told(finding, looked_at) for finding in findings]
    found += [{"kind": kind} for kind in _passed(guard, looked_at)]
    result = _result(guard, looked_at, findings)
    if as_json:
        print_json({"action": guard.action, "findings": found, "text": result})
        return
    show(
        [{"start": None, "end": None, "text": None, **one} for one in found],
        {"kind": "Kind", "start": "From", "end": "To", "text": "Text"},
        as_json=False,
        empty="Nothing found: the text passes.",
    )
    if found and guard.action == "redact":
        typer.echo(f"\n{result}")


async def _usable(session: Session, org: str | None) -> dict[str, GuardrailRow]:
    async with session.database.read(None) as conn:
        owner = await choose_organisation(conn, org)
        return await service.usable_guardrails(conn, owner.id)


async def _tried(
    session: Session, org: str | None, name: str, text: str
) -> tuple[Guard, list[Finding]]:
    row = (await _usable(session, org)).get(name)
    if row is None:
        raise NotFound(
            f"There is no guardrail {name!r}.",
            code="guardrail_not_found",
            hint="trunkline guardrail list shows names.",
        )
    guard = compile_guard(row.name, row.spec)
    if isinstance(guard, AwaitedGuard):
        return guard, await _analysed(guard, text, session.settings.presidio_python)
    return guard, guard.find(text)


async def _analysed(guard: AwaitedGuard, text: str, python: Path | None) -> list[Finding]:
    """What Presidio finds, in a process for this one text."""
    try:
        async with talking(presidio(python), Patience()) as talk:
            told = await talk.ask(guard.task, [text])
        failure = told.failure
    except (Lost, OSError) as lost:
        failure = str(lost)
    if failure is not None:
        raise Unavailable(
            f"Presidio cannot look: {failure}",
            code="guardrail_unavailable",
            hint="docs/guardrails.md says how it is installed.",
        )
    return guard.findings(told.found[0])


def _from_input() -> str:
    try:
        return sys.stdin.buffer.read().decode().rstrip("\n")
    except UnicodeDecodeError:
        raise InvalidRequest(
            "The text is not UTF-8.", code="invalid_encoding", hint="Encode it as UTF-8."
        ) from None


def _told(finding: Finding, text: str) -> dict[str, Any]:
    return {
        "kind": finding.kind,
        "start": finding.start,
        "end": finding.end,
        "text": text[finding.start : finding.end],
    }


def _passed(guard: Guard, text: str) -> list[str]:
    """The ceilings that the text would pass if it were the only one of a request."""
    if not isinstance(guard, Gauge):
        return []
    tokens = -(-len(text.encode("utf-8", "replace")) // _BYTES_PER_TOKEN)
    return guard.exceeded(Extent(len(text), tokens, 1, len(text)))


def _result(guard: Guard, text: str, found: list[Finding]) -> str | None:
    """The text as it would be sent on; None where it would not be."""
    try:
        look = Look([guard], [], "in", StandIns())
        return look.edit_by(guard, text, found) if found else look.edit(text)
    except GuardrailRefused:
        return None
