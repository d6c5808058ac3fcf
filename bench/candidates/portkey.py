"""Portkey's gateway from npm, in a folder of its own; no keys, no money."""

import subprocess
from typing import Final

from bench.candidates.contract import Candidate, Launch, Say
from bench.candidates.headers import for_provider
from bench.cases import PATHS, Case
from bench.load.measured import Call
from bench.place import ROOT, Site, free_ports
from bench.processes import Unable, find_program

FOLDER: Final = ROOT / "bench" / "peers" / "portkey"
_PROGRAM: Final = "node_modules/@portkey-ai/gateway/build/start-server.js"
_INSTALL_SECONDS: Final = 600


def _prepare(site: Site, say: Say) -> Launch:
    node = find_program("node", "nodejs")
    _install(say)
    (port,) = free_ports(1)

    def call(case: Case) -> Call:
        wire = case.operation.wire
        headers = for_provider(wire) | {
            "x-portkey-provider": "openai" if wire == "chat" else "anthropic",
            "x-portkey-custom-host": f"{site.upstreams.origin(case)}/v1",
        }
        return Call("127.0.0.1", port, PATHS[wire], headers)

    return Launch(
        command=(node, str(FOLDER / _PROGRAM), "--headless", f"--port={port}"),
        environment={"NODE_ENV": "production", "NODE_EXTRA_CA_CERTS": str(site.ca_file)},
        call=call,
        note="One process in production mode; it checks no keys and counts no money. Its HTTP "
        "server is held at @hono/node-server 1.13.8: with the newest that it allows, streams fail.",
    )


def _install(say: Say) -> None:
    """Install the locked set, where it is not there or the lock is newer.

    Raises:
        Unable: it cannot be installed.
    """
    lock, mark = FOLDER / "package-lock.json", FOLDER / "node_modules" / ".installed"
    if mark.exists() and mark.stat().st_mtime >= lock.stat().st_mtime:
        return
    say("Installing Portkey on its first use ...")
    command = (find_program("npm", "npm"), "ci", "--no-audit", "--no-fund", "--ignore-scripts")
    try:
        done = subprocess.run(
            command,
            cwd=FOLDER,
            capture_output=True,
            text=True,
            check=False,
            timeout=_INSTALL_SECONDS,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise Unable(f"Portkey could not be installed: {error}") from None
    if done.returncode:
        raise Unable(f"Portkey could not be installed: {done.stderr.strip()[-300:]}")
    mark.touch()


PORTKEY = Candidate("portkey", "default", _prepare)
