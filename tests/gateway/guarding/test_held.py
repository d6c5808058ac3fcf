"""Texts that come in pieces: whatever the pieces, the caller reads what the whole would be."""

import itertools
from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.gateway.guarding.asking import guard

from trunkline.gateway.guarding.guard import Guard, GuardrailRefused
from trunkline.gateway.guarding.held import HeldText
from trunkline.gateway.guarding.look import Look
from trunkline.gateway.guarding.stand_ins import StandIns
from trunkline.gateway.metering.event import Guarded
from trunkline.guardrails.schemas import EntityKind

KINDS: list[EntityKind] = [
    *("private_key", "url_credentials", "api_key", "email", "iban"),
    *("credit_card", "us_ssn", "national_id", "ip_address", "phone"),
]
PII = guard(pii={"entities": KINDS})
KEY = f"-----BEGIN PRIVATE KEY-----\n{'MIIEvQ' * 20}\n-----END PRIVATE KEY-----"
PERSONAL = [
    "jo.doe@example.com", "4111 1111 1111 1111", "DE89 3704 0044 0532 0130 00", "123-45-6789",
    "+44 20 7946 0958", "(212) 555-0123", "020 7946 0958", "8.8.8.8", "2001:4860:4860::8888",
    "sk-proj-abcdefghijklmnopqrstuvwx", "AKIAIOSFODNN7EXAMPLE", "529.982.247-25", KEY,
    "postgres://bob:hunter2@db.example.com/x",
    "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0x.SflKxwRJSMeKKF2QT4",
]  # fmt: skip
DISGUISED = [
    "jo\uff20example.com",
    "jo.doe@exam\u200bple.com",
    "\uff4a\uff4f@example.com",
    "jo\\u0040example.com",
    "jo%40example.com",
    "jo&#64;example.com",
    "jo&#x40;example&period;com",
    "jo&commat;example.com",
    "4111\u00a01111\u202f1111\u20091111",
    "4111\u20111111\u20131111\u20141111",
    "4111%201111%201111%201111",
    "\uff14\uff11\uff11\uff11 1111 1111 1111",
    "4111 11\u200d11 1111 1111",
    "4111&nbsp;1111&nbsp;1111&nbsp;1111",
    "\U0001d7d2\U0001d7cf\U0001d7cf\U0001d7cf 1111 1111 1111",
    "+44\u202f20\u20117946\u20110958",
    "\\u0034111 1111 1111 111\\u0031",
    "&#52;111 1111 1111 111&#x31;",
    "%2B44 20 7946 0958",
    "\u0664\u0661\u0661\u0661 1111 1111 1111",
    "DE89\u00a03704\u00a00044\u00a00532\u00a00130\u00a000",
]
PLAIN = [
    "%", "50 %", "a%20b", "&amp;", "\\n", "\u200b",
    "word", "2024-05-06", "12", "3.14", "It is.", "a@b",
    "日本語のテキスト", "\n", ", ", "-",
]  # fmt: skip


def look(*guards: Guard, restored: dict[str, str] | None = None) -> Look:
    return Look(guards, [], "out", StandIns(restored))


def in_pieces(shown: Look, pieces: Iterable[str]) -> str:
    held = HeldText(shown)
    return "".join([*(held.add(piece) for piece in pieces), held.end()])


def cut(text: str, places: Iterable[int]) -> list[str]:
    bounds = [0, *sorted({place for place in places if 0 < place < len(text)}), len(text)]
    return [text[start:end] for start, end in itertools.pairwise(bounds)]


@pytest.mark.parametrize("value", [*PERSONAL, *DISGUISED])
@pytest.mark.parametrize("around", ["Say {} now.", "{}", "first {}\nsecond {}, third"])
def test_a_finding_is_the_same_wherever_it_is_cut(value: str, around: str) -> None:
    text = around.replace("{}", value)
    whole = look(PII).edit(text)
    assert value not in whole
    step = max(1, len(text) // 60)
    for place in range(1, len(text), step):
        assert in_pieces(look(PII), cut(text, [place])) == whole
    assert in_pieces(look(PII), text) == whole


@given(
    st.lists(st.sampled_from([*PERSONAL, *DISGUISED, *PLAIN]), min_size=1, max_size=8),
    st.lists(st.integers(1, 400), max_size=40),
    st.sampled_from([" ", ", ", "\n"]),
)
def test_pieces_of_any_size_read_like_the_whole(
    words: list[str], places: list[int], between: str
) -> None:
    text = between.join(words)
    assert in_pieces(look(PII), cut(text, places)) == look(PII).edit(text)


@given(
    st.text("ab1 .-:@+/(0\n%&#4;\u200b\uff11\u00a0", max_size=120),
    st.lists(st.integers(1, 120), max_size=30),
)
def test_a_text_of_marks_alone_reads_like_the_whole(text: str, places: list[int]) -> None:
    assert in_pieces(look(PII), cut(text, places)) == look(PII).edit(text)


def test_ordinary_words_are_held_until_they_end_and_not_longer() -> None:
    held = HeldText(look(PII))
    assert [held.add(piece) for piece in ("It was", " a dark", " and stormy night", ". ")] == [
        "It ", "was a ", "dark and stormy ", "night",
    ]  # fmt: skip
    assert held.add("The end") == ". The "
    assert held.end() == "end"


def test_no_more_is_held_than_the_longest_finding() -> None:
    held = HeldText(look(guard(pii={"entities": ["email"]})))
    told = held.add("x" * 5_000)
    assert 5_000 - len(told) == guard(pii={"entities": ["email"]}).reach
    assert told + held.end() == "x" * 5_000


def test_equal_texts_get_the_same_number_in_their_order() -> None:
    numbered = guard(pii={"placeholder": "<{kind}_{n}>", "entities": ["email"]})
    text = "a@example.com b@example.com a@example.com"
    told = "<EMAIL_1> <EMAIL_2> <EMAIL_1>"
    assert in_pieces(look(numbered), text) == told
    assert look(numbered).edit(text) == told


def test_what_stood_in_the_request_is_put_back_wherever_the_answer_is_cut() -> None:
    restored = {"<EMAIL_1>": "a@example.com", "<EMAIL_12>": "b@example.com"}
    text = "Hello <EMAIL_1>, and <EMAIL_12>; not <EMAIL_3> or <EMAIL_"
    whole = "Hello a@example.com, and b@example.com; not <EMAIL_3> or <EMAIL_"
    assert look(restored=restored).edit(text) == whole
    for place in range(1, len(text)):
        assert in_pieces(look(restored=restored), cut(text, [place])) == whole
    assert in_pieces(look(restored=restored), text) == whole
    # What is put back is not taken out again, and no number is given twice.
    numbered = guard(pii={"placeholder": "<{kind}_{n}>", "entities": ["email"]})
    both = look(numbered, restored=restored)
    assert in_pieces(both, "<EMAIL_1> c@example.com") == "a@example.com <EMAIL_2>"


def test_the_first_guard_decides_what_the_second_one_sees() -> None:
    told: list[Guarded] = []
    both = Look(
        [guard("hide", pii={"entities": ["email"]}), guard("stop", action="refuse")],
        told,
        "out",
        StandIns(),
    )
    assert in_pieces(both, "to a@example.com, please") == "to [EMAIL], please"
    held = HeldText(both)
    with pytest.raises(GuardrailRefused) as refused:
        held.add("key AKIAIOSFODNN7EXAMPLE of a@example.com now ")
    assert refused.value.message == (
        "The guardrail 'stop' stopped this answer because of: api_key."
    )
    assert told == [
        Guarded("hide", "out", "redacted", (("email", 2),)),
        Guarded("stop", "out", "refused", (("api_key", 1),)),
    ]


def test_an_answer_that_grows_too_long_stops_where_it_does() -> None:
    size = guard("short", kind="size", action="refuse", size={"characters": 10})
    held = HeldText(look(size))
    assert [held.add("12345"), held.add("67890")] == ["12345", "67890"]
    with pytest.raises(GuardrailRefused, match="characters"):
        held.add("!")


def test_a_note_is_made_once_of_each_finding() -> None:
    told: list[Guarded] = []
    noting = Look([guard(action="note")], told, "out", StandIns())
    text = "a@example.com and b@example.com"
    assert in_pieces(noting, text) == text
    assert told == [Guarded("pii", "out", "noted", (("email", 2),))]
    assert not noting.changes
