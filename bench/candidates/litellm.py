"""LiteLLM's proxy from PyPI, in a virtual environment of its own; one worker, no database."""

import secrets
import subprocess
import sys
from pathlib import Path
from typing import Any, Final

import yaml

from bench.candidates.contract import Candidate, Launch, Say
from bench.candidates.headers import for_provider
from bench.cases import FULL_CASES, PATHS, Case
from bench.load.measured import Call
from bench.place import ROOT, Site, free_ports
from bench.processes import Unable

FOLDER: Final = ROOT / "bench" / "peers" / "litellm"
_INSTALL_SECONDS: Final = 900


def _prepare(site: Site, say: Say) -> Launch:
    _install(say)
    room = site.room("litellm")
    (port,) = free_ports(1)
    key = f"sk-{secrets.token_hex(16)}"
    (room / "config.yaml").write_text(yaml.safe_dump(configuration(site)))

    def call(case: Case) -> Call:
        wire = case.operation.wire
        return Call("127.0.0.1", port, PATHS[wire], for_provider(wire, key))

    return Launch(
        command=(
            str(FOLDER / ".venv" / "bin" / "litellm"),
            "--config", str(room / "config.yaml"),
            "--host", "127.0.0.1", "--port", str(port), "--num_workers", "1",
        ),
        environment={
            "LITELLM_MASTER_KEY": key,
            "LITELLM_LOCAL_MODEL_COST_MAP": "True",
            "LITELLM_LOG": "ERROR",
            "SSL_CERT_FILE": str(site.ca_file),
        },
        call=call,
        note="One worker, master key, no database, no budgets; retries off; price map from its own "
        "package.",
    )  # fmt: skip


def configuration(site: Site) -> dict[str, Any]:
    """Its config.yaml: every case's model at its provider."""
    cases = {case.model: case for case in FULL_CASES}
    return {
        "model_list": [_deployment(case, site) for case in cases.values()],
        "litellm_settings": {"num_retries": 0, "telemetry": False},
        "router_settings": {"num_retries": 0, "disable_cooldowns": True},
    }


def _deployment(case: Case, site: Site) -> dict[str, Any]:
    chat = case.operation.wire == "chat"
    origin = site.upstreams.origin(case)
    parameters = {
        "model": "openai/gpt-4o-mini" if chat else "anthropic/claude-sonnet-4-20250514",
        "api_base": f"{origin}/v1" if chat else origin,
        "api_key": "sk-bench-provider",
    }
    return {"model_name": case.model, "litellm_params": parameters}


def _install(say: Say) -> None:
    """Install the locked set, where it is not there or the lock is newer.

    Raises:
        Unable: it cannot be installed.
    """
    lock, mark = FOLDER / "requirements.txt", FOLDER / ".venv" / ".installed"
    if mark.exists() and mark.stat().st_mtime >= lock.stat().st_mtime:
        return
    say("Installing LiteLLM on its first use ...")
    uv = str(Path(sys.executable).with_name("uv"))
    python = str(FOLDER / ".venv" / "bin" / "python")
    _run(uv, "venv", "--quiet", "--clear", "--python", sys.executable, str(FOLDER / ".venv"))
    _run(uv, "pip", "sync", "--quiet", "--python", python, "--require-hashes", str(lock))
    mark.touch()


def _run(*command: str) -> None:
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, check=False, timeout=_INSTALL_SECONDS
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise Unable(f"LiteLLM could not be installed: {error}") from None
    if done.returncode:
        raise Unable(f"LiteLLM could not be installed: {done.stderr.strip()[-300:]}")


LITELLM = Candidate("litellm", "default", _prepare)
