"""What follows from each failure of a provider, from its own words on."""

from typing import Any

import msgspec
import pytest

from trunkline.errors import InternalError
from trunkline.gateway.transport import (
    AddressRefused,
    BodyTooLarge,
    ConnectFailed,
    ConnectionLost,
    ConnectTimeout,
    DecodingFailed,
    FirstByteTimeout,
    HeadTooLarge,
    IdleTimeout,
    NameNotResolved,
    PoolTimeout,
    ProtocolViolation,
    TLSFailed,
    TotalTimeout,
    TransportError,
)
from trunkline.gateway.upstream_errors import (
    AttemptFailed,
    ProviderAnswer,
    credentials_exhausted,
    filtered,
    from_fault,
    from_transport,
    malformed,
)
from trunkline.gateway.wire.contract import ProviderFault
from trunkline.gateway.wire.registry import WIRES

BROKEN = "upstream_connection_lost"


def told(failure: AttemptFailed) -> tuple[str, str, str, bool]:
    """Where the request goes next, for what kind of fallback, and who is blamed."""
    where = "again" if failure.again else "elsewhere" if failure.elsewhere else "nowhere"
    return where, failure.kind, failure.credential, failure.blames


def refused(wire: str, status: int, body: Any, **headers: str) -> AttemptFailed:
    """The failure that an error answer in this wire is."""
    raw = body if isinstance(body, bytes) else msgspec.json.encode(body)
    pairs = [(k.replace("_", "-").encode(), v.encode()) for k, v in headers.items()]
    fault = WIRES[wire].read_fault(status, raw)
    return from_fault(fault, "refused", ProviderAnswer(status, pairs, raw), pairs)


def openai(message: str = "", **members: Any) -> dict[str, Any]:
    return {"error": {"message": message, **members}}


def google(message: str, status: str, *details: dict[str, Any]) -> dict[str, Any]:
    return {"error": {"message": message, "status": status, "details": list(details)}}


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (400, ("nowhere", "error", "fine", False)),
        (401, ("elsewhere", "error", "dead", False)),
        (402, ("elsewhere", "error", "dead", False)),
        (403, ("elsewhere", "error", "barred", False)),
        (404, ("elsewhere", "error", "fine", False)),
        (405, ("nowhere", "error", "fine", False)),
        (408, ("again", "error", "fine", True)),
        (409, ("again", "error", "fine", False)),
        (410, ("elsewhere", "error", "fine", False)),
        (413, ("nowhere", "error", "fine", False)),
        (422, ("nowhere", "error", "fine", False)),
        (425, ("elsewhere", "error", "fine", False)),
        (429, ("again", "error", "limited", False)),
        (498, ("again", "error", "fine", True)),
        (499, ("elsewhere", "error", "fine", False)),
        (500, ("again", "error", "fine", True)),
        (501, ("elsewhere", "error", "fine", True)),
        (502, ("again", "error", "fine", True)),
        (503, ("again", "error", "fine", True)),
        (504, ("again", "error", "fine", True)),
        (520, ("again", "error", "fine", True)),
        (529, ("again", "error", "fine", True)),
    ],
)
@pytest.mark.parametrize("body", [b"", b"<html>", b'{"error":{"message":"no"}}'])
def test_a_status_alone_decides_where_nobody_says_more(
    status: int, body: bytes, expected: tuple[str, str, str, bool]
) -> None:
    failure = refused("openai_chat", status, body)
    assert told(failure) == expected
    # What can be asked again can be asked elsewhere, too.
    assert failure.elsewhere is (expected[0] != "nowhere")


@pytest.mark.parametrize(
    ("wire", "status", "body", "expected"),
    [
        ("openai_chat", 429, openai(code="insufficient_quota"), "dead"),
        ("openai_chat", 429, openai(code="credit_balance_exhausted"), "dead"),
        ("openai_chat", 429, openai(code="billing_hard_limit_reached"), "dead"),
        ("openai_chat", 429, openai(code="rate_limit_exceeded"), "limited"),
        ("openai_chat", 429, openai(code="slow_down"), "limited"),
        ("openai_chat", 401, openai(code="invalid_api_key"), "dead"),
        ("openai_chat", 403, openai(code="model_not_allowed"), "barred"),
        ("openai_chat", 403, openai(code="unsupported_country_region_territory"), "dead"),
        (
            "openai_chat",
            402,
            openai("This request requires more credits, or fewer max_tokens. You requested up to "
                   "4096 tokens, but can only afford 12."),
            "barred",
        ),
        (
            "anthropic_messages",
            429,
            {"error": {"type": "rate_limit_error",
                       "details": {"error_code": "enforced_spend_limit_reached"}}},
            "dead",
        ),
        (
            "anthropic_messages",
            400,
            {"error": {"type": "invalid_request_error",
                       "message": "Your credit balance is too low to access the Anthropic API."}},
            "dead",
        ),
        ("anthropic_messages", 403, {"error": {"type": "permission_error"}}, "barred"),
        (
            "gemini",
            429,
            google("Quota", "RESOURCE_EXHAUSTED",
                   {"violations": [{"quotaId": "RequestsPerDayPerProjectPerModel-FreeTier"}]}),
            "barred",
        ),
        (
            "gemini",
            429,
            google("Quota", "RESOURCE_EXHAUSTED",
                   {"violations": [{"quotaId": "RequestsPerMinutePerProject"}]}),
            "limited",
        ),
        ("gemini", 400, google("No", "INVALID_ARGUMENT", {"reason": "API_KEY_INVALID"}), "dead"),
        ("gemini", 403, google("Your API key was reported as leaked. Use another API key.",
                               "PERMISSION_DENIED"), "dead"),
        ("gemini", 403, google("No access to the model", "PERMISSION_DENIED"), "barred"),
        (
            "bedrock_converse",
            403,
            {"message": "The security token included in the request is expired"},
            "dead",
        ),
        (
            "bedrock_converse",
            403,
            {"message": "You don't have access to the model with the specified model ID."},
            "barred",
        ),
        ("cohere_chat", 498, {"message": "invalid token"}, "dead"),
    ],
)  # fmt: skip
def test_what_a_failure_says_about_the_secret(
    wire: str, status: int, body: Any, expected: str
) -> None:
    failure = refused(wire, status, body)
    assert failure.credential == expected
    assert told(failure)[1:] == ("error", expected, False)
    # A limit passes, the rest does not: another secret or target is asked at once.
    assert (failure.again, failure.elsewhere) == (expected == "limited", True)
    if expected == "limited":
        assert failure.answer is not None
    else:
        # The caller gets none of the provider's words about our account.
        assert (failure.answer, failure.error.code) == (None, "upstream_credentials")
        assert not failure.error.should_retry


@pytest.mark.parametrize(
    ("wire", "status", "body"),
    [
        (
            "anthropic_messages",
            400,
            {"error": {"type": "invalid_request_error",
                       "message": "messages.0: Input tag 'Your credit balance is too low' found"}},
        ),
        (
            "bedrock_converse",
            400,
            {"message": "Value 'The security token included in the request' is not valid"},
        ),
    ],
)  # fmt: skip
def test_a_caller_cannot_talk_a_secret_to_death(wire: str, status: int, body: Any) -> None:
    assert told(refused(wire, status, body)) == ("nowhere", "error", "fine", False)


@pytest.mark.parametrize(
    ("wire", "status", "body"),
    [
        ("openai_chat", 400, openai(code="context_length_exceeded")),
        ("openai_responses", 400, openai("Your input exceeds the context window of this model.")),
        ("openai_chat", 400, openai("Input tokens exceed the configured limit of 272000 tokens.")),
        ("openai_chat", 400, {"message": "This model's maximum context length is 4096 tokens.",
                              "object": "error", "type": "BadRequestError", "code": 400}),
        ("openai_chat", 400, openai("Please reduce the length of the messages or completion.",
                                    code="context_length_exceeded")),
        ("openai_chat", 400, openai("This endpoint's maximum context length is 32768 tokens.",
                                    code=400)),
        ("openai_chat", 403, openai("Input token count + max_tokens parameter must be less than "
                                    "the context length of the model being queried")),
        ("openai_chat", 422, openai("The input (9000 tokens) is longer than the model's context "
                                    "length (8192 tokens).")),
        ("openai_chat", 400, openai("This model's maximum prompt length is 131072 but the request "
                                    "contains 537812 tokens")),
        ("openai_chat", 400, {"object": "error", "message": "Prompt contains 40000 tokens, too "
                              "large for model with 32768 maximum context length"}),
        ("openai_chat", 400, openai("the request exceeds the available context size",
                                    type="exceed_context_size_error", code=400)),
        ("anthropic_messages", 400, {"error": {"type": "invalid_request_error",
                                     "message": "prompt is too long: 206640 tokens > 200000"}}),
        ("anthropic_messages", 400, {"error": {"type": "invalid_request_error", "message":
                                     "input length and `max_tokens` exceed context limit: 1 + 2"}}),
        ("anthropic_messages", 413, {"error": {"type": "request_too_large",
                                     "message": "Prompt is too long"}}),
        ("gemini", 400, google("The input token count (1196265) exceeds the maximum number of "
                               "tokens allowed (1048575).", "INVALID_ARGUMENT")),
        ("bedrock_converse", 400, {"message": "Input is too long for requested model."}),
        ("cohere_chat", 400, {"message": "too many tokens: total number of tokens in the prompt "
                              "cannot exceed 4081"}),
        ("ollama_embed", 400, {"error": "the input length exceeds the context length"}),
    ],
)  # fmt: skip
def test_a_text_that_is_too_long_goes_where_more_is_read(wire: str, status: int, body: Any) -> None:
    failure = refused(wire, status, body)
    assert told(failure) == ("nowhere", "context_window", "fine", False)
    assert failure.answer is not None


@pytest.mark.parametrize(
    ("wire", "status", "body"),
    [
        ("openai_chat", 400, openai(code="content_policy_violation")),
        ("openai_chat", 400, openai(code="content_filter", innererror={"code": "x"})),
        ("openai_chat", 400, openai("The response was filtered due to the prompt triggering "
                                    "Azure OpenAI's content management policy.")),
        ("openai_responses", 400, openai("Invalid prompt: your prompt was flagged as potentially "
                                         "violating our usage policy.", code="invalid_prompt")),
        ("openai_chat", 403, openai("anthropic/x requires moderation on OpenRouter. Your input "
                                    "was flagged for: violence", code=403)),
        ("openai_chat", 403, {"error": "Content violates usage guidelines."}),
        ("openai_chat", 400, openai("Content Exists Risk")),
        ("anthropic_messages", 400, {"error": {"type": "invalid_request_error",
                                     "message": "Output blocked by content filtering policy"}}),
    ],
)  # fmt: skip
def test_what_a_filter_refused_is_told_apart(wire: str, status: int, body: Any) -> None:
    failure = refused(wire, status, body)
    assert told(failure) == ("nowhere", "content_filter", "fine", False)
    assert failure.answer is not None


def test_the_words_count_in_refusals_of_the_request_only() -> None:
    body = openai("maximum context length", code="content_filter")
    assert refused("openai_chat", 500, body).kind == "error"
    assert refused("openai_chat", 404, body).kind == "error"


@pytest.mark.parametrize("status", [413, 429])
def test_one_request_above_a_limit_per_minute_passes_elsewhere_only(status: int) -> None:
    body = openai(
        "Request too large for gpt-4o on tokens per min (TPM): Limit 30000, Requested 40000.",
        type="tokens",
        code="rate_limit_exceeded",
    )
    assert told(refused("openai_chat", status, body)) == ("elsewhere", "error", "fine", False)


@pytest.mark.parametrize(
    ("status", "advice", "again"),
    [
        (500, "false", False),
        (500, "true", True),
        (404, "true", True),
        (429, "false", False),
        (401, "true", False),
        (400, "true", True),
    ],
)
def test_what_the_provider_advises_wins_over_the_status(
    status: int, advice: str, again: bool
) -> None:
    failure = refused("openai_chat", status, openai("no"), x_should_retry=advice)
    assert failure.again is again
    assert failure.elsewhere or not again


def test_the_wait_comes_from_headers_and_else_from_the_body() -> None:
    body = google("Quota", "RESOURCE_EXHAUSTED", {"retryDelay": "34.4s"})
    assert refused("gemini", 429, body).wait == 34.4
    limited = refused("gemini", 429, body, retry_after="3")
    assert (limited.wait, limited.error.retry_after) == (3.0, 3.0)
    assert refused("openai_chat", 429, b"", x_ratelimit_reset_tokens="1m6.779s").wait == 66.779
    assert refused("openai_chat", 401, b"", retry_after="3").wait is None


def test_an_error_inside_a_stream_has_no_headers_and_the_same_meaning() -> None:
    frame = b'{"error":{"type":"overloaded_error","message":"Overloaded"}}'
    failure = from_fault(WIRES["anthropic_messages"].read_fault(0, frame), "failed", None)
    assert (told(failure), failure.ending) == (("again", "error", "fine", True), "failed")
    assert failure.error.status == 529


def test_a_status_that_is_none_is_told_as_a_bad_gateway() -> None:
    failure = from_fault(ProviderFault(302, "x y", None, ours=False), "failed", None)
    assert (failure.error.status, failure.error.code) == (502, "upstream_error")
    assert failure.error.message == "The provider answered with status 302."


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (ConnectFailed("x"), ("again", True, "not_sent", "upstream_unreachable")),
        (NameNotResolved("x"), ("again", True, "not_sent", "upstream_unreachable")),
        (ConnectionLost("x", sent=True), ("again", True, "failed", BROKEN)),
        (ConnectTimeout("x"), ("elsewhere", True, "not_sent", "upstream_unreachable")),
        (TLSFailed("x"), ("elsewhere", True, "not_sent", "upstream_unreachable")),
        (AddressRefused("x"), ("elsewhere", True, "not_sent", "upstream_unreachable")),
        (FirstByteTimeout("x", sent=True), ("elsewhere", True, "timed_out", "upstream_timeout")),
        (IdleTimeout("x", sent=True), ("elsewhere", True, "timed_out", "upstream_timeout")),
        (TotalTimeout("x", sent=True), ("elsewhere", True, "timed_out", "upstream_timeout")),
        (TotalTimeout("x"), ("elsewhere", True, "not_sent", "upstream_timeout")),
        (ProtocolViolation("x", sent=True), ("elsewhere", True, "failed", BROKEN)),
        (HeadTooLarge("x", sent=True), ("elsewhere", True, "failed", BROKEN)),
        (DecodingFailed("x", sent=True), ("elsewhere", True, "failed", BROKEN)),
        (PoolTimeout("x"), ("elsewhere", False, "not_sent", "upstream_pool_exhausted")),
        (BodyTooLarge("x", sent=True), ("nowhere", False, "failed", "upstream_answer_too_large")),
    ],
    ids=lambda value: type(value).__name__,
)  # fmt: skip
def test_silence_is_never_asked_again_and_a_lost_connection_is(
    error: TransportError, expected: tuple[str, bool, str, str]
) -> None:
    failure = from_transport(error)
    where, kind, credential, blames = told(failure)
    assert (where, blames, failure.ending, failure.error.code) == expected
    assert (kind, credential) == ("error", "fine")


def test_an_answer_that_is_none_blames_the_target_and_goes_elsewhere() -> None:
    assert told(malformed("its status is 302")) == ("elsewhere", "error", "fine", True)


def test_an_answer_that_a_filter_ended_calls_for_its_own_fallbacks_and_blames_nobody() -> None:
    failure = filtered("completed")
    assert told(failure) == ("nowhere", "content_filter", "fine", False)
    assert (failure.ending, failure.error.status, failure.error.code) == (
        "completed",
        400,
        "content_filter",
    )


def test_what_was_tried_enough_tells_the_callers_sdk_to_leave_it_at_that() -> None:
    failure = refused("openai_chat", 503, openai("no"), x_should_retry="true", retry_after="1")
    before = failure.error.should_retry
    failure.tried_enough()
    assert (before, failure.error.should_retry) == (True, False)
    assert failure.answer is not None
    assert failure.answer.headers == [(b"retry-after", b"1"), (b"x-should-retry", b"false")]
    ours = refused("openai_chat", 401, b"")
    ours.tried_enough()
    assert (ours.answer, ours.error.should_retry) == (None, False)


def test_a_connection_without_a_secret_that_works_is_told_as_such() -> None:
    error = credentials_exhausted(InternalError("x", reference="401 invalid_api_key: Incorrect"))
    assert (error.status, error.code, error.should_retry) == (
        502,
        "upstream_credentials_exhausted",
        False,
    )
    assert error.reference == "401 invalid_api_key: Incorrect"
