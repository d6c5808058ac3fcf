"""Gemini's events as those of the internal form.

Each event is a whole answer with the next parts. Calls come whole. Since older models name a reason
to finish in each event, a choice stops only when the stream is closed.
"""

from typing import Any, Final

import msgspec
from typing_extensions import override

from trunkline.gateway.exchange.reply import (
    CitationSeen,
    Event,
    ForeignEvent,
    ReasoningDelta,
    SignatureDelta,
    Started,
    Stop,
    Stopped,
    TextDelta,
    ToolDelta,
    ToolEnded,
    ToolStarted,
)
from trunkline.gateway.wire.contract import EventReader, Malformed
from trunkline.gateway.wire.documents import arguments_text
from trunkline.gateway.wire.gemini.calls import made_id
from trunkline.gateway.wire.gemini.citations import read_citations
from trunkline.gateway.wire.gemini.logprobs import read_logprobs
from trunkline.gateway.wire.gemini.own import WIRE
from trunkline.gateway.wire.gemini.stops import read_stop, require_readable
from trunkline.gateway.wire.sse import data_of

_ABSENT: Final = msgspec.Raw()


class _Call(msgspec.Struct, rename="camel"):
    name: str | None = None
    id: str | None = None
    args: msgspec.Raw = _ABSENT


class _Part(msgspec.Struct, rename="camel"):
    text: str | None = None
    thought: bool | None = None
    thought_signature: str | None = None
    function_call: _Call | None = None


class _Content(msgspec.Struct):
    parts: list[_Part] | None = None


class _Candidate(msgspec.Struct, rename="camel"):
    content: _Content | None = None
    index: int | None = None
    finish_reason: str | None = None
    grounding_metadata: Any = None
    citation_metadata: Any = None
    logprobs_result: Any = None


class _Feedback(msgspec.Struct, rename="camel"):
    block_reason: str | None = None


class _Chunk(msgspec.Struct, rename="camel"):
    candidates: list[_Candidate] | None = None
    prompt_feedback: _Feedback | None = None
    model_version: str | None = None
    response_id: str | None = None


_decode = msgspec.json.Decoder(_Chunk).decode
_decode_any = msgspec.json.Decoder().decode


class _Choice:
    """What is known of one candidate so far."""

    __slots__ = ("called", "cited", "recited", "said", "texts", "word")

    def __init__(self) -> None:
        self.called = 0
        self.said = False
        self.texts: list[str] = []
        self.word: str | None = None
        self.cited: Any = None
        self.recited: Any = None


class GeminiEventReader(EventReader):
    """Reads one stream. Its state is what is known of each candidate, and the number of calls."""

    __slots__ = ("_blocked", "_calls", "_choices", "_seed", "_started")

    def __init__(self, seed: str) -> None:
        self._seed = seed
        self._started = False
        self._calls = 0
        self._choices: dict[int, _Choice] = {}
        self._blocked: str | None = None

    @override
    def read(self, frame: bytes) -> list[Event]:
        data = data_of(frame)
        if not data:
            return []
        try:
            chunk = _decode(data)
        except (msgspec.DecodeError, RecursionError):
            raise Malformed("an event is not what the wire promises") from None
        events: list[Event] = []
        if not self._started:
            self._started = True
            events.append(Started(chunk.response_id, chunk.model_version))
        for place, candidate in enumerate(chunk.candidates or ()):
            index = candidate.index or 0
            choice = self._choices.get(index)
            if choice is None:
                choice = self._choices[index] = _Choice()
            if candidate.content is not None and candidate.content.parts:
                self._read_parts(candidate, choice, index, events, (data, place))
            self._note(candidate, choice)
        if chunk.prompt_feedback is not None and chunk.prompt_feedback.block_reason:
            self._blocked = chunk.prompt_feedback.block_reason
        return events

    def _read_parts(
        self,
        candidate: _Candidate,
        choice: _Choice,
        index: int,
        events: list[Event],
        source: tuple[bytes, int],
    ) -> None:
        logprobs = candidate.logprobs_result
        listed = read_logprobs(logprobs) if logprobs is not None else None
        content = candidate.content
        for place, part in enumerate(content.parts or () if content is not None else ()):
            text = part.text
            if text is None:
                choice.said = True
                if part.function_call is not None:
                    self._read_call(part, part.function_call, choice, index, events)
                else:
                    events.append(ForeignEvent(WIRE, _part_of(source, place), index))
                continue
            if text:
                choice.said = True
                if part.thought:
                    events.append(ReasoningDelta(text, index))
                else:
                    choice.texts.append(text)
                    events.append(TextDelta(text, index, listed))
                    listed = None
            if part.thought_signature is not None:
                events.append(SignatureDelta(part.thought_signature, "google", index))

    def _read_call(
        self, part: _Part, call: _Call, choice: _Choice, index: int, events: list[Event]
    ) -> None:
        if not call.name:
            # Only Vertex cuts calls into pieces, and only where it is asked to.
            raise Malformed("a call of a function has no name")
        number = choice.called
        choice.called += 1
        signature = part.thought_signature
        call_id = call.id or made_id(self._seed, self._calls)
        self._calls += 1
        events += (
            ToolStarted(
                number,
                call_id,
                call.name,
                index,
                signature=signature,
                family="" if signature is None else "google",
            ),
            ToolDelta(number, _arguments(call.args), index),
            ToolEnded(number, index),
        )

    def _note(self, candidate: _Candidate, choice: _Choice) -> None:
        word = candidate.finish_reason
        if word is not None:
            said = choice.said or any(other.said for other in self._choices.values())
            require_readable(word, said=said)
            choice.word = word
        if candidate.grounding_metadata is not None:
            choice.cited = candidate.grounding_metadata
        if candidate.citation_metadata is not None:
            choice.recited = candidate.citation_metadata

    @override
    def close(self) -> list[Event]:
        events: list[Event] = []
        for index, choice in sorted(self._choices.items()):
            if choice.cited is not None or choice.recited is not None:
                texts = {0: "".join(choice.texts)} if choice.texts else {}
                found = read_citations(choice.cited, choice.recited, texts)
                events += [CitationSeen(one, index) for one in found.get(0, ())]
            events.append(Stopped(read_stop(choice.word, called=choice.called > 0), index))
        if not events:
            events.append(Stopped(Stop("filtered" if self._blocked else "end", self._blocked)))
        return events


def _arguments(args: msgspec.Raw) -> str:
    raw = bytes(args)
    if raw.startswith(b"{"):
        return raw.decode()
    return arguments_text(_decode_any(raw) if raw else None)


def _part_of(source: tuple[bytes, int], place: int) -> Any:
    """A part of a kind that we do not know, as it came."""
    data, candidate = source
    return _decode_any(data)["candidates"][candidate]["content"]["parts"][place]
