"""What makes two requests the same: a key that is equal exactly where their answers may be shared.

A key reads ``organisation/alias/who/variant/prompt``:

* who shares the answer: ``org``, or ``team:``, ``user:`` or ``key:`` with the id; a caller without
  a team or a user shares with its own key alone, never with more;
* the variant is a digest of everything but the prompt: the wire, the operation, whether it is a
  stream, all other members, the headers that reach the provider, and the alias's configuration;
* the prompt is a digest of the members that are one.

Members are taken in the order of their names and without white space between their tokens.
Everything inside a member stays as it was sent: the order of the properties in a schema is the
order in which a model fills them in, and of a repeated name providers may read either. What only
attributes a request is left out, but not where the answer repeats it.
"""

import hashlib
from collections.abc import Iterable
from typing import Final

import msgspec

from trunkline.gateway.caller import Caller
from trunkline.gateway.headers import USUAL_CONNECTION
from trunkline.gateway.policy import CacheScope
from trunkline.gateway.snapshot import Alias
from trunkline.gateway.wire.contract import Inbound

_PROMPTS: Final = frozenset({"messages", "contents", "input", "inputs", "prompt"})

# Said by the key in other words.
_SAID: Final = frozenset({"model", "stream"})

# What attributes a request and changes no byte of its answer. OpenAI's Responses repeat theirs.
_ATTRIBUTION: Final[dict[str, frozenset[str]]] = {
    "openai_chat": _SAID | {"user", "metadata", "safety_identifier", "prompt_cache_key"},
    "openai_completions": _SAID | {"user", "metadata"},
    "openai_embeddings": _SAID | {"user"},
    "anthropic_messages": _SAID | {"metadata"},
    "gemini": _SAID | {"labels"},
    "bedrock_converse": _SAID | {"requestMetadata"},
}

# Headers that change no answer: of the caller's client, network and tracing, credentials, and what
# never reaches the provider. Every other header parts requests, also one that nobody knows yet;
# so does ``Connection`` where it keeps another header from the provider.
_SILENT: Final = frozenset(
    b"""accept accept-charset accept-encoding accept-language api-key authorization b3 baggage
    cache-control content-encoding content-length content-type cookie dnt expect
    forwarded from host http-referer idempotency-key keep-alive newrelic openai-organization
    openai-project origin pragma priority proxy-authorization proxy-connection referer sentry-trace
    te traceparent tracestate trailer transfer-encoding true-client-ip uber-trace-id upgrade
    user-agent via x-amzn-trace-id x-api-key x-app x-client-ip x-client-name
    x-cloud-trace-context x-correlation-id x-goog-api-client x-goog-api-key x-goog-user-project
    x-real-ip x-request-id x-requested-with x-title""".split()
)
_SILENT_PREFIXES: Final = (
    b"x-stainless-", b"x-trunkline-", b"x-forwarded-", b"sec-", b"cf-", b"x-b3-", b"x-datadog-",
    b"x-fern-", b"if-",
)  # fmt: skip

_encode = msgspec.json.Encoder().encode


class Key(msgspec.Struct, frozen=True):
    """The name of an answer.

    Attributes:
        text: the whole key.
        space: its part before the prompt: within it near prompts may share answers, too.
    """

    text: str
    space: str


def key_of(
    caller: Caller,
    alias: Alias,
    request: Inbound,
    wire: str,
    operation: str,
    pairs: Iterable[tuple[bytes, bytes]],
    configuration: str,
) -> Key:
    """The key of a request as it would be sent.

    Args:
        caller: who asks.
        alias: what is asked; its policy says who shares answers.
        request: with what guardrails and the alias have changed.
        wire: the caller's.
        operation: such as ``chat``.
        pairs: the request's headers, all of them.
        configuration: digest of what the alias would do, see ``configuration.py``.
    """
    left_out = _ATTRIBUTION.get(wire, _SAID)
    rest: dict[str, msgspec.Raw] = {}
    prompt: dict[str, msgspec.Raw] = {}
    fields = request.fields
    for name in sorted(fields):
        if name in _PROMPTS:
            prompt[name] = fields[name]
        elif name not in left_out:
            rest[name] = fields[name]
    heard = sorted(
        pair
        for pair in pairs
        if pair[0] not in _SILENT
        and not pair[0].startswith(_SILENT_PREFIXES)
        and (pair[0] != b"connection" or pair[1].lower() not in USUAL_CONNECTION)
    )
    routed = _routed_by(alias, caller, request)
    variant = _digest(
        (
            wire, operation, request.stream, request.wants_usage, request.model, configuration,
            heard, routed, rest,
        ),
        12,
    )  # fmt: skip
    shared = f"{place_of(caller.org_id, alias.name)}{_who(caller, alias.cache.scope)}/{variant}"
    return Key(f"{shared}/{_digest(prompt, 20)}", shared)


def place_of(org_id: str, alias: str) -> str:
    """What all keys of an alias begin with."""
    return f"{beginning_of(org_id, alias)}/"


def beginning_of(org_id: str, prefix: str = "") -> str:
    """What all keys of those aliases begin with whose names begin like this."""
    if "/" in prefix or "%" in prefix:
        prefix = prefix.replace("%", "%25").replace("/", "%2F")
    return f"{org_id}/{prefix}"


def _who(caller: Caller, scope: CacheScope) -> str:
    if scope == "org":
        return "org"
    if scope == "team" and caller.team_id is not None:
        return f"team:{caller.team_id}"
    if scope == "user" and caller.user_id is not None:
        return f"user:{caller.user_id}"
    return f"key:{caller.key_id}"


def _routed_by(alias: Alias, caller: Caller, request: Inbound) -> tuple[object, ...]:
    """What sends requests that read the same to different targets."""
    rules = alias.route.rules
    if not rules:
        return ()
    team = tagged = False
    for rule in rules:
        team |= bool(rule.when.teams)
        tagged |= bool(rule.when.tags)
    tags = sorted(caller.tags + request.tags) if tagged else None
    return (caller.team_id if team else None, tags)


def _digest(said: object, size: int) -> str:
    return hashlib.blake2b(_without_blanks(_encode(said)), digest_size=size).hexdigest()


def _without_blanks(text: bytes) -> bytes:
    try:
        return msgspec.json.format(text, indent=-1)
    except (msgspec.DecodeError, RecursionError):
        # What is nested so deeply that it could just be read counts letter by letter.
        return text
