"""The simulator's own token rule; it is nobody's real tokenizer and needs no vocabulary.

A token is, with at most one space before it: up to six ASCII letters, up to three digits, or one
other character. White space that leads to nothing of these is one token per run. Ordinary English
comes to about four characters per token. The rule is greedy from left to right and covers every
character, so the tokens of a text joined again are the text, and the first n tokens of a text are
the tokens of its beginning.
"""

import re

_TOKEN = re.compile(r" ?[A-Za-z]{1,6}| ?[0-9]{1,3}| ?[^\sA-Za-z0-9]|\s+")


def split_tokens(text: str) -> list[str]:
    """The tokens of a text, in order; joined they are the text."""
    return _TOKEN.findall(text)


def count_tokens(text: str) -> int:
    """How many tokens a text has."""
    return len(_TOKEN.findall(text))
