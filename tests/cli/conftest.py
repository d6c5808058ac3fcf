"""Commands as their users call them, in the process of the test."""

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import pytest

from trunkline.cli.main import main


class Done(NamedTuple):
    """What a command left behind."""

    code: int
    stdout: str
    stderr: str

    @property
    def told(self) -> Any:
        """What it printed for programs."""
        assert (self.code, self.stderr) == (0, "")
        return msgspec.json.decode(self.stdout)


Command = Callable[..., Done]


def surroundings(data_dir: Path) -> dict[str, str]:
    """The environment of a command that gets a process of its own."""
    given = os.environ  # noqa: TID251 - the test starts a process as a user would
    # Coverage follows processes by variables of its own.
    kept = {name: given[name] for name in given if name == "PATH" or name.startswith("COVERAGE")}
    return kept | {"TRUNKLINE_DATA_DIR": str(data_dir), "OPENAI_API_KEY": "sk-made-up"}


@pytest.fixture
def command(
    data_dir: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Command:
    """Run a command on a migrated and empty database, as the installed program does."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("DATABASE_URL", raising=False)
    monkeypatch.setenv("TRUNKLINE_DATA_DIR", str(data_dir))
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setenv("OPENAI_API_KEY", "sk-made-up")

    def run(*arguments: str) -> Done:
        monkeypatch.setattr(sys, "argv", ["trunkline", *arguments])
        with pytest.raises(SystemExit) as ended:
            main()
        return Done(int(ended.value.code or 0), *capsys.readouterr())

    return run
