"""Embeddings without a model: hashed words and parts of words, each with a weight.

Texts with the same words, or with other forms of them, point in a like direction; texts that mean
the same in other words do not. That is enough to try what works with embeddings and to measure it,
and it is nobody's real model: figures taken with it say nothing about one that understands.
"""

import hashlib
import math
import re
import struct
import unicodedata
from collections import Counter
from typing import Final

_WORD: Final = re.compile(r"\w+")
_GRAM: Final = 3
# A feature is spread over several places, so that two features seldom cancel each other wholly.
_PLACES: Final = 8
_WORD_WEIGHT: Final = 1.0
_GRAM_WEIGHT: Final = 0.35
# Words that nearly every text has say little about it.
_COMMON_WEIGHT: Final = 0.25
_COMMON: Final = frozenset({
    "a", "an", "and", "are", "as", "at", "be", "by", "can", "could", "do", "does", "for", "from",
    "have", "how", "i", "if", "in", "is", "it", "me", "my", "of", "on", "or", "please", "should",
    "that", "the", "this", "to", "was", "what", "when", "where", "which", "who", "why", "will",
    "with", "would", "you", "your",
})  # fmt: skip


def embedding(key: bytes, text: str, dimensions: int) -> list[float]:
    """The embedding of a text, of length 1, in floats that four bytes hold exactly.

    Args:
        key: at most 64 bytes; texts are comparable under the same key only.
        text: any; one without words has a direction, too.
        dimensions: at least 1.
    """
    places = [0.0] * dimensions
    for feature, weight in _features(text).items():
        digest = hashlib.blake2b(
            feature.encode("utf-8", "surrogatepass"), key=key, digest_size=4 * _PLACES
        ).digest()
        for (drawn,) in struct.iter_unpack("<I", digest):
            places[(drawn >> 1) % dimensions] += weight if drawn & 1 else -weight
    length = math.sqrt(sum(place * place for place in places)) or 1.0
    whole = struct.Struct(f"<{dimensions}f")
    return list(whole.unpack(whole.pack(*(place / length for place in places))))


def _features(text: str) -> dict[str, float]:
    """Words and runs of letters in them, and how much each counts."""
    plain = unicodedata.normalize("NFKD", text.casefold())
    # A text without words has this one feature.
    weights: dict[str, float] = {"": _COMMON_WEIGHT}
    for word, times in Counter(_WORD.findall(plain)).items():
        often = 1.0 + math.log(times)
        share = _COMMON_WEIGHT if word in _COMMON else 1.0
        weights[word] = weights.get(word, 0.0) + _WORD_WEIGHT * share * often
        padded = f" {word} "
        for start in range(len(padded) - _GRAM + 1):
            # The space at either end keeps runs of letters apart from words.
            gram = f"{padded[start : start + _GRAM]}*"
            weights[gram] = weights.get(gram, 0.0) + _GRAM_WEIGHT * share * often
    return weights
