"""``python -m bench``: measure, print the table, write the results."""

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from importlib import metadata
from pathlib import Path
from typing import Annotated, NoReturn

import msgspec
import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from bench.bars import judge
from bench.candidates import litellm, portkey
from bench.candidates.contract import Candidate
from bench.candidates.roster import pick
from bench.candidates.then import FIRST, at_commit
from bench.cases import (
    FEATURED,
    FEATURED_CASES,
    QUICK_EFFORT,
    TRANSLATED,
    TRANSLATION_CASES,
    Case,
    Comparison,
    Effort,
    choose,
)
from bench.comparing import judge_comparisons
from bench.document import write_page
from bench.machine import CannotMeasure, alone, claim_cores, describe
from bench.place import ROOT, Site
from bench.processes import Unable, find_program
from bench.profiling import profile_full
from bench.proof import Proof, prove_full
from bench.proof_of_features import prove_features
from bench.provider.running import provider
from bench.results import FEATURED_FOLDER, FOLDER, TRANSLATED_FOLDER, Run, write_results
from bench.run import Outcome, Round, run_all
from bench.table import print_rows

_TABLE_WIDTH = 126


class Plan(msgspec.Struct, frozen=True):
    """What a run measures.

    Attributes:
        folder: where its results are kept; None for what was narrowed.
        prove: sees that what is measured is on; raises ``Unable`` where it is not.
        comparisons: what is judged beside the demands on *full*.
    """

    candidates: list[Candidate]
    cases: list[Case]
    effort: Effort
    quick: bool
    folder: Path | None
    prove: Callable[[Site], Proof] = prove_full
    comparisons: tuple[Comparison, ...] = ()


def bench(
    *,
    quick: Annotated[
        bool, typer.Option("--quick", envvar="QUICK", help="Chat at c = 32 and 100 streams only.")
    ] = False,
    only: Annotated[
        str | None, typer.Option(help="Of direct, nginx, bare, full, litellm, portkey.")
    ] = None,
    operation: Annotated[
        str | None, typer.Option(help="chat, messages, chat_tls, chat_to_gemini, ...")
    ] = None,
    concurrency: Annotated[int | None, typer.Option(help="Only cases of this one.")] = None,
    translated: Annotated[
        bool, typer.Option("--translated", help="Only what translating costs full.")
    ] = False,
    resilient: Annotated[
        bool,
        typer.Option("--resilient", help="Only what policies, cache and guardrails cost full."),
    ] = False,
    then: Annotated[
        str, typer.Option(help="With --resilient: the commit whose byte pass stands beside.")
    ] = FIRST,
    rounds: Annotated[int | None, typer.Option(min=1, max=50, help="5 by default.")] = None,
    seconds: Annotated[
        int | None, typer.Option(min=1, max=60, help="Of each measurement that is not streamed.")
    ] = None,
    write_docs: Annotated[
        bool, typer.Option("--write-docs", help="Only write docs/performance.md again.")
    ] = False,
    profile: Annotated[
        bool, typer.Option("--profile", help="Only show where the time of full goes.")
    ] = False,
) -> None:
    """Measure Trunkline beside nginx and the known gateways; results go to bench/results."""
    if write_docs:
        write_page()
        return
    effort = QUICK_EFFORT if quick else Effort()
    effort = msgspec.structs.replace(
        effort, rounds=rounds or effort.rounds, call_seconds=seconds or effort.call_seconds
    )
    narrowed = any(option is not None for option in (only, operation, concurrency)) or profile
    plans = []
    whole = not (translated or resilient)
    if whole:
        cases = choose(operation, concurrency, quick=quick)
        plans.append(
            Plan(_able(pick(only), cases), cases, effort, quick, None if narrowed else FOLDER)
        )
    if translated or (whole and not (narrowed or quick)):
        plans.append(_translation_plan(effort, quick=quick))
    if resilient or (whole and not (narrowed or quick)):
        plans.append(_features_plan(effort, then, quick=quick))
    console = Console()
    # A line that wraps in a narrow terminal is still whole; one with dots in its cells is not.
    console.width = max(console.width, _TABLE_WIDTH)
    cores = claim_cores()
    with (
        alone(console.print),
        tempfile.TemporaryDirectory(prefix="trunkline-bench-") as folder,
    ):
        # The workers of nginx give up root and still have to reach their folders.
        Path(folder).chmod(0o755)
        with provider(Path(folder), cores) as site:
            if profile:
                print(profile_full(site, plans[0].cases[0], effort, console.print))
                return
            for plan in plans:
                _measure(site, plan, console)


def _able(candidates: list[Candidate], cases: list[Case]) -> list[Candidate]:
    """Those that can do what is asked: only some are set up to translate.

    Raises:
        CannotMeasure: there is nothing to do, or nobody to do it.
    """
    if not cases:
        raise CannotMeasure("No case has that operation and that concurrency.")
    if any(case.operation.spoken or case.operation.feature for case in cases):
        candidates = [candidate for candidate in candidates if candidate.featured]
    if not candidates:
        raise CannotMeasure("None of these candidates is set up for such calls.")
    return candidates


def _translation_plan(effort: Effort, *, quick: bool) -> Plan:
    """The cases of both ways in turns, so that a figure and its measure are of the same minutes."""
    folder = None if quick else TRANSLATED_FOLDER
    return Plan(_featured(), list(TRANSLATION_CASES), effort, quick, folder, comparisons=TRANSLATED)


def _features_plan(effort: Effort, then: str, *, quick: bool) -> Plan:
    """As the translated ones: each call beside the plain one of the same minutes, and of then."""
    folder = None if quick else FEATURED_FOLDER
    cases = list(FEATURED_CASES)
    candidates = [*_featured(), at_commit(then)]
    return Plan(candidates, cases, effort, quick, folder, prove_features, FEATURED)


def _featured() -> list[Candidate]:
    return [candidate for candidate in pick(None) if candidate.featured]


def _measure(site: Site, plan: Plan, console: Console) -> None:
    load_average = round(os.getloadavg()[0], 2)
    began = time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime())
    proof = _prove(site, plan, console)
    round_ = Round(plan.cases, plan.effort, console.print)
    columns = (TextColumn("{task.description:<52}"), BarColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True) as progress:
        # One step for the start of each candidate, and one for each of its turns.
        task = progress.add_task("", total=len(plan.candidates) * (round_.turns + 1))

        def step(description: str) -> None:
            progress.update(task, description=description, advance=1)

        outcome = run_all(site, plan.candidates, round_, console.print, step)
    print_rows(outcome.rows, console)
    _show(plan, outcome, proof, console)
    if plan.folder is not None:
        run = msgspec.structs.replace(_run(plan, began, outcome, proof), load_average=load_average)
        write_results(outcome.rows, run, plan.folder)
        console.print(f"Written: {plan.folder.relative_to(ROOT)}/latest.json and run.json.")
        if not plan.quick:
            write_page()
            console.print("Written: docs/performance.md.")


def _prove(site: Site, plan: Plan, console: Console) -> Proof | None:
    """Look whether everything is on, where *full* is measured; a lack ends the run."""
    if all(candidate.handle != "full" for candidate in plan.candidates):
        return None
    try:
        proof = plan.prove(site)
    except Unable as error:
        console.print(f"full is not proven: {error}", markup=False)
        return None
    console.print("[bold]On in full[/bold]")
    for sentence in proof.sentences:
        console.print(f"  {sentence}", markup=False)
    return proof


def _show(plan: Plan, outcome: Outcome, proof: Proof | None, console: Console) -> None:
    bars = [*judge(outcome.rows), *judge_comparisons(outcome.rows, plan.comparisons)]
    for bar in bars:
        if bar.met is not None:
            verdict = "[green]met[/green]" if bar.met else "[red]not met[/red]"
            console.print(f"{bar.demand}: {bar.measured}, {verdict}")
    if proof is not None and proof.worker_mb is not None:
        console.print(f"The worker beside the gateway role takes {proof.worker_mb:.0f} MB.")
    for remark in outcome.remarks:
        console.print(
            f"No figures: {remark.candidate} ({remark.case}): {remark.reason}", markup=False
        )


def _run(plan: Plan, began: str, outcome: Outcome, proof: Proof | None) -> Run:
    return Run(
        began=began,
        machine=describe(),
        rounds=plan.effort.rounds,
        quick=plan.quick,
        commit=_output("git", "-C", str(ROOT), "rev-parse", "--short", "HEAD"),
        versions=_versions(),
        notes=outcome.notes,
        proofs=proof.sentences if proof else [],
        remarks=outcome.remarks,
        worker_mb=proof.worker_mb if proof else None,
    )


def _versions() -> dict[str, str]:
    lock = (litellm.FOLDER / "requirements.txt").read_text().splitlines()
    pinned = next((line for line in lock if line.startswith("litellm==")), "litellm==unknown")
    package = msgspec.json.decode((portkey.FOLDER / "package.json").read_bytes())
    return {
        "trunkline": metadata.version("trunkline"),
        "nginx": _output(find_program("nginx", "nginx-light"), "-v").rpartition("/")[2],
        "LiteLLM": pinned.partition("==")[2].split()[0],
        "Portkey": package["dependencies"]["@portkey-ai/gateway"],
    }


def _output(*command: str) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=10)
    return (done.stdout + done.stderr).strip()


def _interrupt(_number: int, _frame: object) -> NoReturn:
    """SIGTERM ends a run as Ctrl+C does, so that every process is ended with it."""
    raise KeyboardInterrupt


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line; a run that cannot happen ends with 1 and a sentence."""
    signal.signal(signal.SIGTERM, _interrupt)
    application = typer.Typer(add_completion=False)
    application.command()(bench)
    try:
        application(arguments)
    except CannotMeasure as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
