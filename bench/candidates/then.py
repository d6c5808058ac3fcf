"""The product as it was at a commit: what a call that only passes cost then, on today's machine."""

import shutil
import subprocess
from functools import partial
from pathlib import Path
from typing import Final

from bench.candidates.contract import Candidate, Launch, Say
from bench.candidates.full import (
    FILE,
    caller_of,
    configuration,
    furnish,
    run_trunkline,
    serve_command,
    trunkline_environment,
)
from bench.cases import FEATURED
from bench.comparing import THEN
from bench.place import ROOT, Site, free_ports
from bench.processes import Unable

FIRST: Final = "619448e"
"""The last commit that knew neither translation nor policies: a byte pass and nothing else."""

_CASES: Final = tuple(dict.fromkeys(comparison.passed for comparison in FEATURED))
# The first is the older name.
_APPLY: Final = (("apply",), ("config", "apply"))


def at_commit(revision: str) -> Candidate:
    """The product of a commit, with the packages that are installed now."""
    return Candidate("trunkline", f"{THEN}{revision}", partial(_prepare, revision), cases=_CASES)


def _prepare(revision: str, site: Site, _say: Say) -> Launch:
    room = site.room("trunkline-then")
    environment = {"PYTHONPATH": str(_unpacked(revision, room) / "src")}
    content = configuration(site, room, _CASES)
    key = furnish(site, room, content, environment)
    _apply(site, room, environment)
    (port,) = free_ports(1)
    return Launch(
        command=serve_command(room, port, "gateway"),
        environment=trunkline_environment(site) | environment,
        call=caller_of(port, key),
        note=f"the same as *full*, of the source at {revision} and with today's packages.",
    )


def _unpacked(revision: str, room: Path) -> Path:
    """The source of a commit.

    Raises:
        Unable: this copy of the repository does not have it.
    """
    packed, tree = room / "tree.tar", room / "tree"
    command = ("git", "-C", str(ROOT), "archive", f"--output={packed}", revision, "src")
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    if done.returncode:
        raise Unable(f"there is no commit {revision} here: {done.stderr.strip()[-200:]}")
    shutil.unpack_archive(packed, tree)
    return tree


def _apply(site: Site, room: Path, environment: dict[str, str]) -> None:
    """Apply the configuration under whichever name the command had."""
    complaints = []
    for words in _APPLY:
        try:
            run_trunkline(site, room, *words, "--file", FILE, environment=environment)
        except Unable as error:
            complaints.append(str(error))
        else:
            return
    raise Unable(complaints[-1])
