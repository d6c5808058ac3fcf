"""Which headers pass through, and which ones we add."""

from collections.abc import Iterable, Sequence
from functools import lru_cache
from itertools import compress
from operator import itemgetter
from typing import Final

from trunkline.errors import TrunklineError
from trunkline.gateway.ports import Allowance

Pairs = list[tuple[bytes, bytes]]

_HOP_BY_HOP: Final = frozenset(
    {
        b"connection",
        b"keep-alive",
        b"proxy-authenticate",
        b"proxy-authorization",
        b"proxy-connection",
        b"te",
        b"trailer",
        b"transfer-encoding",
        b"upgrade",
    }
)

# Credentials of the caller, what the transport writes itself, and what names the caller's network.
_NOT_UPSTREAM: Final = _HOP_BY_HOP | {
    b"host",
    b"content-length",
    b"content-type",
    b"content-encoding",
    b"accept-encoding",
    b"expect",
    b"authorization",
    b"x-api-key",
    b"api-key",
    b"x-goog-api-key",
    b"cookie",
    b"forwarded",
    b"via",
    b"x-real-ip",
    b"x-forwarded-for",
    b"x-forwarded-host",
    b"x-forwarded-port",
    b"x-forwarded-proto",
    b"x-request-id",
    b"traceparent",
    b"tracestate",
    b"true-client-ip",
    b"x-client-ip",
    b"cdn-loop",
    # These name an account at the provider; ours is the connection's.
    b"openai-organization",
    b"openai-project",
    b"x-goog-user-project",
    # Ours to keep: callers share the provider's account, and one's key is another's answer there.
    b"idempotency-key",
}
# Our own, and what a CDN in front of us says of the caller; the same CDN before the provider would
# refuse a request that bears it.
_NOT_UPSTREAM_PREFIXES: Final = (b"x-trunkline-", b"cf-")

# What describes our account or the provider's edge is none of the caller's business; retry-after
# is read on error statuses only, since some providers send it with every answer.
_NOT_DOWNSTREAM: Final = _HOP_BY_HOP | {
    b"content-length",
    b"content-encoding",
    b"set-cookie",
    b"server",
    b"date",
    b"via",
    b"alt-svc",
    b"strict-transport-security",
    b"x-request-id",
    b"request-id",
    b"openai-organization",
    b"openai-project",
    b"anthropic-organization-id",
}
_NOT_DOWNSTREAM_PREFIXES: Final = (
    b"x-ratelimit-",
    b"anthropic-ratelimit-",
    b"cf-",
    b"x-trunkline-",
    b"access-control-",
)

JSON: Final = (b"content-type", b"application/json")

_MOST_DROPPED: Final = 2_000
_IDENTITY: Final = (b"accept-encoding", b"identity")
_NAME: Final = itemgetter(0)
_NOTHING: Final[frozenset[bytes]] = frozenset()

USUAL_CONNECTION: Final = frozenset({b"keep-alive", b"close"})
"""What ``Connection`` says where it names no other header."""


def upstream_headers(
    received: Sequence[tuple[bytes, bytes]],
    credentials: tuple[tuple[bytes, bytes], ...],
    traceparent: bytes,
    attempt_id: str,
    hop: bytes | None = None,
    content_type: bytes = JSON[1],
) -> tuple[tuple[bytes, bytes], ...]:
    """The headers of an attempt: the caller's own, our credential, and what names the attempt.

    A header of the connection wins over the caller's, except ``anthropic-version``, which belongs
    to whoever wrote the body. ``hop`` is the caller's ``Connection`` header: what it names is for
    the caller's hop only (RFC 9110, 7.6.1). ``content_type`` is that of the body that is sent.
    """
    named = _NOTHING
    if hop is not None and hop.lower() not in USUAL_CONNECTION:
        named = frozenset([name.strip().lower() for name in hop.split(b",")])
    passing, own = _going(tuple(map(_NAME, received)), tuple(map(_NAME, credentials)), named)
    return (
        *compress(received, passing),
        *compress(credentials, own),
        (b"content-type", content_type),
        _IDENTITY,
        (b"traceparent", traceparent),
        (b"x-trunkline-attempt", attempt_id.encode()),
    )


def downstream_headers(received: Iterable[tuple[bytes, bytes]], status: int) -> Pairs:
    """The provider's headers that pass to the caller."""
    stays = _stays_with_a_failure if status >= 400 else _stays_with_an_answer
    return [pair for pair in received if not stays(pair[0])]


# A client says the same names in the same order again and again, and a provider the same few dozen
# names, so each is judged once; the bounds keep the rest harmless.
@lru_cache(maxsize=256)
def _going(
    names: tuple[bytes, ...], own: tuple[bytes, ...], named: frozenset[bytes]
) -> tuple[tuple[bool, ...], tuple[bool, ...]]:
    """Which of a caller's headers and which of the connection's go to the provider.

    Args:
        names: of the caller's headers.
        own: names of the connection's.
        named: what the caller's ``Connection`` header names.
    """
    taken = _NOT_UPSTREAM.union(own) - {b"anthropic-version"} | named
    passing = tuple(
        [name not in taken and not name.startswith(_NOT_UPSTREAM_PREFIXES) for name in names]
    )
    told = b"anthropic-version" in compress(names, passing)
    return passing, tuple([not (told and name == b"anthropic-version") for name in own])


@lru_cache(maxsize=256)
def _stays_with_a_failure(name: bytes) -> bool:
    """Whether a header of a provider's refusal is not for the caller."""
    return name in _NOT_DOWNSTREAM or name.startswith(_NOT_DOWNSTREAM_PREFIXES)


@lru_cache(maxsize=256)
def _stays_with_an_answer(name: bytes) -> bool:
    """The same of an answer: some providers send ``retry-after`` with every one."""
    return _stays_with_a_failure(name) or name.startswith(b"retry-after")


def request_id_headers(request_id: str) -> Pairs:
    """Who this answer belongs to, under the names that either SDK reads."""
    own = request_id.encode()
    return [(b"x-request-id", own), (b"request-id", own)]


def request_id_lines(request_id: str, generation_id: str) -> str:
    """The same as lines, for an answer that can be looked up."""
    return (
        f"x-request-id: {request_id}\r\nrequest-id: {request_id}\r\n"
        f"x-trunkline-generation-id: {generation_id}\r\n"
    )


def allowance_lines(allowance: Allowance) -> str:
    """OpenAI's rate-limit names, filled with one of the caller's own limits."""
    kind = allowance.kind
    return (
        f"x-ratelimit-limit-{kind}: {allowance.limit}\r\n"
        f"x-ratelimit-remaining-{kind}: {allowance.remaining}\r\n"
        f"x-ratelimit-reset-{kind}: {_duration(allowance.reset_ms)}\r\n"
    )


def dropped_header(names: Sequence[str]) -> tuple[bytes, bytes]:
    """What a translation left out. Callers chose some of the names, so they are written in ASCII.

    A name that no line can hold is told by its escapes, and no more is told than proxies take.
    """
    told = ", ".join([ascii(name)[1:-1] for name in names])
    if len(told) > _MOST_DROPPED:
        told = told[:_MOST_DROPPED] + "..."
    return b"x-trunkline-dropped", told.encode()


def error_headers(error: TrunklineError) -> Pairs:
    """Whether and when to try again, as the SDKs of OpenAI and Anthropic read it."""
    pairs: Pairs = [(b"x-should-retry", b"true" if error.should_retry else b"false")]
    if error.retry_after is not None:
        pairs.append((b"retry-after", b"%d" % max(1, -int(-error.retry_after // 1))))
    return pairs


def _duration(milliseconds: int) -> str:
    """Go-like durations such as ``1h1m6.779s`` and ``20ms``, as OpenAI writes them."""
    if milliseconds < 1000:
        return f"{milliseconds}ms"
    minutes, rest = divmod(milliseconds, 60_000)
    if not minutes:
        return f"{rest / 1000:g}s"
    hours, minutes = divmod(minutes, 60)
    if not hours:
        return f"{minutes}m{rest / 1000:g}s"
    return f"{hours}h{minutes}m{rest / 1000:g}s"
