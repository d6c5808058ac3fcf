"""What makes two requests the same: a key that is equal exactly where their answers may be shared.

A key reads ``organisation/alias/who/way/asked``:

* who shares the answer: ``org``, or ``team:``, ``user:`` or ``key:`` with the id; a caller without
  a team or a user shares with its own key alone, never with more;
* the way it is answered: a digest of the alias's configuration, the wire, the operation, whether it
  is a stream, and whether that one tells its usage;
* what is asked: a digest of the members, of the headers that reach the provider, of what about the
  caller decides about targets, and of the alias's name where it was called by another.

Members are taken in the order of their names and without white space between their tokens.
Everything inside a member stays as it was sent: the order of the properties in a schema is the
order in which a model fills them in, and of a repeated name providers may read either. What only
attributes a request is left out, but not where the answer repeats it.
"""

import hashlib
from collections.abc import Iterable, Mapping
from typing import Final

import msgspec

from trunkline.gateway.caller import Caller
from trunkline.gateway.headers import USUAL_CONNECTION
from trunkline.gateway.policy import CacheScope
from trunkline.gateway.recall.configuration import Configuration
from trunkline.gateway.wire.contract import Inbound

_PROMPTS: Final = frozenset({"messages", "contents", "input", "inputs", "prompt"})

# Said by the key in other words.
_SAID: Final = frozenset({"stream"})

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
    x-real-ip x-request-id x-requested-with x-stainless-arch x-stainless-async x-stainless-lang
    x-stainless-os x-stainless-package-version x-stainless-read-timeout x-stainless-retry-count
    x-stainless-runtime x-stainless-runtime-version x-stainless-timeout x-title""".split()
)
# Slower to be told than a whole name, so what SDKs send with every request is named above as well.
_SILENT_PREFIXES: Final = (
    b"x-stainless-", b"x-trunkline-", b"x-forwarded-", b"sec-", b"cf-", b"x-b3-", b"x-datadog-",
    b"x-fern-", b"if-",
)  # fmt: skip

_EMPTY: Final = hashlib.blake2b(digest_size=20)

_encode = msgspec.json.Encoder(order="deterministic").encode


def key_of(
    caller: Caller,
    request: Inbound,
    wire: str,
    operation: str,
    headers: Mapping[bytes, bytes],
    pairs: Iterable[tuple[bytes, bytes]],
    configuration: Configuration,
) -> tuple[str, str]:
    """The key of a request as it would be sent, and the space that near prompts share.

    The space is the key without the prompt: within it near prompts may share answers, too. It is
    empty where the alias's policy looks for none.

    Args:
        caller: who asks.
        request: with what guardrails and the alias have changed.
        wire: the caller's.
        operation: such as ``chat``.
        headers: of the request, by name.
        pairs: the same as they came, with all that were repeated.
        configuration: of the alias, whose policy says who shares answers.
    """
    fields, alias = request.fields, configuration.alias
    asked = _encode(fields)
    # As long as what came, it has no white space between the members, and then none inside them
    # either: whoever writes the one and not the other shares with nobody who writes otherwise.
    compact = len(asked) == request.size
    left_out = _ATTRIBUTION.get(wire, _SAID)
    if not left_out.isdisjoint(fields):
        fields = {name: raw for name, raw in fields.items() if name not in left_out}
        asked = _encode(fields)
    if not compact:
        asked = _without_blanks(asked)
    beside = b"" if _SILENT.issuperset(headers) else _heard(pairs)
    if configuration.tells_callers_apart or request.model != alias.name:
        beside += _sent_by(caller, request, configuration)
    shared = configuration.shared_by_all or configuration.shared_by(_who(caller, alias.cache.scope))
    manner = "whole"
    if request.stream:
        manner = "stream+usage" if request.wants_usage else "stream"
    text = f"{shared}:{wire}:{operation}:{manner}/{_digest(asked, beside)}"
    if alias.cache.mode != "semantic":
        return text, ""
    rest = _encode({name: raw for name, raw in fields.items() if name not in _PROMPTS})
    alike = _digest(_without_blanks(rest), beside)
    return text, f"{shared}:{wire}:{operation}:{manner}/{alike}"


def _who(caller: Caller, scope: CacheScope) -> str:
    if scope == "team" and caller.team_id is not None:
        return f"team:{caller.team_id}"
    if scope == "user" and caller.user_id is not None:
        return f"user:{caller.user_id}"
    return f"key:{caller.key_id}"


def _heard(pairs: Iterable[tuple[bytes, bytes]]) -> bytes:
    """The headers that may lead to another answer."""
    heard = [
        pair
        for pair in pairs
        if pair[0] not in _SILENT
        and not pair[0].startswith(_SILENT_PREFIXES)
        and (pair[0] != b"connection" or pair[1].lower() not in USUAL_CONNECTION)
    ]
    heard.sort()
    return _encode(heard) if heard else b""


def _sent_by(caller: Caller, request: Inbound, configuration: Configuration) -> bytes:
    """What beside its members may send a request elsewhere, or to another name of the alias."""
    team = caller.team_id if caller.team_id in configuration.teams else None
    borne = caller.tags + request.tags
    told = sorted(configuration.tags.intersection(borne)) if borne else []
    name = None if request.model == configuration.alias.name else request.model
    return _encode((team, told, name)) if team or told or name else b""


def _digest(said: bytes, beside: bytes) -> str:
    # A copy is made with less than a new one, whose size is an argument to be read.
    digest = _EMPTY.copy()
    digest.update(said)
    if beside:
        digest.update(beside)
    return digest.hexdigest()


def _without_blanks(text: bytes) -> bytes:
    try:
        return msgspec.json.format(text, indent=-1)
    except (msgspec.DecodeError, RecursionError):
        # What is nested so deeply that it could just be read counts letter by letter.
        return text
