"""What the data path asks of a guardrail. It is compiled once, outside the path, and never changes.

A guard sees plain texts only; where they stand in a request or in an answer is not its matter.
"""

from typing import Literal, Protocol

import msgspec
from typing_extensions import override

from trunkline.errors import InvalidRequest

Action = Literal["redact", "refuse", "note"]


class GuardrailRefused(InvalidRequest):
    """A guardrail does not let a text through."""

    default_code = "guardrail_refused"


class Finding(msgspec.Struct, frozen=True):
    """One place in a text that a guard does not leave as it is.

    Attributes:
        start, end: characters of the text; for rules about the whole text 0 and its length.
        kind: what was found, such as ``email`` or the name of a topic; safe to log.
        instead: what stands there afterwards; None where the guard only refuses or notes. ``{n}``
            in it becomes a number that is the same for equal texts of one request.
        restored: whether the answer to the same caller gets the text back where it repeats what
            stands here instead; only with ``{n}``.
    """

    start: int
    end: int
    kind: str
    instead: str | None = None
    restored: bool = False


class Guard(Protocol):
    """One guardrail of an alias. Pure, and quick: it runs on the event loop.

    Attributes:
        name: for headers, metrics and errors.
        inward: whether it looks at requests.
        outward: whether it looks at answers.
        action: what follows a finding: the text is changed, the request refused (an answer broken
            off), or only a note made.
        reach: the longest finding that it can make, in characters: at most so much of a stream is
            held back until it is certain that no finding begins there.
        digest: the same in every process for guards that do the same, and another one after each
            change of what is written or of this software: answers made under another one are not
            given again. None where nobody can say, and then none of another guard's are.
    """

    @property
    def name(self) -> str: ...
    @property
    def inward(self) -> bool: ...
    @property
    def outward(self) -> bool: ...
    @property
    def action(self) -> Action: ...
    @property
    def reach(self) -> int: ...
    @property
    def digest(self) -> str | None:
        return None

    def find(self, text: str, start: int = 0) -> list[Finding]:
        """All findings in order, none of which overlap; none for a text that may pass.

        Whether something is a finding is decided by what stands around it, never by what was found
        far before it, so that a text that comes in pieces is read like one that comes whole.

        Args:
            text: what is looked at.
            start: findings begin here or later; what stands before is only their surroundings.
        """
        ...

    def settled(self, text: str, start: int) -> int:
        """Up to where nothing can become a finding any more, whatever text follows.

        Args:
            text: the beginning of a text that goes on.
            start: from where it has not been let go, at least the result.
        """
        return max(start, len(text) - self.reach)


class Extent(msgspec.Struct, frozen=True):
    """How large a request is, or an answer so far.

    Attributes:
        characters: of all texts.
        tokens: estimated from the bytes of the texts.
        messages: how many turns there are; 0 for an answer.
        longest: characters of the longest single text.
    """

    characters: int = 0
    tokens: int = 0
    messages: int = 0
    longest: int = 0


class Gauge(Guard):
    """A guard that measures a request or an answer as a whole and finds nothing in single texts."""

    def exceeded(self, extent: Extent) -> list[str]:
        """The kinds of the ceilings that are passed, such as ``characters``."""
        raise NotImplementedError

    @override
    def find(self, text: str, start: int = 0) -> list[Finding]:
        return []

    @override
    def settled(self, text: str, start: int) -> int:
        return len(text)
