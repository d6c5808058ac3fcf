"""The hooks of each commit, and the scripts behind them."""

import json
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from scripts import scan_secrets
from scripts.audit_dependencies import verdict
from scripts.check_commit_message import problem_of
from scripts.check_locks import problems_of, requirements_of

ROOT = Path(__file__).parent.parent.parent
PINNED = "typer==1.2.3 \\\n    --hash=sha256:00 \\\n    --hash=sha256:01\n    # via trunkline\n"


def hooks() -> list[dict[str, Any]]:
    configuration = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text(encoding="utf-8"))
    return [
        {"repo": repository["repo"], **hook}
        for repository in configuration["repos"]
        for hook in repository["hooks"]
    ]


def test_there_are_at_least_twenty_hooks_and_none_is_fetched() -> None:
    assert len(hooks()) >= 20
    assert {hook["repo"] for hook in hooks()} == {"builtin", "local"}


def test_every_script_that_a_hook_runs_exists() -> None:
    entries = [hook["entry"] for hook in hooks() if hook["repo"] == "local"]
    scripts = [word for entry in entries for word in entry.split() if word.endswith(".py")]
    assert scripts != []
    assert [script for script in scripts if not (ROOT / script).exists()] == []


@pytest.mark.parametrize(
    ("name", "refused", "accepted"),
    [
        ("no path of a developer's machine", "open('/ro" + "ot/data')", "a/ro" + "ot/b"),
        ("no address of a package registry", "--index-url x", "--no-emit-index-url x"),
        ("no notes to ourselves", "# " + "TODO" + " later", "# what is to be done"),
        ("no module without a subject", "src/trunkline/gateway/utils.py", "src/utilities.py"),
    ],
)
def test_a_pattern_refuses_what_it_is_for(name: str, refused: str, accepted: str) -> None:
    (pattern,) = next(hook["args"] for hook in hooks() if hook.get("name") == name)
    assert re.search(pattern, refused)
    assert not re.search(pattern, accepted)


@pytest.mark.parametrize(
    "message",
    [
        "feat(limits): Count requests per team\n\nSince teams share a quota.\n",
        "fix: Give back the hold of a refused attempt",
        "feat(cli)!: Take the slug first\n# a comment of git",
        "Merge branch 'limits'",
        'Revert "feat: Count"',
    ],
)
def test_a_conventional_message_passes(message: str) -> None:
    assert problem_of(message) is None


@pytest.mark.parametrize(
    ("message", "told"),
    [
        ("", "is not 'type(room): Subject'"),
        ("Count requests", "is not 'type(room): Subject'"),
        ("feat(limits): count requests", "begins with a capital letter"),
        ("feat(limits): Count requests.", "no full stop"),
        ("feature: Count requests", "The types are feat"),
        ("feat: " + "Count " * 20 + "all", "at most 100"),
        ("feat: Count requests\nwithout a line between", "empty line"),
    ],
)
def test_any_other_message_is_told_what_is_wrong(message: str, told: str) -> None:
    assert told in (problem_of(message) or "")


def test_the_locks_hold_what_the_project_asks_for() -> None:
    wanted = requirements_of((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    assert len(wanted) == 3
    for name, requirements in wanted.items():
        assert list(problems_of((ROOT / name).read_text(encoding="utf-8"), requirements)) == []


@pytest.mark.parametrize(
    ("lock", "requirement", "problem"),
    [
        (PINNED, "typer>=1", None),
        (PINNED, "rich", "rich is not in it"),
        (PINNED, "typer>=2", "typer is pinned to 1.2.3, which is not >=2"),
        ("typer==1.2.3\n", "typer", "typer has no hash"),
        ("--extra-index-url x\n" + PINNED, "typer", "it names a registry"),
        ("typer @ https://example.com/typer.whl\n" + PINNED, "typer", "it names a registry"),
    ],
)
def test_a_lock_that_is_wrong_is_told(lock: str, requirement: str, problem: str | None) -> None:
    assert list(problems_of(lock, [requirement])) == ([problem] if problem else [])


def test_an_audit_counts_only_what_was_looked_at() -> None:
    good = {"name": "a", "version": "1", "vulns": []}
    bad = {"name": "b", "version": "2", "vulns": [{"id": "PYSEC-1", "fix_versions": ["3"]}]}
    skipped = {"name": "c", "skip_reason": "not found"}

    def told(*packages: object) -> tuple[list[str], int]:
        return verdict(json.dumps({"dependencies": packages}))

    assert told(good) == (["1 packages, no known vulnerability."], 0)
    assert told(good, bad) == (["b 2: PYSEC-1, fixed in 3"], 1)
    lines, code = told(good, skipped)
    assert (code, lines[0].partition(".")[0]) == (1, "1 of 2 packages could not be audited")


def test_a_secret_is_found_wherever_it_is_of_a_known_form(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    known_form = "AKIA" + "QYLPMN5HHHFPZAM2"
    for folder in ("src", "tests"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "a.py").write_text(f'key = "{known_form}"\npassword = "hunter22"\n')
    monkeypatch.setattr(scan_secrets, "ROOT", tmp_path)
    found = {finding[:2] for finding in scan_secrets.findings(["src/a.py", "tests/a.py"])}
    assert found == {
        ("src/a.py", "AWS Access Key"),
        ("src/a.py", "Secret Keyword"),
        ("tests/a.py", "AWS Access Key"),
    }


def test_ci_runs_exactly_make_test() -> None:
    commands = (ROOT / ".ci" / "run").read_text(encoding="utf-8").splitlines()
    assert commands[-1] == "exec make test"


def test_help_lists_every_target_that_people_use() -> None:
    done = subprocess.run(["make", "help"], cwd=ROOT, capture_output=True, text=True, check=True)
    listed = {line.split()[0] for line in done.stdout.splitlines()}
    assert listed >= {
        "run", "test", "check", "bench", "drill", "dev", "format", "type-check", "build",
        "test-watch", "coverage", "security",
    }  # fmt: skip
