"""Texts without their disguises, and the way back to where they stand."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trunkline.guardrails.personal.plain import Plain, plain_of


@pytest.mark.parametrize(
    ("written", "plain"),
    [
        ("\uff4a\uff4f\uff20\uff58", "jo@x"),
        ("jo\u200b\u2060@\u00adx\ufeff", "jo@x"),
        ("1\u00a02\u202f3\u2007 4", "1 2 3  4"),
        ("1\u20112\u20133\u22124", "1-2-3-4"),
        ("\u0664\u06f4\u096a\U0001d7d2\U0001d400", "4444A"),
        (r"jo\u0040x \u0022 \u000a", 'jo@x " \\u000a'),
        ("jo%40x%20y %0a %zz", "jo@x y %0a %zz"),
        ("jo&#64;x&#x40;y&#0064;&#9;&#129;", "jo@x@y@&#9;&#129;"),
        ("jo&commat;x&period;y&nbsp;&amp;", "jo@x.y &amp;"),
        ("\ufe6a\U0001d7ff", "%9"),
    ],
)
def test_a_text_is_read_as_it_is_meant(written: str, plain: str) -> None:
    read = plain_of(written)
    assert read is not None
    assert read.text == plain


@pytest.mark.parametrize("text", ["", "plain words", "Zo\u00eb \u65e5\u672c", "a&b % c", "\\u00e9"])
def test_what_has_no_disguise_is_left_as_it_is(text: str) -> None:
    assert plain_of(text) is None


def test_places_lead_back_to_what_is_written() -> None:
    written = "a\u200b&#64;\u200bb%2Ec\u200b"
    plain = Plain(written)
    assert plain.text == "a@b.c"
    parts = [written[plain.begin(place) : plain.end(place + 1)] for place in range(5)]
    assert parts == ["a", "&#64;", "b", "%2E", "c"]
    assert plain.begin(5) == len(written)
    assert [plain.place(place) for place in (0, 1, 2, 3, 7, 8, 9, 10, 12, 13)] == [
        0, 1, 1, 2, 2, 2, 3, 4, 4, 5,
    ]  # fmt: skip
    assert Plain("\u200b").place(0) == 0


@given(st.text("ab@%4&#0;6\u200b\uff20\u00a0\\u", max_size=40))
def test_every_place_leads_back_and_forth(written: str) -> None:
    plain = Plain(written)
    ends = 0
    for place in range(len(plain.text)):
        begin, end = plain.begin(place), plain.end(place + 1)
        assert ends <= begin < end <= len(written)
        assert plain.place(begin) == place
        assert Plain(written[begin:end]).text == plain.text[place]
        ends = end
