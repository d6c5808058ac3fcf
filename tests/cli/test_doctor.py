"""The doctor as operators and scripts call it: a process, its table or JSON, and its exit code."""

import os
import secrets
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
import trustme
import typer
from sqlalchemy import text
from typer.testing import CliRunner, Result

from trunkline.cli.diagnosis.finding import Finding, worst
from trunkline.cli.diagnosis.production import check_production, weakness_of
from trunkline.cli.diagnosis.providers import check_providers
from trunkline.cli.diagnosis.storage import (
    check_clock,
    check_schema,
    check_volume,
    judge_free_space,
    judge_latency,
    opened_backend,
)
from trunkline.cli.doctor import doctor as command
from trunkline.cli.exits import Exit
from trunkline.connections.schemas import ConnectionSpec
from trunkline.connections.service import ConnectionService
from trunkline.identity.pepper import load_pepper
from trunkline.kit.clock import FakeClock, SystemClock
from trunkline.settings import Settings, environment_names
from trunkline.storage.engine import Database

Run = Callable[..., Result]


@pytest.fixture
def doctor(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Call the doctor in an empty directory with nothing but these variables set."""
    monkeypatch.chdir(tmp_path)
    for field in Settings.model_fields.values():
        for name in environment_names(field):
            monkeypatch.delenv(name, raising=False)
    app = typer.Typer()
    app.command()(command)

    def run(*arguments: str, **variables: str) -> Result:
        for name, value in variables.items():
            monkeypatch.setenv(name, value)
        return CliRunner().invoke(app, arguments)

    return run


@pytest.fixture
def listener() -> Iterator[int]:
    """A port that accepts connections and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


def verdicts(result: Result) -> dict[str, str]:
    """The worst verdict of each check."""
    found: dict[str, list[Finding]] = {}
    for row in msgspec.json.decode(result.stdout)["findings"]:
        found.setdefault(row["check"], []).append(msgspec.convert(row, Finding))
    return {check: worst(findings) for check, findings in found.items()}


def settings(**changes: Any) -> Settings:
    return Settings(**{"data_dir": Path("nowhere"), **changes})


def failing(**changes: Any) -> list[str]:
    return [f.check for f in check_production(settings(**changes)) if f.verdict == "fail"]


GOOD: dict[str, Any] = {
    "env": "production",
    "key_pepper": secrets.token_hex(32),
    "jwt_secret": secrets.token_hex(64),
    "public_url": "https://llm.example.com",
    "backups_external": True,
}


def test_a_new_installation_is_well_and_is_told_what_is_missing(
    doctor: Run, tmp_path: Path
) -> None:
    result = doctor("--json")
    assert (result.exit_code, result.stderr) == (Exit.OK, "")
    assert verdicts(result) == {
        "settings": "ok",
        "disk": "ok",
        "journal": "ok",
        "database": "ok",
        "providers": "warn",
        "clock": "ok",
    }
    assert list(tmp_path.iterdir()) == []


def test_the_command_is_part_of_trunkline(tmp_path: Path) -> None:
    result = subprocess.run(
        [sys.executable, "-m", "trunkline.cli.main", "doctor", "--json"],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        cwd=tmp_path,
        env={"PYTHONPATH": os.pathsep.join(sys.path), "TRUNKLINE_PORT": "none"},
    )
    assert (result.returncode, result.stderr) == (Exit.FAILED, "")
    assert msgspec.json.decode(result.stdout)["verdict"] == "fail"


def test_people_read_a_table_with_what_to_do(doctor: Run) -> None:
    result = doctor("--production")
    assert result.exit_code == Exit.FAILED
    assert "No provider is configured." in result.stdout
    assert "openssl rand -hex 64" in result.stdout


def test_refused_settings_end_the_examination_with_a_row_for_each(doctor: Run) -> None:
    result = doctor("--json", TRUNKLINE_PROT="1", JWT_SECRET="hunter2")
    assert result.exit_code == Exit.FAILED
    assert msgspec.json.decode(result.stdout) == {
        "verdict": "fail",
        "findings": [
            {
                "check": "settings",
                "verdict": "fail",
                "says": says,
                "remedy": "docs/environment.md lists every option.",
            }
            for says in (
                "TRUNKLINE_PROT: unknown option; did you mean TRUNKLINE_PORT?",
                (
                    "JWT_SECRET: has 7 characters and needs at least 64; make one with: "
                    "openssl rand -hex 64"
                ),
            )
        ],
    }


def test_a_good_production_installation_passes(
    doctor: Run, data_dir: Path, tmp_path: Path, listener: int
) -> None:
    authority = trustme.CA()
    certificate = authority.issue_cert("localhost")
    certificate.private_key_pem.write_to_path(tmp_path / "key.pem")
    certificate.cert_chain_pems[0].write_to_path(tmp_path / "chain.pem")
    result = doctor(
        "--production",
        "--json",
        TRUNKLINE_ENV="production",
        TRUNKLINE_DATA_DIR=str(data_dir),
        TRUNKLINE_KEY_PEPPER=secrets.token_hex(32),
        JWT_SECRET=secrets.token_hex(64),
        TRUNKLINE_TLS_CERTIFICATE="chain.pem",
        TRUNKLINE_TLS_KEY="key.pem",
        TRUNKLINE_BACKUPS_EXTERNAL="true",
        OLLAMA_HOST=f"http://127.0.0.1:{listener}",
        TRUNKLINE_ALLOWED_NETWORKS="127.0.0.0/8",
    )
    assert result.exit_code == Exit.OK, result.stdout
    assert set(verdicts(result).values()) == {"ok"}


def test_services_that_do_not_answer_are_named(doctor: Run, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        closed = server.getsockname()[1]
    (tmp_path / "broken.pem").write_text("no certificate")
    result = doctor(
        "--json",
        DATABASE_URL=f"postgresql://u:hunter2@127.0.0.1:{closed}/x",
        REDIS_URL=f"redis://:hunter2@127.0.0.1:{closed}",
        OLLAMA_HOST=f"http://127.0.0.1:{closed}",
        TRUNKLINE_ALLOWED_NETWORKS="127.0.0.0/8",
        TRUNKLINE_TLS_CERTIFICATE="broken.pem",
        TRUNKLINE_TLS_KEY="broken.pem",
    )
    assert result.exit_code == Exit.FAILED
    assert verdicts(result) == {
        "settings": "ok",
        "tls": "fail",
        "disk": "ok",
        "journal": "ok",
        "database": "fail",
        "redis": "fail",
        "providers": "fail",
        "clock": "ok",
    }
    assert "hunter2" not in result.stdout


def test_redis_that_answers_is_well(doctor: Run, redis_server: str) -> None:
    assert verdicts(doctor("--json", REDIS_URL=redis_server))["redis"] == "ok"


def test_production_passes_only_with_all_of_its_conditions() -> None:
    assert failing(**GOOD) == []


@pytest.mark.parametrize(
    ("changes", "check"),
    [
        ({"key_pepper": None}, "secrets"),
        ({"jwt_secret": None}, "secrets"),
        ({"jwt_secret": "ab" * 32}, "secrets"),
        ({"key_pepper": "change-me-0123456789-abcdefghijklmnop"}, "secrets"),
        ({"admin_password": "short"}, "secrets"),
        ({"public_url": None}, "tls"),
        ({"public_url": "http://llm.example.com"}, "tls"),
        ({"allowed_origins": ("*",)}, "origins"),
        ({"allowed_origins": ("https://*.example.com",)}, "origins"),
        ({"backups_external": False}, "backups"),
        ({"log_level": "debug"}, "logs"),
    ],
)
def test_production_fails_on_what_is_not_fit_for_it(changes: dict[str, Any], check: str) -> None:
    assert failing(**GOOD | changes) == [check]


def test_a_pepper_that_is_in_use_is_to_be_kept(tmp_path: Path) -> None:
    def remedy(pepper: str | None) -> str | None:
        changes = GOOD | {"data_dir": tmp_path, "key_pepper": pepper}
        return next(check_production(settings(**changes))).remedy

    fresh = "Set TRUNKLINE_KEY_PEPPER to the output of: openssl rand -hex 32"
    assert remedy(None) == fresh
    assert remedy("x" * 32) == f"{fresh}; keys have to be made again then."

    load_pepper(None, tmp_path)
    assert remedy(None) == (
        f"Set TRUNKLINE_KEY_PEPPER to the text of {tmp_path}/pepper: no key works under another "
        "one."
    )


def test_an_environment_of_another_name_is_only_a_warning() -> None:
    findings = list(check_production(settings(**GOOD | {"env": "development"})))
    assert [(f.check, f.verdict) for f in findings if f.verdict != "ok"] == [
        ("environment", "warn")
    ]


@pytest.mark.parametrize(
    ("secret", "weakness"),
    [
        ("short", "has 5 characters and needs 32"),
        ("abc" * 20, "has fewer than 10 different characters"),
        ("My-Default-value-0123456789-abcdefg", "looks like a default or an example"),
        (secrets.token_hex(32), None),
    ],
    ids=["short", "uniform", "default", "random"],
)
def test_the_weakness_of_a_secret_is_told_without_it(secret: str, weakness: str | None) -> None:
    assert weakness_of(secret, 32) == weakness


def test_a_directory_that_cannot_be_written_fails(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    findings = {f.check: f.verdict for f in check_volume(Path("/proc/self/nothing"))}
    assert findings["journal"] == "fail"
    assert {f.check: f.verdict for f in check_volume(tmp_path / "new" / "deep")} == {
        "disk": "ok",
        "journal": "ok",
    }
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


async def test_a_database_at_head_is_well(database_address: tuple[str | None, Path]) -> None:
    url, data_dir = database_address
    async with opened_backend(settings(database_url=url, data_dir=data_dir)) as backend:
        finding = await check_schema(backend)
    assert finding.verdict == "ok", finding.says


@pytest.mark.parametrize(("version", "verdict"), [("0000", "warn"), ("9999", "fail")])
async def test_a_schema_of_another_release_is_told(
    version: str, verdict: str, data_dir: Path
) -> None:
    async with opened_backend(settings(data_dir=data_dir)) as backend:
        async with backend.write(None) as connection:
            await connection.execute(
                text("UPDATE alembic_version SET version_num = :version"), {"version": version}
            )
        assert (await check_schema(backend)).verdict == verdict


async def test_a_database_without_a_schema_is_told(tmp_path: Path) -> None:
    async with opened_backend(settings(data_dir=tmp_path)) as backend:
        finding = await check_schema(backend)
    assert (finding.verdict, finding.says) == ("warn", "The database is empty.")


@pytest.mark.parametrize(
    ("now", "verdict"), [(1_000_000_000.0, "fail"), (1_750_000_000.0, "fail"), (None, "ok")]
)
async def test_a_clock_that_cannot_be_right_fails(
    now: float | None, verdict: str, tmp_path: Path
) -> None:
    (tmp_path / "trunkline.db").write_text("written now")
    clock = FakeClock(time.time() if now is None else now)
    assert (await check_clock(settings(data_dir=tmp_path), None, clock)).verdict == verdict


@pytest.mark.parametrize(("skew", "verdict"), [(0, "ok"), (10, "warn"), (-3600, "fail")])
async def test_the_clock_is_held_against_the_databases(
    skew: float, verdict: str, postgresql_database: Database
) -> None:
    clock = FakeClock(time.time() + skew)
    assert (await check_clock(settings(), postgresql_database, clock)).verdict == verdict


async def test_a_provider_is_reached_as_the_data_path_would(
    sqlite_database: Database, listener: int
) -> None:
    ollama = f"http://127.0.0.1:{listener}"
    open_door = settings(ollama_host=ollama, allowed_networks=("127.0.0.0/8",))
    assert await check_providers(open_door, sqlite_database, SystemClock()) == [
        Finding("providers", "ok", f"ollama is reached at {ollama}.")
    ]
    (guarded,) = await check_providers(settings(ollama_host=ollama), None, SystemClock())
    hint = "Add its network to TRUNKLINE_ALLOWED_NETWORKS, if it is yours."
    assert (guarded.verdict, guarded.remedy) == ("fail", hint)
    proxied = settings(
        openai_api_key="sk-x", https_proxy="http://127.0.0.1:1", allowed_networks=("127.0.0.0/8",)
    )
    (unreached,) = await check_providers(proxied, None, SystemClock())
    assert (unreached.verdict, "openai" in unreached.says) == ("fail", True)


async def test_a_provider_that_never_shakes_hands_is_given_up(listener: int) -> None:
    tls = settings(
        openai_api_key="sk-x",
        https_proxy=f"http://127.0.0.1:{listener}",
        connect_timeout=0.2,
    )
    (finding,) = await check_providers(tls, None, SystemClock())
    assert "no connection within 0.2 s" in finding.says


async def test_connections_of_the_database_are_looked_at_with_their_secrets(
    sqlite_database: Database, listener: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DOCTOR_TEST_KEY", "sk-x")
    address = f"http://127.0.0.1:{listener}"
    async with sqlite_database.write(None) as conn:
        for name, secret in (("good", "env:DOCTOR_TEST_KEY"), ("bad", "env:DOCTOR_NO_KEY")):
            spec = ConnectionSpec(
                name=name, provider="openai_compatible", base_url=f"{address}/v1", secret=secret
            )
            await ConnectionService().ensure_connection(conn, None, spec, private=True)
    found = await check_providers(
        settings(allowed_networks=("127.0.0.0/8",)), sqlite_database, SystemClock()
    )
    assert sorted((f.verdict, f.says) for f in found) == [
        ("fail", "The connection bad cannot be used: the environment has no DOCTOR_NO_KEY."),
        ("ok", f"good is reached at {address}."),
    ]


async def test_a_secret_of_another_kind_among_several_is_told_and_the_others_are_used(
    sqlite_database: Database, listener: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DOCTOR_TEST_KEY", "sk-x")
    monkeypatch.setenv("DOCTOR_TEST_DOCUMENT", '{\n"a": 1}')
    address = f"http://127.0.0.1:{listener}"
    spec = ConnectionSpec(
        name="mixed",
        provider="openai_compatible",
        base_url=f"{address}/v1",
        secrets=("env:DOCTOR_TEST_KEY", "env:DOCTOR_TEST_DOCUMENT"),
    )
    async with sqlite_database.write(None) as conn:
        await ConnectionService().ensure_connection(conn, None, spec, private=True)
    found = await check_providers(
        settings(allowed_networks=("127.0.0.0/8",)), sqlite_database, SystemClock()
    )
    unfit = "the secret has characters that a header cannot carry"
    assert [(f.verdict, f.says) for f in found] == [
        ("fail", f"The connection 'mixed' does without its secret 2: {unfit}."),
        ("ok", f"mixed is reached at {address}."),
    ]


@pytest.mark.parametrize(
    ("free_mib", "latency", "disk", "journal"),
    [(100, 1.0, "fail", "ok"), (1000, 60.0, "warn", "warn"), (5000, 250.0, "ok", "fail")],
)
def test_a_volume_is_judged_by_its_room_and_its_speed(
    free_mib: int, latency: float, disk: str, journal: str
) -> None:
    assert judge_free_space(free_mib * 1024 * 1024).verdict == disk
    assert judge_latency(latency).verdict == journal


async def test_a_key_that_cannot_be_sent_is_told_without_it() -> None:
    (finding,) = await check_providers(settings(openai_api_key="sk-\n-x"), None, SystemClock())
    assert finding.says == (
        "The connection openai cannot be used: the secret has characters that a header cannot "
        "carry."
    )
