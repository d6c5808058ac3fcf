"""Asks PyPI's advisory service about every package that the product runs on.

pip-audit counts a package that the service does not know as skipped and ends with success; here
anything that was not looked at is a failure. ``--offline`` says so and passes.
"""

import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LOCK = "requirements/runtime.txt"
COMMAND = (
    *(sys.executable, "-m", "pip_audit", "-r", LOCK, "--disable-pip", "--require-hashes"),
    *("--format", "json", "--progress-spinner", "off"),
)
WAY_OUT = "Run it where the advisory service can be reached, or leave the audit out with OFFLINE=1."


def verdict(report: str) -> tuple[list[str], int]:
    """What to say about pip-audit's report, and the exit code."""
    packages = json.loads(report)["dependencies"]
    skipped = [package["name"] for package in packages if "skip_reason" in package]
    told = [
        f"{package['name']} {package['version']}: {found['id']}, "
        f"fixed in {', '.join(found['fix_versions']) or 'no release yet'}"
        for package in packages
        for found in package.get("vulns", ())
    ]
    if skipped:
        told.append(f"{len(skipped)} of {len(packages)} packages could not be audited. {WAY_OUT}")
    return told or [f"{len(packages)} packages, no known vulnerability."], int(bool(told))


def main(arguments: list[str]) -> int:
    """Print the verdict; 1 where there is a vulnerability or something was not audited."""
    if "--offline" in arguments:
        print("Known vulnerabilities were not looked for: OFFLINE is set.")
        return 0
    audit = subprocess.run(COMMAND, cwd=ROOT, capture_output=True, text=True, check=False)
    if not audit.stdout.startswith("{"):
        reason = (audit.stderr.strip().splitlines() or ["no reason given"])[-1]
        print(f"The audit did not run: {reason}\n{WAY_OUT}")
        return 1
    lines, code = verdict(audit.stdout)
    print("\n".join(lines))
    return code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
