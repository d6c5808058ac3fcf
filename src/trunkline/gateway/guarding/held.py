"""A text that comes in pieces: what nothing can be found in any more is let go."""

from trunkline.gateway.guarding.guard import Finding
from trunkline.gateway.guarding.look import Look

# What was let go and is still looked at, as the surroundings of what follows.
_SURROUNDINGS = 32


class HeldText:
    """One part of an answer. Its state is the text that is held, with a little before it.

    Args:
        look: the guards.
        measured: whether its size was counted before.
    """

    __slots__ = ("_gone", "_look", "_measured", "_resume", "_text")

    def __init__(self, look: Look, *, measured: bool = False) -> None:
        self._look = look
        self._measured = measured
        self._text = ""
        # Up to here it was let go; each guard goes on behind what it last found.
        self._gone = 0
        self._resume = [0] * len(look.guards)

    @property
    def holds(self) -> bool:
        """Whether anything waits."""
        return self._gone < len(self._text)

    def add(self, piece: str) -> str:
        """What can go after this piece has come, with its changes made.

        Raises:
            GuardrailRefused: none of it goes.
        """
        if not self._measured:
            self._look.measure(piece, whole=False)
        self._text += piece
        text, gone = self._text, self._gone
        settled = len(text)
        for guard in self._look.guards:
            settled = min(settled, guard.settled(text, gone))
        return self._let_go(settled) if settled > gone else ""

    def end(self) -> str:
        """All that is left; the part is over.

        Raises:
            GuardrailRefused: as ``add``.
        """
        if not self.holds:
            return ""
        return self._let_go(len(self._text))

    def _let_go(self, settled: int) -> str:
        look, text, gone = self._look, self._text, self._gone
        kept: list[Finding] = []
        end = settled
        for place, guard in enumerate(look.guards):
            found = guard.find(text, max(gone, self._resume[place]))
            sure = [finding for finding in found if finding.start < settled]
            if sure:
                self._resume[place] = sure[-1].end
                kept = look.act(guard, sure, kept)
        if kept:
            end = max(settled, kept[-1].end)
        told = look.written(text, gone, end, kept) if kept else text[gone:end]
        self._forget(end)
        return told

    def _forget(self, end: int) -> None:
        cut = max(0, end - _SURROUNDINGS)
        self._text = self._text[cut:]
        self._gone = end - cut
        self._resume = [max(0, place - cut) for place in self._resume]
