"""What stands in the place of texts that were taken out, numbered, and put back in the answer."""

from collections.abc import Mapping

from typing_extensions import override

from trunkline.gateway.guarding.guard import Action, Finding, Guard

_NUMBER = "{n}"


class StandIns:
    """The numbers of one request: equal texts have the same one.

    Its state is which text each numbered stand-in stands for, and which of them are given back.
    """

    __slots__ = ("_known", "_restored")

    def __init__(self, restored: Mapping[str, str] | None = None) -> None:
        self._restored = dict(restored or {})
        self._known = dict(self._restored)

    @property
    def restored(self) -> dict[str, str]:
        """The texts that the caller gets back, by what stands for them."""
        return self._restored

    def instead_of(self, finding: Finding, value: str) -> str:
        """What stands in the place of this text."""
        written = finding.instead or ""
        if _NUMBER not in written:
            return written
        number = 1
        while True:
            told = written.replace(_NUMBER, str(number))
            if self._known.setdefault(told, value) == value:
                if finding.restored:
                    self._restored[told] = value
                return told
            number += 1


class Restorer(Guard):
    """Puts texts back into an answer that repeats what stands for them. Of one request.

    Args:
        restored: the texts, by what stands for them; at least one.
    """

    name = "restore"
    inward = False
    outward = True
    action: Action = "redact"

    def __init__(self, restored: Mapping[str, str]) -> None:
        self._restored = restored
        self._longest = max(map(len, restored))

    @property
    @override
    def reach(self) -> int:
        return self._longest

    @override
    def find(self, text: str, start: int = 0) -> list[Finding]:
        found = []
        for told, value in self._restored.items():
            at = text.find(told, start)
            while at >= 0:
                found.append(Finding(at, at + len(told), self.name, value))
                at = text.find(told, at + len(told))
        # Of two that begin at the same place the longer one is meant.
        found.sort(key=lambda finding: (finding.start, -finding.end))
        kept: list[Finding] = []
        for finding in found:
            if not kept or finding.start >= kept[-1].end:
                kept.append(finding)
        return kept

    @override
    def settled(self, text: str, start: int) -> int:
        for place in range(max(start, len(text) - self._longest + 1), len(text)):
            tail = text[place:]
            if any(told.startswith(tail) for told in self._restored):
                return place
        return len(text)
