"""What a provider wants back on the next turn and many callers' wires have no place for.

A model that called a tool is continued with its own thought before it and, at Google, with the
call's signature. Callers give calls back by their ids, so what belongs to a call is kept under it.
"""

from collections.abc import Callable, Iterable

import msgspec

from trunkline.gateway.exchange.parts import Family, Part, Reasoning, ToolCall
from trunkline.gateway.exchange.reply import (
    Event,
    PartEnded,
    ReasoningDelta,
    SignatureDelta,
    TextDelta,
    ToolDelta,
    ToolStarted,
)
from trunkline.gateway.exchange.request import Message, Request
from trunkline.gateway.exchange.uniqueness import is_unique


class Kept(msgspec.Struct, frozen=True):
    """What belongs to one call.

    Attributes:
        reasoning: the thought since the call before it, or since the turn began.
        signature: the call's own, of ``family``.
    """

    reasoning: tuple[Reasoning, ...] = ()
    signature: str | None = None
    family: Family = ""

    @property
    def size(self) -> int:
        """Bytes of memory that its text takes at most."""
        thought = sum(_memory(part.text) + _memory(part.signature) for part in self.reasoning)
        return thought + _memory(self.signature)


def _memory(text: str | None) -> int:
    if text is None:
        return 0
    return len(text) if text.isascii() else 4 * len(text)


def collect(parts: Iterable[Part]) -> dict[str, Kept]:
    """What to keep of a finished turn, by those ids of its calls that are unique; often nothing."""
    kept: dict[str, Kept] = {}
    reasoning: list[Reasoning] = []
    for part in parts:
        if isinstance(part, Reasoning):
            reasoning.append(part)
        elif isinstance(part, ToolCall):
            if (reasoning or part.signature) and is_unique(part.id, part.name):
                kept[part.id] = Kept(tuple(reasoning), part.signature, part.family)
            reasoning = []
    return kept


class Collector:
    """Gathers what to keep from the events of one stream.

    Its state is, for each alternative, the thought since its last call, and what is kept so far.
    """

    __slots__ = ("_calls", "_thoughts")

    def __init__(self) -> None:
        self._thoughts: dict[int, _Thoughts] = {}
        self._calls: dict[str, Kept] = {}

    def take(self, events: list[Event]) -> None:
        """Look at the events of a frame."""
        for event in events:
            kind = type(event)
            if kind is TextDelta or kind is ToolDelta:
                continue
            if isinstance(event, ReasoningDelta):
                self._of(event.choice).say(event)
            elif isinstance(event, SignatureDelta):
                self._of(event.choice).sign(event)
            elif isinstance(event, PartEnded):
                self._of(event.choice).end()
            elif isinstance(event, ToolStarted):
                call = ToolCall(
                    event.id, event.name, signature=event.signature, family=event.family
                )
                self._calls.update(collect((*self._of(event.choice).taken(), call)))

    @property
    def kept(self) -> dict[str, Kept]:
        """By the ids of the calls; whole once the stream has ended."""
        return self._calls

    def _of(self, choice: int) -> "_Thoughts":
        found = self._thoughts.get(choice)
        if found is None:
            found = self._thoughts[choice] = _Thoughts()
        return found


class _Thoughts:
    """The thought of one alternative: parts that are whole, and the one under way."""

    __slots__ = ("_id", "_summary", "_texts", "_whole")

    def __init__(self) -> None:
        self._whole: list[Reasoning] = []
        self._texts: list[str] = []
        self._id: str | None = None
        self._summary = False

    def say(self, event: ReasoningDelta) -> None:
        if self._texts and event.id != self._id:
            self.end()
        self._texts.append(event.text)
        self._id = event.id
        self._summary = event.summary

    def sign(self, event: SignatureDelta) -> None:
        if event.redacted:
            self.end()
        text, self._texts = "".join(self._texts), []
        self._whole.append(
            Reasoning(
                text,
                event.signature,
                event.family,
                event.id or self._id,
                redacted=event.redacted,
                summary=self._summary,
            )
        )
        self._id, self._summary = None, False

    def end(self) -> None:
        if self._texts:
            text, self._texts = "".join(self._texts), []
            self._whole.append(Reasoning(text, id=self._id, summary=self._summary))
        self._id, self._summary = None, False

    def taken(self) -> list[Reasoning]:
        self.end()
        whole, self._whole = self._whole, []
        return whole


def restore(request: Request, find: Callable[[str], Kept | None]) -> Request:
    """The request with what its calls need and its caller could not give back.

    Thought that the caller gave back with its signatures stays as it is, and where the same words
    came without them as well, as shown beside what was sealed, only the signed ones stay.

    Args:
        request: as it was read.
        find: what was kept under a call's id, or None.
    """
    messages = [_said_once(message) for message in request.messages]
    changed = any(one is not given for one, given in zip(messages, request.messages, strict=True))
    start = 0
    for index, message in enumerate(messages):
        if message.role != "assistant":
            start = index + 1
        elif (index + 1 == len(messages) or messages[index + 1].role != "assistant") and _restore(
            messages, start, index + 1, find
        ):
            changed = True
    if not changed:
        return request
    # A message that held nothing but thought which stands elsewhere now is one too many.
    left = tuple(
        message
        for message, given in zip(messages, request.messages, strict=True)
        if message.parts or not given.parts
    )
    return msgspec.structs.replace(request, messages=left)


def _said_once(message: Message) -> Message:
    """The message without words of thought that stand in it once more, signed."""
    thoughts = [part for part in message.parts if isinstance(part, Reasoning)]
    signed = [part.text for part in thoughts if part.signature]
    if not signed or len(signed) == len(thoughts):
        return message
    shown = "".join(part.text for part in thoughts if not part.signature)
    if shown not in {*signed, "".join(signed)}:
        return message
    parts = (part for part in message.parts if not isinstance(part, Reasoning) or part.signature)
    return msgspec.structs.replace(message, parts=tuple(parts))


def _restore(
    messages: list[Message], start: int, end: int, find: Callable[[str], Kept | None]
) -> bool:
    """Complete one turn, which may have come as several messages; whether anything was missing."""
    turn = messages[start:end]
    calls = [part for message in turn for part in message.parts if isinstance(part, ToolCall)]
    found = {call.id: kept for call in calls if (kept := find(call.id)) is not None}
    if not found:
        return False
    # Words without their signature are as good as missing where the signature was kept.
    given = any(isinstance(part, Reasoning) and part.signature for m in turn for part in m.parts)
    missing = not given and any(kept.reasoning for kept in found.values())
    # What led to the first call stood before everything else, also before the text.
    first = found.get(calls[0].id, Kept()).reasoning if missing else ()
    for place, message in enumerate(turn):
        parts: list[Part] = list(first) if place == 0 else []
        for part in message.parts:
            if isinstance(part, ToolCall):
                kept = found.get(part.id, Kept())
                if missing and part is not calls[0]:
                    parts.extend(kept.reasoning)
                parts.append(_signed(part, kept))
            elif not (missing and isinstance(part, Reasoning)):
                parts.append(part)
        messages[start + place] = msgspec.structs.replace(message, parts=tuple(parts))
    return True


def _signed(call: ToolCall, kept: Kept) -> ToolCall:
    if call.signature is not None or kept.signature is None:
        return call
    return msgspec.structs.replace(call, signature=kept.signature, family=kept.family)


def lacks_thought(messages: tuple[Message, ...], family: Family) -> bool:
    """Whether the last turn of the model called a tool and its own thought before it is missing.

    A model of Anthropic's that thinks by a budget refuses to go on from such a turn.
    """
    turn: list[Part] = []
    for message in reversed(messages):
        if message.role == "assistant":
            turn[:0] = message.parts
        elif turn:
            break
    if not any(isinstance(part, ToolCall) for part in turn):
        return False
    first = turn[0]
    return not (isinstance(first, Reasoning) and first.signature and first.family == family)
