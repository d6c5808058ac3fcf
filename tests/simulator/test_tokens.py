import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trunkline.simulator.prose import write_prose
from trunkline.simulator.tokens import count_tokens, split_tokens


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("", []),
        ("Hello, world!", ["Hello", ",", " world", "!"]),
        ("internationalisation", ["intern", "ationa", "lisati", "on"]),
        ("2026 was 12,345 days", ["202", "6", " was", " 12", ",", "345", " days"]),
        ("a  b\n\n c ", ["a", "  ", "b", "\n\n ", "c", " "]),
        ("naïve 日本", ["na", "ï", "ve", " 日", "本"]),
        ("👩‍🚀", ["👩", "\u200d", "🚀"]),
    ],
)
def test_the_rule_splits_as_it_says(text: str, tokens: list[str]) -> None:
    assert split_tokens(text) == tokens
    assert count_tokens(text) == len(tokens)


@given(st.text())
def test_tokens_joined_are_the_text(text: str) -> None:
    assert "".join(split_tokens(text)) == text


@given(st.text(alphabet=st.sampled_from("ab1 ,\n日"), max_size=60), st.data())
def test_the_first_tokens_are_the_tokens_of_the_beginning(text: str, data: st.DataObject) -> None:
    tokens = split_tokens(text)
    kept = data.draw(st.integers(0, len(tokens)))
    assert split_tokens("".join(tokens[:kept])) == tokens[:kept]


def test_english_is_about_four_characters_a_token() -> None:
    text = write_prose(random.Random(1), "How do gateways meter language models?", 2000)
    assert 3.6 <= len(text) / count_tokens(text) <= 4.8
