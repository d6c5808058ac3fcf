"""Takes secrets and personal data out of what is about to be logged.

Everything here is bounded: a text is cut to ``MAX_CHARACTERS`` first, each pattern reads a run of
characters once, and patterns whose mark (an ``@``, a known prefix) is absent are not run at all.
Postal addresses are not recognised: they have no shape that a linear pattern could tell from
ordinary text. Bodies, where they would stand, are never logged.
"""

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any
from urllib.parse import unquote_plus

from trunkline.observability.personal_numbers import hide_numbers

SECRET, EMAIL = "[secret]", "[email]"
MAX_CHARACTERS = 8_192
MAX_URL_CHARACTERS = 2_048
CUT = "...[cut]"

# Prefixes of keys and tokens, ours first, as their issuers document them.
_KEY_PREFIXES = (
    *("tl_", "sk-", "sk_", "rk_", "gsk_", "xai-", "AIza", "AQ.", "hf_", "pplx-", "tgp_", "fw_"),
    *("r8_", "csk-", "nvapi-", "ya29.", "AKIA", "ASIA", "ghp_", "gho_", "ghs_", "github_pat_"),
    *("glpat-", "xoxb-", "xoxp-", "xapp-", "whsec_", "eyJ"),
)


def _not_inside_a_word(prefix: str) -> str:
    r"""The prefix, unless a letter of the same word stands before it, as in ``task-``.

    The letter may belong to an escape: ``%3D`` of a URL or ``\n`` of a JSON string.
    """
    p = re.escape(prefix)
    return (
        rf"{p}(?:(?<![A-Za-z]{p})|(?<=%[0-9A-Fa-f][A-Fa-f]{p})|(?<=\\[bfnrt]{p})"
        rf"|(?<=\\u[0-9a-fA-F]{{4}}{p}))"
    )


# The public part of our keys, ``tl_`` and twelve characters, may be shown and stays.
_KEYS = re.compile(
    "(?:" + "|".join(map(_not_inside_a_word, _KEY_PREFIXES)) + r")[A-Za-z0-9_.~+/=-]{13,}"
)

_QUERY_SECRETS = frozenset(
    {
        *("key", "api_key", "apikey", "api-key", "x-api-key", "x-goog-api-key", "code", "pwd"),
        *("token", "access_token", "refresh_token", "id_token", "auth", "auth_token", "bearer"),
        *("authorization", "signature", "sig", "x-amz-signature", "x-amz-security-token"),
        *("x-amz-credential", "x-goog-signature", "x-goog-credential", "password", "passwd"),
        *("secret", "client_secret", "client_assertion", "assertion", "jwt"),
        *("session", "sessionid", "credential", "credentials"),
    }
)
# How the names of fields end whose values are secret whatever they look like.
_SECRET_FIELDS = (
    *("api_key", "apikey", "authorization", "cookie", "credentials", "database_url", "jwt"),
    *("passwd", "password", "pepper", "redis_url", "secret", "signature", "token"),
)

# A header or an assignment in running text: name, mark, value. The value of Authorization may have
# a scheme in front; that of a cookie reaches to the end of the line or string.
_MARK = r"""(?:\\?["'])?\s{0,8}(?:[:=]|(?<=["']),)\s{0,8}(?:b?\\?["'])?"""
_ASSIGNMENTS = re.compile(
    rf"(?P<cookie>cookie{_MARK})[^\"'\r\n\\]+"
    rf"|(?P<scheme>authorization{_MARK})(?:[a-z]{{1,20}}\s{{1,8}})?[^\s\"',;\\]+"
    r"|(?P<value>(?:(?:api|secret|access|private)[_-]?key|token|secret|passw(?:or)?d|pwd|pepper)"
    rf"{_MARK})[^\s\"',;&\\]+",
    re.IGNORECASE,
)
_ASSIGNMENT_MARKS = ("authorization", "cookie", "key", "passw", "pwd", "secret", "token", "pepper")
_BEARER = re.compile(r"(?<![A-Za-z])([Bb]earer(?:\s{1,8}|%20|\+))[A-Za-z0-9._~+/=-]{8,}")
_USERINFO = re.compile(r"://[^/\s\"'<>]*@")
_IN_QUERY = re.compile(r"([?&;](?P<name>[A-Za-z0-9_.%-]{1,40})=)[^&\s\"'#<>]+")
# The part before the at sign, without what separates the parts of a URL; RFC 5322 allows those as
# well, so one of them right before the sign counts.
_LOCAL = r"\w.!#$%'*+^`{|}~\-"
_EMAIL = re.compile(
    rf"(?:(?<![{_LOCAL}])[{_LOCAL}]+?|[/?=&])(?:@|%40)"
    r"(?:[\w-]+\.)+(?:xn--[\w-]+|[^\W\d_]{2,})"
)


def redact(text: str) -> str:
    """The text without keys, tokens, credentials, e-mail addresses and personal numbers."""
    if len(text) > MAX_CHARACTERS:
        text = text[:MAX_CHARACTERS] + CUT
    if not text.isascii():
        # Half a surrogate pair cannot be encoded, and the line would be lost.
        text = text.encode("utf-8", "backslashreplace").decode()
    if "://" in text and "@" in text:
        text = _USERINFO.sub(f"://{SECRET}@", text)
    if "=" in text and ("?" in text or "&" in text):
        text = _IN_QUERY.sub(_judge_parameter, text)
    lowered = text.lower()
    if any(mark in lowered for mark in _ASSIGNMENT_MARKS):
        text = _ASSIGNMENTS.sub(_hide_value, text)
    if "bearer" in lowered:
        text = _BEARER.sub(rf"\1{SECRET}", text)
    text = _KEYS.sub(SECRET, text)
    if "@" in text or "%40" in text:
        text = _EMAIL.sub(EMAIL, text)
    return hide_numbers(text)


def redact_value(value: object) -> object:
    """The same for a value of a log record: texts inside, and fields whose name says secret."""
    if isinstance(value, str):
        return redact(value)
    if isinstance(value, Mapping):
        return redact_fields(value)
    if isinstance(value, list | tuple | set | frozenset):
        return [redact_value(item) for item in value]
    if value is None or isinstance(value, bool | int | float):
        return value
    return redact(str(value))


def redact_fields(fields: Mapping[Any, Any]) -> dict[str, object]:
    """The same for a mapping; the value of a field such as ``api_key`` goes whatever it is."""
    return {
        (name := str(key)): SECRET if _says_secret(name) and value else redact_value(value)
        for key, value in fields.items()
    }


def scrub_url(path: str, query: bytes = b"") -> str:
    """Path and query for a log, at most 2,048 characters, secrets replaced by ``[secret]``."""
    if not query:
        return _scrub_path(path)
    parts = []
    for part in query[:MAX_URL_CHARACTERS].decode("latin-1").split("&"):
        name, mark, _ = part.partition("=")
        parts.append(f"{name}={SECRET}" if mark and _is_query_secret(name) else part)
    return redact(f"{_scrub_path(path)}?{'&'.join(parts)}"[:MAX_URL_CHARACTERS])


# A process sees a few dozen paths and clients again and again; the bound keeps the rest harmless.
@lru_cache(maxsize=1024)
def _scrub_path(path: str) -> str:
    return redact(path[:MAX_URL_CHARACTERS])


@lru_cache(maxsize=1024)
def scrub_user_agent(agent: str) -> str:
    """What a client calls itself, at most 256 characters, without what it should not have said."""
    return redact(agent[:256])


def _judge_parameter(match: re.Match[str]) -> str:
    return match.group(1) + SECRET if _is_query_secret(match["name"]) else match.group()


def _hide_value(match: re.Match[str]) -> str:
    return match.group(match.lastgroup or 0) + SECRET


def _is_query_secret(name: str) -> bool:
    return unquote_plus(name).lower() in _QUERY_SECRETS


def _says_secret(name: str) -> bool:
    return name.lower().replace("-", "_").endswith(_SECRET_FIELDS)
