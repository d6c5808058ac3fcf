"""Which version of each client is driven, and how it comes to this machine."""

import asyncio
import os
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import msgspec

_INSTALLING = 600.0
"""Seconds that one download may take; the larger ones are 440 MB."""

_NPM = ("npm", "install", "--no-audit", "--no-fund", "--no-update-notifier", "--loglevel=error")


class Package(msgspec.Struct, frozen=True):
    """One client as its registry knows it.

    Attributes:
        program: the command that it installs.
    """

    registry: Literal["npm", "PyPI"]
    name: str
    version: str
    program: str


CLAUDE_CODE = Package("npm", "@anthropic-ai/claude-code", "2.1.329", "claude")
CODEX = Package("npm", "@openai/codex", "0.169.0", "codex")
OPENCODE = Package("npm", "opencode-ai", "1.18.33", "opencode")
CLINE = Package("npm", "cline", "3.0.65", "cline")
AIDER = Package("PyPI", "aider-chat", "0.86.2", "aider")
GEMINI_CLI = Package("npm", "@google/gemini-cli", "0.61.0", "gemini")


class NotInstalled(Exception):
    """A client could not be downloaded; the message is the installer's own."""


async def install(package: Package, cache: Path) -> Path:
    """The client's command, downloaded unless this version lies in the cache already.

    Raises:
        NotInstalled: the registry cannot be reached, or the installer is not here.
    """
    home = cache / f"{package.name.replace('/', '-').lstrip('@')}-{package.version}"
    folder = "node_modules/.bin" if package.registry == "npm" else "bin"
    program = home / folder / package.program
    ready = home / ".installed"
    if not ready.exists():
        shutil.rmtree(home, ignore_errors=True)
        home.mkdir(parents=True)
        for command in _commands(package, home):
            await _run(command, home)
        ready.touch()
    return program


def _commands(package: Package, home: Path) -> Sequence[Sequence[str]]:
    if package.registry == "npm":
        return [(*_NPM, "--prefix", str(home), f"{package.name}@{package.version}")]
    uv = str(Path(sys.executable).with_name("uv"))
    python = str(home / "bin" / "python")
    return [
        (uv, "venv", "--quiet", "--allow-existing", str(home)),
        (uv, "pip", "install", "--quiet", "-p", python, f"{package.name}=={package.version}"),
    ]


async def _run(command: Sequence[str], directory: Path) -> None:
    try:
        child = await asyncio.create_subprocess_exec(
            *command,
            cwd=directory,
            env=dict(os.environ),  # noqa: TID251 - the installers need the user's own settings
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        async with asyncio.timeout(_INSTALLING):
            said, _ = await child.communicate()
    except (OSError, TimeoutError) as error:
        raise NotInstalled(f"{command[0]}: {error!r}") from None
    if child.returncode:
        raise NotInstalled(said.decode(errors="replace").strip()[-300:])
