"""Checks without a network that the lock files hold what pyproject.toml asks for.

Every requirement has a pinned version that satisfies it, every pin has hashes, and no line names
a registry: which one is used is decided where the files are installed from.
"""

import re
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parent.parent
PIN = re.compile(r"([A-Za-z0-9._-]+)(?:\[[^]]*\])?==([^ ;]+)(.*)")
REGISTRY = re.compile(r"^\s*(?:-i|-f|--[\w-]*index-url|--find-links)\b|https?://", re.MULTILINE)
COMPILE = (
    "uv pip compile {source} --python-version 3.11 --generate-hashes --no-emit-index-url "
    "--universal -o {lock}"
)
SOURCES = {
    "requirements/runtime.txt": "pyproject.toml",
    "requirements/dev.txt": "pyproject.toml --group dev",
    "requirements/build.txt": "--group build",
}


def requirements_of(pyproject: str) -> dict[str, list[str]]:
    """Lock file -> the requirements that it must satisfy."""
    document = tomllib.loads(pyproject)
    runtime = document["project"]["dependencies"]
    return {
        "requirements/runtime.txt": runtime,
        "requirements/dev.txt": [*runtime, *document["dependency-groups"]["dev"]],
        "requirements/build.txt": document["dependency-groups"]["build"],
    }


def problems_of(lock: str, requirements: list[str]) -> Iterator[str]:
    """What is wrong with the text of a lock file, one sentence each."""
    lines = map(PIN.match, lock.replace("\\\n", "").splitlines())
    pins = {canonicalize_name(found[1]): (found[2], found[3]) for found in lines if found}
    for text in requirements:
        wanted = Requirement(text)
        pinned = pins.get(canonicalize_name(wanted.name))
        if pinned is None:
            yield f"{wanted.name} is not in it"
        elif not wanted.specifier.contains(pinned[0], prereleases=True):
            yield f"{wanted.name} is pinned to {pinned[0]}, which is not {wanted.specifier}"
    for name, (_, tail) in pins.items():
        if "--hash=sha256:" not in tail:
            yield f"{name} has no hash"
    if REGISTRY.search(lock):
        yield "it names a registry"


def main() -> int:
    """Print what is wrong; 1 where anything is."""
    pyproject = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    found = False
    for name, requirements in requirements_of(pyproject).items():
        for problem in problems_of((ROOT / name).read_text(encoding="utf-8"), requirements):
            command = COMPILE.format(source=SOURCES[name], lock=name)
            print(f"{name}: {problem}; run: {command}")
            found = True
    return int(found)


if __name__ == "__main__":
    sys.exit(main())
