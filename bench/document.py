"""docs/performance.md, written from the last run."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from bench.bars import Bar, judge
from bench.cases import FEATURED, TRANSLATED
from bench.comparing import THEN, Beside, beside
from bench.place import ROOT
from bench.results import FEATURED_FOLDER, FOLDER, TRANSLATED_FOLDER, Row, Run, read_results
from bench.table import cells, grouped

Measurement = tuple[Sequence[Row], Run]
"""The rows of a run, and what is to be known of it."""

PAGE: Final = ROOT / "docs" / "performance.md"
_HEAD: Final = (
    "| candidate | c | req/s | p50 ms | p99 ms | TTFT p50 ms | CPU µs / request | CPU µs / chunk "
    "| RSS idle MB | RSS peak MB | ready s | errors |"
)
_RULE: Final = "|---|" + "---:|" * 11
_FOREWORD: Final = """\
Written by `make bench`; do not edit. `QUICK=1 make bench` measures the short table only, and
`python -m bench --help` tells how to measure one thing."""
_RATIOS: Final = """\
Requests per second as a share of nginx's, and as a multiple of LiteLLM's. Of streams, where all
keep the provider's pace, the CPU per chunk is compared instead: less is better."""
_TRANSLATED: Final = """\
A caller of one wire at a provider of another, on *full*, beside the same caller's call of the same
size whose bytes pass, measured in turns with it. `_to_` stands before the provider's wire; a talk
has 40 messages, with calls of tools and their results. `python -m bench --translated` measures
these alone and leaves all other figures of this page as they are."""
_FEATURED: Final = """\
What routing, circuits, the answer cache and guardrails cost: calls of models that have them, on
*full*, beside the same call of a model with one target and no policy, measured in turns with it.
Circuits are never off. `python -m bench --resilient` measures these alone and leaves all other
figures of this page as they are. In the same rounds runs the product of the last commit that could
do nothing but pass bytes: what policies and a look-up may cost is counted from there, since the
byte pass has become cheaper meanwhile. *times* is of the column before it, or of *passed*.

- `routed`: two targets by latency, three rules that are asked and fit nothing, fallbacks for
  errors, length and money, three tries, a circuit that counts slow calls, five time limits.
- `looked_up`: `routed`, and an answer cache. No two calls are the same, so it is asked with each
  call and has nothing. The provider says that its filter ended each answer, so none is kept.
- `everything_new`: the same with answers that end well: each is kept as well. Keeping is work for
  later calls, which are the cheaper for it, so nothing is demanded of it.
- `cached_hit`: a kept answer of a model with one target. `everything_hit`: of one with `routed`.
- `hedged`: a second attempt is ready with each call, and never begins.
- `guarded`: personal data is looked for in the request and in the answer, which have none.
- `buffered`: a stream is held until it is whole, so its first content comes with its last."""
_METHOD: Final = """\
## How it is measured

- Two cores. The candidate that is measured has one of them to itself; load generator and provider
  share the other. All candidates run at once and take turns: each round measures every case with
  every candidate before the next round begins, in an order that turns. A figure is the median of
  the rounds; errors are added up. Where a call stands beside another, `times` is the median of
  what each round gave for the two, since the machine's own speed may move by more between rounds.
- The provider answers whole calls with a body out of nginx's configuration (0.8 KB), and streams
  from a raw asyncio sender: 50 chunks, 20 ms apart, encoded beforehand. `chat_tls` reaches the same
  by TLS with a verified certificate; `chat_200kb` sends a request of 200 KB.
- Whole calls are made by wrk, streams by a raw client that reads each one to its end: a stream
  whose text or end is not what the provider sent is an error. p50 and p99 of a stream are those of
  its whole duration, at best 980 ms.
- CPU is user and system time of the candidate's processes, divided by what the client received; for
  a stream it includes its request. It says more than req/s, since fast candidates wait for the
  other core, which load and provider share.
- *Ready* is the time from the start of the process to its first right answer. RSS idle is taken one
  second later, RSS peak is the most during a case.
- *direct* is no candidate: it shows what load and provider can do by themselves, on their one core.
"""


def render(
    rows: Sequence[Row],
    run: Run,
    translated: Measurement | None = None,
    featured: Measurement | None = None,
) -> str:
    """The page.

    Args:
        rows: of the run of all candidates.
        run: that run.
        translated: what translating costs, which is measured by itself.
        featured: what policies, cache and guardrails cost, which is, too.
    """
    versions = ", ".join(f"{name} {version}" for name, version in run.versions.items())
    parts = (
        ("# Performance", "", _FOREWORD, "", f"{_measured(run)}. {versions}.", ""),
        _bars(rows),
        _ratios(rows),
        _translation(*translated) if translated is not None else (),
        _features(*featured) if featured is not None else (),
        _tables(rows),
        _proofs(run),
        _remarks(run),
        (_METHOD,),
    )
    return "\n".join(line for part in parts for line in part)


def render_kept(
    folder: Path = FOLDER, translated: Path = TRANSLATED_FOLDER, featured: Path = FEATURED_FOLDER
) -> str:
    """The page of what is kept.

    Raises:
        OSError, msgspec.MsgspecError: there is no whole run, or it is of another form.
    """
    rows, run = read_results(folder)
    return render(rows, run, _read_if_kept(translated), _read_if_kept(featured))


def write_page(page: Path = PAGE) -> None:
    """Write the page of what is kept."""
    page.write_text(render_kept())


def _read_if_kept(folder: Path) -> Measurement | None:
    return read_results(folder) if (folder / "latest.json").exists() else None


def _measured(run: Run) -> str:
    """When and on what."""
    short = ", short table" if run.quick else ""
    if run.load_average is not None:
        short += f"; load average before it {run.load_average:.2f}"
    where = f"{run.machine}; commit {run.commit}; {run.rounds} rounds"
    return f"Measured on {run.began}: {where}{short}"


def _translation(rows: Sequence[Row], run: Run) -> Iterator[str]:
    yield from ("## Translated calls", "", _TRANSLATED, "", f"{_measured(run)}.", "")
    yield from _compared(beside(rows, TRANSLATED), "translated")


def _features(rows: Sequence[Row], run: Run) -> Iterator[str]:
    yield from ("## Policies, cache and guardrails", "", _FEATURED, "", f"{_measured(run)}.", "")
    yield from _compared(beside(rows, FEATURED), "with it")
    yield from (_HEAD.replace("candidate", "call"), _RULE)
    for row in rows:
        name = f"{row.operation}, streamed" if row.stream else row.operation
        if row.mode.startswith(THEN):
            name += f", {row.mode}"
        yield f"| {name} | {' | '.join(cells(row))} |"
    yield ""
    yield from ("Seen in the same run, on the configuration that is measured:", "")
    yield from (f"- {sentence}" for sentence in run.proofs or ["not proven in this run"])
    yield ""


def _compared(compared: Sequence[Beside], name: str) -> Iterator[str]:
    """What is demanded and whether it is met, then all figures; ``name`` is that of a column."""
    yield from _judged([one.bar for one in compared if one.bar is not None])
    commit = next((one.commit for one in compared if one.commit), None)
    then = "" if commit is None else f" passed at {commit} | times |"
    yield f"| call | unit | passed | {name} | times |{then}"
    yield "|---|---|---:|---:|---:|" + ("---:|---:|" if then else "")
    for one in compared:
        if one.passed is not None and one.added is not None and one.times is not None:
            figures = f"{one.passed:.1f} | {one.added:.1f} | {one.times:.2f}"
            if one.then is not None and one.times_then is not None:
                figures += f" | {one.then:.1f} | {one.times_then:.2f}"
            yield f"| {one.title} | {one.unit} | {figures} |"
    yield ""


def _bars(rows: Sequence[Row]) -> Iterator[str]:
    yield from ("## The bar", "")
    yield from _judged(judge(rows))


def _judged(bars: Sequence[Bar]) -> Iterator[str]:
    yield from ("| demand on *full* | measured | |", "|---|---:|---|")
    for bar in bars:
        verdict = "" if bar.met is None else ("met" if bar.met else "**not met**")
        yield f"| {bar.demand} | {bar.measured} | {verdict} |"
    yield ""


def _ratios(rows: Sequence[Row]) -> Iterator[str]:
    yield from ("## Beside nginx and LiteLLM", "", _RATIOS, "")
    yield from ("| case | candidate | of nginx | of LiteLLM |", "|---|---|---:|---:|")
    for title, group in grouped(rows).items():
        for row in group:
            if row.candidate in {"direct", "nginx", "litellm"}:
                continue
            peers = {r.candidate: r for r in group if r.concurrency == row.concurrency}
            shares = [_share(row, peers.get(name)) for name in ("nginx", "litellm")]
            yield f"| {title}, c = {row.concurrency} | {row.title} | {' | '.join(shares)} |"
    yield ""


def _share(row: Row, other: Row | None) -> str:
    if other is None:
        return "-"
    mine, theirs = ((r.cpu_us_per_chunk if row.stream else r.requests_per_s) for r in (row, other))
    return f"{mine / theirs:.3g}" if mine is not None and theirs else "-"


def _tables(rows: Sequence[Row]) -> Iterator[str]:
    yield from ("## Figures", "")
    for title, group in grouped(rows).items():
        yield from (f"### {title}", "", _HEAD, _RULE)
        for row in group:
            yield f"| {row.title} | {' | '.join(cells(row))} |"
        yield ""


def _proofs(run: Run) -> Iterator[str]:
    yield from ("## What *full* has switched on", "")
    yield "Seen in the same run, on the configuration that is measured:"
    yield ""
    yield from (f"- {sentence}" for sentence in run.proofs or ["not proven in this run"])
    if run.worker_mb is not None:
        yield f"- The worker process takes {run.worker_mb:.0f} MB beside the gateway role."
    yield ""
    yield from ("## How each one is set up", "")
    yield from (f"- **{title}**: {note}" for title, note in run.notes.items())
    yield ""


def _remarks(run: Run) -> Iterator[str]:
    if run.remarks:
        yield from ("## Without figures", "")
        yield from (f"- {r.candidate} ({r.case}): {r.reason}" for r in run.remarks)
        yield ""
