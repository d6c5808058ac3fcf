"""A provider's streamed chat as events.

Parts come one after another in each choice, and calls are counted from 0 whatever the server counts
from. The stop is told at the wire's own end, since some servers name a reason twice or go on after
it, and the call of a tool decides it.
"""

from typing import Final

from typing_extensions import override

from trunkline.gateway.exchange.reply import (
    Event,
    Started,
)
from trunkline.gateway.wire.contract import EventReader
from trunkline.gateway.wire.openai_family.choice_reader import ChoiceReader
from trunkline.gateway.wire.openai_family.chunks import Chunk, read_chunk
from trunkline.gateway.wire.sse import data_of

_DONE: Final = b"[DONE]"


class ChatEventReader(EventReader):
    """Reads ``chat.completion.chunk`` frames. Its state is what is open in each choice."""

    __slots__ = ("_choices", "_seed", "_started")

    def __init__(self, seed: str) -> None:
        self._seed = seed
        self._started = False
        self._choices: dict[int, ChoiceReader] = {}

    @override
    def read(self, frame: bytes) -> list[Event]:
        data = data_of(frame)
        if not data or data == _DONE:
            return []
        chunk = read_chunk(data)
        events: list[Event] = []
        if not chunk.choices:
            return events
        if not self._started:
            self._start(chunk, events)
        for choice in chunk.choices:
            reader = self._choices.get(choice.index)
            if reader is None:
                reader = self._open(choice.index)
            reader.read(choice, events)
        return events

    @override
    def close(self) -> list[Event]:
        events: list[Event] = []
        if not self._choices:
            self._open(0)
        for index in sorted(self._choices):
            self._choices[index].close(events)
        return events

    def _open(self, index: int) -> ChoiceReader:
        reader = self._choices[index] = ChoiceReader(index, self._seed)
        return reader

    def _start(self, chunk: Chunk, events: list[Event]) -> None:
        """The first chunk with a choice: Azure's first one has none and empty names."""
        self._started = True
        events.append(Started(chunk.id or None, chunk.model or None, chunk.created or None))
