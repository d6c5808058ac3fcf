"""Where the time of *full* goes: the server under cProfile while it is loaded.

The harness starts the server as ``python -m bench.profiling OUTPUT ARGUMENTS...``; SIGUSR1 begins
the profile and SIGUSR2 ends it, so that neither start nor warm-up is in it. The profiler doubles
what each call costs, so its shares are to be read, and not its sums.
"""

import cProfile
import pstats
import signal
import sys
from pathlib import Path

from bench.candidates.contract import Launch, Say
from bench.candidates.full import FULL
from bench.cases import Case, Effort
from bench.contender import Contender
from bench.place import ROOT, Site

TOP = 40

# File, line and name of a function; its figures: primitive calls, calls, own seconds, seconds with
# callees, and the same four by caller.
_Function = tuple[str, int, str]
_Stats = dict[
    _Function, tuple[int, int, float, float, dict[_Function, tuple[int, int, float, float]]]
]


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
        contender.send_signal(signal.SIGUSR1)
        sample = contender.measure(case, effort)
        contender.send_signal(signal.SIGUSR2)
    finally:
        contender.close()
    requests = max(1, sample.measured.requests)
    return _table(output, requests)


def _table(output: Path, requests: int) -> str:
    stats: _Stats = pstats.Stats(str(output)).stats  # type: ignore[attr-defined] # typeshed leaves it out
    rows = sorted(_functions(stats), reverse=True)[:TOP]
    lines = [f"{'own us/req':>10} {'with callees':>12} {'calls/req':>9}  function"]
    for own, cumulative, calls, name in rows:
        lines.append(
            f"{own * 1e6 / requests:10.2f} {cumulative * 1e6 / requests:12.2f} "
            f"{calls / requests:9.2f}  {name}"
        )
    lines.append(f"\n{'own us/req':>10}  part, with what it calls of Python's own")
    parts = sorted(_parts(stats).items(), key=lambda item: -item[1])
    lines += [f"{own * 1e6 / requests:10.2f}  {part}" for part, own in parts]
    return "\n".join(lines)


def _functions(stats: _Stats) -> list[tuple[float, float, int, str]]:
    """Own seconds, seconds with callees, calls and name of each function."""
    return [
        (own, cumulative, calls, f"{_place(function)}{function[2]}")
        for function, (_, calls, own, cumulative, _) in stats.items()
    ]


def _parts(stats: _Stats) -> dict[str, float]:
    """Own seconds by module of the product; what is built in counts for its callers."""
    parts: dict[str, float] = {}
    for function, (_, _, own, _, callers) in stats.items():
        shares = {caller: times[2] for caller, times in callers.items()}
        if _is_ours(function) or not shares:
            shares = {function: own}
        for owner, seconds in shares.items():
            part = _part(owner) if _is_ours(owner) else "Python and uvloop themselves"
            parts[part] = parts.get(part, 0.0) + seconds
    return parts


def _is_ours(function: _Function) -> bool:
    return "trunkline" in Path(function[0]).parts


def _part(function: _Function) -> str:
    """The folder below the package, two levels deep, or the module."""
    parts = Path(function[0]).with_suffix("").parts
    below = parts[len(parts) - 1 - parts[::-1].index("trunkline") + 1 :]
    return ".".join(below[:2])


def _place(function: _Function) -> str:
    file, line, _ = function
    return "/".join(Path(file).parts[-3:]) + f":{line} " if line else ""


def main() -> None:
    """Run the product's command line, with the profiler at the call of the two signals."""
    output, *arguments = sys.argv[1:]
    sys.argv = ["trunkline", *arguments]
    from trunkline.cli.main import main as trunkline  # noqa: PLC0415 - its imports are part of it

    profiler = cProfile.Profile()

    def end(_number: int, _frame: object) -> None:
        profiler.disable()
        profiler.dump_stats(output)

    signal.signal(signal.SIGUSR1, lambda _number, _frame: profiler.enable())
    signal.signal(signal.SIGUSR2, end)
    trunkline()


if __name__ == "__main__":
    main()
