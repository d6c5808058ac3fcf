"""Names of documents as Converse takes them: few kinds of letters, and each once."""

import re
from typing import Final

_FOREIGN: Final = re.compile(r"[^A-Za-z0-9\-()\[\] ]+")
_SPACES: Final = re.compile(r" {2,}")
_LONGEST: Final = 190
_UNNAMED: Final = "document"


class DocumentNames:
    """Gives names. The state is those that one request has used."""

    __slots__ = ("_used",)

    def __init__(self) -> None:
        self._used: dict[str, int] = {}

    def of(self, name: str | None) -> str:
        """A name like this one that no document before it has."""
        wanted = (name or "").rpartition("/")[2]
        stem = _SPACES.sub(" ", _FOREIGN.sub("-", wanted)).strip(" -")[:_LONGEST] or _UNNAMED
        while True:
            count = self._used[stem] = self._used.get(stem, 0) + 1
            if count == 1:
                return stem
            stem = f"{stem} ({count})"
