"""``trunkline config`` as a user calls it: plan, apply, versions, rollback and export."""

import os
import pty
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import msgspec
import pytest

from trunkline.cli.main import main

FILE = """\
connections:
- {name: gpu, provider: vllm, base_url: "http://10.0.0.7:8000/v1", secret: "env:GPU"}
---
organisation: acme
models:
- {name: fast, targets: [{connection: gpu, model: llama}, {connection: gpu, model: qwen}]}
keys: [{name: build}]
"""
Run = Callable[..., "Done"]


def environment(room: Path, variables: dict[str, str]) -> dict[str, str]:
    given = os.environ  # noqa: TID251 - the test starts a process as a user would
    # Coverage follows processes by variables of its own.
    kept = {name: given[name] for name in given if name == "PATH" or name.startswith("COVERAGE")}
    return kept | {"TRUNKLINE_DATA_DIR": str(room / "data"), "GPU": "k", **variables}


@pytest.fixture
def room(data_dir: Path) -> Path:
    room = data_dir.parent
    (room / "t.yaml").write_text(FILE)
    return room


class Done(NamedTuple):
    returncode: int
    stdout: str
    stderr: str


@pytest.fixture
def run(room: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Calls a command in this process, which takes a tenth of the time of one of its own."""
    monkeypatch.chdir(room)

    def call(*arguments: str, **variables: str) -> Done:
        for name, value in environment(room, variables).items():
            monkeypatch.setenv(name, value)
        monkeypatch.setattr(sys, "argv", ["trunkline", "config", *arguments])
        with pytest.raises(SystemExit) as ended:
            main()
        return Done(int(ended.value.code or 0), *capsys.readouterr())

    return call


def test_a_configuration_is_planned_applied_exported_and_taken_back(room: Path, run: Run) -> None:
    planned = run("plan", "-f", "t.yaml", "--detailed-exitcode")
    assert (planned.returncode, planned.stderr) == (2, "")
    assert planned.stdout == (
        "Shared with all organisations\n"
        '  + connections "gpu": provider vllm; base_url http://10.0.0.7:8000/v1; secret env:GPU\n'
        "Organisation acme\n"
        '  + organisation "acme"\n'
        '  + models "fast": targets gpu/llama, gpu/qwen\n'
        '  + keys "build"\n'
        "Plan: 4 to add, 0 to change, 0 to remove.\n"
    )
    applied = run("apply", "-f", "t.yaml", "-m", "First")
    assert (applied.returncode, applied.stderr) == (
        0, "Keep these keys now: they cannot be shown again.\n",
    )  # fmt: skip
    *same, counted, key = applied.stdout.splitlines()
    assert same == planned.stdout.splitlines()[:-1]
    assert counted == "Applied: 4 added, 0 changed, 0 removed."
    assert key.startswith("acme build: tl_")
    nothing = run("plan", "-f", "t.yaml", "--detailed-exitcode")
    assert (nothing.returncode, nothing.stdout) == (
        0, "Everything is as the configuration says; nothing changes.\n",
    )  # fmt: skip

    (room / "export.yaml").write_text(run("export").stdout)
    assert run("plan", "-f", "export.yaml", "--prune", "--detailed-exitcode").returncode == 0
    documents = msgspec.json.decode(run("export", "--json").stdout)
    assert [document.get("organisation") for document in documents] == [None, "acme"]
    assert [
        msgspec.json.decode(run("export", *option, "--json").stdout)
        for option in (("--shared",), ("--org", "acme"))
    ] == [[document] for document in documents]

    changed = FILE.replace("qwen}]", "qwen, weight: 4}], route: {policy: weighted}")
    (room / "t.yaml").write_text(changed.replace("name: build", "name: other"))
    second = run("apply", "-f", "t.yaml", "--prune", "--json", "-m", "Second")
    told = msgspec.json.decode(second.stdout)
    plan = told["plan"]
    assert (plan["add"], plan["change"], plan["remove"], plan["rows"]) == (1, 1, 1, 3)
    assert [(issued["organisation"], issued["key"]) for issued in told["issued"]] == [
        ("acme", "other")
    ]
    assert len(told["changes"]) == 3

    listed = run("versions").stdout.splitlines()
    assert [line.split()[0] for line in listed] == ["Version", "2", "1"]
    assert [line.endswith(note) for line, note in zip(listed[1:], ("Second", "First"), strict=True)]
    assert run("versions", "--show", "1").stdout == (
        "version: 1\norganisation: acme\nname: acme\ntime_zone: UTC\ntier: null\nmodels:\n"
        "  - name: fast\n    targets:\n"
        "      - {connection: gpu, model: llama}\n      - {connection: gpu, model: qwen}\n"
        "keys:\n  - {name: build}\n"
    )
    (row,) = msgspec.json.decode(run("versions", "--shared", "--json").stdout)
    assert (row["number"], row["note"]) == (1, "First")

    back = run("rollback", "--to", "1")
    assert back.stdout.splitlines()[:-1] == [
        "Organisation acme",
        '  ~ models "fast"',
        "      ~ targets[1].weight: 4 -> 1",
        "      ~ route.policy: weighted -> ordered",
        '  + keys "build"',
        '  - keys "other"',
        "Applied: 1 added, 1 changed, 1 removed.",
    ]
    (row, *_) = msgspec.json.decode(run("versions", "--show", "3", "--json").stdout)
    assert (row["number"], row["note"]) == (3, "Back to version 1.")
    assert "document" in row
    assert run("rollback", "--to", "9").returncode == 3
    both = run("versions", "--shared", "--org", "acme")
    assert (both.returncode, "either --org or --shared" in both.stderr) == (4, True)


def test_a_missing_secret_is_refused_with_its_place_unless_it_is_allowed(run: Run) -> None:
    refused = run("apply", "-f", "t.yaml", GPU="")
    assert (refused.returncode, refused.stdout) == (4, "")
    assert refused.stderr.splitlines() == [
        "Error: t.yaml is refused:",
        "t.yaml:2:68: connections[0].secret: the environment has no GPU",
        "  Nothing was changed. docs/configuration.md explains every field.",
    ]
    allowed = ("-f", "t.yaml", "--allow-missing-secrets")
    assert run("plan", *allowed, GPU="").returncode == 0
    told = msgspec.json.decode(run("plan", *allowed, "--json", GPU="").stdout)
    assert (told["add"], [owner["organisation"] for owner in told["owners"]]) == (4, [None, "acme"])
    assert run("apply", *allowed, GPU="").returncode == 0


def test_a_message_has_an_end(run: Run) -> None:
    refused = run("apply", "-f", "t.yaml", "-m", "x" * 501)
    assert (refused.returncode, "longer than 500" in refused.stderr) == (4, True)


def on_a_terminal(room: Path, *arguments: str, answer: str) -> tuple[int, str]:
    """A command whose input and output are a terminal, and what it showed."""
    ours, its = pty.openpty()
    with subprocess.Popen(
        [sys.executable, "-m", "trunkline.cli.main", "config", *arguments],
        cwd=room, env=environment(room, {"TERM": "xterm"}), stdin=its, stdout=its, stderr=its,
    ) as process:  # fmt: skip
        os.close(its)
        os.write(ours, answer.encode())
        shown = b""
        try:
            while piece := os.read(ours, 4096):
                shown += piece
        except OSError:
            # Linux ends the reading of a terminal that nobody writes to any more in this way.
            pass
        os.close(ours)
        return process.wait(60), shown.decode()


def test_on_a_terminal_the_plan_is_coloured_and_agreed_to_first(room: Path, run: Run) -> None:
    code, shown = on_a_terminal(room, "apply", "-f", "t.yaml", answer="n\n")
    assert (code, "\x1b[32m+ " in shown, "Apply this?" in shown) == (0, True, True)
    assert run("versions", "--shared").stdout == "Nothing was applied yet.\n"
    code, shown = on_a_terminal(room, "apply", "-f", "t.yaml", answer="y\n")
    assert (code, "Applied: 4 added" in shown) == (0, True)
    code, shown = on_a_terminal(room, "apply", "-f", "t.yaml", answer="")
    assert (code, "nothing changes" in shown, "Apply this?" in shown) == (0, True, False)
    code, shown = on_a_terminal(room, "apply", "-f", "t.yaml", "--yes", answer="")
    assert (code, "Apply this?" in shown) == (0, False)


def test_an_empty_file_prunes_nothing_and_says_what_to_do(room: Path, run: Run) -> None:
    assert run("apply", "-f", "t.yaml").returncode == 0
    (room / "empty.yaml").write_text("# To be written.\n")
    for command in ("plan", "apply"):
        refused = run(command, "-f", "empty.yaml", "--prune")
        assert (refused.returncode, refused.stdout) == (4, "")
        assert refused.stderr == (
            "Error: empty.yaml is refused:\n"
            "it names nothing, and pruning would remove all that organisations share: "
            "connections (1). Where something shall go, write its section as an empty list, "
            "such as models: []\n"
            "  Nothing was changed. docs/configuration.md explains every field.\n"
        )
    assert run("plan", "-f", "t.yaml", "--detailed-exitcode").returncode == 0


def test_no_command_shows_the_value_of_a_secret_header(room: Path, run: Run) -> None:
    headers = 'secret: "env:GPU", headers: {x-token: s3cret}'
    (room / "t.yaml").write_text(FILE.replace('secret: "env:GPU"', headers))
    said = [run("plan", "-f", "t.yaml").stdout, run("apply", "-f", "t.yaml", "--json").stdout]
    export = run("export").stdout
    assert export.startswith("# kept:here stands for the value of a header")
    (room / "export.yaml").write_text(export)
    assert run("plan", "-f", "export.yaml", "--prune", "--detailed-exitcode").returncode == 0
    for options in ((), ("--json",)):
        said.append(run("versions", "--shared", "--show", "1", *options).stdout)
        said.append(run("export", "--shared", *options).stdout)
    assert ["kept:here" in text for text in said] == [True] * 6
    assert ["s3cret" in text for text in said] == [False] * 6
    (room / "t.yaml").write_text(FILE)
    assert run("apply", "-f", "t.yaml").returncode == 0
    back = run("rollback", "--shared", "--to", "1")
    assert back.stdout.splitlines()[1] == '  ~ connections "gpu".headers.x-token: kept:here'
