"""What each fault of a provider looks like to a caller of any other wire."""

from collections.abc import Iterator, Mapping

from tests.conformance.translated_calls import NO_FAULT, Seen

OPENAI = ("openai_chat", "openai_responses", "openai_completions")

_GOOD = Seen(200, "whole", None, "completed", "exact")
_GUESSED = Seen(200, "whole", None, "completed", "estimated")
_SILENT = Seen(504, "body", "upstream_timeout", "timed_out", "estimated")
_LOST = Seen(502, "body", "upstream_connection_lost", "failed", "estimated")
_BROKEN = Seen(502, "body", "upstream_malformed", "failed", "estimated")
_THEIRS = "theirs"
"""Stands for the provider's own word of the fault, which passes; see ``_WORDS``."""


def _refused(status: int, code: str = _THEIRS) -> Seen:
    return Seen(status, "body", code, "refused", "exact")


def _late(seen: Seen) -> Seen:
    """The same after the first content has been told."""
    return seen._replace(status=200, told="event")


EXPECTED: Mapping[str, tuple[Seen, Seen]] = {
    NO_FAULT: (_GOOD, _GOOD),
    "latency": (_GOOD, _GOOD),
    "slow_first_token": (_GOOD, _GOOD),
    "silence": (_SILENT, _SILENT),
    "silence_in_stream": (_SILENT, _late(_SILENT)),
    "status_400": (_refused(400), _refused(400)),
    # What the provider thinks of our account is none of the caller's business.
    "status_401": (_refused(502, "upstream_credentials"), _refused(502, "upstream_credentials")),
    "status_402": (_refused(503, "upstream_credentials"), _refused(503, "upstream_credentials")),
    "status_403": (_refused(502, "upstream_credentials"), _refused(502, "upstream_credentials")),
    "status_404": (_refused(404), _refused(404)),
    "status_429": (_refused(429), _refused(429)),
    "status_500": (_refused(500), _refused(500)),
    "status_503": (_refused(503), _refused(503)),
    "status_529": (_refused(529), _refused(529)),
    "insufficient_quota": (
        _refused(503, "upstream_credentials"),
        _refused(503, "upstream_credentials"),
    ),
    "overloaded": (_refused(503), _refused(503)),
    "error_in_stream": (_BROKEN, Seen(200, "event", _THEIRS, "failed", "estimated")),
    "error_first": (_BROKEN, Seen(503, "body", _THEIRS, "failed", "estimated")),
    # A whole answer is shorter than that.
    "cut_after_bytes": (_GOOD, _late(_LOST)),
    "cut_after_events": (_LOST, _late(_LOST)),
    "missing_end": (_BROKEN, _late(_BROKEN)),
    "malformed_chunk": (_BROKEN, _late(_BROKEN)),
    "bad_chunk_size": (_LOST, _late(_LOST)),
    "huge_chunk": (_GOOD, _GOOD),
    "byte_by_byte": (_GOOD, _GOOD),
    "wrong_content_type": (_BROKEN, _BROKEN),
    "reset": (_LOST, _LOST),
    "reset_after_head": (_LOST, _LOST),
    # Nothing that may have been billed is repeated behind the caller's back.
    "stale_keep_alive": (_LOST, _LOST),
    # A stream's own end comes whole, and only HTTP's is missing after it.
    "wrong_length": (_LOST, _GOOD),
    "not_json": (_BROKEN, _BROKEN),
    "empty_body": (_BROKEN, _BROKEN),
    "no_usage": (_GUESSED, _GUESSED),
    "gzip": (_GOOD, _GOOD),
}
"""By fault: a whole answer and a stream, whichever wires are spoken."""

_CHAT_WORDS = {
    "status_400": "invalid_request",
    "status_404": "model_not_found",
    "status_429": "rate_limit_exceeded",
    "status_500": "server_error",
    "status_503": "server_is_overloaded",
    "status_529": "overloaded",
    "overloaded": "server_is_overloaded",
    "error_in_stream": "server_is_overloaded",
    "error_first": "server_is_overloaded",
}
_WORDS: Mapping[str, Mapping[str, str]] = {
    **dict.fromkeys(OPENAI, _CHAT_WORDS),
    "anthropic_messages": {
        "status_400": "invalid_request_error",
        "status_404": "not_found_error",
        "status_429": "rate_limit_error",
        "status_500": "api_error",
        "status_503": "api_error",
        "status_529": "overloaded_error",
        "overloaded": "overloaded_error",
        "error_in_stream": "overloaded_error",
        "error_first": "overloaded_error",
    },
    "gemini": {
        "status_400": "INVALID_ARGUMENT",
        "status_404": "NOT_FOUND",
        "status_429": "RESOURCE_EXHAUSTED",
        "status_500": "INTERNAL",
        "status_503": "UNAVAILABLE",
        "status_529": "UNAVAILABLE",
        "overloaded": "UNAVAILABLE",
        "error_in_stream": "UNAVAILABLE",
        "error_first": "UNAVAILABLE",
    },
    "bedrock_converse": {
        "status_400": "ValidationException",
        "status_404": "ResourceNotFoundException",
        "status_429": "ThrottlingException",
        "status_500": "InternalServerException",
        "status_503": "ServiceUnavailableException",
        "insufficient_quota": "ThrottlingException",
        "overloaded": "ServiceUnavailableException",
        "error_in_stream": "serviceUnavailableException",
        "error_first": "serviceUnavailableException",
    },
}
"""Providers' own words; those that are not listed have none, and ours stands there."""
_OUR_WORD = "upstream_error"

_LIMITED = _refused(429)
_FIRST = EXPECTED["error_first"][1]
# Ollama, Cohere and Mistral tell no status inside a stream.
_FIRST_WITHOUT_STATUS = _FIRST._replace(status=502)
_SPENT = dict.fromkeys((("insufficient_quota", False), ("insufficient_quota", True)), _LIMITED)
_TOLD_AT_THE_END = {("missing_end", True): _late(_BROKEN)._replace(cost_state="exact")}
"""The usage had come before the end that is missing."""

OTHERWISE: Mapping[str, Mapping[tuple[str, bool], Seen]] = {
    "openai_chat": _TOLD_AT_THE_END,
    "openai_completions": _TOLD_AT_THE_END,
    # Its start events alone are longer than where this fault cuts.
    "openai_responses": {("cut_after_bytes", True): _LOST},
    "anthropic_messages": {
        **_TOLD_AT_THE_END,
        ("overloaded", False): _refused(529),
        ("overloaded", True): _refused(529),
        ("error_first", True): _FIRST._replace(status=529),
    },
    "gemini": {
        # The end of the transfer is the end of its streams, so that a broken one is none.
        ("wrong_length", True): _late(_LOST)._replace(cost_state="exact"),
    },
    # These know no other word for a quota that is spent than for a limit of the minute.
    "ollama_chat": {**_SPENT, ("error_first", True): _FIRST_WITHOUT_STATUS},
    "ollama_generate": {**_SPENT, ("error_first", True): _FIRST_WITHOUT_STATUS},
    "cohere_chat": {**_SPENT, ("error_first", True): _FIRST_WITHOUT_STATUS},
    "bedrock_converse": _SPENT,
    "mistral_fim": {
        **_SPENT,
        **_TOLD_AT_THE_END,
        ("error_first", True): _FIRST_WITHOUT_STATUS,
    },
}
"""Where a provider's wire makes another answer of a fault."""


def expected(provider: str) -> dict[tuple[str, bool], Seen]:
    """The table for this provider's wire, by fault and whether the answer is streamed."""
    return {key: _worded(provider, key[0], seen) for key, seen in _rows(provider)}


def _rows(provider: str) -> Iterator[tuple[tuple[str, bool], Seen]]:
    for fault, both in EXPECTED.items():
        for stream, seen in zip((False, True), both, strict=True):
            key = fault, stream
            yield key, OTHERWISE[provider].get(key, seen)


def _worded(provider: str, fault: str, seen: Seen) -> Seen:
    if seen.code != _THEIRS:
        return seen
    return seen._replace(code=_WORDS.get(provider, {}).get(fault, _OUR_WORD))
