"""Circuits from the command line."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import pytest
from tests.cli.conftest import Command

from trunkline.cli.exits import Exit
from trunkline.cli.main import main


class Result(NamedTuple):
    """What a command left behind."""

    returncode: int
    stdout: str
    stderr: str


Run = Callable[..., Result]


@pytest.fixture
def trunkline(
    data_dir: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Run:
    """Run a command on a migrated and empty database, as the installed program does."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("DATABASE_URL", raising=False)
    monkeypatch.setenv("TRUNKLINE_DATA_DIR", str(data_dir))
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setenv("OPENAI_API_KEY", "sk-made-up")

    def run(*arguments: str) -> Result:
        monkeypatch.setattr(sys, "argv", ["trunkline", "circuit", *arguments])
        with pytest.raises(SystemExit) as ended:
            main()
        said = capsys.readouterr()
        return Result(int(ended.value.code or 0), said.out, said.err)

    return run


def printed(result: Result) -> Any:
    assert (result.returncode, result.stderr) == (Exit.OK, "")
    return msgspec.json.decode(result.stdout)


def test_a_circuit_is_opened_listed_closed_and_cleared(trunkline: Run) -> None:
    assert "No circuit of a shared connection is held." in trunkline("list").stdout
    opened = trunkline("open", "openai", "gpt-5", "--reason", "They are down")
    assert opened.stdout == "The circuit of gpt-5 at openai is held open.\n"
    assert opened.stderr == (
        "Note: no target is left for gpt-5. Undo it with: trunkline circuit clear openai gpt-5\n"
    )
    (row,) = printed(trunkline("list", "--json"))
    assert (row["org_id"], row["connection"], row["model"], row["state"], row["reason"]) == (
        None,
        "openai",
        "gpt-5",
        "open",
        "They are down",
    )
    assert row["held_since"].endswith("Z")
    closed = printed(trunkline("close", "openai", "gpt-5", "--json"))
    assert (closed["id"], closed["state"], closed["reason"]) == (row["id"], "closed", None)
    assert "closed" in trunkline("list").stdout
    cleared = trunkline("clear", "openai", "gpt-5")
    assert cleared.stdout == "The circuit of gpt-5 at openai is left to its calls again.\n"
    assert trunkline("clear", "openai", "gpt-5").returncode == Exit.NOT_FOUND


def test_an_organisation_has_circuits_for_its_own_connections_only(trunkline: Run) -> None:
    nobody = trunkline("list", "--org", "acme")
    assert (nobody.returncode, "no organisation 'acme'" in nobody.stderr) == (Exit.NOT_FOUND, True)


def test_opening_tells_which_models_it_leaves_without_a_target(
    command: Command, tmp_path: Path
) -> None:
    (tmp_path / "t.yaml").write_text("""
organisation: acme
connections: [{name: gpu, provider: groq}]
models:
- {name: two, targets: [{connection: gpu, model: a}, {connection: gpu, model: b}]}
- name: one
  targets: [{connection: gpu, model: a}, {connection: gpu, model: b, state: disabled}]
""")
    assert command("config", "apply", "-f", "t.yaml").code == Exit.OK
    undo = "Undo it with: trunkline circuit clear gpu"
    opened = command("circuit", "open", "gpu", "a", "--org", "acme")
    assert opened.stderr == f"Note: no target is left for one. {undo} a --org acme\n"
    opened = command("circuit", "open", "gpu", "b", "--org", "acme")
    assert opened.stderr == f"Note: no target is left for two. {undo} b --org acme\n"
    assert command("circuit", "close", "gpu", "a", "--org", "acme").stderr == ""
    again = command("circuit", "open", "gpu", "b", "--org", "acme", "--json").told
    assert (again["state"], again["stranded"]) == ("open", [])
    for model in ("a", "b"):
        assert command("circuit", "clear", "gpu", model, "--org", "acme").code == Exit.OK
    none = command("circuit", "list", "--org", "acme").stdout
    assert none.startswith("No circuit of acme's own connections is held.")
