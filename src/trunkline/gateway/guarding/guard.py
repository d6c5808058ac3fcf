"""What the data path asks of a guardrail. It is compiled once, outside the path, and never changes.

A guard sees plain texts only; where they stand in a request or in an answer is not its matter.
"""

from typing import Protocol

import msgspec

from trunkline.errors import InvalidRequest


class GuardrailRefused(InvalidRequest):
    """A guardrail does not let a text through."""

    default_code = "guardrail_refused"


class Finding(msgspec.Struct, frozen=True):
    """One place in a text that a guard does not leave as it is.

    Attributes:
        start, end: characters of the text; for rules about the whole text 0 and its length.
        kind: what was found, such as ``email`` or the name of a topic; safe to log.
        instead: what stands there afterwards; None where the guard only refuses or notes.
    """

    start: int
    end: int
    kind: str
    instead: str | None = None


class Guard(Protocol):
    """One guardrail of an alias. Pure, and quick: it runs on the event loop.

    Attributes:
        name: for headers, metrics and errors.
        inward: whether it looks at requests.
        outward: whether it looks at answers.
        action: what follows a finding: the text is changed, the request refused (an answer broken
            off), or only a note made.
        reach: the longest finding that it can make, in characters: so much of a stream is held
            back until it is certain that no finding begins there.
    """

    @property
    def name(self) -> str: ...
    @property
    def inward(self) -> bool: ...
    @property
    def outward(self) -> bool: ...
    @property
    def action(self) -> str: ...
    @property
    def reach(self) -> int: ...

    def find(self, text: str) -> list[Finding]:
        """All findings in order, none of which overlap; none for a text that may pass."""
        ...
