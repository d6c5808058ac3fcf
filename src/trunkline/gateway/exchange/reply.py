"""What comes back: a whole reply, or the events of a stream. Usage travels beside both.

A stream's events come in this order for each choice: parts one after another, each closed by
``PartEnded`` or ``ToolEnded`` where the wire says so, then ``Stopped``. The writer of the caller's
wire adds what its grammar needs: blocks, indexes, sequence numbers, its own end.
"""

from typing import Any, Literal

import msgspec

from trunkline.gateway.exchange.parts import Citation, Document, Family, Part

Reason = Literal["end", "stop_sequence", "length", "tools", "filtered", "refusal", "paused"]
"""Why the model stopped. ``tools`` is decided by whether it called one, not by the provider's word;
``filtered`` is the provider's filter, ``refusal`` the model's own; ``paused`` wants to go on."""


class Stop(msgspec.Struct, frozen=True):
    """Why a choice ended; ``native`` is the provider's word, ``sequence`` what it stumbled on."""

    reason: Reason = "end"
    native: str | None = None
    sequence: str | None = None


class Choice(msgspec.Struct, frozen=True):
    """One alternative. ``logprobs`` has OpenAI's shape of chat completions."""

    parts: tuple[Part, ...]
    stop: Stop = Stop()
    logprobs: Any = None
    extra: Document = {}


class Reply(msgspec.Struct, frozen=True):
    """A whole answer.

    Attributes:
        wire: the provider's wire; ``extra`` belongs to it.
        id: the provider's own id of the answer.
        created: Unix seconds, where the provider says it.
    """

    wire: str
    choices: tuple[Choice, ...]
    id: str | None = None
    model: str | None = None
    created: int | None = None
    service_tier: str | None = None
    extra: Document = {}


class Started(msgspec.Struct, frozen=True):
    """The provider has begun; comes first and once."""

    id: str | None = None
    model: str | None = None
    created: int | None = None


class TextDelta(msgspec.Struct, frozen=True):
    """A piece of visible text."""

    text: str
    choice: int = 0
    logprobs: Any = None


class ReasoningDelta(msgspec.Struct, frozen=True):
    """A piece of shown thought; ``id`` is the item's own id where the wire has one."""

    text: str
    choice: int = 0
    summary: bool = False
    id: str | None = None


class SignatureDelta(msgspec.Struct, frozen=True):
    """The signature of the thought before it, or a redacted thought of its own."""

    signature: str
    family: Family
    choice: int = 0
    redacted: bool = False
    id: str | None = None


class RefusalDelta(msgspec.Struct, frozen=True):
    """A piece of the model's own words for why it does not answer."""

    text: str
    choice: int = 0


class CitationSeen(msgspec.Struct, frozen=True):
    """A source of the text part that is under way."""

    citation: Citation
    choice: int = 0


class PartEnded(msgspec.Struct, frozen=True):
    """The text or thought that was under way is complete."""

    choice: int = 0


class ToolStarted(msgspec.Struct, frozen=True):
    """A call begins; ``index`` counts a choice's calls from 0, whatever the provider counts."""

    index: int
    id: str
    name: str
    choice: int = 0
    kind: Literal["function", "custom"] = "function"
    signature: str | None = None
    family: Family = ""


class ToolDelta(msgspec.Struct, frozen=True):
    """A piece of a call's arguments."""

    index: int
    arguments: str
    choice: int = 0


class ToolEnded(msgspec.Struct, frozen=True):
    """The call's arguments are complete; without any piece they are ``{}``."""

    index: int
    choice: int = 0


class Stopped(msgspec.Struct, frozen=True):
    """A choice is complete."""

    stop: Stop
    choice: int = 0


class ForeignEvent(msgspec.Struct, frozen=True):
    """An event that only its own wire understands, with what is needed to write it again."""

    wire: str
    value: Any
    choice: int = 0


Event = (
    Started
    | TextDelta
    | ReasoningDelta
    | SignatureDelta
    | RefusalDelta
    | CitationSeen
    | PartEnded
    | ToolStarted
    | ToolDelta
    | ToolEnded
    | Stopped
    | ForeignEvent
)
