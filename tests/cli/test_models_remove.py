"""Published models are removed from the command line."""

import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest
from tests.cli.conftest import Command, surroundings

from trunkline.cli.exits import Exit

FILE = """\
connections: [{name: gpu, provider: groq}]
models:
- {name: all, targets: [{connection: gpu, model: x}]}
- {name: gpt-5, targets: [{connection: gpu, model: y}]}
---
organisation: acme
models:
- {name: fast, targets: [{connection: gpu, model: x}], route: {fallbacks: {error: [spare]}}}
- {name: spare, targets: [{connection: gpu, model: x}]}
- {name: gpt-5, targets: [{connection: gpu, model: z}]}
keys: [{name: app, aliases: [fast, all]}]
limits: [{counts: requests, amount: 5, scope: alias, scope_id: fast}]
---
organisation: other
models: [{name: all, targets: [{connection: gpu, model: own}]}]
keys: [{name: own, aliases: [all]}]
"""


@pytest.fixture
def file(command: Command, tmp_path: Path) -> Path:
    """What is applied before each test."""
    path = tmp_path / "t.yaml"
    path.write_text(FILE)
    assert command("config", "apply", "-f", str(path)).code == Exit.OK
    return path


def names(command: Command, *options: str) -> list[str]:
    (document,) = command("config", "export", *options, "--json").told
    return [model["name"] for model in document.get("models", ())]


@pytest.mark.usefixtures("file")
def test_a_model_is_removed_and_who_names_it_is_told(command: Command) -> None:
    (limit,) = command("limits", "list", "--org", "acme", "--json").told
    gone = command("models", "remove", "fast", "--org", "acme")
    assert gone == (
        Exit.OK,
        "The model fast is removed.\n",
        f"Note: acme names it still: key 'app', limit {limit['id']}.\n",
    )
    assert command("models", "remove", "spare", "--org", "acme", "--json").told == {
        "removed": "spare"
    }
    assert names(command, "--org", "acme") == ["gpt-5"]
    # The other organisation has its own model of this name.
    gone = command("models", "remove", "all", "--shared", "--yes")
    assert gone.stderr == "Note: acme names it still: key 'app'.\n"
    assert (names(command, "--shared"), names(command, "--org", "other")) == (["gpt-5"], ["all"])


@pytest.mark.usefixtures("file")
def test_a_model_that_hides_another_one_uncovers_it(command: Command) -> None:
    note = "Note: another model of this name is behind it and will serve in its place.\n"
    for owner in (("--org", "acme"), ("--shared",)):
        assert command("models", "remove", "gpt-5", *owner) == (
            Exit.OK, "The model gpt-5 is removed.\n", note,
        )  # fmt: skip


@pytest.mark.usefixtures("file")
@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("spare", "--org", "acme"), Exit.REFUSED, "fast would miss 'spare'."),
        (("nope", "--org", "acme"), Exit.NOT_FOUND, "trunkline models shows"),
        (("fast", "--org", "other"), Exit.NOT_FOUND, "There is no model 'fast'."),
        (("fast", "--shared"), Exit.NOT_FOUND, "There is no model 'fast'."),
        (("gpt-5", "--org", "other"), Exit.NOT_FOUND, "--shared means that."),
        (("gpt-5-mini", "--shared"), Exit.NOT_FOUND, "it goes with the key."),
    ],
)
def test_what_cannot_be_removed_stays(
    command: Command, arguments: tuple[str, ...], code: Exit, said: str
) -> None:
    before = command("config", "export").stdout
    refused = command("models", "remove", *arguments)
    assert (refused.code, refused.stdout, said in refused.stderr) == (code, "", True)
    assert command("config", "export").stdout == before


@pytest.mark.parametrize(("answer", "left"), [("n\n", ["fast", "gpt-5"]), ("y\n", ["gpt-5"])])
def test_on_a_terminal_it_is_asked_for_first(
    command: Command, file: Path, data_dir: Path, answer: str, left: list[str]
) -> None:
    assert command("models", "remove", "fast", "--org", "acme").code == Exit.OK
    file.write_text(FILE.replace("fallbacks: {error: [spare]}", ""))
    assert command("config", "apply", "-f", str(file)).code == Exit.OK
    assert command("models", "remove", "spare", "--org", "acme").code == Exit.OK
    ours, its = pty.openpty()
    with subprocess.Popen(
        [sys.executable, "-m", "trunkline.cli.main", "models", "remove", "fast", "--org", "acme"],
        env=surroundings(data_dir), stdin=its, stdout=its, stderr=its,
    ) as process:  # fmt: skip
        os.close(its)
        os.write(ours, answer.encode())
        assert process.wait(60) == Exit.OK
    os.close(ours)
    assert names(command, "--org", "acme") == left
