"""Whether a provider's id of a tool call stands for one call only, and not for one in each talk.

Some servers count: ``call_0``, or ``functions.read:3`` as the makers of Kimi write it. What is kept
under such an id would be found again in somebody else's conversation.
"""

import re
from typing import Final

# Mistral's ids are the shortest that are drawn by chance.
_SHORTEST: Final = 9
# Of nine characters drawn from letters and digits, hardly ever fewer are no small letters, and a
# counted id has hardly ever more.
_LEAST_CHANCE: Final = 3
_BETWEEN: Final = re.compile(r"[^A-Za-z0-9_-]+")


def is_unique(call_id: str, function: str) -> bool:
    """Whether the id looks as if it were drawn by chance.

    Args:
        call_id: as the provider told it.
        function: the name of what is called, which says nothing of the conversation.
    """
    rest = call_id.replace(function, ".") if function else call_id
    return any(_is_drawn(word) for word in _BETWEEN.split(rest))


def _is_drawn(word: str) -> bool:
    drawn = sum(letter.isdigit() or letter.isupper() for letter in word)
    return len(word) >= _SHORTEST and drawn >= _LEAST_CHANCE
