"""Where the time of *full* goes: the server under cProfile while it is loaded.

Run as ``python -m bench.profiling OUTPUT ARGUMENTS...`` inside the server's process; the harness
starts it so. The profile measures Python functions only and doubles what each call costs, so its
shares are to be read, and not its sums.
"""

import cProfile
import pstats
import sys
from pathlib import Path

from bench.candidates.contract import Launch, Say
from bench.candidates.full import FULL
from bench.cases import Case, Effort
from bench.contender import Contender
from bench.place import ROOT, Site

TOP = 40


def profile_full(site: Site, case: Case, effort: Effort, say: Say) -> str:
    """Serve *full* under cProfile, load it with one case, and return the top of the profile."""
    plain = FULL.prepare(site, say)
    output = site.folder / "profile"
    command = (sys.executable, "-m", "bench.profiling", str(output))
    arguments = (plain.command or ())[3:]
    launch = Launch(
        command=(*command, *arguments),
        environment=plain.environment | {"PYTHONPATH": str(ROOT)},
        call=plain.call,
    )
    contender = Contender(FULL, launch, site)
    try:
        contender.start()
        sample = contender.measure(case, effort)
    finally:
        contender.close()
    requests = max(1, sample.measured.requests)
    return _table(output, requests)


def _table(output: Path, requests: int) -> str:
    stats = pstats.Stats(str(output))
    rows = sorted(_rows(stats), reverse=True)[:TOP]
    lines = [f"{'own us/req':>10} {'with callees':>12} {'calls/req':>9}  function"]
    for own, cumulative, calls, name in rows:
        lines.append(
            f"{own * 1e6 / requests:10.2f} {cumulative * 1e6 / requests:12.2f} "
            f"{calls / requests:9.2f}  {name}"
        )
    return "\n".join(lines)


def _rows(stats: pstats.Stats) -> list[tuple[float, float, int, str]]:
    found = []
    for (file, line, function), (_, calls, own, cumulative, _) in stats.stats.items():  # type: ignore[attr-defined] # typeshed leaves it out
        place = "/".join(Path(file).parts[-3:]) + f":{line} " if line else ""
        found.append((own, cumulative, calls, f"{place}{function}"))
    return found


def main() -> None:
    """Run the product's command line under the profiler and dump it at the end."""
    output, *arguments = sys.argv[1:]
    sys.argv = ["trunkline", *arguments]
    from trunkline.cli.main import main as trunkline  # noqa: PLC0415 - its imports are part of it

    profiler = cProfile.Profile()
    try:
        profiler.runcall(trunkline)
    finally:
        profiler.dump_stats(output)


if __name__ == "__main__":
    main()
