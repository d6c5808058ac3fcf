"""The guards of one way, looking at texts together."""

from collections.abc import Sequence
from typing import Literal

from trunkline.errors import Unavailable
from trunkline.gateway.guarding.analysis import AwaitedGuard
from trunkline.gateway.guarding.guard import (
    Extent,
    Finding,
    Gauge,
    Guard,
    GuardrailRefused,
)
from trunkline.gateway.guarding.notes import Notes
from trunkline.gateway.guarding.stand_ins import Restorer, StandIns
from trunkline.gateway.metering.event import Guarded

# Nobody has counted the tokens yet; providers' tokenizers make one of about four bytes.
_BYTES_PER_TOKEN = 4
_RETRY_SECONDS = 5


class Look:
    """Shows texts to guards and does what follows. It belongs to one request and one way.

    Its state is what was measured and counted so far.

    Args:
        guards: those of the way, in their order.
        told: where what they did is written down.
        way: whether the texts are a request's or an answer's.
        stand_ins: the numbers of the request.
    """

    __slots__ = ("_bytes", "_extent", "_gauges", "_notes", "_way", "guards", "stand_ins")

    def __init__(
        self,
        guards: Sequence[Guard],
        told: list[Guarded],
        way: Literal["in", "out"],
        stand_ins: StandIns,
    ) -> None:
        self._gauges = [guard for guard in guards if isinstance(guard, Gauge)]
        self.guards: list[Guard] = [guard for guard in guards if not isinstance(guard, Gauge)]
        if way == "out" and stand_ins.restored:
            self.guards.append(Restorer(stand_ins.restored))
        self.stand_ins = stand_ins
        self._notes = Notes(told, way)
        self._way = way
        self._extent = Extent()
        self._bytes = 0

    @property
    def changes(self) -> bool:
        """Whether a text may come out of it otherwise than it went in, or not at all."""
        return any(guard.action != "note" for guard in (*self.guards, *self._gauges))

    def edit(self, text: str) -> str:
        """The text as it goes on: the same one where nothing is changed.

        Raises:
            GuardrailRefused: it does not go on.
        """
        if self._gauges:
            self.measure(text)
        kept: list[Finding] = []
        for guard in self.guards:
            found = guard.find(text)
            if found:
                kept = self.act(guard, found, kept)
        return self.written(text, 0, len(text), kept) if kept else text

    def edit_by(self, guard: Guard, text: str, found: list[Finding]) -> str:
        """The text as it goes on after a guard has found this elsewhere.

        Raises:
            GuardrailRefused: it does not go on.
        """
        kept = self.act(guard, found, []) if found else []
        return self.written(text, 0, len(text), kept) if kept else text

    def unseen(self, guard: AwaitedGuard, reason: str) -> None:
        """Do what follows where nobody could look for a guard.

        Raises:
            Unavailable: the request does not go on.
        """
        refuses = guard.when_down == "refuse"
        self._notes.add(guard.name, "refuse" if refuses else "note", [reason])
        if refuses:
            raise Unavailable(
                f"The guardrail '{guard.name}' cannot look at this request at the moment.",
                code="guardrail_unavailable",
                hint="Send it again later.",
                retry_after=_RETRY_SECONDS,
            )

    def act(self, guard: Guard, found: list[Finding], kept: list[Finding]) -> list[Finding]:
        """Do what follows findings of a guard.

        Args:
            guard: who found them.
            found: in their order.
            kept: what earlier guards change; what overlaps it is not there any more.

        Returns:
            All changes in their order.

        Raises:
            GuardrailRefused: a finding stops the request.
        """
        if kept:
            found = [one for one in found if not _overlaps(one, kept)]
            if not found:
                return kept
        kinds = [finding.kind for finding in found]
        if not isinstance(guard, Restorer):
            self._notes.add(guard.name, guard.action, kinds)
        if guard.action == "refuse":
            raise self._refusal(guard, kinds)
        if guard.action == "note":
            return kept
        return sorted([*kept, *found], key=lambda finding: finding.start) if kept else found

    def written(self, text: str, start: int, end: int, changes: list[Finding]) -> str:
        """A stretch of a text with its changes made."""
        pieces = []
        for change in changes:
            value = text[change.start : change.end]
            pieces += [text[start : change.start], self.stand_ins.instead_of(change, value)]
            start = change.end
        pieces.append(text[start:end])
        return "".join(pieces)

    def measure(self, text: str, *, whole: bool = True) -> None:
        """Count a text, or without ``whole`` a piece of one.

        Raises:
            GuardrailRefused: a ceiling is passed.
        """
        if not self._gauges:
            return
        extent = self._extent
        self._bytes += len(text) if text.isascii() else len(text.encode("utf-8", "replace"))
        self._judge(
            Extent(
                extent.characters + len(text),
                -(-self._bytes // _BYTES_PER_TOKEN),
                extent.messages,
                max(extent.longest, len(text)) if whole else extent.longest,
            )
        )

    def count_messages(self, messages: int) -> None:
        """Count turns of a conversation.

        Raises:
            GuardrailRefused: a ceiling is passed.
        """
        extent = self._extent
        self._judge(
            Extent(extent.characters, extent.tokens, extent.messages + messages, extent.longest)
        )

    def _judge(self, extent: Extent) -> None:
        before, self._extent = self._extent, extent
        for gauge in self._gauges:
            passed = gauge.exceeded(extent)
            if passed and (news := [kind for kind in passed if kind not in gauge.exceeded(before)]):
                self._notes.add(gauge.name, gauge.action, news)
                if gauge.action == "refuse":
                    raise self._refusal(gauge, news)

    def _refusal(self, guard: Guard, kinds: list[str]) -> GuardrailRefused:
        found = ", ".join(dict.fromkeys(kinds))
        if self._way == "in":
            return GuardrailRefused(
                f"The guardrail '{guard.name}' refuses this request because of: {found}.",
                hint="Take it out of the request, or ask your administrator.",
            )
        return GuardrailRefused(
            f"The guardrail '{guard.name}' stopped this answer because of: {found}.",
            hint="Ask for something else, or ask your administrator.",
        )


def _overlaps(one: Finding, others: list[Finding]) -> bool:
    return any(one.start < other.end and other.start < one.end for other in others)
