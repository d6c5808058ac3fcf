"""What must be true before strangers' traffic and real money go through an installation."""

from collections.abc import Iterator

from pydantic import SecretStr

from trunkline.cli.diagnosis.finding import Finding
from trunkline.identity.pepper import FILE_NAME as PEPPER_FILE
from trunkline.settings import MIN_JWT_SECRET, MIN_KEY_PEPPER, Settings

# Words that stand in examples; a secret that contains one was copied and not made.
_EXAMPLE_WORDS = (
    "change",
    "example",
    "secret",
    "password",
    "default",
    "admin",
    "trunkline",
    "test",
)
_LEAST_DIFFERENT = 10
_LEAST_PASSWORD = 12


def check_production(settings: Settings) -> Iterator[Finding]:
    """Everything that is refused in production; the settings themselves have been read."""
    yield from _secret(
        "key pepper", settings.key_pepper, MIN_KEY_PEPPER, remedy=_pepper_remedy(settings)
    )
    yield from _secret(
        "JWT secret",
        settings.jwt_secret,
        MIN_JWT_SECRET,
        remedy=f"Set TRUNKLINE_JWT_SECRET to the output of: openssl rand -hex {MIN_JWT_SECRET}",
    )
    yield from _admin_password(settings.admin_password)
    yield _tls(settings)
    yield _origins(settings)
    yield _backups(settings)
    yield _log_level(settings)
    if settings.env != "production":
        yield Finding(
            "environment",
            "warn",
            f"The installation calls itself {settings.env}.",
            "Set TRUNKLINE_ENV=production.",
        )


def _pepper_remedy(settings: Settings) -> str:
    """Another pepper refuses every key that was made before, so one in use is kept."""
    kept = settings.data_dir / PEPPER_FILE
    if settings.key_pepper is None and kept.exists():
        return f"Set TRUNKLINE_KEY_PEPPER to the text of {kept}: no key works under another one."
    fresh = f"Set TRUNKLINE_KEY_PEPPER to the output of: openssl rand -hex {MIN_KEY_PEPPER}"
    return fresh if settings.key_pepper is None else f"{fresh}; keys have to be made again then."


def _secret(title: str, value: SecretStr | None, least: int, *, remedy: str) -> Iterator[Finding]:
    if value is None:
        yield Finding("secrets", "fail", f"The {title} is missing.", remedy)
        return
    weakness = weakness_of(value.get_secret_value(), least)
    if weakness is not None:
        yield Finding("secrets", "fail", f"The {title} {weakness}.", remedy)
    else:
        yield Finding("secrets", "ok", f"The {title} is set.")


def weakness_of(secret: str, least: int) -> str | None:
    """Why a secret cannot be trusted, never with any part of it; None when it can."""
    if len(secret) < least:
        return f"has {len(secret)} characters and needs {least}"
    if len(set(secret)) < _LEAST_DIFFERENT:
        return f"has fewer than {_LEAST_DIFFERENT} different characters"
    if any(word in secret.lower() for word in _EXAMPLE_WORDS):
        return "looks like a default or an example"
    return None


def _admin_password(value: SecretStr | None) -> Iterator[Finding]:
    if value is None:
        return
    weakness = weakness_of(value.get_secret_value(), _LEAST_PASSWORD)
    if weakness is not None:
        yield Finding(
            "secrets",
            "fail",
            f"The administrator's password {weakness}.",
            "Set TRUNKLINE_ADMIN_PASSWORD to the output of: openssl rand -base64 18",
        )


def _tls(settings: Settings) -> Finding:
    if settings.tls_certificate is not None:
        return Finding("tls", "ok", "TLS ends here.")
    if settings.public_url is not None and settings.public_url.startswith("https://"):
        return Finding("tls", "ok", "TLS ends before us, as TRUNKLINE_PUBLIC_URL says.")
    return Finding(
        "tls",
        "fail",
        "Keys and prompts travel without TLS.",
        "Set TRUNKLINE_TLS_CERTIFICATE and TRUNKLINE_TLS_KEY, or TRUNKLINE_PUBLIC_URL to the https "
        "address of the proxy in front.",
    )


def _origins(settings: Settings) -> Finding:
    if any("*" in origin for origin in settings.allowed_origins):
        return Finding(
            "origins",
            "fail",
            "Pages of any origin may call the control API.",
            "Name each origin in TRUNKLINE_ALLOWED_ORIGINS.",
        )
    return Finding("origins", "ok", "Only named origins may call the control API.")


def _backups(settings: Settings) -> Finding:
    if settings.backups_external:
        return Finding("backups", "ok", "Backups are made outside of Trunkline.")
    where = "The PostgreSQL database" if settings.database_url else "The SQLite database"
    return Finding(
        "backups",
        "fail",
        f"No backup is configured. {where} holds all usage, keys and settings.",
        "Back up the database and the data directory, then set TRUNKLINE_BACKUPS_EXTERNAL=true.",
    )


def _log_level(settings: Settings) -> Finding:
    if settings.log_level == "debug":
        return Finding(
            "logs",
            "fail",
            "Everything down to debug is logged.",
            "Set TRUNKLINE_LOG_LEVEL=info.",
        )
    return Finding("logs", "ok", f"Logs begin at {settings.log_level}.")
