import math

import pytest

from trunkline.simulator.embedding import embedding


def likeness(one: str, other: str, dimensions: int = 1536) -> float:
    pair = (embedding(b"key", one, dimensions), embedding(b"key", other, dimensions))
    return sum(a * b for a, b in zip(*pair, strict=True))


@pytest.mark.parametrize("text", ["", "?!", "a", "The cat sat on the mat.", "\ud800", "猫" * 50])
@pytest.mark.parametrize("dimensions", [1, 7, 1536])
def test_every_text_has_a_direction_of_length_one_and_always_the_same(
    text: str, dimensions: int
) -> None:
    made = embedding(b"key", text, dimensions)
    assert len(made) == dimensions
    assert math.isclose(math.hypot(*made), 1, rel_tol=1e-5)
    assert made == embedding(b"key", text, dimensions)
    assert dimensions == 1 or made != embedding(b"other", text, dimensions)


def test_the_more_two_texts_share_the_nearer_they_are() -> None:
    text = "How do I reset the password of my account?"
    likenesses = [
        likeness(text, other)
        for other in (
            "how do i reset the password of my account",
            "Please, how can I reset my account's password?",
            "How do I change the password of my server?",
            "Which wine goes with grilled salmon?",
        )
    ]
    assert likenesses == sorted(likenesses, reverse=True)
    assert likenesses[0] == pytest.approx(1, abs=1e-6)
    assert likenesses[1] > 0.75 > likenesses[2] > 0.3 > likenesses[3]


def test_another_form_of_a_word_is_near_and_a_common_word_hardly_counts() -> None:
    assert likeness("volcanoes", "volcano") > 0.3 > likeness("volcanoes", "bakeries")
    assert likeness("the volcano", "volcano") > 0.9
