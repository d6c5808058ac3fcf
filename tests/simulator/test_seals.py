from hypothesis import given
from hypothesis import strategies as st

from trunkline.simulator.seals import is_sealed, seal

ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"


@given(st.binary(max_size=40), st.text(), st.integers(0, 95), st.sampled_from(ALPHABET))
def test_a_signature_is_known_again_and_no_letter_of_it_may_change(
    nonce: bytes, content: str, place: int, letter: str
) -> None:
    made = seal("gemini", nonce, content)
    assert len(made) == 96
    assert is_sealed("gemini", made, content)
    assert is_sealed("gemini", made.replace("+", "-").replace("/", "_"), content)
    changed = made[:place] + letter + made[place + 1 :]
    assert is_sealed("gemini", changed, content) == (changed == made)
    assert not is_sealed("bedrock", made, content)
    assert not is_sealed("gemini", made, content + "x")


@given(st.text(max_size=200))
def test_what_was_not_signed_here_is_not_known(made_up: str) -> None:
    assert not is_sealed("gemini", made_up, "")
