"""Personal data and secrets: what is found, what is left alone, and how long it may take."""

import time

import pytest

from trunkline.gateway.guarding.guard import Finding
from trunkline.guardrails.compiling import compile_guard

EVERY = [
    *("private_key", "url_credentials", "api_key", "email", "iban"),
    *("credit_card", "us_ssn", "national_id", "ip_address", "phone"),
]
KEY = (
    "-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4\nDEK-Info: AES-128\n\nMIIE\n"
    "-----END RSA PRIVATE KEY-----"
)

FOUND = {
    "email": [
        "jo.doe+tag@mail.example.co.uk", "a@example.com", "O'Neil@example.org",
    ],
    "phone": [
        "+442079460958", "+44 20 7946 0958", "+1 (212) 555-0123", "+49/30/901820",
        "(212) 555-0123", "212-555-0123", "212.555.0123", "1-212-555-0123", "1 (212) 555-0123",
        "020 7946 0958", "01 23 45 67 89", "01.23.45.67.89", "(030) 901820", "030/901820",
    ],
    "credit_card": [
        "4111111111111111", "4111 1111 1111 1111", "4111-1111-1111-1111", "378282246310005",
        "3782 822463 10005", "6011111111111117", "5555555555554444", "2223003122003222",
    ],
    "iban": [
        "DE89370400440532013000", "DE89 3704 0044 0532 0130 00", "GB82 WEST 1234 5698 7654 32",
        "FR1420041010050500013M02606", "no9386011117947",
    ],
    "us_ssn": ["123-45-6789", "123 45 6789"],
    "ip_address": ["8.8.8.8", "2001:4860:4860::8888", "2606:4700:4700:0:0:0:0:1111"],
    "national_id": ["529.982.247-25", "12345678Z", "X1234567L", "RSSMRA85T10A562S"],
    "api_key": [
        "sk-proj-abcdefghijklmnopqrstuvwx", "sk-ant-api03-abcdefghijklmnopqrstuvwx",
        "AKIAIOSFODNN7EXAMPLE", "ghp_" + "a1" * 18, "github_pat_" + "a1" * 15,
        "AIza" + "b" * 35, "xoxb-123456789012-abcdef", "glpat-abcdefghijklmnopqrst",
        "hf_" + "c" * 34, "sk_live_" + "d" * 24, "npm_" + "e" * 36,
        "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0x.SflKxwRJSMeKKF2QT4",
    ],
    "url_credentials": ["bob:hunter2", ":pa55"],
    "private_key": [KEY],
}  # fmt: skip

LEFT = [
    "",
    "jo@localhost", "@example.com", "jo@", "a@b@c", "not.an.email",
    "4111 1111 1111 1112", "1234567890123456", "0000000000000000",
    "DE88 3704 0044 0532 0130 00", "DE89", "XX00 1234 1234 1234",
    "000-12-3456", "666-12-3456", "900-12-3456", "123-00-4567", "123-45-0000", "123456789",
    "10.0.0.1", "127.0.0.1", "256.1.1.1", "1.2.3", "::1", "fe80::1", "std::vector", "a::b",
    "12:30:45", "111.111.111-11", "529.982.247-26", "12345678A", "RSSMRA85T10A562T",
    "2024-05-06 07:08:09", "2024/05/06", "01/02/2024 12:30", "3.14159265358979",
    "fc7f51e0-ad61-4b16-8907-77bfefd9acd9", "dd54a64f-da0b-bb2c-be25-98a12447a65e",
    "550e8400-e29b-41d4-a716-446655440000", "1,234,567,890", "version 120.0.0",
    "task-force-of-all-the-people-here", "sk-short", "AKIASHORT", "eyJ.eyJ.x",
    "https://example.com/a:b", "http://host:8080/path", "-----BEGIN CERTIFICATE-----\nMIIE",
]  # fmt: skip


def every(**options: object) -> dict[str, object]:
    return {"kind": "pii", "action": "redact", "pii": {"entities": EVERY, **options}}


GUARD = compile_guard("pii", every())


@pytest.mark.parametrize(("kind", "value"), [(k, v) for k, vs in FOUND.items() for v in vs])
@pytest.mark.parametrize("around", ["{}", "It is {}, they said.", '"{}"', "a\n{}\nb", "({})"])
def test_personal_data_is_found_among_words(kind: str, value: str, around: str) -> None:
    shown = f"postgres://{value}@db.example" if kind == "url_credentials" else value
    text = around.replace("{}", shown)
    [found] = GUARD.find(text)
    start = text.index(value)
    end = start + len(value)
    # A bracket in front may belong to a number.
    assert found.kind == kind
    assert found.instead == f"[{kind.upper()}]"
    assert (text[found.start : found.end]).strip("()") == text[start:end].strip("()")


def test_a_private_key_without_its_end_is_taken_with_all_that_follows() -> None:
    text = f"it is {KEY.partition('-----END')[0]} and so on"
    [found] = GUARD.find(text)
    assert (found.kind, found.start, found.end) == ("private_key", 6, len(text))


@pytest.mark.parametrize("text", LEFT)
def test_what_only_looks_like_it_is_left_alone(text: str) -> None:
    assert [(one.kind, text[one.start : one.end]) for one in GUARD.find(f"It is {text} ok")] == []


def test_all_findings_come_in_order_and_none_overlap() -> None:
    text = (
        "a@example.com, 4111 1111 1111 1111 12/27 123, sk-abcdefghijklmnopqrstuvwx8.8.8.8 8.8.4.4"
    )
    found = GUARD.find(text)
    assert [(one.kind, text[one.start : one.end]) for one in found] == [
        ("email", "a@example.com"),
        ("credit_card", "4111 1111 1111 1111"),
        ("api_key", "sk-abcdefghijklmnopqrstuvwx8"),
        ("ip_address", "8.8.4.4"),
    ]
    assert GUARD.find(text, found[1].start) == found[1:]
    assert GUARD.find(text, found[1].start + 1) == found[2:]


def test_only_what_was_chosen_is_found_and_addresses_of_all_machines_where_wanted() -> None:
    text = "a@example.com 10.0.0.1 8.8.8.8 fd00::1 +442079460958"
    only = compile_guard("p", every(entities=["ip_address"], addresses="all"))
    assert [text[one.start : one.end] for one in only.find(text)] == [
        "10.0.0.1", "8.8.8.8", "fd00::1",
    ]  # fmt: skip
    usual = compile_guard("p", {"kind": "pii", "action": "redact"})
    assert [one.kind for one in usual.find(text)] == ["email", "phone"]


def test_who_only_refuses_puts_nothing_instead() -> None:
    refusing = compile_guard("p", {"kind": "pii", "action": "refuse"})
    assert refusing.find("a@example.com") == [Finding(0, 13, "email")]


ADVERSARIAL = [
    *("1", "1 ", "@", "a@", "a", "1.", ":", "a:", "+1", "DE89 ", "-----BEGIN PRIVATE KEY-----"),
    *("sk-", "eyJa.eyJ", "://a:", "a.", "4111-", "012 34 ", "::", "DE893704004405320130 "),
    *("1234:", "x" * 63 + ".", "(212) ", "AKIA", "-", "-----BEGIN ", "jo@example.com", "123-45-"),
    *("20 7946 ", "1234567", "sk-" + "a" * 19 + "-", "\u00e9", "XYZ1", "RSSMRA85T", "8.8.8.8 "),
]


@pytest.mark.parametrize("unit", ADVERSARIAL)
def test_no_text_makes_it_slow(unit: str) -> None:
    text = (unit * 100_000)[:100_000]
    # A hundred times as much as the worst of them takes; a search that is not linear takes minutes.
    begun = time.process_time()
    GUARD.find(text)
    GUARD.settled(text, 0)
    assert time.process_time() - begun < 30.0
