"""The form of a key."""

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trunkline.identity.secret import (
    CHECKSUM_LENGTH,
    KEY_LENGTH,
    PUBLIC_ID,
    KeyFormatError,
    KeyText,
    encode_base62,
    generate_key,
    parse_key,
)

BASE62 = string.digits + string.ascii_uppercase + string.ascii_lowercase
KEYS = st.builds(
    KeyText,
    st.text(BASE62, min_size=12, max_size=12),
    st.text(BASE62, min_size=43, max_size=43),
)


def test_a_known_key_keeps_its_form_forever() -> None:
    key = KeyText("0123456789AB", "z" * 43)
    assert key.full == f"tl_0123456789AB_{'z' * 43}_1QOxKQ"
    assert key.display == "tl_0123456789AB"


@given(KEYS)
def test_what_is_written_is_read_again(key: KeyText) -> None:
    assert parse_key(key.full) == key
    assert len(key.full) == KEY_LENGTH
    assert key.full[PUBLIC_ID] == key.public_id


@given(KEYS, st.integers(3, KEY_LENGTH - 1), st.sampled_from(BASE62))
def test_one_wrong_character_is_always_found(key: KeyText, place: int, character: str) -> None:
    wrong = key.full[:place] + character + key.full[place + 1 :]
    if wrong == key.full:
        assert parse_key(wrong) == key
    else:
        with pytest.raises(KeyFormatError):
            parse_key(wrong)


@given(st.text())
def test_any_text_is_either_a_key_or_refused(text: str) -> None:
    with pytest.raises(KeyFormatError):
        parse_key(text)


@given(KEYS, st.text(max_size=6))
def test_a_checksum_of_other_characters_is_refused_without_an_error_of_ours(
    key: KeyText, tail: str
) -> None:
    text = key.full[:-CHECKSUM_LENGTH] + tail.rjust(CHECKSUM_LENGTH)
    if text != key.full:
        with pytest.raises(KeyFormatError):
            parse_key(text)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("sk-123", "a key begins with tl_"),
        ("tl_123", "a key has 66 characters and this has 6"),
        ("tl_" + "a" * 63, "a key consists of letters and digits between underscores"),
        ("tl_0123456789AB_" + "é" * 43 + "_000000", "a key consists of letters and digits"),
        ("tl_0123456789AB_" + "z" * 43 + "_000000", "the checksum of the key is wrong"),
    ],
)
def test_the_reason_of_a_refusal_is_said_without_the_key(text: str, reason: str) -> None:
    with pytest.raises(KeyFormatError, match=reason) as raised:
        parse_key(text)
    assert text not in str(raised.value)


def test_two_keys_are_never_the_same_and_have_the_full_length() -> None:
    keys = {generate_key() for _ in range(200)}
    assert len({key.public_id for key in keys}) == len({key.secret for key in keys}) == 200
    assert all(parse_key(key.full) == key for key in keys)


def test_base62_counts_digits_capitals_small_letters() -> None:
    assert [encode_base62(number, 2) for number in (0, 9, 10, 35, 36, 61, 62, 3843)] == [
        *("00", "09", "0A", "0Z", "0a", "0z", "10", "zz"),
    ]
    assert encode_base62(2**256 - 1, 43)[0] != "0"
