"""Ids of tool calls in the shape that Converse takes, each once in a conversation."""

import hashlib
import re
from typing import Final

# Narrower than the service description, since the models behind it take no more.
_ACCEPTED: Final = re.compile(r"[a-zA-Z0-9_-]{1,64}")
_FOREIGN: Final = re.compile(r"[^a-zA-Z0-9_-]")
_KEPT: Final = 51
_HASHED: Final = 12


class CallIds:
    """Ids as they are written, the same for a call and its result, from the conversation alone.

    Some providers count their calls anew in each answer, so the same id may come for several
    calls; a result belongs to the last of them before it. The state is one conversation's ids.
    """

    __slots__ = ("_current", "_met")

    def __init__(self) -> None:
        self._met: dict[str, int] = {}
        self._current: dict[str, str] = {}

    def of_call(self, call_id: str) -> str:
        """The id of a call that is met now."""
        count = self._met.get(call_id, 0)
        self._met[call_id] = count + 1
        written = self._current[call_id] = _accepted(call_id, count)
        return written

    def of_result(self, call_id: str) -> str:
        """The id of the call that a result answers."""
        return self._current.get(call_id) or _accepted(call_id, 0)


def _accepted(call_id: str, count: int) -> str:
    if count == 0 and _ACCEPTED.fullmatch(call_id):
        return call_id
    digest = hashlib.sha256(f"{count}:{call_id}".encode()).hexdigest()[:_HASHED]
    return f"{_FOREIGN.sub('_', call_id)[:_KEPT]}_{digest}"
