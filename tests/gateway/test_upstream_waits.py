"""When a provider wants to be asked again, in all the forms in which providers say so."""

import pytest

from trunkline.gateway.upstream_waits import retry_after, told_to_retry

DATE = "Sat, 21 Nov 2026 08:00:00 GMT"

Pairs = dict[str, str]


def wait(status: int, **headers: str) -> float | None:
    return retry_after(
        status, {name.replace("_", "-").encode(): value.encode() for name, value in headers.items()}
    )


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"retry_after_ms": "250"}, 0.25),
        ({"x_ms_retry_after_ms": "1500"}, 1.5),
        ({"retry_after_ms": "250", "retry_after": "9"}, 0.25),
        ({"retry_after_ms": "soon", "retry_after": "9"}, 9.0),
        ({"retry_after": "0"}, 0.0),
        ({"retry_after": "2.5"}, 2.5),
        ({"retry_after": "86400"}, None),
        ({"retry_after": "-61"}, None),
        ({"retry_after": "nan"}, None),
        ({"retry_after": "inf"}, None),
        ({"retry_after": "later"}, None),
        ({"retry_after": "Sat, 21 Nov 2026 08:00:07 GMT", "date": DATE}, 7.0),
        ({"retry_after": "Sat, 21 Nov 2026 07:59:50 GMT", "date": DATE}, 0.0),
        ({"retry_after": "Sat, 21 Nov 2026 08:00:07 -0000", "date": DATE}, 7.0),
        # Without the provider's own date nobody knows how its clock stands.
        ({"retry_after": "Sat, 21 Nov 2026 08:00:07 GMT"}, None),
        ({"retry_after": "Sat, 21 Nov 2026 08:00:07 GMT", "date": "today"}, None),
    ],
)
@pytest.mark.parametrize("status", [429, 503])
def test_retry_after_is_read_in_all_its_forms(
    headers: Pairs, seconds: float | None, status: int
) -> None:
    assert wait(status, **headers) == seconds


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        # OpenAI and Groq: durations as Go writes them.
        ({"x_ratelimit_reset_tokens": "1m6.779s"}, 66.779),
        ({"x_ratelimit_reset_tokens": "20ms"}, 0.02),
        ({"x_ratelimit_reset_tokens": "10.33s"}, 10.33),
        ({"x_ratelimit_reset_tokens": "2h0m1s"}, 7201.0),
        ({"x_ratelimit_reset_requests": "850µs"}, 0.00085),
        ({"x_ratelimit_reset_tokens": "1m-6s"}, None),
        ({"x_ratelimit_reset_tokens": ""}, None),
        # The limit that is used up decides, and the later one of two.
        (
            {
                "x_ratelimit_reset_requests": "2h",
                "x_ratelimit_remaining_requests": "90",
                "x_ratelimit_reset_tokens": "7s",
                "x_ratelimit_remaining_tokens": "0",
            },
            7.0,
        ),
        (
            {
                "x_ratelimit_reset_requests": "20s",
                "x_ratelimit_remaining_requests": "0",
                "x_ratelimit_reset_tokens": "7s",
                "x_ratelimit_remaining_tokens": "0",
            },
            20.0,
        ),
        (
            {
                "x_ratelimit_reset_requests": "2h",
                "x_ratelimit_remaining_requests": "90",
                "x_ratelimit_reset_tokens": "7s",
                "x_ratelimit_remaining_tokens": "120",
            },
            7.0,
        ),
        # Azure: plain numbers of an unknown unit.
        ({"x_ratelimit_reset_requests": "500", "x_ratelimit_reset_tokens": "7"}, None),
        # Anthropic: moments, against the answer's own date.
        (
            {
                "anthropic_ratelimit_requests_reset": "2026-11-21T08:00:30Z",
                "anthropic_ratelimit_requests_remaining": "0",
                "anthropic_ratelimit_input_tokens_reset": "2026-11-21T08:05:00Z",
                "anthropic_ratelimit_input_tokens_remaining": "900",
                "date": DATE,
            },
            30.0,
        ),
        ({"anthropic_ratelimit_tokens_reset": "2026-11-21T08:00:30", "date": DATE}, 30.0),
        ({"anthropic_ratelimit_tokens_reset": "2026-11-21T08:00:30Z"}, None),
        ({"anthropic_ratelimit_tokens_reset": "soon", "date": DATE}, None),
        # Together: seconds. OpenRouter: a moment in milliseconds.
        ({"x_ratelimit_reset": "3"}, 3.0),
        ({"x_ratelimit_reset": "1795248012000", "date": DATE}, 12.0),
        ({"x_ratelimit_reset": "1795248012", "date": DATE}, 12.0),
        ({"x_ratelimit_reset": "1795248012000"}, None),
        # What is said on purpose comes before what can be concluded.
        ({"retry_after": "4", "x_ratelimit_reset_tokens": "10.33s"}, 4.0),
    ],
)
def test_the_resets_of_limits_count_where_a_limit_was_hit(
    headers: Pairs, seconds: float | None
) -> None:
    assert wait(429, **headers) == pytest.approx(seconds)
    if "retry_after" not in headers:
        assert wait(503, **headers) is None


@pytest.mark.parametrize(
    ("value", "told"), [(b"true", True), (b"False", False), (b"perhaps", None), (None, None)]
)
def test_what_the_provider_says_about_a_repeat_is_read(
    value: bytes | None, told: bool | None
) -> None:
    assert told_to_retry({} if value is None else {b"x-should-retry": value}) is told
