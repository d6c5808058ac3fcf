"""The product with everything on: ``trunkline serve`` with limits and budgets that count."""

import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

import yaml

from bench.candidates.contract import Candidate, Launch, Say
from bench.candidates.featured import PERSONAL_DATA, published
from bench.candidates.headers import for_provider
from bench.cases import ALL_CASES, PATHS, Case, Spoken
from bench.load.measured import Call
from bench.place import Site, free_ports
from bench.processes import Unable, clean_environment

KEY_FILE: Final = "caller.key"
FILE: Final = "trunkline.yaml"
NO_MORE: Final[Mapping[str, str]] = MappingProxyType({})
DATA: Final = "data"
# So far beyond what a run can reach that nothing is ever refused, and yet each one counts.
_MANY: Final = 10**11
_LIMITS: Final = (
    {"counts": "requests", "amount": _MANY},
    {"counts": "concurrency", "amount": _MANY},
    {"scope": "team", "scope_id": "bench", "counts": "tokens", "amount": _MANY},
    {"scope": "user", "counts": "requests", "amount": _MANY, "algorithm": "fixed_window"},
    {"scope": "key", "scope_id": "bench", "counts": "requests", "amount": _MANY,
     "algorithm": "sliding_window"},
    {"scope": "alias", "counts": "tokens", "amount": _MANY},
)  # fmt: skip
_BUDGETS: Final = (
    {"name": "organisation", "amount": "900000000.00"},
    {"name": "team", "scope": "team", "scope_id": "bench", "amount": "900000000.00",
     "window": "week"},
    {"name": "user", "scope": "user", "scope_id": "bench@bench.example",
     "amount": "900000000.00", "window": "rolling", "rolling_seconds": 86_400},
    {"name": "key", "scope": "key", "scope_id": "bench", "amount": "900000000.00",
     "window": "day"},
)  # fmt: skip
# The provider's name in our settings, and the end of its base address.
_PROVIDERS: Final[dict[Spoken, tuple[str, str]]] = {
    "chat": ("openai_compatible", "/v1"),
    "messages": ("anthropic_compatible", "/v1"),
    "gemini": ("gemini", "/v1beta"),
}
LIMITS: Final = len(_LIMITS)
BUDGETS: Final = len(_BUDGETS)


def trunkline_command(*arguments: str) -> tuple[str, ...]:
    """The product's command line in this environment."""
    return (sys.executable, "-m", "trunkline.cli.main", *arguments)


def trunkline_environment(site: Site) -> dict[str, str]:
    """The settings that let the product reach the provider here."""
    return {
        "TRUNKLINE_ALLOWED_NETWORKS": "127.0.0.0/8",
        "TRUNKLINE_CA_FILE": str(site.ca_file),
        "TRUNKLINE_SHUTDOWN_NOTICE": "0",
    }


def run_trunkline(
    site: Site, room: Path, *arguments: str, environment: Mapping[str, str] = NO_MORE
) -> str:
    """Run one command of the product to its end and return what it printed.

    Args:
        site: where.
        room: of the candidate; its data is in it.
        arguments: of the command line.
        environment: what else is set.

    Raises:
        Unable: it failed; the sentence is its own.
    """
    settings = clean_environment(room) | trunkline_environment(site) | dict(environment)
    done = subprocess.run(
        trunkline_command(*arguments),
        cwd=room,
        env=settings | {"TRUNKLINE_DATA_DIR": str(room / DATA)},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    if done.returncode:
        raise Unable(f"trunkline {arguments[0]} failed: {(done.stderr or done.stdout)[-400:]}")
    return done.stdout


def prepare_room(site: Site, room: Path) -> str:
    """Make the database with everything that is configured; returns the caller's key."""
    key = furnish(site, room, configuration(site, room))
    run_trunkline(site, room, "config", "apply", "--file", FILE)
    return key


def furnish(site: Site, room: Path, content: Any, environment: Mapping[str, str] = NO_MORE) -> str:
    """Put what is to be applied into a room, and the keys that it names; the caller's is returned.

    Args:
        site: where.
        room: of the candidate.
        content: of the file.
        environment: see ``run_trunkline``.
    """
    key = run_trunkline(site, room, "keys", "generate", environment=environment).strip()
    (room / "provider.key").write_text("sk-bench-provider")
    (room / KEY_FILE).write_text(key)
    (room / FILE).write_text(yaml.safe_dump(content))
    return key


def serve_command(room: Path, port: int, roles: str) -> tuple[str, ...]:
    """The command that serves a prepared room."""
    data = str(room / DATA)
    options = ("--host", "127.0.0.1", "--port", str(port), "--data", data, "--roles", roles)
    return trunkline_command("serve", *options)


def caller_of(port: int, key: str) -> Any:
    """How cases are called at this port with this key."""

    def call(case: Case) -> Call:
        wire = case.operation.wire
        return Call("127.0.0.1", port, PATHS[wire], for_provider(wire, key))

    return call


def _prepare(site: Site, _say: Say) -> Launch:
    room = site.room("trunkline-full")
    key = prepare_room(site, room)
    (port,) = free_ports(1)
    return Launch(
        command=serve_command(room, port, "gateway"),
        environment=trunkline_environment(site),
        call=caller_of(port, key),
        note="`trunkline serve --roles gateway` with key check, six limits, four budgets with hold "
        "and settle, open and close records, log line and metrics. The worker, which ships the "
        "journal to the ledger, is not started while figures are taken: there are two cores, and "
        "it belongs on neither. It is proven before, and its memory is told apart.",
    )


def configuration(site: Site, room: Path, wanted: Sequence[Case] = ALL_CASES) -> dict[str, Any]:
    """The file that is applied: every model with its policies, six limits, four budgets."""
    cases = {case.model: case for case in wanted}
    guarded = any(case.operation.feature == "guarded" for case in wanted)
    return {
        "connections": [_connection(case, site, room) for case in cases.values()],
        "prices": [
            {"connection": model, "input": "0.15", "cache_read": "0.075", "output": "0.60"}
            for model in cases
        ],
        **({"guardrails": [PERSONAL_DATA]} if guarded else {}),
        "models": [published(case) for case in cases.values()],
        "organisations": [
            {
                "slug": "bench",
                "teams": [{"slug": "bench"}],
                "users": [{"email": "bench@bench.example"}],
                "keys": [
                    {
                        "name": "bench",
                        "team": "bench",
                        "user": "bench@bench.example",
                        "tags": {"purpose": "bench"},
                        "secret": f"file:{room / KEY_FILE}",
                    }
                ],
                "limits": list(_LIMITS),
                "budgets": list(_BUDGETS),
            }
        ],
    }


def _connection(case: Case, site: Site, room: Path) -> dict[str, Any]:
    provider, version = _PROVIDERS[case.operation.provider_wire]
    return {
        "name": case.model,
        "provider": provider,
        "base_url": site.upstreams.origin(case) + case.operation.provider_place + version,
        "secret": f"file:{room / 'provider.key'}",
    }


FULL = Candidate("trunkline", "full", _prepare, featured=True)
