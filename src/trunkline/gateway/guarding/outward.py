"""Guard out: the guards of an alias look at an answer, whole or as the events of a stream."""

from typing import Any

import msgspec

from trunkline.gateway.exchange.parts import Citation
from trunkline.gateway.exchange.reply import (
    CitationSeen,
    Event,
    ForeignEvent,
    ReasoningDelta,
    RefusalDelta,
    Started,
    Stopped,
    TextDelta,
    ToolDelta,
    ToolEnded,
    ToolStarted,
)
from trunkline.gateway.guarding.held import HeldText
from trunkline.gateway.guarding.look import Look
from trunkline.gateway.guarding.texts import TextWalk

Delta = TextDelta | ReasoningDelta | RefusalDelta


def guard_answer(document: dict[str, Any], look: Look) -> bool:
    """Show a whole answer to the guards; whether they changed it in place.

    Raises:
        GuardrailRefused: the caller does not get it.
    """
    walk = TextWalk(look.edit)
    walk.answer(document)
    if walk.changed:
        _forget_pieces(document)
    return walk.changed


def _forget_pieces(value: Any) -> None:
    """Take out the probabilities of tokens, which say the words once more, piece by piece."""
    if isinstance(value, list):
        for item in value:
            _forget_pieces(item)
    elif isinstance(value, dict):
        for name, item in value.items():
            if name in {"logprobs", "logprobsResult"} and item is not None:
                value[name] = [] if isinstance(item, list) else None
            else:
                _forget_pieces(item)


class StreamGuard:
    """Shows the events of one stream to the guards, and passes on what they let go.

    The text of a part is held as long as something may still be found in it; the arguments of a
    call until they are whole, since they are JSON and nobody can act on a part of them. Order
    stays as it was. Its state is what each choice holds.
    """

    __slots__ = ("_choices", "_come", "_gone", "_look")

    def __init__(self, look: Look) -> None:
        self._look = look
        self._choices: dict[int, _Choice] = {}
        self._come = self._gone = False

    @property
    def holds(self) -> bool:
        """Whether content has come and none of it has been let go yet."""
        return self._come and not self._gone

    def take(self, events: list[Event]) -> list[Event]:
        """The events that go on after these.

        Raises:
            GuardrailRefused: nothing of these goes on, and no more of the stream.
        """
        going: list[Event] = []
        for event in events:
            if isinstance(event, Started):
                going.append(event)
            else:
                choice = self._choices.get(event.choice)
                if choice is None:
                    choice = self._choices[event.choice] = _Choice(self._look)
                choice.take(event, going)
                self._come = True
        self._gone = self._gone or any(not isinstance(event, Started) for event in going)
        return going


class _Choice:
    """What is held of one alternative: a part of text, and calls whose arguments are coming."""

    __slots__ = ("_calls", "_held", "_last", "_look", "_waiting")

    def __init__(self, look: Look) -> None:
        self._look = look
        self._held: HeldText | None = None
        # What the text that is held belongs to, without its words.
        self._last: Delta | None = None
        self._calls: dict[int, list[str]] = {}
        # Sources of words that are held.
        self._waiting: list[Event] = []

    def take(self, event: Event, going: list[Event]) -> None:
        if isinstance(event, Delta):
            self._say(event, going)
        elif isinstance(event, CitationSeen):
            cited = CitationSeen(self._citation(event.citation), event.choice)
            (self._waiting if self._held is not None and self._held.holds else going).append(cited)
        elif isinstance(event, ToolStarted):
            self._end_part(going)
            self._calls[event.index] = []
            going.append(event)
        elif isinstance(event, ToolDelta):
            self._argue(event, going)
        elif isinstance(event, ToolEnded):
            self._end_call(event.index, event.choice, going)
            going.append(event)
        else:
            self._end_part(going)
            self._pass(event, going)

    def _say(self, event: Delta, going: list[Event]) -> None:
        bare = _without_words(event)
        if self._held is None or self._last != bare:
            self._end_part(going)
            self._held, self._last = HeldText(self._look), bare
        told = self._held.add(event.text)
        if told:
            going.append(_with_words(bare, told))
            if not self._held.holds:
                self._release(going)

    def _end_part(self, going: list[Event]) -> None:
        held, last = self._held, self._last
        self._held = None
        if held is not None and last is not None and (told := held.end()):
            going.append(_with_words(last, told))
        self._release(going)

    def _release(self, going: list[Event]) -> None:
        going += self._waiting
        self._waiting = []

    def _argue(self, event: ToolDelta, going: list[Event]) -> None:
        pieces = self._calls.get(event.index)
        if pieces is None:
            going.append(event)
        else:
            pieces.append(event.arguments)

    def _end_call(self, index: int, choice: int, going: list[Event]) -> None:
        pieces = self._calls.pop(index, None)
        if pieces:
            told = TextWalk(self._look.edit).text("".join(pieces))
            going.append(ToolDelta(index, told, choice))

    def _pass(self, event: Event, going: list[Event]) -> None:
        if isinstance(event, Stopped):
            for index in list(self._calls):
                self._end_call(index, event.choice, going)
        elif isinstance(event, ForeignEvent):
            value = TextWalk(self._look.edit).structure(event.value)
            event = ForeignEvent(event.wire, value, event.choice)
        going.append(event)

    def _citation(self, citation: Citation) -> Citation:
        edit = self._look.edit
        return msgspec.structs.replace(
            citation,
            title=citation.title and edit(citation.title),
            cited=citation.cited and edit(citation.cited),
            native=TextWalk(edit).structure(citation.native),
        )


def _without_words(event: Delta) -> Delta:
    """What tells the part that a piece belongs to.

    Probabilities of tokens would say the words once more, and do not fit what is held.
    """
    if isinstance(event, TextDelta):
        return TextDelta("", event.choice)
    return msgspec.structs.replace(event, text="")


def _with_words(bare: Delta, words: str) -> Delta:
    return msgspec.structs.replace(bare, text=words)
