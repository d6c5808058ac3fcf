"""Secrets and personal data never survive; what a log is made of does."""

import string
from collections.abc import Callable
from datetime import datetime

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from trunkline.kit.ids import new_id, new_request_id
from trunkline.observability.personal_numbers import is_card, is_iban
from trunkline.observability.redaction import (
    CUT,
    MAX_CHARACTERS,
    MAX_URL_CHARACTERS,
    redact,
    redact_fields,
    scrub_url,
    scrub_user_agent,
)

KEY_BODY = st.text(string.ascii_letters + string.digits + "_-", min_size=20, max_size=90)
DIGITS = st.text(string.digits, min_size=4, max_size=4)
# What stands around a secret in practice: prose, quotes, brackets, JSON and line ends.
AROUND = st.text(max_size=60)
FENCES = st.sampled_from([(" ", " "), ('"', '"'), ("(", ")"), ("\n", "\n"), ("'", "'"), ("<", ">")])


def luhn_digit(digits: str) -> str:
    return next(last for last in string.digits if is_luhn(digits + last))


def is_luhn(digits: str) -> bool:
    total = 0
    for index, digit in enumerate(reversed(digits)):
        value = int(digit) * (1 + index % 2)
        total += value - 9 if value > 9 else value
    return total % 10 == 0


@st.composite
def cards(draw: st.DrawFn) -> str:
    start, length = draw(st.sampled_from([("4", 16), ("51", 16), ("2221", 16), ("6011", 16)]))
    filler = draw(st.text(string.digits, min_size=16, max_size=16))
    body = (start + filler)[: length - 1]
    number = body + luhn_digit(body)
    separator = draw(st.sampled_from(["", " ", "-"]))
    return separator.join(number[i : i + 4] for i in range(0, 16, 4))


@st.composite
def ibans(draw: st.DrawFn) -> str:
    country, length = draw(st.sampled_from([("DE", 22), ("GB", 22), ("NO", 15), ("MT", 31)]))
    alphabet = string.digits + string.ascii_uppercase
    body = draw(st.text(alphabet, min_size=length - 4, max_size=length - 4))
    check = 98 - int("".join(str(int(c, 36)) for c in body + country + "00")) % 97
    number = f"{country}{check:02d}{body}"
    if draw(st.booleans()):
        number = " ".join(number[i : i + 4] for i in range(0, length, 4))
    return number


PHONES = st.one_of(
    st.builds("+49 30 {}{}".format, DIGITS, DIGITS),
    st.builds("+1{}55{}".format, DIGITS, DIGITS),
    st.builds("(212) 555-{}".format, DIGITS),
    st.builds("212.555.{}".format, DIGITS),
    st.builds("020 {} {}".format, DIGITS, DIGITS),
)
KEYS = st.builds(
    "{}{}".format,
    st.sampled_from(["tl_", "sk-", "sk-proj-", "sk-ant-api03-", "AIza", "gsk_", "xai-", "hf_"]),
    KEY_BODY,
)
JWTS = st.builds("eyJ{}.eyJ{}.{}".format, KEY_BODY, KEY_BODY, KEY_BODY)
ADDRESSES = st.one_of(
    st.ip_addresses(v=4).map(str).filter(lambda ip: not ip.startswith(("127.", "0.0.0.0"))),
    st.ip_addresses(v=6).map(str).filter(lambda ip: ip not in {"::", "::1"}),
)


def survives(secret: str, text: str) -> bool:
    return secret in redact(text)


@pytest.mark.parametrize(
    "kind",
    [KEYS, JWTS, cards(), ibans(), PHONES, ADDRESSES, st.emails()],
    ids=["keys", "jwts", "cards", "ibans", "phones", "addresses", "emails"],
)
def test_no_secret_survives_wherever_it_stands(kind: st.SearchStrategy[str]) -> None:
    @given(kind, AROUND, AROUND, FENCES)
    def check(secret: str, before: str, after: str, fence: tuple[str, str]) -> None:
        assume(secret not in before + after)
        # An at sign in front of a secret makes something else of it.
        assume("@" not in before + after)
        assert not survives(secret, f"{before}{fence[0]}{secret}{fence[1]}{after}")

    check()


@given(st.text(string.ascii_letters + string.digits + "!#%*+./=", min_size=8), AROUND)
@pytest.mark.parametrize(
    "form",
    [
        "Authorization: Bearer {}",
        "authorization: {}",
        "{{'x-api-key': '{}'}}",
        '{{"api_key": "{}"}}',
        "[(b'x-goog-api-key', b'{}')]",
        "Set-Cookie: session={}; HttpOnly",
        "JWT_SECRET={}",
        "password={}",
        "postgresql://user:{}@database.example/name",
        "https://host.example/path?a=1&access_token={}",
        "/v1?X-Amz-Signature={}#end",
    ],
)
def test_a_value_that_its_name_makes_secret_never_survives(
    form: str, secret: str, around: str
) -> None:
    shown = form.format("")
    assume(secret not in shown + around + "[secret] [email] [phone] [card] [iban] [ip]")
    # These end the value in the form that it stands in.
    assume("://" not in form or not set(secret) & set("/#"))
    assume("?" not in form or "#" not in secret)
    assert not survives(secret, f"{around}\n{form.format(secret)}\n")


ORDINARY: list[Callable[[], str]] = [
    new_id,
    new_request_id,
    # Their last groups are valid IBANs, of Andorra, Estonia and Belgium.
    lambda: (
        "fc7f51e0-ad61-4b16-8907-77bfefd9acd9 96d0ead7-351c-ee18-bd0d-c7016a14e5e4 "
        "dd54a64f-da0b-bb2c-be25-98a12447a65e"
    ),
    lambda: "2025-11-21T01:02:03.456Z",
    lambda: "2025-11-21 01:02:03.456789+02:00",
    lambda: "2025-11-21",
    lambda: "1763686923 1763686923456 1763686923456789 1763686923456789012",
    lambda: "$12.345678901 0.000000123 1,234,567.89 12.345.678,00 1e-9 99.95%",
    lambda: "in 10.0 s, 3 of 5 attempts, 4096 bytes, port 11434, status 502, max_tokens: 128000",
    lambda: "gpt-5-mini claude-opus-4-1-20250805 gemini-2.5-flash-preview-09-2025 o3",
    lambda: "claude-3-5-sonnet@20240620 sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934c",
    lambda: "Mozilla/5.0 (X11; Linux x86_64) Chrome/120.0.0.0 Safari/537.36 OpenAI/Python 1.99.1",
    lambda: "http://127.0.0.1:3000/v1/chat/completions http://[::1]:3000 std::vector 10:30:00",
    lambda: "disk-usage-of-the-volume task-force-of-seven risk-adjusted-return-on-capital",
    lambda: "chatcmpl-B1zGrLQh7fnQUWcMvYPsx9Ad0Q1Xy order-212-555-1234 aa:bb:cc:dd:ee:ff",
    lambda: "key tl_0aB1cD2eF3gH was used",
    lambda: "see https://docs.example.com/keys?page=2&model=gpt-5 and a@b",
]


@pytest.mark.parametrize("make", ORDINARY)
def test_ordinary_text_is_left_as_it_is(make: Callable[[], str]) -> None:
    for _ in range(200):
        text = make()
        assert redact(text) == text


@given(
    st.one_of(
        st.uuids().map(str),
        st.integers(0, 999_999_999_999).map(str),
        st.decimals(0, 10**9, places=9, allow_nan=False).map(str),
        st.datetimes(min_value=datetime(2000, 1, 1)).map(lambda t: t.isoformat() + "Z"),  # noqa: DTZ001 - only its text counts
        st.text(string.ascii_letters + " .,;!?", max_size=80),
    )
)
def test_numbers_ids_times_and_words_are_left_as_they_are(text: str) -> None:
    assert redact(f"took {text} in all") == f"took {text} in all"


@pytest.mark.parametrize(
    ("text", "redacted"),
    [
        ("card 4111 1111 1111 1111 exp 12/26", "card [card] exp 12/26"),
        ("3782 822463 10005, 30569309025904", "[card], [card]"),
        ("4111 1111 1111 1112 fails its check digit", None),
        ("DE89 3704 0044 0532 0130 00 AND MORE", "[iban] AND MORE"),
        ("AB12 DE89370400440532013000.", "AB12 [iban]."),
        ("account-DE89370400440532013000", "account-[iban]"),
        (
            "call (212) 555-0123, 1-800-555-0123 or 020 7946 0958",
            "call [phone], [phone] or [phone]",
        ),
        ("01.23.45.67.89 or +33 (0)1 23 45 67 89", "[phone] or [phone]"),
        ("from 10.1.2.3:443 to [2001:db8::1]:443.", "from [ip]:443 to [[ip]]:443."),
        ("2025 100.64.0.10 7 (100.64.0.10)", "2025 [ip] 7 ([ip])"),
        ("40000 2025-11-21 0123 and 4 8 15 16 23 42 99 99", None),
        ("999.1.1.1 and 1.2.3.4.5 are no addresses", None),
        (
            "postgresql://u:p@ss@db.example.com:5432/x",
            "postgresql://[secret]@db.example.com:5432/x",
        ),
        ("api=%3Dsk-abcdefghijklmnop", "api=%3D[secret]"),
        (r"{\"api_key\": \"abc\"}", r"{\"api_key\": \"[secret]\"}"),
        (r"line\nsk-abcdefghijklmnop", r"line\n[secret]"),
        ("user%40example.com", "[email]"),
        ("https://x.example/y?key=abc&b=1", "https://x.example/y?key=[secret]&b=1"),
    ],
)
def test_examples(text: str, redacted: str | None) -> None:
    assert redact(text) == (text if redacted is None else redacted)


def test_a_long_text_is_cut() -> None:
    assert redact("é" * (MAX_CHARACTERS + 1)) == "é" * MAX_CHARACTERS + CUT


@given(st.text(alphabet="1 -.+()a@:/?&=\\\"'skeyJtl_", max_size=400))
def test_no_text_breaks_the_patterns(text: str) -> None:
    assert isinstance(redact(text), str)


def test_fields_named_as_secrets_lose_their_value_whatever_it_is() -> None:
    assert redact_fields(
        {
            "api_key": "x",
            "X-Api-Key": b"x",
            "password": "",
            "JWT_SECRET": 7,
            "count": 7,
            "when": None,
            "nested": [{"token": "x", "to": "bob@example.com"}],
            "bytes": b"sk-abcdefghijklmnopqrst",
        }
    ) == {
        "api_key": "[secret]",
        "X-Api-Key": "[secret]",
        "password": "",
        "JWT_SECRET": "[secret]",
        "count": 7,
        "when": None,
        "nested": [{"token": "[secret]", "to": "[email]"}],
        "bytes": "b'[secret]'",
    }


@pytest.mark.parametrize(
    ("path", "query", "scrubbed"),
    [
        ("/v1/chat/completions", "", "/v1/chat/completions"),
        ("/v1/models", "limit=20&after=gpt-5", "/v1/models?limit=20&after=gpt-5"),
        ("/v1beta/models", "key=short&alt=sse", "/v1beta/models?key=[secret]&alt=sse"),
        (
            "/x",
            "api%5Fkey=1&Token=2&sig=&flag",
            "/x?api%5Fkey=[secret]&Token=[secret]&sig=[secret]&flag",
        ),
        ("/x", "to=bob%40example.com", "/x?to=[email]"),
        ("/v1/sk-abcdefghijklmnopqrst/x", "", "/v1/[secret]"),
    ],
)
def test_a_url_loses_its_secrets_and_keeps_the_rest(path: str, query: str, scrubbed: str) -> None:
    assert scrub_url(path, query.encode()) == scrubbed


def test_urls_and_user_agents_are_bounded() -> None:
    assert len(scrub_url("/" + "a" * 5000)) == MAX_URL_CHARACTERS
    assert len(scrub_url("/a", b"b" * 5000)) == MAX_URL_CHARACTERS
    assert scrub_user_agent("a" * 300) == "a" * 256
    assert scrub_user_agent("mine/1.0 bob@example.com") == "mine/1.0 [email]"


def test_check_digits_are_those_of_the_standards() -> None:
    assert is_card("4242424242424242")
    assert not is_card("4242424242424241")
    assert not is_card("1763686923456789")
    assert is_iban("GB82 WEST 1234 5698 7654 32")
    assert not is_iban("GB82 WEST 1234 5698 7654 33")
    assert not is_iban("GB82 WEST 1234 5698 7654 3")
