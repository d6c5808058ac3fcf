"""Looks for secrets in the files that git tracks, or in those that are named.

Everything that detect-secrets knows is looked for; what was looked at and found harmless stands in
``.secrets.baseline`` by file, kind and hash, so that lines may move. Credentials in tests and
benchmarks are made up, so there only the forms of real ones count: those of providers and clouds,
and private keys.
``--accept`` writes what is found now into the baseline: look at each first.
"""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from detect_secrets.core.scan import scan_file
from detect_secrets.settings import default_settings

ROOT = Path(__file__).resolve().parent.parent
BASELINE = ROOT / ".secrets.baseline"
# Locks are hashes from top to bottom, and the baseline is made of the hashes of what it accepts.
NOT_READ = (
    "requirements/build.txt",
    "requirements/dev.txt",
    "requirements/runtime.txt",
    ".secrets.baseline",
)
GUESSES = frozenset(
    {
        "Base64 High Entropy String",
        "Basic Auth Credentials",
        "Hex High Entropy String",
        "JSON Web Token",
        "Secret Keyword",
    }
)


def tracked() -> list[str]:
    """The files that git tracks, below the root."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True)
    return [name for name in listed.stdout.decode().split("\0") if name]


def findings(names: list[str]) -> Iterator[tuple[str, str, str, int]]:
    """File, kind, hash and line of what looks like a secret."""
    with default_settings():
        for name in names:
            if name in NOT_READ or not (ROOT / name).is_file():
                continue
            for secret in scan_file(str(ROOT / name)):
                if name.startswith(("tests/", "bench/")) and secret.type in GUESSES:
                    continue
                yield name, secret.type, secret.secret_hash, secret.line_number


def main(arguments: list[str]) -> int:
    """Print what is new; 1 where anything is."""
    accept = "--accept" in arguments
    names = [argument for argument in arguments if argument != "--accept"] or tracked()
    accepted = json.loads(BASELINE.read_text(encoding="utf-8")) if BASELINE.exists() else []
    known = {(entry["file"], entry["kind"], entry["hash"]) for entry in accepted}
    found = list(findings(names))
    if accept:
        rows = sorted({finding[:3] for finding in found})
        entries = [dict(zip(("file", "kind", "hash"), row, strict=True)) for row in rows]
        BASELINE.write_text(json.dumps(entries, indent=2) + "\n", encoding="utf-8")
        return 0
    new = [finding for finding in found if finding[:3] not in known]
    for name, kind, _, line in new:
        print(f"{name}:{line}: looks like a secret ({kind})")
    if new:
        print("Take it out and revoke it. If it is none: python scripts/scan_secrets.py --accept")
    return int(bool(new))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
