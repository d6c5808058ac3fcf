"""``trunkline doctor``: what is wrong with this installation, and what to do about it."""

import asyncio
import ssl
from typing import Annotated

import msgspec
import typer

from trunkline.cli.diagnosis.finding import Finding, worst
from trunkline.cli.diagnosis.production import check_production
from trunkline.cli.diagnosis.providers import check_providers
from trunkline.cli.diagnosis.storage import (
    check_clock,
    check_schema,
    check_volume,
    has_database,
    opened_backend,
    unavailable,
)
from trunkline.cli.exits import Exit
from trunkline.cli.output import AsJson, print_json, show
from trunkline.errors import TrunklineError
from trunkline.kit.clock import SystemClock
from trunkline.readiness import check_redis
from trunkline.settings import Settings, SettingsError, load_settings
from trunkline.storage.engine import Database

_REDIS_TIMEOUT = 5.0
_COLUMNS = {"check": "Check", "verdict": "Is", "says": "Found", "remedy": "What to do"}


def doctor(
    production: Annotated[
        bool, typer.Option("--production", help="Fail on what is not fit for production.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Check settings, database, journal volume, providers, clock and disk.

    Nothing is changed and no paid call is made. Exits with 1 when a check fails.
    """
    findings = _examine(production=production)
    verdict = worst(findings)
    rows = [msgspec.to_builtins(found) for found in findings]
    if as_json:
        print_json({"verdict": verdict, "findings": rows})
    else:
        show(rows, _COLUMNS, as_json=False)
    if verdict == "fail":
        raise typer.Exit(Exit.FAILED)


def _examine(*, production: bool) -> list[Finding]:
    try:
        settings = load_settings()
    except SettingsError as error:
        return [
            Finding(
                "settings",
                "fail",
                f"{problem.name}: {problem.sentence}",
                "docs/environment.md lists every option.",
            )
            for problem in error.problems
        ]
    findings = [Finding("settings", "ok", "All options are understood."), *_check_tls(settings)]
    findings += check_volume(settings.data_dir)
    findings += asyncio.run(_examine_services(settings))
    if production:
        findings += check_production(settings)
    return findings


def _check_tls(settings: Settings) -> list[Finding]:
    """Whether certificate and key can be read and belong together."""
    if settings.tls_certificate is None:
        return []
    try:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(settings.tls_certificate, settings.tls_key)
    except OSError as error:
        return [
            Finding(
                "tls",
                "fail",
                f"Certificate and key cannot be used: {error.strerror or error}.",
                "Check the files of TRUNKLINE_TLS_CERTIFICATE and TRUNKLINE_TLS_KEY.",
            )
        ]
    return [Finding("tls", "ok", "Certificate and key belong together.")]


async def _examine_services(settings: Settings) -> list[Finding]:
    clock = SystemClock()
    if not has_database(settings):
        missing = Finding(
            "database", "ok", "trunkline serve makes the database at its first start."
        )
        return [
            missing,
            *await _check_redis(settings),
            *await check_providers(settings, None, clock),
            await check_clock(settings, None, clock),
        ]
    findings = await _check_redis(settings)
    try:
        async with opened_backend(settings) as backend:
            database = Database(backend)
            schema = await check_schema(backend)
            # Without a schema there are no connections to look at.
            readable = database if schema.verdict == "ok" else None
            return [
                schema,
                *findings,
                *await check_providers(settings, readable, clock),
                await check_clock(settings, database, clock),
            ]
    except TrunklineError as error:
        return [
            unavailable(error),
            *findings,
            *await check_providers(settings, None, clock),
            await check_clock(settings, None, clock),
        ]


async def _check_redis(settings: Settings) -> list[Finding]:
    if settings.redis_url is None and settings.redis_host is None:
        return []
    try:
        async with asyncio.timeout(_REDIS_TIMEOUT):
            await check_redis(settings)
    except Exception as error:  # noqa: BLE001 - whatever the client raises means that it failed
        return [
            Finding(
                "redis",
                "fail",
                f"Redis does not answer ({type(error).__name__}).",
                "Check TRUNKLINE_REDIS_URL, or the host, port and password, and the server.",
            )
        ]
    return [Finding("redis", "ok", "Redis answers.")]
