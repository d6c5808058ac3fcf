"""Ids of tool calls as Anthropic demands them: letters, digits, ``_`` and ``-``, none twice."""

import hashlib
import re
from typing import Final

_ODD: Final = re.compile(r"[^a-zA-Z0-9_-]+")
_LONGEST_STEM: Final = 40


class ToolIds:
    """Gives each call of one conversation its id; the same conversation gets the same ids again.

    Its state is how often each id was given so far.
    """

    __slots__ = ("_given",)

    def __init__(self) -> None:
        self._given: dict[str, int] = {}

    def give(self, call_id: str) -> str:
        """The id of one more call, which came with this one."""
        shaped = _shaped(call_id)
        count = self._given.get(shaped, 0)
        self._given[shaped] = count + 1
        # Some servers number their calls from 0 in each answer.
        return shaped if count == 0 else _shaped(f"{call_id} {count}")


def _shaped(call_id: str) -> str:
    """The id itself where it will do, else what is left of it and a hash of all of it."""
    if call_id and call_id.isascii() and call_id.replace("_", "").replace("-", "").isalnum():
        return call_id
    digest = hashlib.sha256(call_id.encode("utf-8", "surrogatepass")).hexdigest()[:12]
    stem = _ODD.sub("_", call_id)[:_LONGEST_STEM]
    return f"{stem}_{digest}"
