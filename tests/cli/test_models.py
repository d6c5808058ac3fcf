"""``trunkline models`` and ``config apply`` as a user calls them, in processes of their own."""

import os
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

FILE = """
organisations:
- slug: acme
  connections:
  - {name: gpu, provider: vllm, base_url: "http://10.0.0.7:8000/v1"}
  - {name: odd, provider: openai_compatible, base_url: "http://10.0.0.8/v1", secret: "env:NONE"}
  models:
  - {name: fast, targets: [{connection: gpu, model: llama}, {connection: openai, model: gpt-4o}]}
  - {name: odd, targets: [{connection: odd, model: x}]}
  keys: [{name: build}]
"""
# Nobody has the secret of one connection.
APPLIED = ("-f", "trunkline.yaml", "--allow-missing-secrets")


@pytest.fixture
def room(tmp_path: Path, sqlite_template: Path) -> Path:
    """A folder to run in, with a migrated database and a file to apply."""
    data = tmp_path / "data"
    data.mkdir()
    (data / sqlite_template.name).write_bytes(sqlite_template.read_bytes())
    (tmp_path / "trunkline.yaml").write_text(FILE)
    return tmp_path


def run(room: Path, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    path = os.environ["PATH"]  # noqa: TID251 - the test starts a process as a user would
    return subprocess.run(
        [sys.executable, "-m", "trunkline.cli.main", *arguments],
        cwd=room,
        env={"PATH": path, "TRUNKLINE_DATA_DIR": str(room / "data"), **variables},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_a_file_is_applied_and_its_models_are_listed_with_their_prices(room: Path) -> None:
    first = run(room, "config", "apply", *APPLIED, OPENAI_API_KEY="k")
    assert first.returncode == 0, first.stderr
    *_, counted, key = first.stdout.splitlines()
    assert counted == "Applied: 6 added, 0 changed, 0 removed."
    assert key.startswith("acme build: tl_")
    assert first.stderr == "Keep these keys now: they cannot be shown again.\n"

    again = run(room, "config", "apply", *APPLIED, OPENAI_API_KEY="k")
    assert again.stdout == "Everything is as the configuration says; nothing changes.\n"

    listed = run(room, "models", "--json", OPENAI_API_KEY="k")
    rows = {row["model"]: row for row in msgspec.json.decode(listed.stdout)}
    assert rows["fast"] == {
        "model": "fast",
        "kind": "chat",
        "targets": ["gpu/llama", "openai/gpt-4o"],
        "input": "0.00",
        "output": "0.00",
        "context": None,
        "max_output": 32_768,
        "price_ref": "override/self-hosted/vllm",
    }
    mini = rows["gpt-4o-mini"]
    assert (mini["input"], mini["output"], mini["context"]) == ("0.15", "0.60", 128_000)
    assert (rows["odd"]["input"], rows["odd"]["price_ref"]) == (None, None)
    assert "'odd' has no secret: the environment has no NONE" in listed.stderr
    kinds = [row["kind"] for row in msgspec.json.decode(listed.stdout)]
    assert kinds == sorted(kinds, key=lambda kind: kind != "chat")

    table = run(room, "models", "--org", "acme", OPENAI_API_KEY="k").stdout.splitlines()
    assert table[0].split() == ["Model", "Kind", "Targets", "Input", "$", "Output", "$", "Context"]
    (line,) = [line.split() for line in table if line.startswith("gpt-4o-mini ")]
    assert line == ["gpt-4o-mini", "chat", "openai/gpt-4o-mini", "0.15", "0.60", "128000"]


def test_without_any_model_the_table_says_what_to_do(room: Path) -> None:
    (room / "trunkline.yaml").write_text("organisations: [{slug: acme}]")
    applied = run(room, "config", "apply", "-f", "trunkline.yaml", "--json")
    assert [row["kind"] for row in msgspec.json.decode(applied.stdout)["changes"]] == [
        "organisation"
    ]
    listed = run(room, "models")
    assert listed.stdout.startswith("No model is published yet; set a provider's key")


def test_a_target_is_drained_until_its_file_is_applied_again(room: Path) -> None:
    def targets() -> list[str]:
        rows = msgspec.json.decode(run(room, "models", "--json", OPENAI_API_KEY="k").stdout)
        return next(row["targets"] for row in rows if row["model"] == "fast")

    def state(*arguments: str) -> subprocess.CompletedProcess[str]:
        return run(room, "models", "target", *arguments)

    run(room, "config", "apply", *APPLIED, OPENAI_API_KEY="k")
    drained = state("fast", "gpu/llama", "--state", "draining")
    assert drained.stdout == "gpu/llama of fast is draining.\n", drained.stderr
    assert targets() == ["gpu/llama (draining)", "openai/gpt-4o"]
    again = state("fast", "gpu", "--state", "draining", "--json")
    assert msgspec.json.decode(again.stdout) == {
        "model": "fast", "target": "gpu", "state": "draining", "changed": False,
    }  # fmt: skip

    shared = state("fast", "gpu", "--state", "disabled", "--shared")
    assert (shared.returncode, shared.stderr) == (
        3,
        "Error: There is no model 'fast'.\n  trunkline models shows those that there are.\n",
    )
    strange = state("fast", "gpu", "--state", "resting")
    assert strange.returncode == 4
    assert "is active, draining, disabled, and never 'resting'" in strange.stderr

    run(room, "config", "apply", *APPLIED, OPENAI_API_KEY="k")
    assert targets() == ["gpu/llama", "openai/gpt-4o"]


def test_a_bad_file_ends_with_the_paths_and_a_code_of_its_own(room: Path) -> None:
    (room / "trunkline.yaml").write_text("organisations: [{slug: acme, colour: red}, {name: x}]")
    refused = run(room, "config", "apply", "-f", "trunkline.yaml")
    assert refused.returncode == 4
    assert refused.stdout == ""
    assert refused.stderr.splitlines() == [
        "Error: trunkline.yaml is refused:",
        "trunkline.yaml:1:30: organisations[0].colour: there is no such field",
        "trunkline.yaml:1:44: organisations[1].slug: this field must be there",
        "  Nothing was changed. docs/configuration.md explains every field.",
    ]


def test_a_file_that_is_not_there_is_told(room: Path) -> None:
    refused = run(room, "config", "apply", "-f", "none.yaml")
    assert refused.returncode == 4
    assert "none.yaml cannot be read: No such file or directory" in refused.stderr


def test_an_unknown_organisation_ends_with_its_own_code(room: Path) -> None:
    assert run(room, "models", "--org", "nobody").returncode == 3
