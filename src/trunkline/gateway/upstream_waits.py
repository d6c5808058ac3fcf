"""When a provider wants to be asked again, in all the forms in which providers say so.

Only the headers of an error answer are read: Anthropic and others send ``retry-after`` with good
answers too, where it means nothing. A moment counts only beside the answer's own ``Date``, since
the provider's clock need not agree with ours.
"""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Final

# Beyond a day nobody waits, and no sensible provider says so.
MOST_RETRY_SECONDS: Final = 86_400.0

# Source: OpenAI's and Anthropic's SDKs; Azure writes the second one.
_MILLISECONDS: Final = (b"retry-after-ms", b"x-ms-retry-after-ms")

# Durations as Go writes them, such as 1m6.779s, 20ms or 2h0m0s.
_DURATION: Final = re.compile(r"(?:\d+(?:\.\d+)?(?:ms|us|µs|ns|h|m|s))+")
_PART: Final = re.compile(r"(\d+(?:\.\d+)?)(ms|us|µs|ns|h|m|s)")
_UNITS: Final = {"h": 3600.0, "m": 60.0, "s": 1.0, "ms": 1e-3, "us": 1e-6, "µs": 1e-6, "ns": 1e-9}

_ANTHROPIC: Final = ("requests", "tokens", "input-tokens", "output-tokens")
_OPENAI: Final = ("requests", "tokens")

Headers = Mapping[bytes, bytes]


def retry_after(status: int, headers: Headers) -> float | None:
    """Seconds after which a provider wants to be asked again, or None where it does not say.

    Milliseconds come first, then ``retry-after`` as seconds or as a date. When a limit was hit, the
    resets of the limits follow.

    Args:
        status: of an error answer.
        headers: by lower-case name.
    """
    for name in _MILLISECONDS:
        told = _number(headers.get(name))
        if told is not None:
            return _sensible(told / 1000.0)
    value = headers.get(b"retry-after")
    if value is not None:
        told = _number(value)
        wait = _sensible(_until_http_date(value, headers) if told is None else told)
        if wait is not None:
            return wait
    if status != 429:
        return None
    for resets in (_openai_resets(headers), _anthropic_resets(headers)):
        wait = _sensible(_longest_that_counts(resets))
        if wait is not None:
            return wait
    return _sensible(_plain_reset(headers))


def told_to_retry(headers: Headers) -> bool | None:
    """What ``x-should-retry`` says, which the SDKs of OpenAI and Anthropic obey; None for no word.

    Args:
        headers: by lower-case name.
    """
    return {b"true": True, b"false": False}.get(headers.get(b"x-should-retry", b"").lower())


def _openai_resets(headers: Headers) -> list[tuple[bool, float]]:
    """Of each limit, whether it is used up, and the seconds until it is whole again.

    Azure writes plain numbers there whose unit nobody knows; they are left out.
    """
    found = []
    for limit in _OPENAI:
        wait = _duration(headers.get(b"x-ratelimit-reset-%s" % limit.encode()))
        if wait is not None:
            left = _number(headers.get(b"x-ratelimit-remaining-%s" % limit.encode()))
            found.append((left == 0, wait))
    return found


def _anthropic_resets(headers: Headers) -> list[tuple[bool, float]]:
    found = []
    for limit in _ANTHROPIC:
        name = b"anthropic-ratelimit-%s-" % limit.encode()
        wait = _until_timestamp(headers.get(name + b"reset"), headers)
        if wait is not None:
            found.append((_number(headers.get(name + b"remaining")) == 0, wait))
    return found


def _longest_that_counts(resets: list[tuple[bool, float]]) -> float | None:
    """Until the last of the used-up limits is whole again.

    Where none is used up, the request was larger than what is left of one of them, and nobody says
    of which: the shortest is the one that may have passed.
    """
    used_up = [wait for exhausted, wait in resets if exhausted]
    if used_up:
        return max(used_up)
    return min((wait for _, wait in resets), default=None)


def _plain_reset(headers: Headers) -> float | None:
    """``x-ratelimit-reset``: seconds at Together, and at OpenRouter a moment in milliseconds."""
    told = _number(headers.get(b"x-ratelimit-reset"))
    if told is None or told < MOST_RETRY_SECONDS:
        return told
    now = _date(headers)
    return None if now is None else told / (1000.0 if told > 1e11 else 1.0) - now.timestamp()


def _sensible(seconds: float | None) -> float | None:
    """A moment that has just passed means now; what is absurd means nothing."""
    if seconds is None or not -60.0 < seconds < MOST_RETRY_SECONDS:
        return None
    return max(seconds, 0.0)


def _number(value: bytes | None) -> float | None:
    try:
        return None if value is None else float(value)
    except ValueError:
        return None


def _duration(value: bytes | None) -> float | None:
    text = (value or b"").decode("utf-8", "replace").strip()
    if not _DURATION.fullmatch(text):
        return None
    return sum(float(amount) * _UNITS[unit] for amount, unit in _PART.findall(text))


def _until_http_date(value: bytes, headers: Headers) -> float | None:
    then, now = _http_date(value), _date(headers)
    return None if then is None or now is None else (then - now).total_seconds()


def _until_timestamp(value: bytes | None, headers: Headers) -> float | None:
    now = _date(headers)
    if value is None or now is None:
        return None
    try:
        then = datetime.fromisoformat(value.decode("latin-1"))
    except ValueError:
        return None
    return (_aware(then) - now).total_seconds()


def _date(headers: Headers) -> datetime | None:
    return _http_date(headers.get(b"date", b""))


def _http_date(value: bytes) -> datetime | None:
    try:
        return _aware(parsedate_to_datetime(value.decode("latin-1")))
    except ValueError:
        return None


def _aware(moment: datetime) -> datetime:
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
