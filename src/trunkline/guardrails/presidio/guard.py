"""The guard that has Presidio look at requests."""

from collections.abc import Mapping, Sequence

from typing_extensions import override

from trunkline.gateway.guarding.analysis import AwaitedGuard, Spot, Task, WhenDown
from trunkline.gateway.guarding.guard import Finding
from trunkline.guardrails.written import Heading, WrittenGuard


class PresidioGuard(WrittenGuard, AwaitedGuard):
    """Has texts analysed. It never changes after it is made.

    Args:
        heading: of the guardrail.
        task: what is looked for.
        stands_in: by kind, what stands in the place of a finding.
        timeout: seconds that a request waits.
        when_down: what follows where nobody looked.
        restored: whether answers get back what was replaced in the request.
    """

    def __init__(
        self,
        heading: Heading,
        task: Task,
        stands_in: Mapping[str, str],
        *,
        timeout: float,
        when_down: WhenDown,
        restored: bool,
    ) -> None:
        super().__init__(heading)
        self.task = task
        self.timeout = timeout
        self.when_down = when_down
        self._stands_in = stands_in if heading.action == "redact" else {}
        self._restored = restored

    @override
    def findings(self, spots: Sequence[Spot]) -> list[Finding]:
        """Of those that overlap the surest is kept, and of equal ones the longest."""
        found: list[Finding] = []
        for spot in sorted(spots, key=lambda one: (-one.score, one.start - one.end, one.start)):
            if all(spot.end <= other.start or other.end <= spot.start for other in found):
                instead = self._stands_in.get(spot.kind)
                found.append(Finding(spot.start, spot.end, spot.kind, instead, self._restored))
        return sorted(found, key=lambda finding: finding.start)
